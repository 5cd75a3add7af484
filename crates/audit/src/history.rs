//! What was changed of one thing, as somebody may read it who has the keys.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use database::{Mode, StoreError, Tenant, Tx};
use kernel::field::AccessGroup;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{AuditLog, PersonalValues, Record, keys::PersonKey, postgres::history};

/// Where a page of a history ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HistoryPlace {
    /// When, in microseconds since 1970 in UTC.
    pub at: i64,
    /// The event.
    pub id: Uuid,
}

/// Something that was changed.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// The record of it.
    pub record: Record,
    /// What changed, in the order of the fields' names.
    pub changes: Vec<RecordedChange>,
    /// Whether the key of the person is destroyed whom it says something personal of.
    pub erased: bool,
}

impl HistoryEntry {
    /// Where it stands in its history.
    pub fn place(&self) -> HistoryPlace {
        HistoryPlace {
            at: self.record.at,
            id: self.record.id,
        }
    }
}

/// A field that changed, with its values as far as they are known.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedChange {
    /// Its name on the wire.
    pub field: String,
    /// Which group of permissions opens it.
    pub group: Option<AccessGroup>,
    /// What it was; `None` where there was nothing, or it is not known any more.
    pub before: Option<Value>,
    /// What it is; `None` where there is nothing any more, or it is not known any more.
    pub after: Option<Value>,
}

impl AuditLog {
    /// What was changed of something, the newest first: `limit` at most, from a place backwards. Who
    /// read it is not part of it.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Corrupt`] when something is not what was recorded.
    pub async fn history<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        target: Uuid,
        before: Option<HistoryPlace>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let records = history::page(tx, target, before, limit).await?;
        let keys = self.keys_for(tx, &records).await?;
        records
            .into_iter()
            .map(|record| opened(record, &keys))
            .collect()
    }

    /// How often something was changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_history<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        target: Uuid,
    ) -> Result<u64, StoreError> {
        history::count(tx, target).await
    }

    /// The keys of everybody whom these records say something personal of, as far as they are there.
    async fn keys_for<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        records: &[Record],
    ) -> Result<BTreeMap<Uuid, PersonKey>, StoreError> {
        let personal = records.iter().filter(|record| record.personal.is_some());
        let persons: BTreeSet<Uuid> = personal.filter_map(|record| record.subject_id).collect();
        if persons.is_empty() {
            return Ok(BTreeMap::new());
        }
        let tenant = tx.tenant().id().uuid();
        let kept = history::keys(tx, persons.into_iter().collect()).await?;
        let keys = kept.into_iter().map(|(person, kept)| {
            let key = self.keys().unwrap(tenant, person, &kept);
            Ok((person, key.map_err(StoreError::corrupt)?))
        });
        keys.collect()
    }
}

fn opened(record: Record, keys: &BTreeMap<Uuid, PersonKey>) -> Result<HistoryEntry, StoreError> {
    let key = record.subject_id.and_then(|person| keys.get(&person));
    let personal = match (&record.personal, key, record.subject_id) {
        (Some(sealed), Some(key), Some(person)) => {
            let sealed = STANDARD.decode(sealed).map_err(StoreError::corrupt)?;
            let bound = [record.tenant_id, record.id, person];
            let text = key.open(&bound, &sealed).map_err(StoreError::corrupt)?;
            serde_json::from_slice(&text).map_err(StoreError::corrupt)?
        }
        _ => PersonalValues::default(),
    };
    let changes = record.changes.as_object().into_iter().flatten();
    let changes = changes.map(|(field, said)| change(field, said, &personal));
    Ok(HistoryEntry {
        changes: changes.collect(),
        erased: record.personal.is_some() && key.is_none(),
        record,
    })
}

fn change(field: &str, said: &Value, personal: &PersonalValues) -> RecordedChange {
    let group = said.get("group").and_then(Value::as_str);
    let encrypted = personal.0.get(field);
    let value = |name| said.get(name).cloned();
    RecordedChange {
        field: field.to_owned(),
        group: group.and_then(AccessGroup::parse),
        before: value("before").or_else(|| encrypted?.before.clone()),
        after: value("after").or_else(|| encrypted?.after.clone()),
    }
}
