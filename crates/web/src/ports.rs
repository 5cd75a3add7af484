//! What the pipeline needs of the domains; `app` wires both sides.

use async_trait::async_trait;
use database::TenantContext;
use kernel::Actor;

use crate::Problem;

/// Finds the tenant that a request is for. Implemented by `tenancy`.
#[async_trait]
pub trait TenantResolver: Send + Sync {
    /// Resolves from the header `X-Tenant-Slug` and the host, as the HTTP contract says.
    ///
    /// # Errors
    /// The answer for a request without a tenant: ambiguous, unknown, suspended, unavailable.
    async fn resolve(
        &self,
        header: Option<&str>,
        host: Option<&str>,
    ) -> Result<TenantContext, Problem>;
}

/// Finds out who a bearer token belongs to. Implemented by `auth`.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Checks the token and that it is bound to this very tenant.
    ///
    /// # Errors
    /// The answer for a token that is not valid here.
    async fn authenticate(&self, tenant: &TenantContext, token: &str) -> Result<Actor, Problem>;
}
