//! What tenancy needs of others; `app` wires both sides.

use std::error::Error;

use async_trait::async_trait;
use database::TenantContext;
use kernel::SchemaName;

/// Why another component could not do its part.
pub type PortError = Box<dyn Error + Send + Sync>;

/// Makes the schemas that tenants live in.
#[async_trait]
pub trait SchemaProvisioner: Send + Sync {
    /// Makes the schema, its role and its tables, or whatever is missing of them, in one
    /// transaction. Several may ask for the same one at once.
    ///
    /// # Errors
    /// The schema is as it was before.
    async fn provision(&self, schema: &SchemaName) -> Result<(), PortError>;

    /// Drops the schema with everything in it, and its role.
    ///
    /// # Errors
    /// The schema is as it was before.
    async fn discard(&self, schema: &SchemaName) -> Result<(), PortError>;
}

/// Appoints the user who can appoint all others.
#[async_trait]
pub trait FirstAdministrator: Send + Sync {
    /// Makes the tenant's first administrator, unless it has one. The tenant need not be in
    /// service yet, and an earlier attempt may have come this far.
    ///
    /// # Errors
    /// Nothing of it was kept.
    async fn appoint(&self, tenant: &TenantContext) -> Result<(), PortError>;
}
