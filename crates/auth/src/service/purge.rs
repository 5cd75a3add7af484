//! Clearing away what is over.

use std::{fmt, ops::AddAssign, sync::Arc, time::Duration};

use database::{Database, TenantContext, TenantTx};
use kernel::Ambient;
use serde::Serialize;

use crate::{AuthError, SessionRepository, record};

/// Deletes sessions that are over, with their refresh tokens.
///
/// A session goes as a whole or not at all: as long as it is open, its used tokens are what a copied
/// one is recognised by. To whoever comes with a token of a session that is gone, nothing changes:
/// it is refused either way.
#[derive(Clone)]
pub struct Purge {
    pub(crate) database: Database,
    pub(crate) sessions: Arc<dyn SessionRepository>,
    pub(crate) ambient: Ambient,
}

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Purged {
    /// Sessions.
    pub sessions: u64,
    /// Their refresh tokens.
    pub refresh_tokens: u64,
}

impl Purge {
    /// How long a session stays when it is over: the clocks of two machines may differ, and somebody
    /// may ask what it was.
    pub const KEPT: Duration = Duration::from_hours(24);

    /// How many sessions one transaction deletes.
    pub const BATCH: u64 = 100;

    /// Deletes some of the sessions of a transaction's tenant that have been over for a day,
    /// [`Self::BATCH`] at most.
    ///
    /// # Errors
    /// [`AuthError::Store`].
    pub async fn some(&self, tx: &TenantTx) -> Result<Purged, AuthError> {
        let over_since = self.ambient.now() - Self::KEPT;
        let over = self.sessions.lock_over(tx, over_since, None, Self::BATCH);
        let over = over.await?;
        let purged = self.sessions.delete(tx, &over).await?;
        note(tx, purged);
        Ok(purged)
    }

    /// Deletes a tenant's sessions that have been over for a day, in short transactions. Any number
    /// may do so at once, beside everything else.
    ///
    /// # Errors
    /// [`AuthError::Store`]; what was deleted by then stays deleted.
    pub async fn sessions(&self, tenant: &TenantContext) -> Result<Purged, AuthError> {
        let over_since = self.ambient.now() - Self::KEPT;
        let (mut purged, mut after) = (Purged::default(), None);
        loop {
            let tx = self.database.begin_tenant(tenant).await?;
            let over = self
                .sessions
                .lock_over(&tx, over_since, after, Self::BATCH)
                .await?;
            let some = self.sessions.delete(&tx, &over).await?;
            note(&tx, some);
            purged += some;
            tx.commit().await?;
            match over.last() {
                Some(last) => after = Some(*last),
                None => return Ok(purged),
            }
        }
    }
}

fn note(tx: &TenantTx, purged: Purged) {
    if purged != Purged::default() {
        tx.record(record::sessions_purged(purged));
    }
}

impl AddAssign for Purged {
    fn add_assign(&mut self, more: Self) {
        self.sessions += more.sessions;
        self.refresh_tokens += more.refresh_tokens;
    }
}

impl fmt::Debug for Purge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Purge")
    }
}
