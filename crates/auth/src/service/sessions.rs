//! What the use cases of sessions share.

use std::sync::Arc;

use database::{Database, TenantContext, TenantTx};
use kernel::Ambient;

use crate::{
    AccessToken, AuthError, PasswordHasher, RefreshToken, Session, SessionLifetime, Standings,
    Store, StoredRefreshToken, TokenIssuer, User,
};

/// Signing in, staying signed in and signing out. The use cases stand in files of their own:
/// `login`, `refresh`, `logout`, `profile`.
pub struct Sessions {
    pub(crate) database: Database,
    pub(crate) store: Store,
    pub(crate) hasher: Arc<PasswordHasher>,
    pub(crate) issuer: TokenIssuer,
    pub(crate) standings: Arc<Standings>,
    pub(crate) lifetime: SessionLifetime,
    pub(crate) ambient: Ambient,
}

/// Somebody signed in, or stayed signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Says who he is, for ten minutes.
    pub access_token: AccessToken,
    /// Prolongs the session, once.
    pub refresh_token: RefreshToken,
    /// Who he is.
    pub user: User,
}

impl Sessions {
    /// Gives a session a new refresh token.
    pub(super) async fn issue_refresh_token(
        &self,
        tx: &TenantTx,
        session: &Session,
    ) -> Result<(RefreshToken, StoredRefreshToken), AuthError> {
        let token = RefreshToken::draw(&self.ambient);
        let stored = StoredRefreshToken {
            id: self.ambient.id(),
            session_id: session.id,
            hash: token.hash(),
            issued_at: session.last_used_at,
            expires_at: session.expires_at,
            used_at: None,
            successor_id: None,
        };
        self.store.sessions.insert_token(tx, &stored).await?;
        Ok((token, stored))
    }

    pub(super) fn signed_in(
        &self,
        tenant: &TenantContext,
        user: User,
        session: &Session,
        refresh_token: RefreshToken,
    ) -> Result<SignedIn, AuthError> {
        Ok(SignedIn {
            access_token: self.issuer.issue(tenant.record(), &user, session)?,
            refresh_token,
            user,
        })
    }
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}
