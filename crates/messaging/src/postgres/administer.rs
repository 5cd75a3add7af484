//! What an operator asks, and does.

use std::collections::BTreeMap;

use database::{Database, PlatformContext, PlatformReadTx, StoreError, TenantTx};
use kernel::{
    JobId,
    audit::{AuditCategory, AuditEntry},
};
use sea_orm::{FromQueryResult, Value};
use telemetry::Origin;
use time::OffsetDateTime;

use super::{Store, queue};
use crate::Queue;

/// How much waits. What is more than ten thousand is not counted further.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Jobs that are due, by queue.
    pub waiting: BTreeMap<Queue, u64>,
    /// Jobs that somebody must look at.
    pub dead: u64,
    /// Jobs that came to workers and that none which runs does.
    pub unknown: u64,
}

/// The workers that were seen of late, and what waits for nobody.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Attendance {
    /// Workers that showed themselves within the last half a minute.
    pub workers: i64,
    /// Of these, workers that have a broker.
    pub with_broker: i64,
    /// What one of these says of a broker that is away.
    pub away: Option<String>,
    /// Queues whose jobs have been due for a minute and that no worker serves: `bulk, default`.
    pub unattended: Option<String>,
    /// Kinds of work that have come to workers for more than a minute and that none of those which
    /// serve their queue does: `leave.accrue, mail.send`.
    pub unknown: Option<String>,
    /// Queues that wait until an operator says otherwise.
    pub paused: Option<String>,
}

/// The jobs, for whoever runs the platform.
#[derive(Clone, Debug)]
pub struct Jobs {
    store: Store,
    origin: Origin,
}

const RETRY: &str = "\
    UPDATE jobs SET state = 'retry', attempt = 0, run_at = now(), parked_for = NULL, \
        ended_at = NULL WHERE id = $1 AND state IN ('dead', 'parked', 'retry', 'cancelled')";

const CANCEL: &str = "\
    UPDATE jobs SET state = 'cancelled', ended_at = now(), handed_over_until = NULL, \
        parked_for = NULL, lease_token = NULL, lease_until = NULL, worker_id = NULL \
    WHERE id = $1 AND state IN ('ready', 'retry', 'parked', 'running', 'dead')";

const PURGE: &str = "\
    DELETE FROM jobs WHERE id IN (SELECT id FROM jobs \
        WHERE ended_at < $1 AND state IN ('done', 'cancelled') \
        LIMIT 1000 FOR UPDATE SKIP LOCKED)";

/// Each queue by its name: only so is the index one of its own.
macro_rules! waiting {
    ($queue:literal) => {
        concat!(
            "SELECT '",
            $queue,
            "' AS queue, (SELECT count(*) FROM (SELECT FROM jobs WHERE queue = '",
            $queue,
            "' AND state IN ('ready', 'retry') AND handed_over_until IS NULL AND run_at <= now() \
             LIMIT 10000) one) AS count UNION ALL "
        )
    };
}

/// Jobs that a worker has given back because it does not know such work, or not this version of it,
/// and that no other one does who serves their queue. Whoever gives one back lets it be tried again, so
/// they are among those; the oldest are looked at first, and that they are very many changes nothing.
/// A worker that does not say what it does may do all of it.
macro_rules! unknown {
    ($select:literal) => {
        concat!(
            "SELECT ",
            $select,
            " FROM (SELECT kind, queue, payload_version, created_at FROM jobs \
                 WHERE state = 'retry' ORDER BY id LIMIT 10000) AS retried \
             JOIN LATERAL (SELECT bool_or(kinds IS NULL OR coalesce( \
                     (kinds ->> retried.kind)::smallint >= retried.payload_version, false)) AS is_done \
                 FROM workers WHERE seen_at > now() - interval '30 s' \
                     AND queues::jsonb ? retried.queue) AS worker ON NOT worker.is_done \
             WHERE created_at < now() - interval '1 minute'"
        )
    };
}

const COUNT: &str = concat!(
    waiting!("critical"),
    waiting!("default"),
    waiting!("bulk"),
    waiting!("provisioning"),
    "SELECT 'dead', (SELECT count(*) FROM (SELECT FROM jobs WHERE state = 'dead' LIMIT 10000) one) \
     UNION ALL SELECT 'unknown', (",
    unknown!("count(*)"),
    ")"
);

#[derive(FromQueryResult)]
struct Count {
    queue: String,
    count: i64,
}

const ATTEND: &str = concat!(
    "\
    WITH live AS (SELECT queues::jsonb AS queues, broker FROM workers \
        WHERE seen_at > now() - interval '30 s') \
    SELECT (SELECT count(*) FROM live) AS workers, \
        (SELECT count(*) FROM live WHERE broker <> 'disabled') AS with_broker, \
        (SELECT max(broker) FROM live WHERE starts_with(broker, 'away')) AS away, \
        (SELECT string_agg(queue, ', ' ORDER BY queue) \
            FROM unnest(ARRAY['critical', 'default', 'bulk', 'provisioning']) AS q (queue) \
            WHERE NOT EXISTS (SELECT FROM live WHERE live.queues ? q.queue) \
                AND q.queue NOT IN (SELECT queue FROM paused_queues) \
                AND EXISTS (SELECT FROM jobs \
                    WHERE jobs.queue = q.queue AND state IN ('ready', 'retry') \
                        AND handed_over_until IS NULL \
                        AND run_at < now() - interval '1 minute')) AS unattended, \
        (SELECT string_agg(queue, ', ' ORDER BY queue) FROM paused_queues) AS paused, (",
    unknown!("string_agg(DISTINCT kind, ', ' ORDER BY kind)"),
    ") AS unknown"
);

