//! Whose turn it is: some jobs of each tenant that has any, tenant by tenant.

use std::time::Duration;

use database::{PlatformTx, StoreError};
use kernel::{JobId, TenantId};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::Store;
use crate::{Envelope, Queue};

/// What a hand-over may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HandOver {
    pub(crate) queue: Queue,
    /// The first tenant whose turn it is.
    pub(crate) from: Uuid,
    /// How many the broker takes, if it is for the broker to say.
    pub(crate) room: Option<usize>,
    /// How many tenants at most.
    pub(crate) tenants: u32,
    /// How long they have to be taken over.
    pub(crate) patience: Duration,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// To hand over.
    pub(crate) envelopes: Vec<Envelope>,
    /// With whom it goes on.
    pub(crate) next: Next,
}

/// Who has the next turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Next {
    /// Whose turn it was: another process has the turn of the queue, or every place is taken.
    #[default]
    Same,
    /// Who comes after this tenant.
    After(Uuid),
    /// The first tenant: the last one had his.
    First,
}

#[derive(FromQueryResult)]
struct Lock {
    is_ours: bool,
}

/// One process hands over a queue at a time: else the two would not see what the other one takes,
/// and a tenant got twice its part. Whoever comes second goes on at his next look.
const TURN: &str =
    "SELECT pg_try_advisory_xact_lock(hashtextextended('hrms jobs ' || $1, 0)) AS is_ours";

/// How many may be on their way is twice what all workers of the queue can do at a time, so that
/// none waits and nothing lies long where it cannot be taken back from. A tenant has half of what they
/// can do; while nobody else has work, all but one: whoever comes finds a place, however long what is
/// done takes.
const ROOM: &str = "\
    WITH slots AS ( \
        SELECT coalesce(sum((queues::jsonb ->> $1)::bigint), 0)::bigint AS total FROM workers \
        WHERE seen_at > now() - interval '30 s' \
    ) \
    SELECT CASE WHEN EXISTS (SELECT FROM paused_queues WHERE queue = $1) THEN 0 \
            ELSE greatest(0, least($2, 2 * total - (SELECT count(*) FROM jobs \
                WHERE queue = $1 AND handed_over_until IS NOT NULL))) END AS places, \
        greatest(1, total / 2) AS per_tenant, greatest(1, total - 1) AS alone \
    FROM slots";

#[derive(FromQueryResult)]
struct Room {
    places: i64,
    per_tenant: i64,
    alone: i64,
}

/// The next `$3` tenants for whom something waits. The recursion goes from tenant to tenant by the
/// index: tenants that have much cost no more than those that have little. It compares (queue, tenant)
/// as one, and what is picked below is named as an array, because no other index can serve the one,
/// and nothing but the key the other: whatever the planner believes about a table that is empty at noon
/// and holds millions at night, it reads no more of it.
macro_rules! turns {
    ($rest:literal) => {
        concat!(
            "WITH RECURSIVE turn (queue, tenant_id) AS ( \
                 (SELECT queue, tenant_id FROM jobs \
                 WHERE state IN ('ready', 'retry') AND handed_over_until IS NULL \
                     AND (queue, tenant_id) >= ($1, $2) \
                 ORDER BY queue, tenant_id LIMIT 1) \
                 UNION ALL \
                 SELECT next.queue, next.tenant_id FROM turn CROSS JOIN LATERAL ( \
                     SELECT j.queue, j.tenant_id FROM jobs j \
                     WHERE j.state IN ('ready', 'retry') AND j.handed_over_until IS NULL \
                         AND (j.queue, j.tenant_id) > (turn.queue, turn.tenant_id) \
                     ORDER BY j.queue, j.tenant_id LIMIT 1) AS next \
                 WHERE turn.queue = $1 \
             ), turns AS ( \
                 SELECT tenant_id FROM turn WHERE queue = $1 LIMIT $3 \
             ) ",
            $rest
        )
    };
}

const PICK: &str = turns!(
    ", under_way AS ( \
        SELECT tenant_id, count(*) AS total FROM jobs \
        WHERE queue = $1 AND (state = 'running' OR handed_over_until IS NOT NULL) \
        GROUP BY tenant_id \
    ), others AS ( \
        SELECT $2 > '00000000-0000-0000-0000-000000000000' OR 1 < (SELECT count(*) FROM ( \
            SELECT FROM turns WHERE EXISTS (SELECT FROM jobs j \
                WHERE j.queue = $1 AND j.state IN ('ready', 'retry') \
                    AND j.handed_over_until IS NULL AND j.tenant_id = turns.tenant_id \
                    AND j.run_at <= now()) LIMIT 2) AS two) AS wait \
    ), due AS ( \
        SELECT job.id, turns.tenant_id, job.nth \
        FROM turns \
        LEFT JOIN under_way ON under_way.tenant_id = turns.tenant_id \
        CROSS JOIN LATERAL ( \
            SELECT j.id, row_number() OVER (ORDER BY j.run_at, j.id) AS nth FROM jobs j \
            WHERE j.queue = $1 AND j.state IN ('ready', 'retry') AND j.handed_over_until IS NULL \
                AND j.tenant_id = turns.tenant_id AND j.run_at <= now() \
            ORDER BY j.run_at, j.id \
            LIMIT least($4, greatest(0, -coalesce(under_way.total, 0) + CASE \
                WHEN (SELECT wait FROM others) \
                    OR EXISTS (SELECT FROM under_way o WHERE o.tenant_id <> turns.tenant_id) \
                THEN $5 ELSE $7 END)) \
        ) AS job \
    ), picked AS ( \
        SELECT id, tenant_id, nth FROM due ORDER BY nth, tenant_id LIMIT $4 \
    ) \
    UPDATE jobs SET handed_over_until = now() + make_interval(secs => $6) \
    FROM picked LEFT JOIN tenants t ON t.id = picked.tenant_id \
    WHERE jobs.id = picked.id AND jobs.id = ANY (ARRAY(SELECT id FROM picked)) \
        AND jobs.state IN ('ready', 'retry') AND jobs.handed_over_until IS NULL \
    RETURNING jobs.id, jobs.tenant_id, t.slug, t.schema_name, t.status, t.placement_epoch, \
        jobs.kind, jobs.attempt, jobs.request_id, jobs.traceparent, jobs.tracestate, picked.nth, \
        (SELECT count(*) FROM turns) AS turns"
);

