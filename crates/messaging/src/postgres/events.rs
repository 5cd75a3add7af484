//! Events: their places in the feeds, what is read of them, and who has yet to hear.

use database::{Mode, PlatformReadTx, PlatformTx, StoreError, Tenant, TenantTx, Tx};
use kernel::{Ambient, EventId, JobId, UserId};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Event, FeedQuery, Work as _, events::Deliver};

/// How many events get their places in one transaction.
pub(crate) const BATCH: u64 = 5_000;

/// Goes away if somebody gives places. This saves work and no more: see [`SEQUENCE`].
const TURN: &str =
    "SELECT pg_try_advisory_xact_lock(hashtextextended('hrms events', 0)) AS is_ours";

/// Moves the oldest events into the feeds.
///
/// It is right also where two believe that it is their turn. The rows are locked in the order of their
/// numbers: the second waits at the first row, and once the first is done finds them gone and goes on
/// behind them. The feed's row is locked until the commit, so that places follow each other and are seen
/// in their order. What it does not see it cannot overtake: an event that it sees was recorded under its
/// subject's lock after those that were committed before, so it sees these too.
///
/// The array makes it go by the key, whatever the planner believes of a table that is mostly empty.
const SEQUENCE: &str = "\
    WITH batch AS MATERIALIZED ( \
        SELECT number FROM recorded_events ORDER BY number LIMIT 5000 FOR UPDATE \
    ), taken AS ( \
        DELETE FROM recorded_events WHERE number = ANY (ARRAY(SELECT number FROM batch)) \
        RETURNING number, id, tenant_id, kind, subject_kind, subject_id, data, actor_id, request_id, \
            occurred_at \
    ), feeds AS ( \
        INSERT INTO event_feeds (tenant_id, last_position) \
        SELECT tenant_id, count(*) FROM taken GROUP BY tenant_id ORDER BY tenant_id \
        ON CONFLICT (tenant_id) DO UPDATE \
            SET last_position = event_feeds.last_position + excluded.last_position \
        RETURNING tenant_id, last_position \
    ), placed AS ( \
        INSERT INTO events (tenant_id, position, id, kind, subject_kind, subject_id, data, actor_id, \
            request_id, occurred_at) \
        SELECT taken.tenant_id, feeds.last_position + 1 \
                - row_number() OVER (PARTITION BY taken.tenant_id ORDER BY taken.number DESC), \
            taken.id, taken.kind, taken.subject_kind, taken.subject_id, taken.data, taken.actor_id, \
            taken.request_id, taken.occurred_at \
        FROM taken JOIN feeds ON feeds.tenant_id = taken.tenant_id \
        RETURNING tenant_id, position, kind, subject_id, actor_id, request_id \
    ), wanted AS ( \
        SELECT placed.tenant_id, interest.subscriber, placed.subject_id, placed.position, \
            placed.actor_id, placed.request_id \
        FROM placed JOIN jsonb_to_recordset($1) AS interest (subscriber text, kind text) \
            ON interest.kind = placed.kind \
    ), delivered AS ( \
        INSERT INTO event_deliveries (tenant_id, subscriber, subject_id, position) \
        SELECT tenant_id, subscriber, subject_id, position FROM wanted \
    ) \
    SELECT (SELECT count(*) FROM placed) AS events, (SELECT coalesce(jsonb_agg(lane), '[]') FROM ( \
        SELECT DISTINCT ON (tenant_id, subscriber, subject_id) \
            tenant_id AS tenant, subscriber, subject_id AS subject, actor_id AS actor, request_id \
        FROM wanted ORDER BY tenant_id, subscriber, subject_id, position) lane) AS lanes";

/// Whose jobs they are the events say; `enqueue_job` takes the tenant from the transaction, and would
/// let the platform order for itself only.
const PUT_DOWN: &str = "\
    INSERT INTO jobs (id, tenant_id, kind, payload_version, payload, queue, max_attempts, run_at, \
        request_id, enqueued_by, created_at) \
    SELECT it.job, it.tenant, $2, $3, it.payload, $4, $5, now(), it.request_id, it.actor, $6 \
    FROM jsonb_to_recordset($1) AS it \
        (job uuid, tenant uuid, payload jsonb, request_id text, actor uuid)";

const READ: &str = "SELECT * FROM platform.read_events($1, $2, $3, $4)";
const NEXT: &str = "SELECT * FROM platform.next_events($1, $2, $3)";
const HEARD: &str = "SELECT platform.events_heard($1, $2, $3)";

#[derive(FromQueryResult)]
struct Lock {
    is_ours: bool,
}

const WAITING: &str = "SELECT count(*) AS count FROM (SELECT FROM recorded_events LIMIT 10000) one";

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

