//! Writing events, and the keys of persons.

use std::collections::BTreeMap;

use database::{Mode, Scope, StoreError, Tx, Write};
use kernel::{Ambient, AuditEventId, JobId, SessionId, UserId};
use sea_orm::FromQueryResult;
use telemetry::{Origin, TraceContext};
use uuid::Uuid;

use crate::log::actor_type;

/// An event to be written.
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) action: &'static str,
    pub(crate) category: &'static str,
    pub(crate) outcome: &'static str,
    pub(crate) target_ids: Vec<Uuid>,
    pub(crate) targets: String,
    pub(crate) changes: String,
    pub(crate) details: String,
    pub(crate) subject_id: Option<Uuid>,
    pub(crate) personal: Option<Vec<u8>>,
}

/// The events and by what they are found, in one round trip. An array has no `NULL`s here: nil and
/// nothing stand for them.
const EVENTS: &str = "\
    WITH written AS ( \
        INSERT INTO audit_events (id, actor_type, actor_id, session_id, operator, action, category, \
            outcome, targets, changes, details, subject_id, personal, job_id, request_id, trace_id, \
            address, user_agent) \
        SELECT it.id, $11, $12, $13, $14, it.action, it.category, it.outcome, it.targets::json, \
            it.changes::json, it.details::json, \
            nullif(it.subject_id, '00000000-0000-0000-0000-000000000000'), \
            nullif(it.personal, ''), $15, $16, $17, $18, $19 \
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], \
            $7::text[], $8::uuid[], $9::bytea[]) WITH ORDINALITY AS it (id, action, category, \
            outcome, targets, changes, details, subject_id, personal, place) \
        ORDER BY it.place \
        RETURNING id, at) \
    INSERT INTO audit_targets (id, event_id, target_id, at) \
    SELECT it.id, it.event_id, it.target_id, written.at \
    FROM unnest($10::uuid[], $20::uuid[], $21::uuid[]) AS it (id, event_id, target_id) \
    JOIN written ON written.id = it.event_id \
    ON CONFLICT DO NOTHING";

/// Writes events that were recorded in a transaction.
pub(crate) async fn events<S: Scope>(
    tx: &Tx<S, Write>,
    origin: &Origin,
    rows: &[Row],
    ambient: &Ambient,
) -> Result<(), StoreError> {
    fn column<T>(rows: &[Row], value: impl Fn(&Row) -> T) -> Vec<T> {
        rows.iter().map(value).collect()
    }
    let targets = rows
        .iter()
        .flat_map(|row| row.target_ids.iter().map(|target| (row.id, *target)));
    let targets: Vec<(Uuid, Uuid)> = targets.collect();
    let ids: Vec<Uuid> = targets
        .iter()
        .map(|_| ambient.id::<AuditEventId>().uuid())
        .collect();
    let events: Vec<Uuid> = targets.iter().map(|(event, _)| *event).collect();
    let target_ids: Vec<Uuid> = targets.into_iter().map(|(_, target)| target).collect();
    let values = [
        column(rows, |row| row.id).into(),
        column(rows, |row| row.action.to_owned()).into(),
        column(rows, |row| row.category.to_owned()).into(),
        column(rows, |row| row.outcome.to_owned()).into(),
        column(rows, |row| row.targets.clone()).into(),
        column(rows, |row| row.changes.clone()).into(),
        column(rows, |row| row.details.clone()).into(),
        column(rows, |row| row.subject_id.unwrap_or_default()).into(),
        column(rows, |row| row.personal.clone().unwrap_or_default()).into(),
        ids.into(),
        actor_type(origin).into(),
        origin.user.map(UserId::uuid).into(),
        origin.session.map(SessionId::uuid).into(),
        origin.operator.clone().into(),
        origin.job.map(JobId::uuid).into(),
        origin.request_id.clone().into(),
        origin.trace.as_ref().map(TraceContext::trace_id).into(),
        origin.address.map(|it| it.to_string()).into(),
        origin.user_agent.clone().into(),
        events.into(),
        target_ids.into(),
    ];
    tx.run(EVENTS, values).await?;
    Ok(())
}

const KEYS: &str = "\
    WITH new AS ( \
        INSERT INTO audit_subjects (id, key) \
        SELECT * FROM unnest($1::uuid[], $2::bytea[]) ON CONFLICT DO NOTHING RETURNING id, key) \
    SELECT id, key FROM new \
    UNION ALL SELECT id, key FROM audit_subjects WHERE id = ANY ($1)";
const KNOWN_KEYS: &str = "SELECT id, key FROM audit_subjects WHERE id = ANY ($1)";
const KEY: &str = "SELECT id, key FROM audit_subjects WHERE id = $1";
const FORGET: &str = "DELETE FROM audit_subjects WHERE id = $1";

#[derive(FromQueryResult)]
struct Key {
    id: Uuid,
    key: Vec<u8>,
}

/// The keys of persons as they are kept: of whom there is none yet, the one that was drawn.
pub(crate) async fn keys<S: Scope>(
    tx: &Tx<S, Write>,
    drawn: BTreeMap<Uuid, Vec<u8>>,
) -> Result<BTreeMap<Uuid, Vec<u8>>, StoreError> {
    let wanted = drawn.len();
    let (persons, keys): (Vec<Uuid>, Vec<Vec<u8>>) = drawn.into_iter().unzip();
    let found: Vec<Key> = tx.rows(KEYS, [persons.clone().into(), keys.into()]).await?;
    let mut all: BTreeMap<_, _> = found.into_iter().map(|it| (it.id, it.key)).collect();
    if all.len() < wanted {
        // Somebody else was the first, and is seen from the next statement on.
        let found: Vec<Key> = tx.rows(KNOWN_KEYS, [persons.into()]).await?;
        all.extend(found.into_iter().map(|it| (it.id, it.key)));
    }
    Ok(all)
}

/// The key of a person as it is kept, if there is one.
pub(crate) async fn key<S: Scope, M: Mode>(
    tx: &Tx<S, M>,
    person: Uuid,
) -> Result<Option<Vec<u8>>, StoreError> {
    let found: Option<Key> = tx.row(KEY, [person.into()]).await?;
    Ok(found.map(|it| it.key))
}

/// Destroys the key of a person.
pub(crate) async fn forget<S: Scope>(tx: &Tx<S, Write>, person: Uuid) -> Result<bool, StoreError> {
    Ok(tx.run(FORGET, [person.into()]).await? > 0)
}
