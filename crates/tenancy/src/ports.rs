//! What tenancy needs of others; `app` wires both sides.

use std::error::Error;

use async_trait::async_trait;
use database::TenantContext;
use kernel::{EmailAddress, SchemaName, TenantId};
use secrecy::SecretString;

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

    /// Drops the schema that was made for a tenant, with its role, and forgets the tenant, in one
    /// transaction and only if the tenant is still being created; else nothing happens.
    ///
    /// # Errors
    /// The schema and the tenant are as they were before.
    async fn discard(&self, schema: &SchemaName, tenant: TenantId) -> Result<(), PortError>;
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

/// Who becomes the first administrator of a tenant that was asked for.
#[derive(Clone, Debug)]
pub struct RequestedAdministrator {
    /// Where he is reached, and by what he signs in.
    pub email: EmailAddress,
    /// The hash of his password, as users' are stored.
    pub password_hash: SecretString,
}

/// Hashes passwords of first administrators.
#[async_trait]
pub trait Passwords: Send + Sync {
    /// Whether somebody may have this password.
    ///
    /// # Errors
    /// Code and message of what is wrong with it.
    fn check(&self, password: &SecretString) -> Result<(), (&'static str, String)>;

    /// The hash that is stored; `tenant` is whose turn it takes.
    ///
    /// # Errors
    /// Too many are being hashed.
    async fn hash(
        &self,
        tenant: TenantId,
        password: &SecretString,
    ) -> Result<SecretString, PortError>;
}

/// Appoints first administrators that were asked for.
#[async_trait]
pub trait Administrators: Send + Sync {
    /// Makes him a user of the tenant and its administrator. An earlier attempt may have done so.
    ///
    /// # Errors
    /// Nothing of it was kept.
    async fn appoint(
        &self,
        tenant: &TenantContext,
        administrator: &RequestedAdministrator,
    ) -> Result<(), PortError>;
}
