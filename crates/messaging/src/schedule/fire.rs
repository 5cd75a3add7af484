//! Firing: what is due has its jobs put down, and its next fire, in one transaction.

use database::{PlatformTx, StoreError};
use kernel::{Ambient, JobId, ScheduleId};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Misfire, Timetable};

/// What a tick came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticked {
    /// For how many instants schedules fired.
    pub fires: u64,
    /// How many jobs were put down.
    pub jobs: u64,
}

/// How many schedules are taken at a time.
const BATCH: i64 = 50;

/// With so many jobs a transaction is large enough. One fire is never parted.
const ENOUGH: u64 = 2_000;

/// A tenant whose schema is migrated or moved is about to be served again; his jobs wait for that.
macro_rules! is_served {
    ($tenant:literal) => {
        concat!($tenant, ".status IN ('active', 'migrating', 'moving')")
    };
}

/// What is due. A suspended tenant's own schedules stand still: when he is served again, what he
/// missed is for the policy of each.
macro_rules! due {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM schedules s WHERE s.next_fire_at <= $1 \
             AND (s.tenant_id = '00000000-0000-0000-0000-000000000000' OR EXISTS ( \
                 SELECT FROM tenants t WHERE t.id = s.tenant_id AND ",
            is_served!("t"),
            ")) ORDER BY s.next_fire_at ",
            $rest
        )
    };
}

pub(super) const IS_ANY_DUE: &str = due!("s.id", "LIMIT 1");

/// By the lock on its row a schedule is one transaction's, also where two believe that they lead.
const TAKE: &str = due!(
    "s.id, s.tenant_id, s.name, s.fires_for, s.cron, s.time_zone, s.misfire, s.misfire_bound, \
     s.next_fire_at",
    "LIMIT $2 FOR UPDATE SKIP LOCKED"
);

const RECIPIENTS: &str = concat!(
    "SELECT id FROM tenants t WHERE ",
    is_served!("t"),
    " AND ($1::text IS NULL OR t.time_zone = $1)"
);

/// That a schedule fired and the jobs of that fire are one statement. Whose they are is not for the
/// program to say: a schedule of a tenant has jobs of that tenant, one for each tenant has jobs of
/// those that the registry has, and what does not fit is not put down.
///
/// The transactions of the platform alone may write here for a tenant; `enqueue_job` takes the
/// tenant from the transaction, and would let the platform order for itself only.
const FIRE: &str = concat!(
    "WITH fired AS ( \
         INSERT INTO schedule_fires (schedule_id, fire_at, fired_at) \
         VALUES ($1, $2, clock_timestamp()) \
         ON CONFLICT ON CONSTRAINT schedule_fires_key DO NOTHING \
         RETURNING schedule_id, fire_at \
     ), put AS ( \
         INSERT INTO jobs (id, tenant_id, kind, payload_version, payload, queue, max_attempts, \
             run_at, created_at) \
         SELECT it.job, it.tenant, s.kind, s.payload_version, \
             CASE WHEN jsonb_typeof(s.payload -> 'scheduled_for') = 'null' \
                 THEN jsonb_set(s.payload, '{scheduled_for}', to_jsonb(fired.fire_at)) \
                 ELSE s.payload END, \
             s.queue, s.max_attempts, now(), $4 \
         FROM fired JOIN schedules s ON s.id = fired.schedule_id \
         CROSS JOIN jsonb_to_recordset($3) AS it (job uuid, tenant uuid) \
         LEFT JOIN tenants t ON t.id = it.tenant AND ",
    is_served!("t"),
    " WHERE CASE s.fires_for \
             WHEN 'owner' THEN it.tenant = s.tenant_id AND (t.id IS NOT NULL \
                 OR it.tenant = '00000000-0000-0000-0000-000000000000') \
             WHEN 'each_tenant' THEN t.id IS NOT NULL \
             WHEN 'each_tenant_of_zone' THEN t.time_zone = s.time_zone \
             ELSE false END \
         RETURNING id \
     ) \
     SELECT (SELECT count(*) FROM fired) AS fires, (SELECT count(*) FROM put) AS jobs"
);

const GO_ON: &str = "UPDATE schedules SET next_fire_at = $2, is_on = $2 IS NOT NULL WHERE id = $1";

const GIVE_UP: &str = "UPDATE schedules SET next_fire_at = NULL, is_on = false, last_error = $2 \
     WHERE id = $1";

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    tenant_id: Uuid,
    name: String,
    fires_for: String,
    cron: String,
    time_zone: String,
    misfire: String,
    misfire_bound: Option<i16>,
    next_fire_at: OffsetDateTime,
}

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

#[derive(FromQueryResult)]
struct Fired {
    fires: i64,
    jobs: i64,
}

