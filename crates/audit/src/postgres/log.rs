//! What the platform keeps of all chains: who waits, what has yet to be filed, the log of heads.

use database::{Mode, Platform, PlatformTx, StoreError, Tx};
use sea_orm::FromQueryResult;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    Checkpoint, Hash, Seal, Signed, Statement,
    statement::{VERSION, instant, micros},
};

/// From tenant to tenant by the index, however many events of each there are.
const WAITING: &str = "\
    WITH RECURSIVE waiting AS ( \
        (SELECT tenant_id, number FROM audit_unsealed WHERE tenant_id > $1 \
            ORDER BY tenant_id, number LIMIT 1) \
        UNION ALL \
        SELECT next.tenant_id, next.number FROM waiting CROSS JOIN LATERAL ( \
            SELECT tenant_id, number FROM audit_unsealed WHERE tenant_id > waiting.tenant_id \
            ORDER BY tenant_id, number LIMIT 1) next \
    ), found AS (SELECT tenant_id, number FROM waiting LIMIT 200) \
    SELECT tenant_id FROM found ORDER BY number";
const WAITING_OF_PLATFORM: &str = "\
    SELECT tenant_id FROM audit_unsealed \
    WHERE tenant_id = '00000000-0000-0000-0000-000000000000' LIMIT 1";

/// How many tenants one look finds at most.
pub(crate) const TENANTS: usize = 200;

#[derive(FromQueryResult)]
struct TenantRow {
    tenant_id: Uuid,
}

/// Tenants after this one that have events which wait for their seal, some at a time; of these, the
/// one that waits for longest first. The platform itself comes before all tenants.
pub(crate) async fn waiting<M: Mode>(
    tx: &Tx<Platform, M>,
    after: Option<Uuid>,
) -> Result<Vec<Uuid>, StoreError> {
    let mut rows: Vec<TenantRow> = Vec::new();
    if after.is_none() {
        rows.extend(tx.rows::<TenantRow>(WAITING_OF_PLATFORM, []).await?);
    }
    let after = after.unwrap_or_default();
    rows.extend(tx.rows::<TenantRow>(WAITING, [after.into()]).await?);
    Ok(rows.into_iter().map(|it| it.tenant_id).collect())
}

const BACKLOG: &str = "\
    SELECT (SELECT count(*) FROM (SELECT FROM audit_unsealed LIMIT 10000) one) AS unsealed, \
        (SELECT event_id FROM audit_unsealed ORDER BY number LIMIT 1) AS oldest, \
        (SELECT count(*) FROM (SELECT FROM audit_unfiled LIMIT 10000) one) AS unfiled";

/// What waits.
#[derive(FromQueryResult)]
pub(crate) struct BacklogRow {
    pub(crate) unsealed: i64,
    pub(crate) oldest: Option<Uuid>,
    pub(crate) unfiled: i64,
}

/// What waits for its seal, and for its file.
pub(crate) async fn backlog<M: Mode>(tx: &Tx<Platform, M>) -> Result<BacklogRow, StoreError> {
    let row: Option<BacklogRow> = tx.row(BACKLOG, []).await?;
    row.ok_or_else(|| StoreError::corrupt("an aggregate has no row"))
}

const UNFILED: &str = "SELECT number, tenant_id, line FROM audit_unfiled ORDER BY number LIMIT 1000 FOR UPDATE SKIP LOCKED";

/// How many lines are filed at once.
pub(crate) const LINES: usize = 1_000;

/// A line that has yet to be filed.
#[derive(FromQueryResult)]
pub(crate) struct Unfiled {
    pub(crate) number: i64,
    pub(crate) tenant_id: Uuid,
    pub(crate) line: String,
}

/// Lines that have yet to be filed, and that nobody else is filing.
pub(crate) async fn unfiled(tx: &PlatformTx) -> Result<Vec<Unfiled>, StoreError> {
    tx.rows(UNFILED, []).await
}

