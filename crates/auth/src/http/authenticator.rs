//! What the request pipeline needs of this crate.

use async_trait::async_trait;
use database::TenantContext;
use kernel::Actor;
use web::{Authenticator, Problem, TokenOwner};

use crate::TokenAuthenticator;

#[async_trait]
impl Authenticator for TokenAuthenticator {
    async fn authenticate(&self, tenant: &TenantContext, token: &str) -> Result<Actor, Problem> {
        Ok(self.actor(tenant, token).await?)
    }

    async fn owner(&self, token: &str) -> Option<TokenOwner> {
        let claims = self.claims(token).await.ok()?;
        Some(TokenOwner {
            tenant_id: claims.tenant_id,
            user_id: claims.sub,
            session_id: claims.sid,
        })
    }
}