#[derive(FromQueryResult)]
struct Placed {
    events: i64,
    lanes: Value,
}

/// A subscriber and a subject of which it has something to hear; and who brought that about first.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Lane {
    tenant: Uuid,
    subscriber: String,
    subject: Uuid,
    actor: Option<Uuid>,
    request_id: Option<String>,
}

#[derive(FromQueryResult)]
struct Row {
    position: i64,
    id: Uuid,
    kind: String,
    subject_kind: String,
    subject_id: Uuid,
    data: Value,
    actor_id: Option<Uuid>,
    request_id: Option<String>,
    occurred_at: OffsetDateTime,
}

impl From<Row> for Event {
    fn from(row: Row) -> Self {
        Self {
            position: row.position,
            id: EventId::new(row.id),
            kind: row.kind,
            subject_kind: row.subject_kind,
            subject_id: row.subject_id,
            data: row.data,
            actor: row.actor_id.map(UserId::new),
            request_id: row.request_id,
            occurred_at: row.occurred_at,
        }
    }
}

/// Whether nobody else gives places.
pub(crate) async fn is_our_turn(tx: &PlatformTx) -> Result<bool, StoreError> {
    let lock: Option<Lock> = tx.row(TURN, []).await?;
    Ok(lock.is_some_and(|lock| lock.is_ours))
}

/// How many events wait for their place, up to ten thousand.
pub(crate) async fn waiting(tx: &PlatformReadTx) -> Result<u64, StoreError> {
    let count: Option<Count> = tx.row(WAITING, []).await?;
    Ok(count.map_or(0, |count| count.count.unsigned_abs()))
}

/// Gives some events their places; how many, and who has something to hear of it.
pub(crate) async fn sequence(
    tx: &PlatformTx,
    interests: &[(&str, &str)],
) -> Result<(u64, Vec<Lane>), StoreError> {
    let interests = interests
        .iter()
        .map(|(subscriber, kind)| json!({"subscriber": subscriber, "kind": kind}));
    let interests: Value = interests.collect();
    let placed: Option<Placed> = tx.row(SEQUENCE, [interests.into()]).await?;
    let placed = placed.ok_or_else(|| StoreError::corrupt("an aggregate has no row"))?;
    let lanes = serde_json::from_value(placed.lanes).map_err(StoreError::corrupt)?;
    Ok((placed.events.unsigned_abs(), lanes))
}

/// Puts down the jobs of lanes.
pub(crate) async fn put_down(
    tx: &PlatformTx,
    lanes: Vec<Lane>,
    ambient: &Ambient,
) -> Result<(), StoreError> {
    let jobs = lanes.into_iter().map(|lane| {
        let payload = Deliver {
            subscriber: lane.subscriber,
            subject_id: lane.subject,
        };
        json!({
            "job": ambient.id::<JobId>(), "tenant": lane.tenant, "payload": payload,
            "request_id": lane.request_id, "actor": lane.actor,
        })
    });
    let values = [
        jobs.collect::<Value>().into(),
        Deliver::KIND.into(),
        Deliver::VERSION.into(),
        Deliver::QUEUE.as_str().into(),
        Deliver::MAX_ATTEMPTS.into(),
        ambient.now().into(),
    ];
    tx.run(PUT_DOWN, values).await?;
    Ok(())
}

/// Events of a feed, in its order.
pub(crate) async fn read<M: Mode>(
    tx: &Tx<Tenant, M>,
    query: &FeedQuery,
    limit: u16,
) -> Result<Vec<Event>, StoreError> {
    let values = [
        query.after.into(),
        i32::from(limit).into(),
        query.subject.into(),
        query.kind.clone().into(),
    ];
    let rows: Vec<Row> = tx.rows(READ, values).await?;
    Ok(rows.into_iter().map(Event::from).collect())
}

/// What a subscriber has yet to hear of a subject, the next first. Nobody else is in this lane until
/// the transaction ends.
pub(crate) async fn next(
    tx: &TenantTx,
    subscriber: &str,
    subject: Uuid,
    most: i32,
) -> Result<Vec<Event>, StoreError> {
    let values = [subscriber.into(), subject.into(), most.into()];
    let rows: Vec<Row> = tx.rows(NEXT, values).await?;
    Ok(rows.into_iter().map(Event::from).collect())
}

/// Notes that a subscriber has heard what there is of a subject up to a place.
pub(crate) async fn heard(
    tx: &TenantTx,
    subscriber: &str,
    subject: Uuid,
    up_to: i64,
) -> Result<(), StoreError> {
    let values = [subscriber.into(), subject.into(), up_to.into()];
    tx.run(HEARD, values).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
