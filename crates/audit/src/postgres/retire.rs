//! Retirements, and what keeps events from them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use database::{Mode, Scope, StoreError, Tx, Write};
use sea_orm::FromQueryResult;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{read::columns, verify::LinkedRow};
use crate::{
    Hash, Retirement, Signed, Statement,
    statement::{VERSION, instant, micros},
};

/// By the index of categories and times. What is held is what `retire_audit_events` takes for held.
const EXPIRED: &str = concat!(
    "SELECT l.position, l.id AS event_id, l.hash, l.previous, l.link, ",
    columns!(),
    " FROM audit_events e JOIN audit_links l ON l.id = e.id \
      WHERE e.category = $1 AND e.at < $2 AND NOT EXISTS ( \
        SELECT FROM audit_holds h WHERE h.released_at IS NULL \
            AND (h.target_id IS NULL OR h.target_id = e.subject_id OR EXISTS ( \
                SELECT FROM audit_targets t WHERE t.target_id = h.target_id AND t.at = e.at \
                    AND t.event_id = e.id))) \
      ORDER BY e.at, e.id LIMIT 5000"
);

/// The oldest events of a category from before an instant that nobody holds, with their links: some at
/// a time.
pub(crate) async fn expired<S: Scope>(
    tx: &Tx<S, Write>,
    category: &str,
    before: OffsetDateTime,
) -> Result<Vec<LinkedRow>, StoreError> {
    tx.rows(EXPIRED, [category.into(), before.into()]).await
}

const LINKS: &str = concat!(
    "SELECT l.position, l.id AS event_id, l.hash, l.previous, l.link, ",
    columns!(),
    " FROM audit_links l LEFT JOIN audit_events e ON e.id = l.id WHERE l.id = ANY ($1)"
);

/// The links of these events.
pub(crate) async fn links<S: Scope, M: Mode>(
    tx: &Tx<S, M>,
    events: Vec<Uuid>,
) -> Result<Vec<LinkedRow>, StoreError> {
    tx.rows(LINKS, [events.into()]).await
}

const ALL: &str = "\
    SELECT number, category, positions, events, archive, archive_hash, retired_at, key_id, signature \
    FROM audit_retirements ORDER BY number";
const LAST: &str = "SELECT coalesce(max(number), 0) AS number FROM audit_retirements";
const ADD: &str = "\
    INSERT INTO audit_retirements (id, number, category, first_position, last_position, positions, \
        events, archive, archive_hash, retired_at, key_id, signature) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, decode($12, 'base64'))";
const RETIRE: &str = "SELECT platform.retire_audit_events($1, $2)";

#[derive(FromQueryResult)]
struct Row {
    number: i64,
    category: String,
    positions: String,
    events: i64,
    archive: String,
    archive_hash: Vec<u8>,
    retired_at: OffsetDateTime,
    key_id: String,
    signature: Vec<u8>,
}

/// Every retirement.
pub(crate) async fn all<S: Scope, M: Mode>(
    tx: &Tx<S, M>,
    tenant: Uuid,
) -> Result<Vec<Signed>, StoreError> {
    let rows: Vec<Row> = tx.rows(ALL, []).await?;
    let signed = rows.into_iter().map(|row| {
        Ok(Signed {
            statement: Statement::Retirement(Retirement {
                v: VERSION,
                tenant,
                number: row.number,
                category: row.category,
                positions: row.positions,
                events: row.events,
                archive: row.archive,
                archive_hash: Hash::stored(&row.archive_hash)?,
                retired_at: micros(row.retired_at),
                key_id: row.key_id,
            }),
            signature: STANDARD.encode(row.signature),
        })
    });
    signed.collect()
}

#[derive(FromQueryResult)]
struct Number {
    number: i64,
}

/// The number of the last retirement; 0 when there is none.
pub(crate) async fn last<S: Scope, M: Mode>(tx: &Tx<S, M>) -> Result<i64, StoreError> {
    let row: Option<Number> = tx.row(LAST, []).await?;
    Ok(row.map_or(0, |it| it.number))
}

/// Adds a retirement, and takes the events away that it is about.
pub(crate) async fn retire<S: Scope>(
    tx: &Tx<S, Write>,
    id: Uuid,
    retirement: &Retirement,
    signature: &str,
    (first, last): (i64, i64),
    events: Vec<Uuid>,
) -> Result<(), StoreError> {
    let values = [
        id.into(),
        retirement.number.into(),
        retirement.category.clone().into(),
        first.into(),
        last.into(),
        retirement.positions.clone().into(),
        retirement.events.into(),
        retirement.archive.clone().into(),
        retirement.archive_hash.to_vec().into(),
        instant(retirement.retired_at)?.into(),
        retirement.key_id.clone().into(),
        signature.into(),
    ];
    tx.run(ADD, values).await?;
    tx.run(RETIRE, [id.into(), events.into()]).await?;
    Ok(())
}

const HOLD: &str = "\
    INSERT INTO audit_holds (id, target_id, reason, placed_at) VALUES ($1, $2, $3, $4)";
const HOLDS: &str =
    "SELECT id, target_id, reason, placed_at, released_at FROM audit_holds ORDER BY placed_at, id";
const RELEASE: &str = "SELECT platform.release_audit_hold($1, $2) AS released";

#[derive(FromQueryResult)]
struct Released {
    released: bool,
}

/// A hold as it is stored.
#[derive(FromQueryResult)]
pub(crate) struct HoldRow {
    pub(crate) id: Uuid,
    pub(crate) target_id: Option<Uuid>,
    pub(crate) reason: String,
    pub(crate) placed_at: OffsetDateTime,
    pub(crate) released_at: Option<OffsetDateTime>,
}

/// Places a hold.
pub(crate) async fn hold<S: Scope>(
    tx: &Tx<S, Write>,
    id: Uuid,
    target: Option<Uuid>,
    reason: &str,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    tx.run(HOLD, [id.into(), target.into(), reason.into(), now.into()])
        .await?;
    Ok(())
}

/// Every hold there is or was.
pub(crate) async fn holds<S: Scope, M: Mode>(tx: &Tx<S, M>) -> Result<Vec<HoldRow>, StoreError> {
    tx.rows(HOLDS, []).await
}

/// Releases a hold; `false` when there is none, or it was released.
pub(crate) async fn release<S: Scope>(
    tx: &Tx<S, Write>,
    id: Uuid,
    now: OffsetDateTime,
) -> Result<bool, StoreError> {
    let row: Option<Released> = tx.row(RELEASE, [id.into(), now.into()]).await?;
    Ok(row.is_some_and(|it| it.released))
}
