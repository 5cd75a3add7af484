//! Staying signed in.

use database::{TenantContext, TenantTx};
use telemetry::Origin;

use super::{Sessions, SignedIn, login::of};
use crate::{
    AuthError, RefreshToken, Session, StoredRefreshToken, TokenHash, User, UserStatus, record,
};

impl Sessions {
    /// Prolongs a session: takes its unused refresh token and gives the next one.
    ///
    /// A token works once. One that comes a second time was copied: the thief or the owner is the
    /// one who comes second, and nobody can tell which, so the session ends for both (RFC 9700,
    /// 4.14.2). A token of another tenant is unknown here.
    ///
    /// # Errors
    /// [`AuthError::RefreshRefused`], [`AuthError::Store`].
    pub async fn refresh(
        &self,
        tenant: &TenantContext,
        origin: &Origin,
        token: &str,
    ) -> Result<SignedIn, AuthError> {
        let token = RefreshToken::parse(token).ok_or(AuthError::RefreshRefused)?;
        let tx = self.database.begin_tenant(tenant).await?;
        let (user, mut session, stored) = self
            .locked(&tx, token.hash())
            .await?
            .ok_or(AuthError::RefreshRefused)?;
        let tx = tx.initiated_by(of(origin, user.id, session.id));
        let now = self.ambient.now();
        if !session.is_open(now) || stored.expires_at <= now || user.status != UserStatus::Active {
            return Err(AuthError::RefreshRefused);
        }
        if stored.used_at.is_some() {
            self.end_abused(tenant, tx, &session).await?;
            return Err(AuthError::RefreshRefused);
        }

        session.prolong(self.lifetime, now);
        self.store.sessions.prolong(&tx, &session).await?;
        let (next, successor) = self.issue_refresh_token(&tx, &session).await?;
        self.store
            .sessions
            .use_token(&tx, stored.id, successor.id, now)
            .await?;
        tx.record(record::refreshed(&session));
        tx.commit().await?;
        self.standings.forget(tenant.id(), session.id).await;
        self.signed_in(tenant, user, &session, next)
    }

    /// The token, its session and its user, none of which anybody else changes until the
    /// transaction ends.
    async fn locked(
        &self,
        tx: &TenantTx,
        hash: TokenHash,
    ) -> Result<Option<(User, Session, StoredRefreshToken)>, AuthError> {
        let Some((user_id, session_id)) = self.store.sessions.owner(tx, hash).await? else {
            return Ok(None);
        };
        let user = self.store.users.hold(tx, user_id).await?;
        let session = self.store.sessions.lock(tx, session_id).await?;
        // Read behind the lock: whoever used the token before us has committed.
        let stored = self.store.sessions.token(tx, hash).await?;
        Ok(match (user, session, stored) {
            (Some(user), Some(session), Some(stored)) => Some((user, session, stored)),
            _ => None,
        })
    }

    async fn end_abused(
        &self,
        tenant: &TenantContext,
        tx: TenantTx,
        session: &Session,
    ) -> Result<(), AuthError> {
        self.store
            .sessions
            .end(&tx, session.id, self.ambient.now())
            .await?;
        tx.record(record::token_reused(session));
        tx.commit().await?;
        self.standings.forget(tenant.id(), session.id).await;
        tracing::warn!(session = %session.id, "a refresh token was used twice: the session is ended");
        Ok(())
    }
}
