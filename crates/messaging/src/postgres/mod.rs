//! The table of jobs, as workers and operators see it: in transactions of the platform.

mod administer;
mod claim;
pub(crate) mod events;
mod hand_over;
mod keep;
mod listing;

use std::time::Duration;

use database::{Database, PlatformContext, PlatformReadTx, PlatformTx, StoreError, Terms};
use kernel::{JobId, TenantId};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::Queue;

pub use administer::{Attendance, Backlog, Jobs};
pub(crate) use claim::{Claim, Claimed, Taken, finish};
pub(crate) use hand_over::{Found, HandOver, Next};
pub(crate) use keep::{Holding, Presence};
pub use listing::{JobFilter, JobRecord, OwnJob};

/// The way to the table.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    database: Database,
    platform: PlatformContext,
}

impl Store {
    pub(crate) fn new(database: Database, platform: PlatformContext) -> Self {
        Self { database, platform }
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    pub(crate) fn platform(&self) -> &PlatformContext {
        &self.platform
    }

    pub(crate) async fn begin(&self) -> Result<PlatformTx, StoreError> {
        self.database.begin_platform(&self.platform).await
    }

    async fn begin_read(&self) -> Result<PlatformReadTx, StoreError> {
        self.database.begin_platform_read(&self.platform).await
    }

    pub(crate) async fn begin_on(&self, terms: Terms) -> Result<PlatformTx, StoreError> {
        self.database.begin_platform_on(&self.platform, terms).await
    }

    /// Opens a transaction for what is a mark and no more: that a job was handed over, or taken over.
    /// A crash of the server that forgets it forgets nothing that anybody was told: the job waits as
    /// before, and whoever does it finds in the end that it is not his.
    async fn begin_mark(&self) -> Result<PlatformTx, StoreError> {
        let terms = Terms {
            may_be_forgotten: true,
            ..Terms::default()
        };
        self.begin_on(terms).await
    }

    /// Runs one statement in a transaction of its own; how many rows it touched.
    async fn run(
        &self,
        sql: &'static str,
        values: impl IntoIterator<Item = Value> + Send,
    ) -> Result<u64, StoreError> {
        let tx = self.begin().await?;
        let touched = tx.run(sql, values).await?;
        tx.commit().await?;
        Ok(touched)
    }

    /// Runs one statement in a transaction of its own; what it answers.
    async fn rows<T: FromQueryResult>(
        &self,
        sql: &'static str,
        values: impl IntoIterator<Item = Value> + Send,
    ) -> Result<Vec<T>, StoreError> {
        let tx = self.begin().await?;
        let rows = tx.rows(sql, values).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// Ends the wait of jobs that were to be handed over; they wait for their turn again, after a
    /// while.
    pub(crate) async fn take_back(
        &self,
        jobs: &[JobId],
        pause: Duration,
    ) -> Result<(), StoreError> {
        const TAKE_BACK: &str = "UPDATE jobs SET handed_over_until = NULL, \
             run_at = greatest(run_at, now() + make_interval(secs => $2)) \
             WHERE id = ANY (ARRAY(SELECT it::uuid FROM jsonb_array_elements_text($1) it)) \
             AND handed_over_until IS NOT NULL";
        if jobs.is_empty() {
            return Ok(());
        }
        self.run(TAKE_BACK, [ids(jobs), pause.as_secs_f64().into()])
            .await?;
        Ok(())
    }

    /// Lays jobs of a tenant aside that wait, some at a time; how many it were.
    pub(crate) async fn park(&self, tx: &PlatformTx, tenant: TenantId) -> Result<u64, StoreError> {
        const PARK: &str = "UPDATE jobs SET state = 'parked', parked_for = 'tenant', \
             handed_over_until = NULL \
             WHERE id IN (SELECT id FROM jobs WHERE tenant_id = $1 AND queue = ANY (ARRAY[ \
                 'critical', 'default', 'bulk', 'provisioning']) \
                 AND state IN ('ready', 'retry') AND handed_over_until IS NULL \
                 LIMIT 1000 FOR UPDATE SKIP LOCKED)";
        tx.run(PARK, [tenant.uuid().into()]).await
    }

    /// Lays one job aside that was handed over and that nobody has taken over.
    pub(crate) async fn park_one(&self, job: JobId) -> Result<(), StoreError> {
        const PARK: &str = "UPDATE jobs SET state = 'parked', parked_for = 'tenant', \
             handed_over_until = NULL WHERE id = $1 AND state IN ('ready', 'retry')";
        self.run(PARK, [job.uuid().into()]).await?;
        Ok(())
    }
}

fn ids(jobs: &[JobId]) -> Value {
    let jobs: Vec<Uuid> = jobs.iter().map(|job| job.uuid()).collect();
    serde_json::json!(jobs).into()
}

fn queue(word: &str) -> Result<Queue, StoreError> {
    word.parse().map_err(StoreError::corrupt)
}
