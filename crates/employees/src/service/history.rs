//! Who changed what of somebody.

use audit::{HistoryEntry, HistoryPlace, RecordedActor, RecordedChange};
use kernel::{
    Actor, EmployeeId, Page, PageRequest, Permission, PermissionMarker as _, Permit, Reach,
    field::AccessGroup,
};
use serde_json::Value;
use uuid::Uuid;

use super::{Employees, Reader, Storage, for_the_tenant, reads};
use crate::{
    EmployeesError,
    model::{Change, Guarded},
    permission::{Read, ReadCompensation, ReadHistory},
};

/// Something that was changed of somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEvent {
    /// Where it stands in his history: when, and which event.
    pub place: HistoryPlace,
    /// What was done: `employee.updated.v1`.
    pub action: String,
    /// Who did it.
    pub actor: RecordedActor,
    /// How it ended.
    pub outcome: String,
    /// In which request.
    pub request_id: Option<String>,
    /// Whether what was personal of it is erased.
    pub erased: bool,
    /// What changed.
    pub changes: Vec<ChangedField>,
}

/// A field that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedField {
    /// Its name.
    pub field: String,
    /// What it was and what it is.
    pub values: Guarded<Change<Value>>,
}

impl<S: Storage> Employees<S> {
    /// One page of who changed what of somebody, the newest first. Of fields that the actor may not
    /// see it says that they changed, and no more. That it was read is recorded, unless that is `known`:
    /// it goes on with an export that was recorded at its start.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`].
    pub async fn history(
        &self,
        permit: &Permit<ReadHistory>,
        reader: Reader<'_>,
        id: EmployeeId,
        page: &PageRequest<HistoryPlace>,
        known: bool,
    ) -> Result<Page<HistoryEvent, HistoryPlace>, EmployeesError> {
        for_the_tenant(permit)?;
        let tx = self.begin_recorded(reader).await?;
        if !self.storage.exists(&tx, id).await? {
            return Err(EmployeesError::NotFound);
        }
        let surplus = u32::from(page.limit.get()) + 1;
        let found = self.audit.history(&tx, id.uuid(), page.after, surplus);
        let found = found.await?;
        let total = if page.count {
            Some(self.audit.count_history(&tx, id.uuid()).await?)
        } else {
            None
        };
        if !known {
            tx.record(reads::history_of(id));
        }
        tx.commit().await?;
        let found = Page::of_surplus(found, page.limit, total, HistoryEntry::place);
        Ok(found.map(|entry| self.event(entry, reader.actor, id.uuid())))
    }

    fn event(&self, entry: HistoryEntry, actor: &Actor, about: Uuid) -> HistoryEvent {
        let place = entry.place();
        // What is said of somebody else in it, is not said of him.
        let is_about = entry
            .record
            .subject_id
            .is_none_or(|subject| subject == about);
        let changes = entry.changes.into_iter().map(|it| {
            let shown = is_about && self.may_see_group(actor, it.group);
            changed(it, shown)
        });
        HistoryEvent {
            place,
            action: entry.record.action,
            actor: entry.record.actor,
            outcome: entry.record.outcome,
            request_id: entry.record.request_id,
            erased: entry.erased,
            changes: changes.collect(),
        }
    }

    /// Whether the actor may see everybody's fields of a group.
    fn may_see_group(&self, actor: &Actor, group: Option<AccessGroup>) -> bool {
        let sees = |permission: Permission| {
            self.authorizer.reach(actor, permission) == Some(Reach::Tenant)
        };
        match group {
            Some(AccessGroup::Compensation) => sees(ReadCompensation::PERMISSION),
            Some(AccessGroup::Identity | AccessGroup::Contact | AccessGroup::Personal) => {
                sees(Read::PERMISSION)
            }
            // Nothing here is of these yet, and whoever adds it says who sees it.
            Some(AccessGroup::Bank | AccessGroup::Medical | AccessGroup::Notes) | None => false,
        }
    }
}

fn changed(change: RecordedChange, shown: bool) -> ChangedField {
    let values = if shown {
        Guarded::Shown(Change {
            from: change.before,
            to: change.after,
        })
    } else {
        Guarded::Hidden
    };
    ChangedField {
        field: change.field,
        values,
    }
}