/// How far a look came that found nothing: the next one goes on after these tenants, whose jobs wait
/// for their time, or who have what they may have.
const REACHED: &str = turns!("SELECT tenant_id FROM turns ORDER BY tenant_id DESC LIMIT 1");

#[derive(FromQueryResult)]
struct Reached {
    tenant_id: Uuid,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    tenant_id: Uuid,
    slug: Option<String>,
    schema_name: Option<String>,
    status: Option<String>,
    placement_epoch: Option<i64>,
    kind: String,
    attempt: i16,
    request_id: Option<String>,
    traceparent: Option<String>,
    tracestate: Option<String>,
    nth: i64,
    turns: i64,
}

/// Jobs of a tenant that the registry does not have are nobody's. Some at a time: there may be more
/// than a statement has the time for, and the queue would wait for them for ever.
const ORPHANED: &str = "UPDATE jobs SET state = 'dead', handed_over_until = NULL, \
     last_error = 'the registry has no such tenant', ended_at = now() \
     WHERE id IN (SELECT id FROM jobs WHERE tenant_id = $1 AND state IN ('ready', 'retry') \
         LIMIT 1000 FOR UPDATE SKIP LOCKED)";

impl Store {
    /// Takes what is next, and marks it as handed over. What belongs to a tenant that is not served
    /// is laid aside instead.
    pub(crate) async fn hand_over(&self, wanted: HandOver) -> Result<Found, StoreError> {
        let tx = self.begin_mark().await?;
        let lock: Option<Lock> = tx.row(TURN, [wanted.queue.as_str().into()]).await?;
        if !lock.is_some_and(|lock| lock.is_ours) {
            tx.rollback().await?;
            return Ok(Found::default());
        }
        let most = wanted
            .room
            .map_or(i64::MAX, |room| i64::try_from(room).unwrap_or(i64::MAX));
        let queue = wanted.queue.as_str();
        let room: Option<Room> = tx.row(ROOM, [queue.into(), most.into()]).await?;
        let Some(room) = room.filter(|room| room.places > 0) else {
            tx.rollback().await?;
            return Ok(Found::default());
        };
        let tenants = i64::from(wanted.tenants);
        let values = [
            queue.into(),
            wanted.from.into(),
            tenants.into(),
            room.places.into(),
            room.per_tenant.into(),
            wanted.patience.as_secs_f64().into(),
            room.alone.into(),
        ];
        let mut rows: Vec<Row> = tx.rows(PICK, values).await?;
        rows.sort_unstable_by_key(|row| (row.nth, row.tenant_id));
        let picked = rows.iter().map(|row| row.tenant_id).max();
        // Whoever had a turn got what he may have: nobody is left behind them.
        let is_round = rows.first().is_some_and(|row| row.turns < tenants)
            && i64::try_from(rows.len()).is_ok_and(|picked| picked < room.places);
        let last = if is_round {
            None
        } else if picked.is_some() {
            picked
        } else {
            let values = [queue.into(), wanted.from.into(), tenants.into()];
            let reached: Option<Reached> = tx.row(REACHED, values).await?;
            reached.map(|reached| reached.tenant_id)
        };
        let envelopes = self.sort_out(&tx, rows).await?;
        tx.commit().await?;
        Ok(Found {
            envelopes,
            next: last.map_or(Next::First, Next::After),
        })
    }

    async fn sort_out(&self, tx: &PlatformTx, rows: Vec<Row>) -> Result<Vec<Envelope>, StoreError> {
        let mut envelopes = Vec::with_capacity(rows.len());
        let mut aside = Vec::new();
        for row in rows {
            let is_platforms = row.tenant_id.is_nil();
            if is_platforms || row.status.as_deref() == Some("active") {
                envelopes.push(row.into());
            } else {
                aside.push((row.tenant_id, row.status.is_some()));
            }
        }
        aside.sort_unstable();
        aside.dedup();
        for (tenant, is_registered) in aside {
            if is_registered {
                const UNMARK: &str = "UPDATE jobs SET handed_over_until = NULL \
                     WHERE tenant_id = $1 AND handed_over_until IS NOT NULL";
                tx.run(UNMARK, [tenant.into()]).await?;
                self.park(tx, TenantId::new(tenant)).await?;
            } else {
                tx.run(ORPHANED, [tenant.into()]).await?;
            }
        }
        Ok(envelopes)
    }
}

impl From<Row> for Envelope {
    fn from(row: Row) -> Self {
        let platform = || "platform".to_owned();
        Self {
            job_id: JobId::new(row.id),
            tenant_id: TenantId::new(row.tenant_id),
            tenant_slug: row.slug.unwrap_or_else(platform),
            schema_name: row.schema_name.unwrap_or_else(platform),
            placement_epoch: row.placement_epoch.unwrap_or_default(),
            kind: row.kind,
            attempt: row.attempt,
            request_id: row.request_id,
            traceparent: row.traceparent,
            tracestate: row.tracestate,
        }
    }
}
