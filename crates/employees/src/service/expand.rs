//! References that are shown whole: one look-up a kind, whatever the page.

use std::{collections::HashMap, hash::Hash};

use database::{Mode, Tenant, Tx};
use kernel::{Actor, Denied, PermissionMarker as _, Permit, Reach};
use time::Date;

use super::{Employees, Storage};
use crate::{
    EmployeesError,
    model::{Assignment, ExpandedProfile, Named},
    permission::{Read, ReadOrganisation},
};

impl<S: Storage> Employees<S> {
    /// Whoever sees himself alone is told his manager's name, and no more of him.
    pub(super) fn may_expand(
        &self,
        permit: &Permit<Read>,
        actor: &Actor,
        expand: &[&str],
    ) -> Result<(), EmployeesError> {
        for reference in expand {
            if *reference != "manager" {
                Permit::<ReadOrganisation>::obtain(self.authorizer.as_ref(), actor)?;
            } else if permit.reach() != Reach::Tenant {
                let permission = Read::PERMISSION;
                return Err(Denied { permission }.into());
            }
        }
        Ok(())
    }

    /// Fills in all of what is referred to.
    pub(super) async fn expand<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        expand: &[&str],
        day: Date,
        items: &mut [ExpandedProfile],
    ) -> Result<(), EmployeesError> {
        if expand.contains(&"department") {
            let ids = referred(items, |it| it.department.as_ref());
            let found = self.storage.departments_by_id(tx, &ids).await?;
            let found = by(found, |department| department.id);
            for item in items.iter_mut() {
                item.department = look_up(&found, item, |it| it.department.as_ref());
            }
        }
        if expand.contains(&"job_title") {
            let ids = referred(items, |it| it.job_title.as_ref());
            let found = self.storage.job_titles_by_id(tx, &ids).await?;
            let found = by(found, |job| job.id);
            for item in items.iter_mut() {
                item.job_title = look_up(&found, item, |it| it.job_title.as_ref());
            }
        }
        if expand.contains(&"location") {
            let ids = referred(items, |it| it.location.as_ref());
            let found = self.storage.locations_by_id(tx, &ids).await?;
            let found = by(found, |location| location.id);
            for item in items.iter_mut() {
                item.location = look_up(&found, item, |it| it.location.as_ref());
            }
        }
        if expand.contains(&"manager") {
            let ids = referred(items, |it| it.manager.as_ref());
            let found = self.storage.profiles(tx, &ids, day).await?;
            let found = by(found, |profile| profile.id);
            for item in items.iter_mut() {
                item.manager = look_up(&found, item, |it| it.manager.as_ref());
            }
        }
        Ok(())
    }
}

type Reference<Id> = fn(&Assignment) -> Option<&Named<Id>>;

/// What the employees refer to, each once.
fn referred<Id: Copy + Ord>(items: &[ExpandedProfile], reference: Reference<Id>) -> Vec<Id> {
    let assignments = items.iter().filter_map(|it| it.profile.assignment.as_ref());
    let mut ids: Vec<Id> = assignments.filter_map(reference).map(|it| it.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn by<Id: Eq + Hash, T>(found: Vec<T>, id: impl Fn(&T) -> Id) -> HashMap<Id, T> {
    found.into_iter().map(|one| (id(&one), one)).collect()
}

fn look_up<Id: Eq + Hash, T: Clone>(
    found: &HashMap<Id, T>,
    item: &ExpandedProfile,
    reference: Reference<Id>,
) -> Option<T> {
    let named = reference(item.profile.assignment.as_ref()?)?;
    found.get(&named.id).cloned()
}
