//! What an operator asks, and does.

use std::collections::BTreeMap;

use database::{Database, PlatformContext, PlatformReadTx, StoreError};
use kernel::{JobId, TenantId, UserId};
use sea_orm::{FromQueryResult, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Store, queue};
use crate::{JobState, Queue};

/// A job, as it stands. What it is about is its tenant's business and is not among this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// The job.
    pub id: JobId,
    /// Whose it is; nil for the platform's own.
    pub tenant: TenantId,
    /// His slug; `None` for the platform's own, and of a tenant that is gone.
    pub tenant_slug: Option<String>,
    /// What kind of work.
    pub kind: String,
    /// Which line it stands in.
    pub queue: Queue,
    /// Where it stands.
    pub state: JobState,
    /// How often it was tried.
    pub attempt: i16,
    /// How often it may be.
    pub max_attempts: i16,
    /// Not before this instant.
    pub run_at: OffsetDateTime,
    /// How much of how much is done, when it tells.
    pub progress: Option<(i64, i64)>,
    /// Why it was not done at the last try.
    pub last_error: Option<String>,
    /// The request that wanted it.
    pub request_id: Option<String>,
    /// The user who wanted it.
    pub enqueued_by: Option<UserId>,
    /// When it was put down.
    pub created_at: OffsetDateTime,
    /// When the last try began.
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    pub ended_at: Option<OffsetDateTime>,
}

/// Which jobs.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Of this tenant; nil for the platform's own.
    pub tenant: Option<TenantId>,
    /// In this state.
    pub state: Option<JobState>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Older than this one, to go on after it.
    pub before: Option<JobId>,
}

/// How much waits. What is more than ten thousand is not counted further.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Jobs that are due, by queue.
    pub waiting: BTreeMap<Queue, u64>,
    /// Jobs that somebody must look at.
    pub dead: u64,
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
    /// Queues that wait until an operator says otherwise.
    pub paused: Option<String>,
}

/// The jobs, for whoever runs the platform.
#[derive(Clone, Debug)]
pub struct Jobs {
    store: Store,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    tenant_id: Uuid,
    slug: Option<String>,
    kind: String,
    queue: String,
    state: String,
    attempt: i16,
    max_attempts: i16,
    run_at: OffsetDateTime,
    progress_done: Option<i64>,
    progress_total: Option<i64>,
    last_error: Option<String>,
    request_id: Option<String>,
    enqueued_by: Option<Uuid>,
    created_at: OffsetDateTime,
    started_at: Option<OffsetDateTime>,
    ended_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for JobRecord {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: JobId::new(row.id),
            tenant: TenantId::new(row.tenant_id),
            tenant_slug: row.slug,
            kind: row.kind,
            queue: queue(&row.queue)?,
            state: row.state.parse().map_err(StoreError::corrupt)?,
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            run_at: row.run_at,
            progress: row.progress_done.zip(row.progress_total),
            last_error: row.last_error,
            request_id: row.request_id,
            enqueued_by: row.enqueued_by.map(UserId::new),
            created_at: row.created_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
        })
    }
}

/// Each condition has a plan of its own: one of three indexes, or the key.
macro_rules! listing {
    ($condition:literal) => {
        concat!(
            "SELECT j.id, j.tenant_id, t.slug, j.kind, j.queue, j.state, j.attempt, \
             j.max_attempts, j.run_at, j.progress_done, j.progress_total, j.last_error, \
             j.request_id, j.enqueued_by, j.created_at, j.started_at, j.ended_at \
             FROM jobs j LEFT JOIN tenants t ON t.id = j.tenant_id WHERE ",
            $condition
        )
    };
}

const OF_ALL: &str =
    listing!("j.id < $1 AND ($3::text IS NULL OR j.kind = $3) ORDER BY j.id DESC LIMIT $2");