/// Fires some of what is due, and says whether there may be more.
pub(super) async fn fire_some(
    tx: &PlatformTx,
    now: OffsetDateTime,
    ambient: &Ambient,
) -> Result<(Ticked, bool), StoreError> {
    let rows: Vec<Row> = tx.rows(TAKE, [now.into(), BATCH.into()]).await?;
    let mut is_more = rows.len() as u64 >= BATCH.unsigned_abs();
    let mut ticked = Ticked::default();
    for row in rows {
        if ticked.jobs >= ENOUGH {
            is_more = true;
            break;
        }
        let savepoint = tx.savepoint().await?;
        match fire(tx, &row, now, ambient).await {
            Ok(Some(one)) => {
                savepoint.release().await?;
                ticked.fires += one.fires;
                ticked.jobs += one.jobs;
                is_more |= one.jobs >= ENOUGH;
            }
            Ok(None) => savepoint.undo().await?,
            // One that can never fire keeps no other one waiting.
            Err(error) if is_of_its_row(&error) => {
                savepoint.undo().await?;
                give_up(tx, &row, &error).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok((ticked, is_more))
}

/// Whether what is written in the row is to blame, and not an outage, a full disk or a defect: those
/// are waited for, and switch off nothing.
fn is_of_its_row(error: &StoreError) -> bool {
    // Data exceptions, and violated constraints.
    let is_of_data = |state: String| state.starts_with("22") || state.starts_with("23");
    matches!(error, StoreError::Corrupt(_)) || error.sqlstate().is_some_and(is_of_data)
}

async fn give_up(tx: &PlatformTx, row: &Row, error: &StoreError) -> Result<(), StoreError> {
    tracing::error!(
        error = error as &dyn std::error::Error,
        schedule = row.name,
        schedule_id = %ScheduleId::new(row.id),
        "a schedule cannot fire and is switched off"
    );
    tx.run(GIVE_UP, [row.id.into(), error.to_string().into()])
        .await?;
    Ok(())
}

/// Fires one schedule for all instants that are due, or for as many as are enough for a transaction.
/// `None` when its tenant is no longer served, since a moment ago: nothing of it is to remain.
async fn fire(
    tx: &PlatformTx,
    row: &Row,
    now: OffsetDateTime,
    ambient: &Ambient,
) -> Result<Option<Ticked>, StoreError> {
    let timetable = Timetable {
        cron: row.cron.parse().map_err(StoreError::corrupt)?,
        zone: row.time_zone.parse().map_err(StoreError::corrupt)?,
    };
    let due = timetable.due(row.next_fire_at, now, row.policy()?);
    let mut next = due.next;
    let mut ticked = Ticked::default();
    for fire_at in due.fires {
        if ticked.jobs >= ENOUGH {
            next = Some(fire_at);
            break;
        }
        let fired = fire_for(tx, row, fire_at, ambient).await?;
        if row.is_of_tenant() && fired.fires > 0 && fired.jobs == 0 {
            return Ok(None);
        }
        ticked.fires += fired.fires.unsigned_abs();
        ticked.jobs += fired.jobs.unsigned_abs();
    }
    tx.run(GO_ON, [row.id.into(), next.into()]).await?;
    Ok(Some(ticked))
}

/// Fires one schedule for one instant, unless it has fired for that already.
async fn fire_for(
    tx: &PlatformTx,
    row: &Row,
    fire_at: OffsetDateTime,
    ambient: &Ambient,
) -> Result<Fired, StoreError> {
    let recipients: Vec<Value> = row
        .recipients(tx)
        .await?
        .into_iter()
        .map(|tenant| json!({"job": ambient.id::<JobId>(), "tenant": tenant}))
        .collect();
    let values = [
        row.id.into(),
        fire_at.into(),
        Value::from(recipients).into(),
        ambient.now().into(),
    ];
    let fired: Option<Fired> = tx.row(FIRE, values).await?;
    fired.ok_or_else(|| StoreError::corrupt("a schedule fired and nothing is known of it"))
}

impl Row {
    fn is_of_tenant(&self) -> bool {
        !self.tenant_id.is_nil()
    }

    fn policy(&self) -> Result<Misfire, StoreError> {
        let bound = self
            .misfire_bound
            .and_then(|bound| u16::try_from(bound).ok());
        match (self.misfire.as_str(), bound) {
            ("skip", None) => Ok(Misfire::Skip),
            ("once", None) => Ok(Misfire::Once),
            ("each", Some(bound)) => Ok(Misfire::Each(bound)),
            (other, _) => Err(StoreError::corrupt(format!("a misfire policy `{other}`"))),
        }
    }

    async fn recipients(&self, tx: &PlatformTx) -> Result<Vec<Uuid>, StoreError> {
        let zone = match self.fires_for.as_str() {
            "owner" => return Ok(vec![self.tenant_id]),
            "each_tenant" => None,
            "each_tenant_of_zone" => Some(self.time_zone.as_str()),
            other => return Err(StoreError::corrupt(format!("a schedule for `{other}`"))),
        };
        let rows: Vec<Id> = tx.rows(RECIPIENTS, [zone.into()]).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }
}
