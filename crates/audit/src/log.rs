//! Recording: what a transaction did, written at its end.

use std::{collections::BTreeMap, sync::Arc};

use base64::Engine as _;
use database::{AuditSink, Mode, PlatformTx, Scope, StoreError, TenantTx, Tx};
use futures_util::future::BoxFuture;
use kernel::{
    Ambient, AuditEventId,
    audit::{AuditCategory, AuditEntry},
};
use serde_json::{Value, json};
use telemetry::Origin;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    AuditKeys, PersonalValues, Record,
    floods::{Floods, Source},
    keys::PersonKey,
    postgres::write::{self, Row},
    privacy::{self, Sorted},
    record::canonical_text,
};

/// Writes what transactions recorded. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AuditLog {
    keys: AuditKeys,
    floods: Arc<Floods>,
    ambient: Ambient,
}

/// Events a statement: enough to make the round trip cheap, far from the statement's time limit.
const CHUNK: usize = 1_000;

impl AuditLog {
    /// One that encrypts what is personal under these keys.
    pub fn new(keys: AuditKeys, ambient: Ambient) -> Self {
        Self {
            keys,
            floods: Arc::default(),
            ambient,
        }
    }

    /// The keys that it encrypts under.
    pub(crate) fn keys(&self) -> &AuditKeys {
        &self.keys
    }

    /// What is counted instead of being recorded.
    pub(crate) fn floods(&self) -> &Floods {
        &self.floods
    }

