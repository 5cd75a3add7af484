//! Clearing away what is over, a little at a time.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use auth::Purge;
use database::{Files, Platform, PlatformTx, Tenant, TenantTx};
use kernel::{
    Ambient,
    audit::{AuditCategory, AuditEntry},
};
use messaging::{JobError, Jobs, PlatformJob, Queue, Run, TenantJob, Work};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How many rows of a kind one job deletes: a tenant that has more waits for the next one, which
/// keeps transactions short.
const MOST: u64 = 10_000;

/// A file may have a hundred pieces.
const MOST_FILES: u64 = 200;

/// Deletes a tenant's sessions that are over, its files that are out of date, and the answers that were kept for requests with an
/// `Idempotency-Key` and are out of date.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ClearAway {}

impl Work for ClearAway {
    type Scope = Tenant;
    const KIND: &'static str = "tenants.clear_away";
    const QUEUE: Queue = Queue::Bulk;
}

pub(super) struct ClearsAway {
    pub(super) purge: Purge,
    pub(super) files: Arc<dyn Files>,
    pub(super) ambient: Ambient,
}

#[async_trait]
impl TenantJob for ClearsAway {
    type Work = ClearAway;

    async fn run(&self, tx: &TenantTx, _: ClearAway, run: &Run) -> Result<Value, JobError> {
        const ANSWERS: u32 = 500;
        const FILES: u32 = 20;
        let (mut sessions, mut answers) = (0, 0);
        while sessions < MOST {
            let purged = self.purge.some(tx).await.map_err(JobError::retry)?;
            sessions += purged.sessions;
            run.progress(sessions + answers, 2 * MOST);
            if purged.sessions < Purge::BATCH {
                break;
            }
        }
        while answers < MOST {
            let cleared = tx.clear_answers(self.ambient.now(), ANSWERS).await?;
            answers += cleared;
            run.progress(sessions + answers, 2 * MOST);
            if cleared < u64::from(ANSWERS) {
                break;
            }
        }
        let mut files = 0;
        while files < MOST_FILES {
            let cleared = self.files.clear(tx, self.ambient.now(), FILES).await?;
            files += cleared;
            if cleared < u64::from(FILES) {
                break;
            }
        }
        if answers + files > 0 {
            let entry = AuditEntry::new("leftovers.purged.v1", AuditCategory::System);
            tx.record(entry.detail("answers", answers).detail("files", files));
        }
        Ok(json!({"sessions": sessions, "answers": answers, "files": files}))
    }
}

/// Deletes the jobs that were done long ago.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeleteJobs {}

impl Work for DeleteJobs {
    type Scope = Platform;
    const KIND: &'static str = "platform.delete_jobs";
    const QUEUE: Queue = Queue::Bulk;
}

pub(super) struct DeletesJobs {
    pub(super) jobs: Jobs,
    pub(super) keep_done: Duration,
    pub(super) ambient: Ambient,
}

#[async_trait]
impl PlatformJob for DeletesJobs {
    type Work = DeleteJobs;

    async fn run(&self, _: &PlatformTx, _: DeleteJobs, run: &Run) -> Result<Value, JobError> {
        // In transactions of their own: what is deleted may be much, and is deleted anyway.
        let before = self.ambient.now() - self.keep_done;
        let mut deleted = 0;
        loop {
            let some = self.jobs.purge(before).await?;
            deleted += some;
            run.progress(deleted, deleted);
            if some == 0 {
                return Ok(json!({"jobs": deleted}));
            }
        }
    }
}
