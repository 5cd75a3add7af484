//! Signing out.

use database::TenantContext;
use kernel::SessionId;
use telemetry::Origin;

use super::Sessions;
use crate::{AuthError, record};

impl Sessions {
    /// Ends a session: none of its tokens works any more. In this process at once, in the others
    /// as soon as they have forgotten that it lived (`principal_cache_ttl`).
    ///
    /// # Errors
    /// [`AuthError::Store`].
    pub async fn logout(
        &self,
        tenant: &TenantContext,
        origin: &Origin,
        session: SessionId,
    ) -> Result<(), AuthError> {
        let tx = self.database.begin_tenant(tenant).await?;
        let tx = tx.initiated_by(origin.clone());
        self.store
            .sessions
            .end(&tx, session, self.ambient.now())
            .await?;
        tx.record(record::signed_out(session));
        tx.commit().await?;
        self.standings.forget(tenant.id(), session).await;
        Ok(())
    }
}
