//! The chain and the seals of a tenant, as the sealer reads and writes them.

use database::{Mode, Scope, StoreError, Tx, Write};
use kernel::{Ambient, AuditEventId};
use sea_orm::FromQueryResult;
use time::OffsetDateTime;
use uuid::Uuid;

use super::read::{Row, columns};
use crate::{
    Hash, Seal, Signed, Statement,
    statement::{VERSION, instant, micros},
};

const TURN: &str = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS is_ours";

#[derive(FromQueryResult)]
struct Lock {
    is_ours: bool,
}

/// Goes away if somebody is at it: one at a time, until the transaction ends.
pub(crate) async fn is_our_turn<S: Scope>(
    tx: &Tx<S, Write>,
    what: String,
) -> Result<bool, StoreError> {
    let lock: Option<Lock> = tx.row(TURN, [what.into()]).await?;
    Ok(lock.is_some_and(|lock| lock.is_ours))
}

const UNSEALED: &str = concat!(
    "SELECT w.waiting AS number, l.id IS NOT NULL AS is_linked, ",
    columns!(),
    " FROM platform.unsealed_audit_events($1) WITH ORDINALITY AS w (waiting, event, place) \
      JOIN audit_events e ON e.id = w.event \
      LEFT JOIN audit_links l ON l.id = e.id ORDER BY w.place"
);

#[derive(FromQueryResult)]
struct WaitingRow {
    number: i64,
    is_linked: bool,
    #[sea_orm(nested)]
    event: Row,
}

/// An event that waits for its seal.
pub(crate) struct Waiting {
    /// Its place in the queue.
    pub(crate) number: i64,
    /// Whether the chain has it already: somebody inserted it again.
    pub(crate) is_linked: bool,
    pub(crate) event: Uuid,
    /// Of the event as it is stored.
    pub(crate) hash: Hash,
}

/// The events that wait for their seal, the oldest first. One that is not there any more is not among
/// them, and goes on waiting, for whoever verifies.
pub(crate) async fn unsealed<S: Scope>(
    tx: &Tx<S, Write>,
    tenant: Uuid,
    most: i32,
) -> Result<Vec<Waiting>, StoreError> {
    let rows: Vec<WaitingRow> = tx.rows(UNSEALED, [most.into()]).await?;
    let waiting = rows.into_iter().map(|row| {
        Ok(Waiting {
            number: row.number,
            is_linked: row.is_linked,
            event: row.event.id,
            hash: row.event.hash(tenant)?,
        })
    });
    waiting.collect()
}

const LAST_LINK: &str = "SELECT position, link FROM audit_links ORDER BY position DESC LIMIT 1";

#[derive(FromQueryResult)]
struct LinkRow {
    position: i64,
    link: Vec<u8>,
}

/// The end of the chain: a place and its link.
pub(crate) async fn last_link<S: Scope, M: Mode>(
    tx: &Tx<S, M>,
) -> Result<Option<(i64, Hash)>, StoreError> {
    let row: Option<LinkRow> = tx.row(LAST_LINK, []).await?;
    row.map(|it| Ok((it.position, Hash::stored(&it.link)?)))
        .transpose()
}

/// What a [`SealRow`] is read from.
macro_rules! seal_columns {
    () => {
        "number, first_position, last_position, link, previous, sealed_at, key_id, signature"
    };
}

const LAST_SEAL: &str = concat!(
    "SELECT ",
    seal_columns!(),
    " FROM audit_seals ORDER BY number DESC LIMIT 1"
);
const SEALS: &str = concat!(
    "SELECT ",
    seal_columns!(),
    " FROM audit_seals WHERE number > $1 ORDER BY number LIMIT 1000"
);

#[derive(FromQueryResult)]
struct SealRow {
    number: i64,
    first_position: i64,
    last_position: i64,
    link: Vec<u8>,
    previous: Vec<u8>,
    sealed_at: OffsetDateTime,
    key_id: String,
    signature: Vec<u8>,
}

impl SealRow {
    fn signed(self, tenant: Uuid) -> Result<Signed, StoreError> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        Ok(Signed {
            statement: Statement::Seal(Seal {
                v: VERSION,
                tenant,
                number: self.number,
                first_position: self.first_position,
                last_position: self.last_position,
                link: Hash::stored(&self.link)?,
                previous: Hash::stored(&self.previous)?,
                sealed_at: micros(self.sealed_at),
                key_id: self.key_id,
            }),
            signature: STANDARD.encode(self.signature),
        })
    }
}

/// The last seal.
pub(crate) async fn last_seal<S: Scope, M: Mode>(
    tx: &Tx<S, M>,
    tenant: Uuid,
) -> Result<Option<Signed>, StoreError> {
    let row: Option<SealRow> = tx.row(LAST_SEAL, []).await?;
    row.map(|it| it.signed(tenant)).transpose()
}

