//! What the worker does here.

mod import;

pub use import::{ImportFile, ImportsFiles, StillAllowed};
