//! Setting a password.

use database::TenantContext;
use kernel::EmailAddress;

use super::Users;
use crate::{AuthError, Password, record};

impl Users {
    /// Gives a user another password and ends all his sessions.
    ///
    /// # Errors
    /// [`AuthError::NoSuchUser`], [`AuthError::Busy`], [`AuthError::Store`].
    pub async fn set_password(
        &self,
        tenant: &TenantContext,
        email: &EmailAddress,
        password: &Password,
    ) -> Result<(), AuthError> {
        let tx = self.database.begin_tenant_read(tenant).await?;
        let user = self.store.users.by_email(&tx, email).await?;
        tx.commit().await?;
        let user = user.ok_or(AuthError::NoSuchUser)?;

        let hash = self.hasher.hash(tenant.id(), password).await?;
        let now = self.ambient.now();
        let tx = self.database.begin_tenant(tenant).await?;
        let tx = tx.initiated_by(self.origin.clone());
        // The user first: a login that is under way has then either stored its session, which ends
        // with the others, or finds his epoch raised.
        self.store
            .users
            .set_password(&tx, user.id, &hash, now)
            .await?;
        self.store.sessions.end_all(&tx, user.id, now).await?;
        tx.record(record::password_set(user.id));
        tx.commit().await?;
        Ok(())
    }
}