const OF_STATE: &str = listing!(
    "j.id < $1 AND ($3::text IS NULL OR j.kind = $3) AND j.state = $4 \
     ORDER BY j.id DESC LIMIT $2"
);
const OF_TENANT: &str = listing!(
    "j.id < $1 AND ($3::text IS NULL OR j.kind = $3) AND j.tenant_id = $4 \
     ORDER BY j.id DESC LIMIT $2"
);
const OF_TENANT_AND_STATE: &str = listing!(
    "j.id < $1 AND ($3::text IS NULL OR j.kind = $3) AND j.tenant_id = $4 AND j.state = $5 \
     ORDER BY j.id DESC LIMIT $2"
);
const ONE: &str = listing!("j.id = $1");

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

const COUNT: &str = concat!(
    waiting!("critical"),
    waiting!("default"),
    waiting!("bulk"),
    waiting!("provisioning"),
    "SELECT 'dead', (SELECT count(*) FROM (SELECT FROM jobs WHERE state = 'dead' LIMIT 10000) one)"
);

#[derive(FromQueryResult)]
struct Count {
    queue: String,
    count: i64,
}

const ATTEND: &str = "\
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
        (SELECT string_agg(queue, ', ' ORDER BY queue) FROM paused_queues) AS paused";

const PAUSE: &str = "INSERT INTO paused_queues (queue) VALUES ($1) ON CONFLICT DO NOTHING";
const RESUME: &str = "DELETE FROM paused_queues WHERE queue = $1";

impl Jobs {
    /// Through this database, with the right to look into the platform's tables.
    pub fn new(database: Database, platform: PlatformContext) -> Self {
        Self {
            store: Store::new(database, platform),
        }
    }

    /// The newest of those that the filter lets through, `limit` at most.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, filter: &JobFilter, limit: u16) -> Result<Vec<JobRecord>, StoreError> {
        let before = filter.before.map_or(Uuid::max(), JobId::uuid);
        let mut values: Vec<Value> = vec![
            before.into(),
            i64::from(limit).into(),
            filter.kind.clone().into(),
        ];
        values.extend(filter.tenant.map(|tenant| tenant.uuid().into()));
        values.extend(filter.state.map(|state| state.as_str().into()));
        let sql = match (filter.tenant.is_some(), filter.state.is_some()) {
            (false, false) => OF_ALL,
            (false, true) => OF_STATE,
            (true, false) => OF_TENANT,
            (true, true) => OF_TENANT_AND_STATE,
        };
        let rows: Vec<Row> = self.store.rows(sql, values).await?;
        rows.into_iter().map(JobRecord::try_from).collect()
    }

    /// One job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, job: JobId) -> Result<Option<JobRecord>, StoreError> {
        let rows: Vec<Row> = self.store.rows(ONE, [job.uuid().into()]).await?;
        rows.into_iter().next().map(JobRecord::try_from).transpose()
    }

    /// Lets a job that is dead, parked, cancelled or waiting after a failure be tried from the
    /// beginning, now; `false` when it stands otherwise.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when another one with its key was put down meanwhile.
    pub async fn retry(&self, job: JobId) -> Result<bool, StoreError> {
        Ok(self.store.run(RETRY, [job.uuid().into()]).await? > 0)
    }

    /// Takes a job back. One that is being done is undone: whoever does it has lost it; one that is
    /// dead is not looked at any more. `false` when it was done, or taken back already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cancel(&self, job: JobId) -> Result<bool, StoreError> {
        Ok(self.store.run(CANCEL, [job.uuid().into()]).await? > 0)
    }

    /// Lets the jobs of a queue wait; those that are under way are done. `false` when they do so
    /// already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pause(&self, queue: Queue) -> Result<bool, StoreError> {
        Ok(self.store.run(PAUSE, [queue.as_str().into()]).await? > 0)
    }

    /// Ends the wait of a queue; `false` when there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn resume(&self, queue: Queue) -> Result<bool, StoreError> {
        Ok(self.store.run(RESUME, [queue.as_str().into()]).await? > 0)
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
            if word == "dead" {
                backlog.dead = count;
            } else {
                backlog.waiting.insert(queue(&word)?, count);
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
        self.store.run(PURGE, [before.into()]).await
    }
}
