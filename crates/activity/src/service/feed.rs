//! The feed of a tenant: what happened, as far as somebody may see it.

use std::{collections::BTreeMap, sync::Arc};

use database::{Database, TenantContext};
use kernel::{Actor, Authorizer, Permission, Permit, Reach};
use messaging::{Event, EventFeed, EventKind, FeedQuery};
use serde_json::{Map, Value};

use crate::{ActivityError, permission::ReadEvents};

/// Shows what happened. Cheap to clone.
#[derive(Clone)]
pub struct Feed {
    database: Database,
    authorizer: Arc<dyn Authorizer>,
    kinds: Arc<BTreeMap<&'static str, EventKind>>,
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
    /// places; what they say is left out as far as the actor may not see it.
    ///
    /// # Errors
    /// [`ActivityError::NotFound`] for whom a permission reaches no farther than himself: the feed is
    /// about everybody. [`ActivityError::Store`].
    pub async fn read(
        &self,
        permit: &Permit<ReadEvents>,
        tenant: &TenantContext,
        actor: &Actor,
        query: &FeedQuery,
        limit: u16,
    ) -> Result<Vec<Event>, ActivityError> {
        if permit.reach() != Reach::Tenant {
            return Err(ActivityError::NotFound);
        }
        let tx = self.database.begin_tenant_read(tenant).await?;
        let mut events = EventFeed::read(&tx, query, limit).await?;
        tx.commit().await?;
        for event in &mut events {
            self.mask(actor, event);
        }
        Ok(events)
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