const FILED: &str = "DELETE FROM audit_unfiled WHERE number = ANY ($1)";
const GREW: &str = "\
    INSERT INTO audit_heads (tenant_id, seal, last_position, link) \
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[]) \
        AS it (tenant_id, seal, last_position, link) ORDER BY it.tenant_id \
    ON CONFLICT (tenant_id) DO UPDATE SET seal = excluded.seal, \
        last_position = excluded.last_position, link = excluded.link \
    WHERE audit_heads.seal < excluded.seal";

/// Notes that lines are filed, and which chains have grown: one seal a tenant.
pub(crate) async fn filed(
    tx: &PlatformTx,
    numbers: Vec<i64>,
    heads: &[&Seal],
) -> Result<(), StoreError> {
    fn column<T>(heads: &[&Seal], value: impl Fn(&Seal) -> T) -> Vec<T> {
        heads.iter().map(|it| value(it)).collect()
    }
    if !heads.is_empty() {
        let values = [
            column(heads, |it| it.tenant).into(),
            column(heads, |it| it.number).into(),
            column(heads, |it| it.last_position).into(),
            column(heads, |it| it.link.to_vec()).into(),
        ];
        tx.run(GREW, values).await?;
    }
    tx.run(FILED, [numbers.into()]).await?;
    Ok(())
}

const TAKE_HEADS: &str = "\
    WITH grown AS (DELETE FROM audit_heads RETURNING tenant_id, seal, last_position, link) \
    SELECT 0::bigint AS position, tenant_id, seal, last_position, link FROM grown \
    WHERE NOT EXISTS (SELECT FROM audit_log known \
        WHERE known.tenant_id = grown.tenant_id AND known.seal = grown.seal) \
    ORDER BY tenant_id";
const ADD_ENTRIES: &str = "\
    INSERT INTO audit_log (position, tenant_id, seal, last_position, link) \
    SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bytea[])";
const ENTRIES: &str = "\
    SELECT position, tenant_id, seal, last_position, link FROM audit_log \
    WHERE position > $1 ORDER BY position LIMIT 5000";
const ENTRIES_OF_TENANT: &str = "\
    SELECT position, tenant_id, seal, last_position, link FROM audit_log \
    WHERE tenant_id = $1 AND seal > $2 ORDER BY seal LIMIT 1000";

/// An entry of the log: the head of a chain.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Entry {
    pub(crate) position: i64,
    pub(crate) tenant_id: Uuid,
    pub(crate) seal: i64,
    pub(crate) last_position: i64,
    pub(crate) link: Vec<u8>,
}

/// Takes the heads of the chains that have grown since somebody last did so. One that is in the log
/// already was sealed again on top of an older backup, which verifying tells.
pub(crate) async fn take_heads(tx: &PlatformTx) -> Result<Vec<Entry>, StoreError> {
    tx.rows(TAKE_HEADS, []).await
}

/// Adds entries to the log.
pub(crate) async fn add_entries(tx: &PlatformTx, entries: &[Entry]) -> Result<(), StoreError> {
    for some in entries.chunks(5_000) {
        let values = [
            some.iter().map(|it| it.position).collect::<Vec<_>>().into(),
            some.iter()
                .map(|it| it.tenant_id)
                .collect::<Vec<_>>()
                .into(),
            some.iter().map(|it| it.seal).collect::<Vec<_>>().into(),
            some.iter()
                .map(|it| it.last_position)
                .collect::<Vec<_>>()
                .into(),
            some.iter()
                .map(|it| it.link.clone())
                .collect::<Vec<_>>()
                .into(),
        ];
        tx.run(ADD_ENTRIES, values).await?;
    }
    Ok(())
}

/// The entries after a place, some at a time.
pub(crate) async fn entries<M: Mode>(
    tx: &Tx<Platform, M>,
    after: i64,
) -> Result<Vec<Entry>, StoreError> {
    tx.rows(ENTRIES, [after.into()]).await
}

