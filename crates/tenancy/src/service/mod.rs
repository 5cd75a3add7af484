//! The use cases.

mod administration;
mod directory;
mod provision;
mod registry;
mod resolution;

pub use administration::{Administration, ChangesTenants, LockedTenant};
pub use directory::Directory;
pub use provision::{NewTenant, Provisioning};
pub use registry::{Registered, Registry};
pub use resolution::Resolution;
