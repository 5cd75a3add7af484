//! What happened, told and recorded.

use database::{StoreError, TenantTx};
use kernel::{
    Ambient,
    audit::{AuditCategory, AuditEntry, FieldChange},
};
use messaging::{DomainEvent, EventLog};

use crate::events::EMPLOYEE;

/// Tells others what happened, and records it in the audit: one call does both, so that there is never
/// one without the other, and both call it the same.
#[derive(Clone)]
pub(super) struct Chronicle {
    events: EventLog,
}

impl Chronicle {
    pub(super) fn new(ambient: Ambient) -> Self {
        Self {
            events: EventLog::new(ambient),
        }
    }

    /// Something happened, and changed this.
    pub(super) async fn note<E: DomainEvent>(
        &self,
        tx: &TenantTx,
        event: E,
        changes: Vec<FieldChange>,
    ) -> Result<(), StoreError> {
        self.note_all(tx, vec![(event, changes)]).await
    }

    /// The same happened to several, and changed this of each.
    pub(super) async fn note_all<E: DomainEvent>(
        &self,
        tx: &TenantTx,
        happened: Vec<(E, Vec<FieldChange>)>,
    ) -> Result<(), StoreError> {
        let (events, changes): (Vec<E>, Vec<_>) = happened.into_iter().unzip();
        self.events.record(tx, &events).await?;
        for (event, changes) in events.iter().zip(changes) {
            tx.record(entry(event).changing(changes));
        }
        Ok(())
    }
}

fn entry<E: DomainEvent>(event: &E) -> AuditEntry {
    let entry = AuditEntry::new(E::KIND, AuditCategory::DataWrite);
    if E::SUBJECT == EMPLOYEE {
        entry.about(E::SUBJECT, event.subject())
    } else {
        entry.on(E::SUBJECT, event.subject())
    }
}
