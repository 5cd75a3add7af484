//! The use cases.

mod provision;
mod registry;
mod resolution;

pub use provision::{NewTenant, Provisioning};
pub use registry::{Registered, Registry, RegistrySettings};
pub use resolution::Resolution;