/// The seals after a number, some at a time.
pub(crate) async fn seals<S: Scope, M: Mode>(
    tx: &Tx<S, M>,
    tenant: Uuid,
    after: i64,
) -> Result<Vec<Signed>, StoreError> {
    let rows: Vec<SealRow> = tx.rows(SEALS, [after.into()]).await?;
    rows.into_iter().map(|it| it.signed(tenant)).collect()
}

/// A link of the chain, new.
pub(crate) struct NewLink {
    pub(crate) event: Uuid,
    pub(crate) position: i64,
    pub(crate) hash: Hash,
    pub(crate) previous: Hash,
    pub(crate) link: Hash,
}

const ADD_LINKS: &str = "\
    INSERT INTO audit_links (id, position, hash, previous, link) \
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[])";

/// Adds links to the chain.
pub(crate) async fn add_links<S: Scope>(
    tx: &Tx<S, Write>,
    links: &[NewLink],
) -> Result<(), StoreError> {
    fn column<T>(links: &[NewLink], value: impl Fn(&NewLink) -> T) -> Vec<T> {
        links.iter().map(value).collect()
    }
    let values = [
        column(links, |it| it.event).into(),
        column(links, |it| it.position).into(),
        column(links, |it| it.hash.to_vec()).into(),
        column(links, |it| it.previous.to_vec()).into(),
        column(links, |it| it.link.to_vec()).into(),
    ];
    tx.run(ADD_LINKS, values).await?;
    Ok(())
}

const ADD_SEAL: &str = "\
    INSERT INTO audit_seals (id, number, first_position, last_position, link, previous, sealed_at, \
        key_id, signature) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, decode($9, 'base64'))";

/// Adds a seal.
pub(crate) async fn add_seal<S: Scope>(
    tx: &Tx<S, Write>,
    ambient: &Ambient,
    seal: &Seal,
    signature: &str,
) -> Result<(), StoreError> {
    let values = [
        ambient.id::<AuditEventId>().uuid().into(),
        seal.number.into(),
        seal.first_position.into(),
        seal.last_position.into(),
        seal.link.to_vec().into(),
        seal.previous.to_vec().into(),
        instant(seal.sealed_at)?.into(),
        seal.key_id.clone().into(),
        signature.into(),
    ];
    tx.run(ADD_SEAL, values).await?;
    Ok(())
}

const SEALED: &str = "SELECT platform.audit_events_sealed($1, $2)";

/// Takes events from those that wait, and has what was signed filed.
pub(crate) async fn sealed<S: Scope>(
    tx: &Tx<S, Write>,
    numbers: Vec<i64>,
    line: Option<String>,
) -> Result<(), StoreError> {
    tx.run(SEALED, [numbers.into(), line.into()]).await?;
    Ok(())
}

const FIRST_SEAL: &str = "\
    SELECT number FROM audit_seals WHERE last_position >= coalesce( \
        (SELECT min(e.position) FROM \
            (SELECT l.position FROM audit_events e JOIN audit_links l ON l.id = e.id \
             WHERE e.at >= $1 ORDER BY e.at, e.id LIMIT 1000) e), 9223372036854775807) \
    ORDER BY last_position LIMIT 1";
const LAST_SEAL_OF: &str = "\
    SELECT number FROM audit_seals WHERE last_position >= coalesce( \
        (SELECT max(e.position) FROM \
            (SELECT l.position FROM audit_events e JOIN audit_links l ON l.id = e.id \
             WHERE e.at <= $1 ORDER BY e.at DESC, e.id DESC LIMIT 1000) e), 9223372036854775807) \
    ORDER BY last_position LIMIT 1";
const NEWEST_SEAL: &str = "SELECT number FROM audit_seals ORDER BY number DESC LIMIT 1";

#[derive(FromQueryResult)]
struct Number {
    number: i64,
}

/// The seals that cover what was recorded within a time: the numbers of the first and the last. Events
/// are chained in the order in which they were committed, which is nearly that of their times: within a
/// thousand of them.
pub(crate) async fn seals_within<S: Scope, M: Mode>(
    tx: &Tx<S, M>,
    from: Option<OffsetDateTime>,
    to: Option<OffsetDateTime>,
) -> Result<Option<(i64, i64)>, StoreError> {
    let newest: Option<Number> = tx.row(NEWEST_SEAL, []).await?;
    let Some(Number { number: newest }) = newest else {
        return Ok(None);
    };
    let first = match from {
        None => 1,
        Some(from) => match tx.row::<Number>(FIRST_SEAL, [from.into()]).await? {
            Some(it) => it.number,
            None => return Ok(None),
        },
    };
    let last = match to {
        None => newest,
        Some(to) => match tx.row::<Number>(LAST_SEAL_OF, [to.into()]).await? {
            Some(it) => it.number,
            None => return Ok(None),
        },
    };
    Ok(Some((first, last)).filter(|_| first <= last))
}
