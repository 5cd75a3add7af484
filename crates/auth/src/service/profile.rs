//! Who am I?

use database::TenantContext;
use kernel::UserId;

use super::Sessions;
use crate::{AuthError, TokenError, User};

impl Sessions {
    /// The user himself, as he is stored now.
    ///
    /// # Errors
    /// [`AuthError::Token`] when he is gone; [`AuthError::Store`].
    pub async fn profile(&self, tenant: &TenantContext, id: UserId) -> Result<User, AuthError> {
        let tx = self.database.begin_tenant_read(tenant).await?;
        let user = self.store.users.by_id(&tx, id).await?;
        tx.commit().await?;
        user.ok_or(AuthError::Token(TokenError::SessionOver))
    }
}
