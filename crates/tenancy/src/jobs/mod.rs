//! What the worker does here.

mod provision;

pub use provision::{ProvisionTenant, ProvisionsTenants};
