//! Signing in.

use database::TenantContext;
use kernel::{EmailAddress, SessionId, UserId};
use telemetry::Origin;

use super::{Sessions, SignedIn};
use crate::{AuthError, AuthMethods, Password, Session, User, UserStatus, record};

impl Sessions {
    /// Begins a session for whoever knows the password of the user with this address.
    ///
    /// Unknown address, wrong password and deactivated user get one answer after one time. While a
    /// password is being compared, which takes a core for milliseconds, no connection to the
    /// database is held.
    ///
    /// # Errors
    /// [`AuthError::InvalidCredentials`], [`AuthError::Busy`], [`AuthError::Store`].
    pub async fn login(
        &self,
        tenant: &TenantContext,
        origin: &Origin,
        email: &str,
        password: &Password,
    ) -> Result<SignedIn, AuthError> {
        let found = self.find(tenant, email).await?;
        let hash = found.as_ref().and_then(|user| user.password_hash.as_ref());
        let knows = self.hasher.verify(tenant.id(), password, hash).await?;
        let user = found.filter(|user| knows && user.status == UserStatus::Active);
        let begun = match &user {
            Some(user) => self.begin(tenant, origin, user).await,
            None => Err(AuthError::InvalidCredentials),
        };
        if let Err(AuthError::InvalidCredentials) = &begun {
            let tx = self.database.begin_tenant(tenant).await?;
            let tx = tx.initiated_by(origin.clone());
            tx.record(record::sign_in_failed(email));
            tx.commit().await?;
        }
        let signed_in = begun?;
        if let Some(user) = user
            && let Some(outdated) = user.password_hash
            && self.hasher.is_outdated(&outdated)
        {
            self.rehash(tenant, user.id, password, outdated);
        }
        Ok(signed_in)
    }

    async fn find(&self, tenant: &TenantContext, email: &str) -> Result<Option<User>, AuthError> {
        // What is no address is the address of nobody.
        let Ok(email) = email.parse::<EmailAddress>() else {
            return Ok(None);
        };
        let tx = self.database.begin_tenant_read(tenant).await?;
        let user = self.store.users.by_email(&tx, &email).await?;
        tx.commit().await?;
        Ok(user)
    }

    async fn begin(
        &self,
        tenant: &TenantContext,
        origin: &Origin,
        checked: &User,
    ) -> Result<SignedIn, AuthError> {
        let id: SessionId = self.ambient.id();
        let tx = self.database.begin_tenant(tenant).await?;
        let tx = tx.initiated_by(of(origin, checked.id, id));
        // He may have been deactivated, or his password changed, while it was being compared. From
        // here on neither can happen before the session is there to be ended.
        let user = self
            .store
            .users
            .hold(&tx, checked.id)
            .await?
            .filter(|user| {
                user.status == UserStatus::Active && user.auth_epoch == checked.auth_epoch
            })
            .ok_or(AuthError::InvalidCredentials)?;
        let session = Session::begin(
            id,
            user.id,
            AuthMethods::password(),
            self.lifetime,
            self.ambient.now(),
        );
        self.store.sessions.insert(&tx, &session).await?;
        let (token, _) = self.issue_refresh_token(&tx, &session).await?;
        tx.record(record::signed_in(&session));
        tx.commit().await?;
        self.signed_in(tenant, user, &session, token)
    }
}

/// A request without a token, of which is known by now whose it is.
pub(super) fn of(origin: &Origin, user: UserId, session: SessionId) -> Origin {
    Origin {
        user: Some(user),
        session: Some(session),
        ..origin.clone()
    }
}
