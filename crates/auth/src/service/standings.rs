//! What is remembered, for a moment, of users and their sessions.

use std::{fmt, sync::Arc, time::Duration};

use database::{Database, StoreError, TenantContext};
use kernel::{SessionId, TenantId};
use moka::future::Cache;

use super::CacheUsage;
use crate::{AuthError, SessionRepository, Standing};

/// Knows what a request needs of the user behind its session, and asks the tenant's tables once
/// every few seconds instead of once a request.
pub struct Standings {
    database: Database,
    sessions: Arc<dyn SessionRepository>,
    /// `None`: there is no such session.
    remembered: Cache<(TenantId, SessionId), Option<Arc<Standing>>>,
    usage: CacheUsage,
}

impl Standings {
    pub(crate) fn new(
        database: Database,
        sessions: Arc<dyn SessionRepository>,
        ttl: Duration,
        capacity: u64,
    ) -> Self {
        Self {
            database,
            sessions,
            remembered: Cache::builder()
                .max_capacity(capacity)
                .time_to_live(ttl)
                .build(),
            usage: CacheUsage::default(),
        }
    }

    /// What is known of a session, not older than the settings allow. Many that ask for one
    /// session at once ask the database once.
    ///
    /// # Errors
    /// [`AuthError::Standing`].
    pub async fn of(
        &self,
        tenant: &TenantContext,
        session: SessionId,
    ) -> Result<Option<Arc<Standing>>, AuthError> {
        let key = (tenant.id(), session);
        if let Some(standing) = self.usage.count(self.remembered.get(&key).await) {
            return Ok(standing);
        }
        self.remembered
            .try_get_with(key, self.load(tenant, session))
            .await
            .map_err(AuthError::Standing)
    }

    /// How often a session was remembered.
    pub(crate) fn cache(&self) -> &CacheUsage {
        &self.usage
    }

    /// Forgets a session that was changed here. (A request that is reading it at this very moment
    /// may still remember it as it was, for as long as anything is remembered.)
    pub(crate) async fn forget(&self, tenant: TenantId, session: SessionId) {
        self.remembered.invalidate(&(tenant, session)).await;
    }

    async fn load(
        &self,
        tenant: &TenantContext,
        session: SessionId,
    ) -> Result<Option<Arc<Standing>>, StoreError> {
        let tx = self.database.begin_tenant_read(tenant).await?;
        let standing = self.sessions.standing(&tx, session).await?;
        tx.commit().await?;
        Ok(standing.map(Arc::new))
    }
}

impl fmt::Debug for Standings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Standings")
    }
}
