//! Reading: who works here, as of today.

use database::TenantContext;
use kernel::{Actor, EmployeeId, ListQuery, Page, PageRequest, Permit, Position, Reach};
use time::Date;

use super::{Employees, Storage};
use crate::{
    EmployeesError,
    model::{EmploymentRecord, ExpandedProfile, Report},
    permission::Read,
    repository::{EmployeeQuery, ReportDepth, ReportKey},
};

/// Whose records a permit opens.
enum Visible {
    All,
    Own(EmployeeId),
    Nobody,
}

fn visible(permit: &Permit<Read>, actor: &Actor) -> Visible {
    match (permit.reach(), actor.employee_id) {
        (Reach::Tenant, _) => Visible::All,
        (Reach::Own, Some(own)) => Visible::Own(own),
        (Reach::Own, None) => Visible::Nobody,
    }
}

/// # Errors
/// [`EmployeesError::NotFound`] when the permit does not open the record: whether it exists is
/// none of the actor's business.
pub(super) fn may_see(
    permit: &Permit<Read>,
    actor: &Actor,
    id: EmployeeId,
) -> Result<(), EmployeesError> {
    match visible(permit, actor) {
        Visible::All => Ok(()),
        Visible::Own(own) if own == id => Ok(()),
        Visible::Own(_) | Visible::Nobody => Err(EmployeesError::NotFound),
    }
}

impl<S: Storage> Employees<S> {
    /// One employee as of a day, today when none is named, with his pay if the actor may see it.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`].
    pub async fn show(
        &self,
        permit: &Permit<Read>,
        tenant: &TenantContext,
        actor: &Actor,
        id: EmployeeId,
        as_of: Option<Date>,
        expand: &[&str],
    ) -> Result<ExpandedProfile, EmployeesError> {
        self.may_expand(permit, actor, expand)?;
        may_see(permit, actor, id)?;
        let day = as_of.unwrap_or_else(|| self.today(tenant));
        let tx = self.database.begin_tenant_read(tenant).await?;
        let profile = self.profile_as_of(&tx, actor, id, day).await?;
        let mut expanded = [profile.into()];
        self.expand(&tx, expand, day, &mut expanded).await?;
        tx.commit().await?;
        let [expanded] = expanded;
        Ok(expanded)
    }

    /// One page of employees, without pay, and all of what they refer to where that is asked for.
    ///
    /// # Errors
    /// [`EmployeesError::Denied`] when the actor may not see what would be shown whole.
    pub async fn list(
        &self,
        permit: &Permit<Read>,
        tenant: &TenantContext,
        actor: &Actor,
        list: &ListQuery,
        page: &PageRequest<Position>,
    ) -> Result<Page<ExpandedProfile, Position>, EmployeesError> {
        self.may_expand(permit, actor, &list.expand)?;
        let only = match visible(permit, actor) {
            Visible::All => None,
            Visible::Own(own) => Some(own),
            Visible::Nobody => return Ok(nothing(page)),
        };
        let query = EmployeeQuery {
            day: self.today(tenant),
            only,
            list: list.clone(),
        };
        let tx = self.database.begin_tenant_read(tenant).await?;
        let found = self.storage.list(&tx, &query, page).await?;
        let mut expanded = found.map(ExpandedProfile::from);
        self.expand(&tx, &list.expand, query.day, &mut expanded.items)
            .await?;
        tx.commit().await?;
        Ok(expanded)
    }

    /// One page of those who report to somebody today, through at most `depth` steps. Who may see
    /// himself alone sees nobody here.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`].
    pub async fn reports(
        &self,
        permit: &Permit<Read>,
        tenant: &TenantContext,
        actor: &Actor,
        manager: EmployeeId,
        depth: ReportDepth,
        page: &PageRequest<ReportKey>,
    ) -> Result<Page<Report, ReportKey>, EmployeesError> {
        may_see(permit, actor, manager)?;
        if permit.reach() == Reach::Own {
            return Ok(nothing(page));
        }
        let tx = self.database.begin_tenant_read(tenant).await?;
        let found = self
            .storage
            .reports(&tx, manager, self.today(tenant), depth, page)
            .await?;
        if found.items.is_empty() && !self.storage.exists(&tx, manager).await? {
            return Err(EmployeesError::NotFound);
        }
        tx.commit().await?;
        Ok(found)
    }

    /// One page of somebody's employments, the newest first.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`].
    pub async fn employments(
        &self,
        permit: &Permit<Read>,
        tenant: &TenantContext,
        actor: &Actor,
        id: EmployeeId,
        page: &PageRequest<Date>,
    ) -> Result<Page<EmploymentRecord, Date>, EmployeesError> {
        may_see(permit, actor, id)?;
        let tx = self.database.begin_tenant_read(tenant).await?;
        let found = self.storage.employments(&tx, id, page).await?;
        if found.items.is_empty() && !self.storage.exists(&tx, id).await? {
            return Err(EmployeesError::NotFound);
        }
        tx.commit().await?;
        Ok(found)
    }
}

fn nothing<T, K>(page: &PageRequest<K>) -> Page<T, K> {
    Page {
        items: Vec::new(),
        next: None,
        total: page.count.then_some(0),
    }
}
