//! What the request pipeline needs of this crate.

use async_trait::async_trait;
use database::TenantContext;
use kernel::Actor;
use web::{Authenticator, Problem};

use crate::TokenAuthenticator;

#[async_trait]
impl Authenticator for TokenAuthenticator {
    async fn authenticate(&self, tenant: &TenantContext, token: &str) -> Result<Actor, Problem> {
        Ok(self.actor(tenant, token).await?)
    }
}
