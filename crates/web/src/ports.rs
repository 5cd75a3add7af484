//! What the pipeline needs of the domains; `app` wires both sides.

use async_trait::async_trait;
use database::TenantContext;
use kernel::{Actor, ErrorKind, SessionId, TenantId, UserId};
use telemetry::Origin;

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

    /// To whom a token belongs, in whichever tenant; nobody's, unless its signature is ours and it is
    /// in force. Asked when it was refused in another tenant, to record the attempt where it belongs.
    async fn owner(&self, token: &str) -> Option<TokenOwner>;
}

/// To whom a token belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenOwner {
    /// The tenant it is bound to.
    pub tenant_id: TenantId,
    /// The user.
    pub user_id: UserId,
    /// His session.
    pub session_id: SessionId,
}

/// Somebody was refused.
#[derive(Clone, Debug)]
pub struct Refusal<'a> {
    /// The tenant that the request was for.
    pub tenant: &'a TenantContext,
    /// Who asked, in which request and where from.
    pub origin: Origin,
    /// What he asked for: `GET /api/v1/employees/{id}`.
    pub action: &'a str,
    /// How he was answered.
    pub kind: ErrorKind,
    /// Why, as he was told.
    pub reason: &'a str,
    /// To whom his token belongs, if that is another tenant's.
    pub owner: Option<TokenOwner>,
}

/// Records refusals. Implemented by `audit`.
#[async_trait]
pub trait RefusalLog: Send + Sync {
    /// Records one, after the request was refused and before the client hears of it.
    async fn refused(&self, refusal: Refusal<'_>);
}
