//! What is verified, page by page.

use database::{Mode, Platform, Scope, StoreError, Tx};
use sea_orm::FromQueryResult;
use time::OffsetDateTime;
use uuid::Uuid;

use super::read::{Row, columns};
use crate::Hash;

const LINKS: &str = concat!(
    "SELECT l.position, l.id AS event_id, l.hash, l.previous, l.link, ",
    columns!(),
    " FROM (SELECT * FROM audit_links WHERE position > $1 AND position <= $2 \
        ORDER BY position LIMIT 4000) l \
      LEFT JOIN audit_events e ON e.id = l.id ORDER BY l.position"
);

/// How many links a page has.
pub(crate) const PAGE: usize = 4_000;

/// A link and its event, if that is there.
#[derive(FromQueryResult)]
pub(crate) struct LinkedRow {
    pub(crate) position: i64,
    pub(crate) event_id: Uuid,
    pub(crate) hash: Vec<u8>,
    pub(crate) previous: Vec<u8>,
    pub(crate) link: Vec<u8>,
    #[sea_orm(nested)]
    pub(crate) event: Option<Row>,
}

/// The links after a place and up to another, with their events, a page at a time.
pub(crate) async fn links<S: Scope, M: Mode>(
    tx: &Tx<S, M>,
    after: i64,
    up_to: i64,
) -> Result<Vec<LinkedRow>, StoreError> {
    tx.rows(LINKS, [after.into(), up_to.into()]).await
}

const LINKS_BEHIND: &str = "\
    SELECT l.id, l.position, e.at, e.action FROM audit_links l LEFT JOIN audit_events e ON e.id = l.id \
    WHERE l.position > $1 AND l.position > coalesce( \
        (SELECT max(last_position) FROM audit_seals WHERE NOT number = ANY ($2)), 0) \
    ORDER BY l.position LIMIT 10000";

/// An event by its name.
#[derive(FromQueryResult)]
pub(crate) struct Named {
    pub(crate) id: Uuid,
    pub(crate) position: Option<i64>,
    pub(crate) at: Option<OffsetDateTime>,
    pub(crate) action: Option<String>,
}

/// What stands in the chain behind this place and behind every seal but these.
pub(crate) async fn links_behind<S: Scope, M: Mode>(
    tx: &Tx<S, M>,
    place: i64,
    forged: Vec<i64>,
) -> Result<Vec<Named>, StoreError> {
    tx.rows(LINKS_BEHIND, [place.into(), forged.into()]).await
}

const UNLINKED: &str = "\
    SELECT e.id, NULL::bigint AS position, e.at, e.action FROM audit_events e \
    WHERE NOT EXISTS (SELECT FROM audit_links l WHERE l.id = e.id) LIMIT 100000";
const STILL_UNLINKED: &str = "\
    SELECT e.id, NULL::bigint AS position, e.at, e.action FROM audit_events e \
    WHERE e.id = ANY ($1) AND NOT EXISTS (SELECT FROM audit_links l WHERE l.id = e.id) ORDER BY e.at";
const PRESENT: &str = "SELECT id FROM audit_events WHERE id = ANY ($1)";
const LINKED: &str = "SELECT id FROM audit_links WHERE id = ANY ($1)";

/// Events that are not in the chain.
pub(crate) async fn unlinked<S: Scope, M: Mode>(tx: &Tx<S, M>) -> Result<Vec<Named>, StoreError> {
    tx.rows(UNLINKED, []).await
}

/// Those of these that still are not.
pub(crate) async fn still_unlinked<S: Scope, M: Mode>(
    tx: &Tx<S, M>,
    events: Vec<Uuid>,
) -> Result<Vec<Named>, StoreError> {
    tx.rows(STILL_UNLINKED, [events.into()]).await
}

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

/// Those of these events that are there.
pub(crate) async fn present<S: Scope, M: Mode>(
    tx: &Tx<S, M>,
    events: Vec<Uuid>,
) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<Id> = tx.rows(PRESENT, [events.into()]).await?;
    Ok(rows.into_iter().map(|it| it.id).collect())
}

/// Those of these events that are in the chain.
pub(crate) async fn linked<S: Scope, M: Mode>(
    tx: &Tx<S, M>,
    events: Vec<Uuid>,
) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<Id> = tx.rows(LINKED, [events.into()]).await?;
    Ok(rows.into_iter().map(|it| it.id).collect())
}

const QUEUE: &str = "\
    SELECT event_id AS id FROM audit_unsealed WHERE tenant_id = $1 ORDER BY number LIMIT 100000";

const WAITING: &str =
    "SELECT event_id AS id FROM audit_unsealed WHERE tenant_id = $1 AND event_id = ANY ($2)";

/// Those of these events of a tenant that wait for their seal.
pub(crate) async fn waiting<M: Mode>(
    tx: &Tx<Platform, M>,
    tenant: Uuid,
    events: Vec<Uuid>,
) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<Id> = tx.rows(WAITING, [tenant.into(), events.into()]).await?;
    Ok(rows.into_iter().map(|it| it.id).collect())
}

/// The events of a tenant that wait for their seal, the oldest of them.
pub(crate) async fn queue<M: Mode>(
    tx: &Tx<Platform, M>,
    tenant: Uuid,
) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<Id> = tx.rows(QUEUE, [tenant.into()]).await?;
    Ok(rows.into_iter().map(|it| it.id).collect())
}

/// A link as it is stored, and the hash of its event as that is now.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) position: i64,
    pub(crate) event: Uuid,
    /// When it was recorded, in microseconds since 1970; of one that is gone, as its id says.
    pub(crate) at: i64,
    pub(crate) action: Option<String>,
    pub(crate) hash: Hash,
    pub(crate) previous: Hash,
    pub(crate) link: Hash,
    /// `None` when the event is gone.
    pub(crate) found: Option<Hash>,
}

impl LinkedRow {
    /// Hashes the event.
    pub(crate) fn step(self, tenant: Uuid) -> Result<Step, StoreError> {
        let event = self.event;
        let hash = Hash::stored(&self.hash)?;
        let found = match &event {
            None => None,
            Some(row) => match row.hash(tenant)? {
                found if found == hash => Some(found),
                // The same in other words is the same.
                _ => Some(row.clone().record(tenant)?.hash()?),
            },
        };
        let at = event.as_ref().map(Row::at);
        Ok(Step {
            position: self.position,
            event: self.event_id,
            at: at.unwrap_or_else(|| crate::sealer::recorded_at(self.event_id)),
            action: event.map(|it| it.action().to_owned()),
            hash,
            previous: Hash::stored(&self.previous)?,
            link: Hash::stored(&self.link)?,
            found,
        })
    }
}