    /// The time by the clock of this process.
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.ambient.now()
    }

    /// Whether it is to be written: a refusal in a flood is counted.
    fn admits(&self, tenant: Uuid, origin: &Origin, entry: &AuditEntry) -> bool {
        let who = match origin {
            Origin {
                user: Some(user), ..
            } => Some(user.to_string()),
            Origin { address, .. } => address.map(|it| it.to_string()),
        };
        let source = Source {
            tenant,
            action: entry.action,
            who,
        };
        entry.category != AuditCategory::Denied || self.floods.admits(&source, self.now())
    }

    async fn write<S: Scope>(
        &self,
        tx: &Tx<S, database::Write>,
        tenant: Uuid,
        entries: Vec<AuditEntry>,
    ) -> Result<(), StoreError> {
        let admitted = |entry: &AuditEntry| self.admits(tenant, tx.origin(), entry);
        let mut entries = entries.into_iter().filter(admitted).peekable();
        while entries.peek().is_some() {
            let some: Vec<AuditEntry> = entries.by_ref().take(CHUNK).collect();
            let mut drafts = Vec::with_capacity(some.len());
            for entry in some {
                drafts.push(self.draft(tenant, entry)?);
            }
            let keys = self.keys_of(tx, tenant, &drafts).await?;
            let rows: Result<Vec<Row>, _> = drafts
                .into_iter()
                .map(|draft| self.row(tenant, draft, &keys))
                .collect();
            write::events(tx, tx.origin(), &rows?, &self.ambient).await?;
        }
        Ok(())
    }

    fn draft(&self, tenant: Uuid, entry: AuditEntry) -> Result<Draft, StoreError> {
        let has_subject = entry.subject.is_some();
        let Sorted { open, personal } =
            privacy::sort(&self.keys, tenant, entry.changes.clone(), has_subject)?;
        Ok(Draft {
            id: self.ambient.id::<AuditEventId>().uuid(),
            entry,
            open,
            personal,
        })
    }

    /// The keys of everybody of whom something personal is recorded; of whom there is none, a new one.
    async fn keys_of<S: Scope>(
        &self,
        tx: &Tx<S, database::Write>,
        tenant: Uuid,
        drafts: &[Draft],
    ) -> Result<BTreeMap<Uuid, PersonKey>, StoreError> {
        let mut drawn = BTreeMap::new();
        for person in drafts.iter().filter_map(Draft::person) {
            let (_, kept) = self
                .keys
                .draw(&self.ambient, tenant, person)
                .map_err(StoreError::corrupt)?;
            drawn.insert(person, kept);
        }
        if drawn.is_empty() {
            return Ok(BTreeMap::new());
        }
        let kept = write::keys(tx, drawn).await?;
        let mut keys = BTreeMap::new();
        for (person, kept) in kept {
            match self.keys.unwrap(tenant, person, &kept) {
                Ok(key) => {
                    keys.insert(person, key);
                }
                // The change is recorded, and what is personal in it is not kept: that the key of the
                // installation is another one keeps nobody from working.
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(%person, error, "personal values are not recorded");
                }
            }
        }
        Ok(keys)
    }

    fn row(
        &self,
        tenant: Uuid,
        draft: Draft,
        keys: &BTreeMap<Uuid, PersonKey>,
    ) -> Result<Row, StoreError> {
        let person = draft.person();
        let Draft {
            id,
            entry,
            mut open,
            personal,
        } = draft;
        let personal = match person.and_then(|person| Some((person, keys.get(&person)?))) {
            None => {
                privacy::withhold(&mut open);
                None
            }
            Some((person, key)) => {
                let text = canonical_text(&personal)?;
                let sealed = key.seal(&self.ambient, &[tenant, id, person], text.as_bytes());
                Some(sealed.map_err(StoreError::corrupt)?)
            }
        };
        let targets: Vec<Value> = entry
            .targets
            .iter()
            .map(|it| json!({"type": it.kind, "id": it.id}))
            .collect();
        Ok(Row {
            id,
            action: entry.action,
            category: entry.category.as_str(),
            outcome: entry.outcome.as_str(),
            target_ids: entry.targets.iter().map(|it| it.id).collect(),
            targets: canonical_text(&targets)?,
            changes: canonical_text(&open)?,
            details: canonical_text(&entry.details)?,
            subject_id: entry.subject,
            personal,
        })
    }

    /// The personal values of a record, if there are any and their key is still there.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Corrupt`] when they are not what was recorded.
    pub async fn personal<S: Scope, M: Mode>(
        &self,
        tx: &Tx<S, M>,
        record: &Record,
    ) -> Result<Option<PersonalValues>, StoreError> {
        let (Some(person), Some(sealed)) = (record.subject_id, &record.personal) else {
            return Ok(None);
        };
        let Some(kept) = write::key(tx, person).await? else {
            return Ok(None);
        };
        let engine = base64::engine::general_purpose::STANDARD;
        let sealed = engine.decode(sealed).map_err(StoreError::corrupt)?;
        let key = self.keys.unwrap(record.tenant_id, person, &kept);
        let bound = [record.tenant_id, record.id, person];
        let opened = key.and_then(|key| key.open(&bound, &sealed));
        let text = opened.map_err(StoreError::corrupt)?;
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(StoreError::corrupt)
    }

    /// Destroys the key of a person: nothing personal that was recorded of him can be read any more,
    /// and what proves the records stays as it is. `false` when there was none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget<S: Scope>(
        tx: &Tx<S, database::Write>,
        person: Uuid,
    ) -> Result<bool, StoreError> {
        write::forget(tx, person).await
    }
}

/// An entry on its way.
struct Draft {
    id: Uuid,
    entry: AuditEntry,
    open: Value,
    personal: PersonalValues,
}

impl Draft {
    /// Of whom it says something that is encrypted.
    fn person(&self) -> Option<Uuid> {
        self.entry.subject.filter(|_| !self.personal.0.is_empty())
    }
}

/// Who did it, as a record has it.
pub(crate) fn actor_type(origin: &Origin) -> &'static str {
    match origin {
        Origin { user: Some(_), .. } => "user",
        Origin {
            operator: Some(_), ..
        } => "operator",
        Origin {
            request_id: Some(_),
            job: None,
            ..
        } => "anonymous",
        _ => "system",
    }
}

impl AuditSink for AuditLog {
    fn in_tenant<'a>(
        &'a self,
        tx: &'a TenantTx,
        entries: Vec<AuditEntry>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.write(tx, tx.tenant().id().uuid(), entries))
    }

    fn in_platform<'a>(
        &'a self,
        tx: &'a PlatformTx,
        entries: Vec<AuditEntry>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.write(tx, Uuid::nil(), entries))
    }
}
