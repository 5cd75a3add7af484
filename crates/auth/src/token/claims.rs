//! What an access token claims, and the rules for it.

use std::time::Duration;

use database::TenantRecord;
use kernel::{SessionId, TenantId, TypedId, UserId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Standing, TokenError, token::Epochs};

/// What an access token claims (RFC 9068, and where its tenant lives). These claims and no others,
/// each of exactly this type: a claim of another type once counted as absent, and an `exp` of text
/// never expired (CVE-2026-25537).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessClaims {
    /// Who issued it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// The user.
    pub sub: UserId,
    /// The session.
    pub sid: SessionId,
    /// The token itself.
    pub jti: TokenId,
    /// When it was issued, in seconds since 1970.
    pub iat: u64,
    /// When it becomes valid.
    pub nbf: u64,
    /// When it expires.
    pub exp: u64,
    /// What it is: `access`.
    pub typ: String,
    /// When its owner proved who he is.
    pub auth_time: u64,
    /// How he proved it (RFC 8176).
    pub amr: Vec<String>,
    /// The epochs in which it is valid.
    pub ver: Epochs,
    /// The tenant it is bound to.
    pub tenant_id: TenantId,
    /// The tenant's slug when it was issued.
    pub tenant_slug: String,
    /// The tenant's schema when it was issued. Only ever compared: the schema that is used is the
    /// registry's.
    pub schema_name: String,
}

/// Identifies an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenId(Uuid);

impl TypedId for TokenId {}

impl From<Uuid> for TokenId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl From<TokenId> for Uuid {
    fn from(id: TokenId) -> Self {
        id.0
    }
}

/// What the claims of every access token keep, whoever it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRules {
    /// Who issues tokens here.
    pub issuer: String,
    /// Whom they are for.
    pub audience: String,
    /// How long they live at most.
    pub lifetime: Duration,
}

impl TokenRules {
    /// What an access token is, in the claim `typ`.
    pub const TYPE: &str = "access";

    /// How far the clocks of two machines of the platform may be apart: a token is accepted that
    /// long before it was issued. It is never accepted after it expired.
    pub const LEEWAY: Duration = Duration::from_secs(30);

    /// Checks what can be checked without knowing the tenant and the user.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn check(&self, claims: &AccessClaims, now: OffsetDateTime) -> Result<(), TokenError> {
        let now = u64::try_from(now.unix_timestamp()).unwrap_or_default();
        let soon = now.saturating_add(Self::LEEWAY.as_secs());
        if claims.iss != self.issuer {
            return Err(TokenError::Issuer);
        }
        if claims.aud != self.audience {
            return Err(TokenError::Audience);
        }
        if claims.typ != Self::TYPE {
            return Err(TokenError::Type);
        }
        if claims.amr.is_empty() {
            return Err(TokenError::Methods);
        }
        if claims.iat > soon || claims.nbf > soon || claims.auth_time > soon {
            return Err(TokenError::Future);
        }
        if claims.exp.saturating_sub(claims.iat) > self.lifetime.as_secs() {
            return Err(TokenError::Lifetime);
        }
        if claims.exp <= now {
            return Err(TokenError::Expired);
        }
        Ok(())
    }
}

impl AccessClaims {
    /// Checks that the token is bound to this very tenant, as the registry knows it now.
    ///
    /// # Errors
    /// [`TokenError::OtherTenant`]; [`TokenError::Stale`] when the tenant is the same and has moved.
    pub fn check_tenant(&self, tenant: &TenantRecord) -> Result<(), TokenError> {
        if self.tenant_id != tenant.id {
            return Err(TokenError::OtherTenant);
        }
        let as_registered = self.tenant_slug == tenant.slug.as_str()
            && self.schema_name == tenant.schema.as_str()
            && self.ver.tenant == tenant.auth_epoch;
        if as_registered {
            Ok(())
        } else {
            Err(TokenError::Stale)
        }
    }

    /// Checks that the user may still act through the session.
    ///
    /// # Errors
    /// [`TokenError::SessionOver`]; [`TokenError::Stale`] when his epoch was raised.
    pub fn check_standing(
        &self,
        standing: &Standing,
        now: OffsetDateTime,
    ) -> Result<(), TokenError> {
        if standing.user_id != self.sub || !standing.counts(now) {
            return Err(TokenError::SessionOver);
        }
        if standing.auth_epoch == self.ver.user {
            Ok(())
        } else {
            Err(TokenError::Stale)
        }
    }
}
