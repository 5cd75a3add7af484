//! Creating users.

use access::Role;
use database::TenantContext;
use kernel::EmailAddress;

use super::Users;
use crate::{AuthError, DisplayName, NewUser, Password, PasswordHash, record};

impl Users {
    /// Creates a user unless somebody has his address already, who then stays as he is: password,
    /// roles and all. Returns whether the user was created; of several that try at once, one did.
    ///
    /// # Errors
    /// [`AuthError::Busy`], [`AuthError::Store`].
    pub async fn create(
        &self,
        tenant: &TenantContext,
        user: &NewUser,
        password: &Password,
    ) -> Result<bool, AuthError> {
        if self.exists(tenant, &user.email).await? {
            return Ok(false);
        }
        let hash = self.hasher.hash(tenant.id(), password).await?;
        self.create_hashed(tenant, user, &hash).await
    }

    async fn create_hashed(
        &self,
        tenant: &TenantContext,
        user: &NewUser,
        hash: &PasswordHash,
    ) -> Result<bool, AuthError> {
        let id = self.ambient.id();
        let tx = self.database.begin_tenant(tenant).await?;
        let tx = tx.initiated_by(self.origin.clone());
        let created = self
            .store
            .users
            .insert(&tx, id, user, hash, self.ambient.now())
            .await?;
        if created {
            for role in &user.roles {
                self.store
                    .users
                    .assign(&tx, self.ambient.id(), id, *role)
                    .await?;
            }
            tx.record(record::user_created(id, user));
        }
        tx.commit().await?;
        Ok(created)
    }

    /// Creates an administrator of the tenant, as [`Self::create`] does; in the public tenant, that
    /// is somebody who runs the platform.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub async fn ensure_administrator(
        &self,
        tenant: &TenantContext,
        email: EmailAddress,
        display_name: DisplayName,
        password: &Password,
    ) -> Result<bool, AuthError> {
        self.create(tenant, &administrator(email, display_name), password)
            .await
    }

    /// Creates an administrator of the tenant whose password was hashed already, by
    /// [`PasswordHasher::hash`](crate::PasswordHasher::hash).
    ///
    /// # Errors
    /// [`AuthError::Store`].
    pub async fn ensure_hashed_administrator(
        &self,
        tenant: &TenantContext,
        email: EmailAddress,
        display_name: DisplayName,
        hash: &PasswordHash,
    ) -> Result<bool, AuthError> {
        self.create_hashed(tenant, &administrator(email, display_name), hash)
            .await
    }

    async fn exists(
        &self,
        tenant: &TenantContext,
        email: &EmailAddress,
    ) -> Result<bool, AuthError> {
        let tx = self.database.begin_tenant_read(tenant).await?;
        let user = self.store.users.by_email(&tx, email).await?;
        tx.commit().await?;
        Ok(user.is_some())
    }
}

fn administrator(email: EmailAddress, display_name: DisplayName) -> NewUser {
    NewUser {
        email,
        display_name,
        roles: vec![Role::Administrator],
        employee_id: None,
    }
}
