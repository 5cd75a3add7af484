//! Reading: who works here, as of today.

use database::{Mode, Tenant, TenantContext, Tx};
use kernel::{Actor, EmployeeId, ListQuery, Page, PageRequest, Permit, Position, Reach};
use time::Date;

use super::{
    Employees, Reader, Storage,
    reads::{self, record_pay},
};
use crate::{
    EmployeesError,
    events::EMPLOYEE,
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

/// What of somebody is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct View<'a> {
    /// As of which day; today when none is named.
    pub as_of: Option<Date>,
    /// References that are shown whole.
    pub expand: &'a [&'a str],
    /// Whether pay is left out, for whoever may see it too.
    pub without_pay: bool,
}

impl<S: Storage> Employees<S> {
    /// One employee as of a day, with his pay if the actor may see it: then it is recorded that he did.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`].
    pub async fn show(
        &self,
        permit: &Permit<Read>,
        reader: Reader<'_>,
        id: EmployeeId,
        view: View<'_>,
    ) -> Result<ExpandedProfile, EmployeesError> {
        let Reader { tenant, actor, .. } = reader;
        self.may_expand(permit, actor, view.expand)?;
        may_see(permit, actor, id)?;
        if view.without_pay || !self.sees_pay_of(actor, id) {
            let tx = self.database.begin_tenant_read(tenant).await?;
            let shown = self.shown(&tx, id, view, false).await?;
            tx.commit().await?;
            return Ok(shown);
        }
        let tx = self.begin_recorded(reader).await?;
        let shown = self.shown(&tx, id, view, true).await?;
        record_pay(&tx, &shown.profile);
        tx.commit().await?;
        Ok(shown)
    }

    async fn shown<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
        view: View<'_>,
        with_pay: bool,
    ) -> Result<ExpandedProfile, EmployeesError> {
        let day = view.as_of.unwrap_or_else(|| self.today(tx.tenant()));
        let profile = self.profile_as_of(tx, id, day, with_pay).await?;
        let mut expanded = [profile.into()];
        self.expand(tx, view.expand, day, &mut expanded).await?;
        let [expanded] = expanded;
        Ok(expanded)
    }

    /// The first page of a list of employees that leaves the platform whole: it is recorded, with how
    /// many they are.
    ///
    /// # Errors
    /// Those of [`Self::list`].
    pub async fn export(
        &self,
        permit: &Permit<Read>,
        reader: Reader<'_>,
        list: &ListQuery,
        page: &PageRequest<Position>,
    ) -> Result<Page<ExpandedProfile, Position>, EmployeesError> {
        let actor = reader.actor;
        self.may_expand(permit, actor, &list.expand)?;
        let counted = PageRequest {
            count: true,
            ..page.clone()
        };
        let tx = self.begin_recorded(reader).await?;
        let found = match visible(permit, actor) {
            Visible::All => self.listed(&tx, None, list, &counted).await?,
            Visible::Own(own) => self.listed(&tx, Some(own), list, &counted).await?,
            Visible::Nobody => nothing(&counted),
        };
        tx.record(reads::export(found.total, filters(list)));
        tx.commit().await?;
        Ok(Page {
            total: found.total.filter(|_| page.count),
            ..found
        })
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
        let tx = self.database.begin_tenant_read(tenant).await?;
        let found = self.listed(&tx, only, list, page).await?;
        tx.commit().await?;
        Ok(found)
    }

    async fn listed<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        only: Option<EmployeeId>,
        list: &ListQuery,
        page: &PageRequest<Position>,
    ) -> Result<Page<ExpandedProfile, Position>, EmployeesError> {
        let query = EmployeeQuery {
            day: self.today(tx.tenant()),
            only,
            list: list.clone(),
        };
        let found = self.storage.list(tx, &query, page).await?;
        let mut expanded = found.map(ExpandedProfile::from);
        self.expand(tx, &list.expand, query.day, &mut expanded.items)
            .await?;
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
        let found = self.reporting(&tx, manager, depth, page).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// The first page of those who report to somebody, of a list that leaves the platform whole: it is
    /// recorded, with how many they are.
    ///
    /// # Errors
    /// Those of [`Self::reports`].
    pub async fn export_reports(
        &self,
        permit: &Permit<Read>,
        reader: Reader<'_>,
        manager: EmployeeId,
        depth: ReportDepth,
        page: &PageRequest<ReportKey>,
    ) -> Result<Page<Report, ReportKey>, EmployeesError> {
        may_see(permit, reader.actor, manager)?;
        if permit.reach() == Reach::Own {
            return Ok(nothing(page));
        }
        let counted = PageRequest {
            count: true,
            ..page.clone()
        };
        let tx = self.begin_recorded(reader).await?;
        let found = self.reporting(&tx, manager, depth, &counted).await?;
        let export = reads::export(found.total, vec!["manager", "depth"]);
        tx.record(export.on(EMPLOYEE, manager));
        tx.commit().await?;
        Ok(Page {
            total: found.total.filter(|_| page.count),
            ..found
        })
    }

    async fn reporting<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        manager: EmployeeId,
        depth: ReportDepth,
        page: &PageRequest<ReportKey>,
    ) -> Result<Page<Report, ReportKey>, EmployeesError> {
        let today = self.today(tx.tenant());
        let found = self.storage.reports(tx, manager, today, depth, page);
        let found = found.await?;
        if found.items.is_empty() && !self.storage.exists(tx, manager).await? {
            return Err(EmployeesError::NotFound);
        }
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

/// By what a list is filtered.
fn filters(list: &ListQuery) -> Vec<&'static str> {
    let mut fields: Vec<_> = list.conditions.iter().map(|it| it.field).collect();
    fields.sort_unstable();
    fields.dedup();
    fields.extend((!list.words.is_empty()).then_some("q"));
    fields
}

fn nothing<T, K>(page: &PageRequest<K>) -> Page<T, K> {
    Page {
        items: Vec::new(),
        next: None,
        total: page.count.then_some(0),
    }
}
