//! The use cases.

mod directory;
mod provision;
mod registry;
mod resolution;

pub use directory::Directory;
pub use provision::{NewTenant, Provisioning};
pub use registry::{Registered, Registry};
pub use resolution::Resolution;
