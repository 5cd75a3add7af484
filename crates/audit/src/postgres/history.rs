//! The records of one thing.

use database::{Mode, StoreError, Tenant, Tx};
use sea_orm::FromQueryResult;
use time::OffsetDateTime;
use uuid::Uuid;

use super::read::{Row, columns};
use crate::{HistoryPlace, Record};

/// Found by the index of the targets, newest first; what was only read is passed over.
pub(crate) const PAGE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM audit_targets t JOIN audit_events e ON e.id = t.event_id \
     WHERE t.target_id = $1 AND (t.at, t.event_id) < ($2, $3) \
     AND e.category IN ('data_write', 'admin') \
     ORDER BY t.at DESC, t.event_id DESC LIMIT $4"
);

const COUNT: &str = "\
    SELECT count(*) AS count FROM audit_targets t JOIN audit_events e ON e.id = t.event_id \
    WHERE t.target_id = $1 AND e.category IN ('data_write', 'admin')";

const KEYS: &str = "SELECT id, key FROM audit_subjects WHERE id = ANY ($1)";

/// One page of the changes of something, from a place backwards.
pub(crate) async fn page<M: Mode>(
    tx: &Tx<Tenant, M>,
    target: Uuid,
    before: Option<HistoryPlace>,
    limit: u32,
) -> Result<Vec<Record>, StoreError> {
    let (at, id) = match before {
        Some(place) => (instant(place.at)?, place.id),
        None => (END, Uuid::max()),
    };
    let values = [target.into(), at.into(), id.into(), u64::from(limit).into()];
    let rows: Vec<Row> = tx.rows(PAGE, values).await?;
    let tenant = tx.tenant().id().uuid();
    rows.into_iter().map(|row| row.record(tenant)).collect()
}

/// Behind every event.
const END: OffsetDateTime = time::macros::datetime!(9999-12-31 0:00 UTC);

fn instant(micros: i64) -> Result<OffsetDateTime, StoreError> {
    let nanos = i128::from(micros) * 1_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(StoreError::corrupt)
}

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

/// How many changes of something there are.
pub(crate) async fn count<M: Mode>(tx: &Tx<Tenant, M>, target: Uuid) -> Result<u64, StoreError> {
    let counted: Option<Count> = tx.row(COUNT, [target.into()]).await?;
    let counted = counted.map_or(0, |it| it.count);
    u64::try_from(counted).map_err(StoreError::corrupt)
}

#[derive(FromQueryResult)]
struct Key {
    id: Uuid,
    key: Vec<u8>,
}

/// The keys of these persons as they are kept, of whom there is one.
pub(crate) async fn keys<M: Mode>(
    tx: &Tx<Tenant, M>,
    persons: Vec<Uuid>,
) -> Result<Vec<(Uuid, Vec<u8>)>, StoreError> {
    let found: Vec<Key> = tx.rows(KEYS, [persons.into()]).await?;
    Ok(found.into_iter().map(|it| (it.id, it.key)).collect())
}

#[cfg(test)]
mod tests;
