//! Reading events as they were written.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use database::{Mode, Scope, StoreError, Tx};
use sea_orm::FromQueryResult;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Record, RecordedActor};

/// The columns of `audit_events e` that a [`Row`] is read from.
macro_rules! columns {
    () => {
        "e.id, e.at, e.actor_type, e.actor_id, e.session_id, e.api_key_id, e.impersonator_id, \
         e.operator, e.action, e.category, e.outcome, e.targets::text AS targets, \
         e.changes::text AS changes, e.details::text AS details, e.subject_id, e.personal, \
         e.job_id, e.request_id, e.trace_id, e.address, e.user_agent"
    };
}

/// What a [`Row`] is read from.
pub(crate) const COLUMNS: &str = columns!();
pub(crate) use columns;

/// An event as it is stored.
#[derive(Debug, FromQueryResult)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) at: OffsetDateTime,
    actor_type: String,
    actor_id: Option<Uuid>,
    session_id: Option<Uuid>,
    api_key_id: Option<Uuid>,
    impersonator_id: Option<Uuid>,
    operator: Option<String>,
    action: String,
    category: String,
    outcome: String,
    targets: String,
    changes: String,
    details: String,
    subject_id: Option<Uuid>,
    personal: Option<Vec<u8>>,
    job_id: Option<Uuid>,
    request_id: Option<String>,
    trace_id: Option<String>,
    address: Option<String>,
    user_agent: Option<String>,
}

impl Row {
    /// The record that it holds, of a tenant.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub(crate) fn record(self, tenant: Uuid) -> Result<Record, StoreError> {
        let json = |text: &str| -> Result<Value, StoreError> {
            serde_json::from_str(text).map_err(StoreError::corrupt)
        };
        let micros = self.at.unix_timestamp_nanos() / 1_000;
        Ok(Record {
            v: Record::VERSION,
            id: self.id,
            tenant_id: tenant,
            at: i64::try_from(micros).map_err(StoreError::corrupt)?,
            actor: RecordedActor {
                kind: self.actor_type,
                id: self.actor_id,
                session_id: self.session_id,
                api_key_id: self.api_key_id,
                impersonator_id: self.impersonator_id,
                operator: self.operator,
            },
            action: self.action,
            category: self.category,
            outcome: self.outcome,
            targets: json(&self.targets)?,
            changes: json(&self.changes)?,
            details: json(&self.details)?,
            subject_id: self.subject_id,
            personal: self.personal.map(|it| STANDARD.encode(it)),
            job_id: self.job_id,
            request_id: self.request_id,
            trace_id: self.trace_id,
            address: self.address,
            user_agent: self.user_agent,
        })
    }
}

const ALL: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM audit_events e ORDER BY e.at, e.id"
);

/// Every record of a scope, in the order of their times.
pub(crate) async fn all<S: Scope, M: Mode>(
    tx: &Tx<S, M>,
    tenant: Uuid,
) -> Result<Vec<Record>, StoreError> {
    let rows: Vec<Row> = tx.rows(ALL, []).await?;
    rows.into_iter().map(|row| row.record(tenant)).collect()
}

const ONE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM audit_events e WHERE e.id = $1"
);

/// One record.
pub(crate) async fn one<S: Scope, M: Mode>(
    tx: &Tx<S, M>,
    tenant: Uuid,
    id: Uuid,
) -> Result<Option<Record>, StoreError> {
    let row: Option<Row> = tx.row(ONE, [id.into()]).await?;
    row.map(|row| row.record(tenant)).transpose()
}

/// Where in its chain an event is, and under which seal.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub(crate) struct SealOf {
    pub(crate) position: i64,
    pub(crate) hash: Vec<u8>,
    pub(crate) link: Vec<u8>,
    pub(crate) number: Option<i64>,
}

const SEAL: &str = "\
    SELECT l.position, l.hash, l.link, \
        (SELECT s.number FROM audit_seals s WHERE s.last_position >= l.position \
         ORDER BY s.last_position LIMIT 1) AS number \
    FROM audit_links l WHERE l.id = $1";

/// Where in its chain an event is; `None` while it waits for its seal.
pub(crate) async fn seal<S: Scope, M: Mode>(
    tx: &Tx<S, M>,
    id: Uuid,
) -> Result<Option<SealOf>, StoreError> {
    tx.row(SEAL, [id.into()]).await
}