/// The entries of a tenant after a seal, some at a time.
pub(crate) async fn entries_of<M: Mode>(
    tx: &Tx<Platform, M>,
    tenant: Uuid,
    after: i64,
) -> Result<Vec<Entry>, StoreError> {
    tx.rows(ENTRIES_OF_TENANT, [tenant.into(), after.into()])
        .await
}

/// What a [`CheckpointRow`] is read from.
macro_rules! checkpoint_columns {
    () => {
        "number, size, root, previous, peaks, signed_at, key_id, \
         translate(encode(signature, 'base64'), E'\\n', '') AS signature"
    };
}

const LAST_CHECKPOINT: &str = concat!(
    "SELECT ",
    checkpoint_columns!(),
    " FROM audit_checkpoints ORDER BY number DESC LIMIT 1"
);
const CHECKPOINTS: &str = concat!(
    "SELECT ",
    checkpoint_columns!(),
    " FROM audit_checkpoints WHERE number > $1 ORDER BY number LIMIT 1000"
);
const ADD_CHECKPOINT: &str = "\
    INSERT INTO audit_checkpoints (number, size, root, previous, peaks, signed_at, key_id, signature) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, decode($8, 'base64'))";

#[derive(FromQueryResult)]
struct CheckpointRow {
    number: i64,
    size: i64,
    root: Vec<u8>,
    previous: Vec<u8>,
    peaks: Vec<u8>,
    signed_at: OffsetDateTime,
    key_id: String,
    signature: String,
}

impl CheckpointRow {
    fn signed(self) -> Result<(Signed, Vec<u8>), StoreError> {
        let checkpoint = Checkpoint {
            v: VERSION,
            number: self.number,
            size: self.size,
            root: Hash::stored(&self.root)?,
            previous: Hash::stored(&self.previous)?,
            signed_at: micros(self.signed_at),
            key_id: self.key_id,
        };
        let signed = Signed {
            statement: Statement::Checkpoint(checkpoint),
            signature: self.signature,
        };
        Ok((signed, self.peaks))
    }
}

/// The last checkpoint, and the peaks of its tree as they were kept.
pub(crate) async fn last_checkpoint<M: Mode>(
    tx: &Tx<Platform, M>,
) -> Result<Option<(Signed, Vec<u8>)>, StoreError> {
    let row: Option<CheckpointRow> = tx.row(LAST_CHECKPOINT, []).await?;
    row.map(CheckpointRow::signed).transpose()
}

/// The checkpoints after a number, some at a time.
pub(crate) async fn checkpoints<M: Mode>(
    tx: &Tx<Platform, M>,
    after: i64,
) -> Result<Vec<Signed>, StoreError> {
    let rows: Vec<CheckpointRow> = tx.rows(CHECKPOINTS, [after.into()]).await?;
    let signed = rows.into_iter().map(|it| Ok(it.signed()?.0));
    signed.collect()
}

/// Adds a checkpoint.
pub(crate) async fn add_checkpoint(
    tx: &PlatformTx,
    checkpoint: &Checkpoint,
    peaks: Vec<u8>,
    signature: &str,
) -> Result<(), StoreError> {
    let values = [
        checkpoint.number.into(),
        checkpoint.size.into(),
        checkpoint.root.to_vec().into(),
        checkpoint.previous.to_vec().into(),
        peaks.into(),
        instant(checkpoint.signed_at)?.into(),
        checkpoint.key_id.clone().into(),
        signature.into(),
    ];
    tx.run(ADD_CHECKPOINT, values).await?;
    Ok(())
}

const PERMIT: &str =
    "INSERT INTO audit_permits (tenant_id, id) VALUES ($1, $2) ON CONFLICT DO NOTHING";

/// Permits a transaction of a tenant one retirement, or the release of one hold.
pub(crate) async fn permit(tx: &PlatformTx, tenant: Uuid, id: Uuid) -> Result<(), StoreError> {
    tx.run(PERMIT, [tenant.into(), id.into()]).await?;
    Ok(())
}
