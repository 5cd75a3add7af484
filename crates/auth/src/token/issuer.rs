//! Issuing access tokens.

use std::sync::Arc;

use database::TenantRecord;
use jsonwebtoken::{Algorithm, Header};
use kernel::Ambient;
use secrecy::SecretString;
use time::OffsetDateTime;

use crate::{
    AuthError, Session, User,
    keys::{KeyRing, SigningKey},
    token::{AccessClaims, Epochs, TokenId, TokenRules, signed::HEADER_TYPE},
};

/// Signs access tokens with the platform's active key.
#[derive(Debug)]
pub struct TokenIssuer {
    keys: Arc<KeyRing>,
    rules: TokenRules,
    ambient: Ambient,
}

/// A signed access token.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub token: SecretString,
    /// In how many seconds it expires.
    pub expires_in: u64,
}

impl TokenIssuer {
    /// Signs with these keys and by these rules.
    pub fn new(keys: Arc<KeyRing>, rules: TokenRules, ambient: Ambient) -> Self {
        Self {
            keys,
            rules,
            ambient,
        }
    }

    /// Issues an access token for a user in one of his sessions.
    ///
    /// # Errors
    /// [`AuthError::Signing`].
    pub fn issue(
        &self,
        tenant: &TenantRecord,
        user: &User,
        session: &Session,
    ) -> Result<AccessToken, AuthError> {
        let (jti, now) = (self.ambient.id(), self.ambient.now());
        let claims = self.rules.claim(tenant, user, session, jti, now);
        Ok(AccessToken {
            token: sign(&claims, &self.keys.active())?,
            expires_in: claims.exp.saturating_sub(claims.iat),
        })
    }
}

/// Signs claims.
pub(crate) fn sign(claims: &AccessClaims, key: &SigningKey) -> Result<SecretString, AuthError> {
    let header = Header {
        typ: Some(HEADER_TYPE.to_owned()),
        kid: Some(key.kid().to_owned()),
        ..Header::new(Algorithm::EdDSA)
    };
    let token =
        jsonwebtoken::encode(&header, claims, key.encoding()).map_err(AuthError::Signing)?;
    Ok(SecretString::from(token))
}

impl TokenRules {
    /// The claims of a user in one of his sessions. They never outlive it.
    pub(crate) fn claim(
        &self,
        tenant: &TenantRecord,
        user: &User,
        session: &Session,
        jti: TokenId,
        now: OffsetDateTime,
    ) -> AccessClaims {
        let exp = session.absolute_expires_at.min(now + self.lifetime);
        AccessClaims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user.id,
            sid: session.id,
            jti,
            iat: seconds(now),
            nbf: seconds(now),
            exp: seconds(exp),
            typ: Self::TYPE.to_owned(),
            auth_time: seconds(session.auth_time),
            amr: session.methods.iter().map(str::to_owned).collect(),
            ver: Epochs {
                tenant: tenant.auth_epoch,
                user: user.auth_epoch,
            },
            tenant_id: tenant.id,
            tenant_slug: tenant.slug.as_str().to_owned(),
            schema_name: tenant.schema.as_str().to_owned(),
        }
    }
}

fn seconds(instant: OffsetDateTime) -> u64 {
    u64::try_from(instant.unix_timestamp()).unwrap_or_default()
}
