//! Reading events as they were written.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use database::{Mode, Scope, StoreError, Tx};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Hash, Record, RecordedActor, record::canonical_text, statement::micros};

/// The columns of `audit_events e` that a [`Row`] is read from.
macro_rules! columns {
    () => {
        "e.id, CASE WHEN e.at >= timestamptz '0001-01-01Z' AND e.at < timestamptz '9999-12-31Z' \
         THEN e.at ELSE timestamptz 'epoch' END AS at, e.actor_type, e.actor_id, e.session_id, e.api_key_id, e.impersonator_id, \
         e.operator, e.action, e.category, e.outcome, e.targets::text AS targets, \
         e.changes::text AS changes, e.details::text AS details, e.subject_id, e.personal, \
         e.job_id, e.request_id, e.trace_id, e.address, e.user_agent"
    };
}

/// What a [`Row`] is read from.
pub(crate) const COLUMNS: &str = columns!();
pub(crate) use columns;

/// An event as it is stored.
#[derive(Debug, Clone, FromQueryResult)]
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
            targets: json(&self.targets),
            changes: json(&self.changes),
            details: json(&self.details),
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

impl Row {
    /// When it was recorded, in microseconds since 1970 in UTC.
    pub(crate) fn at(&self) -> i64 {
        micros(self.at)
    }

    /// What was done.
    pub(crate) fn action(&self) -> &str {
        &self.action
    }

    /// The hash of the record, without making one, if its JSON is stored in its canonical form, as it
    /// is recorded: it is taken as it stands.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub(crate) fn hash(&self, tenant: Uuid) -> Result<Hash, StoreError> {
        let mut form = Form(Vec::with_capacity(1_024));
        form.text("{\"action\":", Some(&self.action))?;
        form.id(",\"actor\":{\"api_key_id\":", self.api_key_id);
        form.id(",\"id\":", self.actor_id);
        form.id(",\"impersonator_id\":", self.impersonator_id);
        form.text(",\"operator\":", self.operator.as_deref())?;
        form.id(",\"session_id\":", self.session_id);
        form.text(",\"type\":", Some(&self.actor_type))?;
        form.text("},\"address\":", self.address.as_deref())?;
        form.raw(",\"at\":", &self.at().to_string());
        form.text(",\"category\":", Some(&self.category))?;
        form.raw(",\"changes\":", &self.changes);
        form.raw(",\"details\":", &self.details);
        form.id(",\"id\":", Some(self.id));
        form.id(",\"job_id\":", self.job_id);
        form.text(",\"outcome\":", Some(&self.outcome))?;
        let personal = self.personal.as_ref().map(|it| STANDARD.encode(it));
        form.text(",\"personal\":", personal.as_deref())?;
        form.text(",\"request_id\":", self.request_id.as_deref())?;
        form.id(",\"subject_id\":", self.subject_id);
        form.raw(",\"targets\":", &self.targets);
        form.id(",\"tenant_id\":", Some(tenant));
        form.text(",\"trace_id\":", self.trace_id.as_deref())?;
        form.text(",\"user_agent\":", self.user_agent.as_deref())?;
        form.raw(",\"v\":", &Record::VERSION.to_string());
        form.raw("}", "");
        Ok(Hash::of(&[&form.0]))
    }
}

/// The JSON of a column. What nobody here has written, for it is not in its canonical form, is shown as
/// the text that it is: its hash is that of the text.
fn json(text: &str) -> Value {
    let read = serde_json::from_str::<Value>(text).ok();
    let is_ours = |value: &Value| canonical_text(value).is_ok_and(|it| it == text);
    read.filter(is_ours)
        .unwrap_or_else(|| json!({"illegible": text}))
}

/// A canonical form in the making.
struct Form(Vec<u8>);

impl Form {
    fn raw(&mut self, before: &str, value: &str) {
        self.0.extend(before.as_bytes());
        self.0.extend(value.as_bytes());
    }

    /// RFC 8785 escapes in a text what `serde_json` does, as it does.
    fn text(&mut self, before: &str, value: Option<&str>) -> Result<(), StoreError> {
        self.0.extend(before.as_bytes());
        serde_json::to_writer(&mut self.0, &value).map_err(StoreError::corrupt)
    }

    fn id(&mut self, before: &str, value: Option<Uuid>) {
        self.0.extend(before.as_bytes());
        match value {
            None => self.0.extend(b"null"),
            Some(id) => {
                let mut text = Uuid::encode_buffer();
                let text = id.hyphenated().encode_lower(&mut text);
                self.0.push(b'"');
                self.0.extend(text.as_bytes());
                self.0.push(b'"');
            }
        }
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

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*};

    use super::*;

    prop_compose! {
        fn row()(
            texts in prop::collection::vec(any::<String>(), 4),
            optional in prop::collection::vec(option::of(any::<String>()), 5),
            ids in prop::collection::vec(option::of(any::<u128>().prop_map(Uuid::from_u128)), 6),
            id in any::<u128>(),
            at in -1_000_000_000_i64..4_000_000_000,
            micros in 0..1_000_000_i64,
            personal in option::of(prop::collection::vec(any::<u8>(), 0..40)),
            values in prop::collection::btree_map(any::<String>(), any::<i32>(), 0..4),
        ) -> Row {
            let at = OffsetDateTime::from_unix_timestamp(at).unwrap();
            let json = crate::record::canonical_text(&values).unwrap();
            Row {
                id: Uuid::from_u128(id),
                at: at + time::Duration::microseconds(micros),
                actor_type: texts[0].clone(),
                actor_id: ids[0],
                session_id: ids[1],
                api_key_id: ids[2],
                impersonator_id: ids[3],
                operator: optional[0].clone(),
                action: texts[1].clone(),
                category: texts[2].clone(),
                outcome: texts[3].clone(),
                targets: format!("[{json}]"),
                changes: json.clone(),
                details: json,
                subject_id: ids[4],
                personal,
                job_id: ids[5],
                request_id: optional[1].clone(),
                trace_id: optional[2].clone(),
                address: optional[3].clone(),
                user_agent: optional[4].clone(),
            }
        }
    }

    proptest! {
        #[test]
        fn a_row_has_the_hash_of_its_record(row in row(), tenant in any::<u128>()) {
            let tenant = Uuid::from_u128(tenant);
            let hash = row.hash(tenant).unwrap();
            prop_assert_eq!(hash, row.record(tenant).unwrap().hash().unwrap());
        }
    }
}