const PAUSE: &str = "INSERT INTO paused_queues (queue) VALUES ($1) ON CONFLICT DO NOTHING";
const RESUME: &str = "DELETE FROM paused_queues WHERE queue = $1";

impl Jobs {
    /// Through this database, with the right to look into the platform's tables.
    pub fn new(database: Database, platform: PlatformContext) -> Self {
        Self {
            store: Store::new(database, platform),
            origin: Origin::default(),
        }
    }

    /// The same, on somebody's behalf.
    #[must_use]
    pub fn initiated_by(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Does something that somebody wanted, and records it if there was anything to do.
    async fn operate(
        &self,
        sql: &'static str,
        value: Value,
        entry: AuditEntry,
    ) -> Result<u64, StoreError> {
        let tx = self.store.begin().await?;
        let tx = tx.initiated_by(self.origin.clone());
        let changed = tx.run(sql, [value]).await?;
        if changed > 0 {
            tx.record(entry);
        }
        tx.commit().await?;
        Ok(changed)
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Lets a job that is dead, parked, cancelled or waiting after a failure be tried from the
    /// beginning, now; `false` when it stands otherwise.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when another one with its key was put down meanwhile.
    pub async fn retry(&self, job: JobId) -> Result<bool, StoreError> {
        Ok(self.operate(RETRY, job.uuid().into(), retried(job)).await? > 0)
    }

    /// Takes a job back. One that is being done is undone: whoever does it has lost it; one that is
    /// dead is not looked at any more. `false` when it was done, or taken back already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cancel(&self, job: JobId) -> Result<bool, StoreError> {
        Ok(self
            .operate(CANCEL, job.uuid().into(), cancelled(job))
            .await?
            > 0)
    }

    /// As [`Self::retry`], in a transaction of the public tenant, whose users run the platform.
    ///
    /// # Errors
    /// As [`Self::retry`]; PostgreSQL refuses every other tenant.
    pub async fn retry_in(tx: &TenantTx, job: JobId) -> Result<bool, StoreError> {
        let is_done = done(tx, "SELECT platform.retry_any_job($1) AS done", job).await?;
        if is_done {
            tx.record(retried(job));
        }
        Ok(is_done)
    }

    /// As [`Self::cancel`], in a transaction of the public tenant, whose users run the platform.
    ///
    /// # Errors
    /// [`StoreError`]; PostgreSQL refuses every other tenant.
    pub async fn cancel_in(tx: &TenantTx, job: JobId) -> Result<bool, StoreError> {
        let is_done = done(tx, "SELECT platform.cancel_any_job($1) AS done", job).await?;
        if is_done {
            tx.record(cancelled(job));
        }
        Ok(is_done)
    }

    /// Lets the jobs of a queue wait; those that are under way are done. `false` when they do so
    /// already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pause(&self, queue: Queue) -> Result<bool, StoreError> {
        let entry = AuditEntry::new("queue.paused.v1", AuditCategory::Admin);
        let entry = entry.detail("queue", queue.as_str());
        Ok(self.operate(PAUSE, queue.as_str().into(), entry).await? > 0)
    }

    /// Ends the wait of a queue; `false` when there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn resume(&self, queue: Queue) -> Result<bool, StoreError> {
        let entry = AuditEntry::new("queue.resumed.v1", AuditCategory::Admin);
        let entry = entry.detail("queue", queue.as_str());
        Ok(self.operate(RESUME, queue.as_str().into(), entry).await? > 0)
    }

    /// How much waits.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn backlog(&self) -> Result<Backlog, StoreError> {
        let rows: Vec<Count> = self.store.rows(COUNT, []).await?;
        let mut backlog = Backlog::default();
        for Count { queue: word, count } in rows {
            let count = count.unsigned_abs();
            match &*word {
                "dead" => backlog.dead = count,
                "unknown" => backlog.unknown = count,
                word => {
                    backlog.waiting.insert(queue(word)?, count);
                }
            }
        }
        Ok(backlog)
    }

    /// Whether anybody works, in a transaction of the caller's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn attendance(tx: &PlatformReadTx) -> Result<Attendance, StoreError> {
        let row: Option<Attendance> = tx.row(ATTEND, []).await?;
        row.ok_or_else(|| StoreError::corrupt("an aggregate has no row"))
    }

    /// Deletes jobs that were done or cancelled before this instant, a thousand at most; how many
    /// it were. Dead ones stay until somebody has looked at them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn purge(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        let tx = self.store.begin().await?;
        let tx = tx.initiated_by(self.origin.clone());
        let purged = tx.run(PURGE, [before.into()]).await?;
        if purged > 0 {
            let entry = AuditEntry::new("jobs.purged.v1", AuditCategory::System);
            tx.record(entry.detail("jobs", purged));
        }
        tx.commit().await?;
        Ok(purged)
    }
}

fn retried(job: JobId) -> AuditEntry {
    AuditEntry::new("job.retried.v1", AuditCategory::Admin).on("job", job)
}

pub(super) fn cancelled(job: JobId) -> AuditEntry {
    AuditEntry::new("job.cancelled.v1", AuditCategory::Admin).on("job", job)
}

#[derive(FromQueryResult)]
struct Done {
    done: bool,
}

/// Calls a function that says whether there was something to be done to a job.
async fn done(tx: &TenantTx, sql: &'static str, job: JobId) -> Result<bool, StoreError> {
    let row: Option<Done> = tx.row(sql, [job.uuid().into()]).await?;
    Ok(row.is_some_and(|row| row.done))
}
