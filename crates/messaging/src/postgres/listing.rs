//! Which jobs there are, and how each stands: for whoever runs the platform, and for a tenant that
//! waits for work of its own.

use database::{Mode, PlatformReadTx, StoreError, Tenant, TenantTx, Tx, list};
use kernel::{JobId, ListQuery, Page, PageRequest, TenantId, UserId};
use sea_orm::{
    FromQueryResult,
    sea_query::{Cond, Expr, ExprTrait as _, JoinType, Order, Query, SelectStatement},
};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Jobs, queue};
use crate::{JobState, Queue, Work};

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

/// What is shown of a job, in the order of [`Row`].
const COLUMNS: [&str; 16] = [
    "id",
    "tenant_id",
    "kind",
    "queue",
    "state",
    "attempt",
    "max_attempts",
    "run_at",
    "progress_done",
    "progress_total",
    "last_error",
    "request_id",
    "enqueued_by",
    "created_at",
    "started_at",
    "ended_at",
];

fn column(name: &'static str) -> Expr {
    Expr::col(("j", name))
}

/// The jobs that satisfy the conditions, without order.
fn jobs(conditions: Cond) -> SelectStatement {
    let mut select = Query::select();
    select
        .exprs(COLUMNS.map(column))
        .expr(Expr::col(("t", "slug")))
        .from_as("jobs", "j")
        .join_as(
            JoinType::LeftJoin,
            "tenants",
            "t",
            Expr::col(("t", "id")).equals(("j", "tenant_id")),
        )
        .cond_where(conditions);
    select
}

impl JobFilter {
    fn conditions(&self) -> Cond {
        let equal = |name, value: Option<sea_orm::Value>| value.map(|it| column(name).eq(it));
        Cond::all()
            .add_option(equal("tenant_id", self.tenant.map(|it| it.uuid().into())))
            .add_option(equal("state", self.state.map(|it| it.as_str().into())))
            .add_option(equal("kind", self.kind.as_deref().map(Into::into)))
            .add_option(self.before.map(|it| column("id").lt(it.uuid())))
    }
}

impl Jobs {
    /// The newest of those that the filter lets through, `limit` at most.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, filter: &JobFilter, limit: u16) -> Result<Vec<JobRecord>, StoreError> {
        let tx = self.store().begin_read().await?;
        let found = newest(&tx, filter.conditions(), u64::from(limit)).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// One page of those that a client asks for, the newest first: by `state`, `queue`, `kind` and
    /// `tenant_id`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn page(
        &self,
        query: &ListQuery,
        page: &PageRequest<JobId>,
    ) -> Result<Page<JobRecord, JobId>, StoreError> {
        let conditions = query.conditions.iter();
        let asked = conditions.fold(Cond::all(), |all, condition| {
            all.add(list::compared(column(condition.field), condition))
        });
        let after = page.after.map(|it| column("id").lt(it.uuid()));
        let tx = self.store().begin_read().await?;
        let limit = u64::from(page.limit.get()) + 1;
        let found = newest(&tx, asked.clone().add_option(after), limit).await?;
        let total = if page.count {
            Some(count(&tx, asked).await?)
        } else {
            None
        };
        tx.commit().await?;
        Ok(Page::of_surplus(found, page.limit, total, |job| job.id))
    }

    /// One job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, job: JobId) -> Result<Option<JobRecord>, StoreError> {
        let tx = self.store().begin_read().await?;
        let found = newest(&tx, Cond::all().add(column("id").eq(job.uuid())), 1).await?;
        tx.commit().await?;
        Ok(found.into_iter().next())
    }
}

async fn newest(
    tx: &PlatformReadTx,
    conditions: Cond,
    limit: u64,
) -> Result<Vec<JobRecord>, StoreError> {
    let mut select = jobs(conditions);
    select.order_by_expr(column("id"), Order::Desc).limit(limit);
    let rows: Vec<Row> = tx.select(&select).await?;
    rows.into_iter().map(JobRecord::try_from).collect()
}

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

async fn count(tx: &PlatformReadTx, conditions: Cond) -> Result<u64, StoreError> {
    let mut select = Query::select();
    select
        .expr(Expr::cust("count(*) AS count"))
        .from_as("jobs", "j")
        .cond_where(conditions);
    let rows: Vec<Count> = tx.select(&select).await?;
    Ok(rows.first().map_or(0, |row| row.count.unsigned_abs()))
}

/// A tenant's own job, as the tenant sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnJob {
    /// The job.
    pub id: JobId,
    /// What kind of work.
    pub kind: String,
    /// Where it stands.
    pub state: JobState,
    /// How much of how much is done, when it tells.
    pub progress: Option<(i64, i64)>,
    /// What was kept of doing it.
    pub result: Option<Value>,
    /// The user who wanted it; `None` when nobody did.
    pub enqueued_by: Option<UserId>,
    /// When it was put down.
    pub created_at: OffsetDateTime,
    /// When the last try began.
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    pub ended_at: Option<OffsetDateTime>,
}

#[derive(FromQueryResult)]
struct OwnRow {
    id: Uuid,
    kind: String,
    state: String,
    progress_done: Option<i64>,
    progress_total: Option<i64>,
    result: Option<Value>,
    enqueued_by: Option<Uuid>,
    created_at: OffsetDateTime,
    started_at: Option<OffsetDateTime>,
    ended_at: Option<OffsetDateTime>,
}

#[derive(FromQueryResult)]
struct Cancelled {
    about: Option<Value>,
}

impl OwnJob {
    /// A job of the tenant that the transaction is in; another tenant's is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find<M: Mode>(tx: &Tx<Tenant, M>, job: JobId) -> Result<Option<Self>, StoreError> {
        const SHOW: &str = "SELECT id, kind, state, progress_done, progress_total, result, \
             enqueued_by, created_at, started_at, ended_at FROM platform.show_job($1)";
        let row: Option<OwnRow> = tx.row(SHOW, [job.uuid().into()]).await?;
        row.map(Self::try_from).transpose()
    }

    /// Takes a job of the transaction's tenant back, as [`Jobs::cancel`] does, and returns what it was
    /// about; `None` when it ended, be it dead, or is not the tenant's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cancel(tx: &TenantTx, job: JobId) -> Result<Option<Value>, StoreError> {
        const CANCEL: &str = "SELECT platform.cancel_job($1) AS about";
        let row: Option<Cancelled> = tx.row(CANCEL, [job.uuid().into()]).await?;
        Ok(row.and_then(|row| row.about))
    }

    /// How many jobs of a kind the transaction's tenant has that have yet to end. What is more than a
    /// thousand is not counted further.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unfinished<W: Work>(tx: &TenantTx) -> Result<u64, StoreError> {
        const UNFINISHED: &str = "SELECT platform.unfinished_jobs($1, $2) AS count";
        let values = [W::KIND.into(), W::QUEUE.as_str().into()];
        let row: Option<Count> = tx.row(UNFINISHED, values).await?;
        Ok(row.map_or(0, |row| row.count.unsigned_abs()))
    }
}

impl TryFrom<OwnRow> for OwnJob {
    type Error = StoreError;

    fn try_from(row: OwnRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: JobId::new(row.id),
            kind: row.kind,
            state: row.state.parse().map_err(StoreError::corrupt)?,
            progress: row.progress_done.zip(row.progress_total),
            result: row.result,
            enqueued_by: row.enqueued_by.map(UserId::new),
            created_at: row.created_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
        })
    }
}
