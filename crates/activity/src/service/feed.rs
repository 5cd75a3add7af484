//! The feed of a tenant: what happened, as far as somebody may see it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use database::{Database, TenantContext};
use kernel::{
    Actor, Authorizer, Permission, Permit, Reach,
    audit::{AuditCategory, AuditEntry},
};
use messaging::{Event, EventFeed, EventKind, FeedQuery, Origin};
use serde_json::{Map, Value};

use crate::{ActivityError, permission::ReadEvents};

/// Shows what happened. Cheap to clone.
#[derive(Clone)]
pub struct Feed {
    database: Database,
    authorizer: Arc<dyn Authorizer>,
    kinds: Arc<BTreeMap<&'static str, EventKind>>,
}

/// Who asks, and in which request: of what is guarded, it is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The tenant.
    pub tenant: &'a TenantContext,
    /// Who asks.
    pub actor: &'a Actor,
    /// Where the request comes from.
    pub origin: &'a Origin,
}

impl Feed {
    /// Shows the data of these kinds, to whom each of them says.
    pub fn new(
        database: Database,
        authorizer: Arc<dyn Authorizer>,
        kinds: impl IntoIterator<Item = EventKind>,
    ) -> Self {
        let kinds = kinds.into_iter().map(|kind| (kind.name, kind));
        Self {
            database,
            authorizer,
            kinds: Arc::new(kinds.collect()),
        }
    }

    /// The first of the events that are asked for, `limit` at most. All of them stand in their
    /// places; what they say is left out as far as the actor may not see it. When something guarded is
    /// shown, pay for one, that is recorded once, with all of whom it is shown.
    ///
    /// # Errors
    /// [`ActivityError::NotFound`] for whom a permission reaches no farther than himself: the feed is
    /// about everybody. [`ActivityError::Store`].
    pub async fn read(
        &self,
        permit: &Permit<ReadEvents>,
        reader: Reader<'_>,
        query: &FeedQuery,
        limit: u16,
    ) -> Result<Vec<Event>, ActivityError> {
        if permit.reach() != Reach::Tenant {
            return Err(ActivityError::NotFound);
        }
        let Reader {
            tenant,
            actor,
            origin,
        } = reader;
        if !self.may_see_guarded(actor) {
            let tx = self.database.begin_tenant_read(tenant).await?;
            let mut events = EventFeed::read(&tx, query, limit).await?;
            tx.commit().await?;
            for event in &mut events {
                self.mask(actor, event);
            }
            return Ok(events);
        }
        let tx = self.database.begin_tenant(tenant).await?;
        let tx = tx.initiated_by(origin.clone());
        let mut events = EventFeed::read(&tx, query, limit).await?;
        for event in &mut events {
            self.mask(actor, event);
        }
        if let Some(entry) = self.read_guarded(&events) {
            tx.record(entry);
        }
        tx.commit().await?;
        Ok(events)
    }

    /// Whether the actor may see something guarded at all.
    fn may_see_guarded(&self, actor: &Actor) -> bool {
        let mut guarded = self.kinds.values().flat_map(|kind| kind.guarded);
        guarded.any(|(_, needs)| self.authorizer.reach(actor, *needs).is_some())
    }

    /// What is recorded of events as they are shown: which guarded fields, and whose.
    fn read_guarded(&self, events: &[Event]) -> Option<AuditEntry> {
        let mut fields = BTreeSet::new();
        let mut subjects = BTreeSet::new();
        for event in events {
            let Some(kind) = self.kinds.get(event.kind.as_str()) else {
                continue;
            };
            for (field, _) in kind.guarded {
                if event.data.get(*field).is_some() {
                    fields.insert(*field);
                    // `employee.hired.v1` is about an employee.
                    let what = kind.name.split('.').next().unwrap_or(kind.name);
                    subjects.insert((what, event.subject_id));
                }
            }
        }
        let entry = AuditEntry::new("events.guarded_read.v1", AuditCategory::DataRead);
        let entry = entry.detail("fields", fields.into_iter().collect::<Vec<_>>());
        let entry = subjects
            .iter()
            .fold(entry, |entry, (what, id)| entry.on(what, *id));
        (!subjects.is_empty()).then_some(entry)
    }

    /// Leaves out what the actor may not see. Of a kind that nobody declares, nothing is shown.
    fn mask(&self, actor: &Actor, event: &mut Event) {
        let sees = |permission: Permission| match self.authorizer.reach(actor, permission) {
            Some(Reach::Tenant) => true,
            Some(Reach::Own) => actor
                .employee_id
                .is_some_and(|himself| himself.uuid() == event.subject_id),
            None => false,
        };
        let kind = self.kinds.get(event.kind.as_str());
        let Some(kind) = kind.filter(|kind| sees(kind.permission)) else {
            event.data = Value::Object(Map::new());
            return;
        };
        let hidden = kind.guarded.iter().filter(|(_, needs)| !sees(*needs));
        let hidden: Vec<&str> = hidden.map(|(field, _)| *field).collect();
        if let Value::Object(data) = &mut event.data {
            data.retain(|field, _| !hidden.contains(&field.as_str()));
        }
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Feed").field(&self.kinds.keys()).finish()
    }
}
