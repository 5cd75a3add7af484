//! Checking access tokens.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::{
    AuthError,
    keys::{KeyRing, VerifyingKey},
    token::{AccessClaims, TokenError, TokenRules, signed::Signed},
};

/// Checks the signature and the claims of access tokens.
#[derive(Debug)]
pub struct TokenVerifier {
    keys: Arc<KeyRing>,
    rules: TokenRules,
}

impl TokenVerifier {
    /// Checks with these keys and by these rules.
    pub fn new(keys: Arc<KeyRing>, rules: TokenRules) -> Self {
        Self { keys, rules }
    }

    /// The rules.
    pub fn rules(&self) -> &TokenRules {
        &self.rules
    }

    /// What the token claims, if its signature fits and its claims keep the rules. Whether they
    /// fit the tenant and the user is not asked here.
    ///
    /// # Errors
    /// [`AuthError::Token`], [`AuthError::Store`].
    pub async fn verify(
        &self,
        token: &str,
        now: OffsetDateTime,
    ) -> Result<AccessClaims, AuthError> {
        let signed = Signed::read(token)?;
        let key = self.keys.verifying(signed.kid(), now).await?;
        Ok(self.rules.accept(&signed, key.as_ref(), now)?)
    }
}

impl TokenRules {
    pub(crate) fn accept(
        &self,
        signed: &Signed<'_>,
        key: Option<&VerifyingKey>,
        now: OffsetDateTime,
    ) -> Result<AccessClaims, TokenError> {
        let claims = signed.verify(key.ok_or(TokenError::UnknownKey)?)?;
        self.check(&claims, now)?;
        Ok(claims)
    }
}
