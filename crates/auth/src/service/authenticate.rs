//! Who asks?

use std::{fmt, sync::Arc};

use database::TenantContext;
use kernel::{Actor, Ambient};
use moka::sync::Cache;

use super::{CacheUsage, Standings};
use crate::{AccessClaims, AuthError, Standing, TokenError, TokenHash, TokenVerifier};

/// Finds out who a bearer token belongs to.
///
/// A signature costs 100 µs to check, so a token that was checked is remembered, by its hash and
/// never by itself. What may change while it lives is checked with every request: the time, the
/// tenant's row in the registry, and the standing of user and session.
pub struct TokenAuthenticator {
    verifier: TokenVerifier,
    verified: Cache<TokenHash, Arc<AccessClaims>>,
    usage: CacheUsage,
    standings: Arc<Standings>,
    ambient: Ambient,
}

impl TokenAuthenticator {
    pub(crate) fn new(
        verifier: TokenVerifier,
        standings: Arc<Standings>,
        capacity: u64,
        ambient: Ambient,
    ) -> Self {
        let lifetime = verifier.rules().lifetime;
        Self {
            verifier,
            verified: Cache::builder()
                .max_capacity(capacity)
                .time_to_live(lifetime)
                .build(),
            usage: CacheUsage::default(),
            standings,
            ambient,
        }
    }

    /// Who the token belongs to, in this very tenant.
    ///
    /// # Errors
    /// [`AuthError::Token`], [`AuthError::Standing`], [`AuthError::Store`].
    pub async fn actor(&self, tenant: &TenantContext, token: &str) -> Result<Actor, AuthError> {
        let claims = self.claims(token).await?;
        claims.check_tenant(tenant.record())?;
        let standing = self
            .standings
            .of(tenant, claims.sid)
            .await?
            .ok_or(TokenError::SessionOver)?;
        claims.check_standing(&standing, self.ambient.now())?;
        Ok(actor(tenant, &claims, &standing))
    }

    /// How often a token was remembered.
    pub fn token_cache(&self) -> &CacheUsage {
        &self.usage
    }

    /// How often the standing of its user was.
    pub fn standing_cache(&self) -> &CacheUsage {
        self.standings.cache()
    }

    /// What a token says that was signed here and is in force, in whichever tenant.
    pub(crate) async fn claims(&self, token: &str) -> Result<Arc<AccessClaims>, AuthError> {
        let now = self.ambient.now();
        let hash = TokenHash::of(token.as_bytes());
        if let Some(claims) = self.usage.count(self.verified.get(&hash)) {
            self.verifier.rules().check(&claims, now)?;
            return Ok(claims);
        }
        let claims = Arc::new(self.verifier.verify(token, now).await?);
        self.verified.insert(hash, Arc::clone(&claims));
        Ok(claims)
    }
}

fn actor(tenant: &TenantContext, claims: &AccessClaims, standing: &Standing) -> Actor {
    Actor {
        tenant_id: tenant.id(),
        is_platform: tenant.is_public(),
        user_id: standing.user_id,
        session_id: claims.sid,
        employee_id: standing.employee_id,
        roles: Arc::clone(&standing.roles),
    }
}

impl fmt::Debug for TokenAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenAuthenticator")
    }
}
