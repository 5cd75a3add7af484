//! Reading: who works here, as of today.

use database::TenantContext;
use kernel::{
    Actor, DepartmentId, Direction, EmployeeId, Page, PageRequest, Permit, Reach, normalised_key,
};
use time::Date;

use super::{Employees, Storage};
use crate::{
    EmployeesError,
    model::{EmployeeProfile, EmploymentRecord, EmploymentStatus, Report},
    permission::Read,
    repository::{EmployeeKey, EmployeeQuery, EmployeeSort, ReportDepth, ReportKey},
};

/// Which employees are wanted, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmployeeFilter {
    /// Only of this department.
    pub department: Option<DepartmentId>,
    /// Only of this status.
    pub status: Option<EmploymentStatus>,
    /// Only those of whom each word begins a word of the names, the number or the address.
    pub search: Option<String>,
    /// In this order.
    pub sort: EmployeeSort,
    /// And this way round.
    pub direction: Direction,
}

/// More words than a name has tell nobody apart.
const WORDS: usize = 6;

impl EmployeeFilter {
    fn query(&self, day: Date, only: Option<EmployeeId>) -> EmployeeQuery {
        let key = normalised_key(self.search.as_deref().unwrap_or_default());
        let mut words: Vec<String> = key.split(' ').map(str::to_owned).collect();
        words.retain(|word| !word.is_empty());
        // The longest is looked up first: it tells the most.
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words.truncate(WORDS);
        EmployeeQuery {
            day,
            only,
            department: self.department,
            status: self.status,
            words,
            sort: self.sort,
            direction: self.direction,
        }
    }
}

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
fn may_see(permit: &Permit<Read>, actor: &Actor, id: EmployeeId) -> Result<(), EmployeesError> {
    match visible(permit, actor) {
        Visible::All => Ok(()),
        Visible::Own(own) if own == id => Ok(()),
        Visible::Own(_) | Visible::Nobody => Err(EmployeesError::NotFound),
    }
}

impl<S: Storage> Employees<S> {
    /// One employee, with his pay if the actor may see it.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`].
    pub async fn show(
        &self,
        permit: &Permit<Read>,
        tenant: &TenantContext,
        actor: &Actor,
        id: EmployeeId,
    ) -> Result<EmployeeProfile, EmployeesError> {
        may_see(permit, actor, id)?;
        let with_pay = self
            .may_see_pay(actor)
            .is_some_and(|pay| match pay.reach() {
                Reach::Tenant => true,
                Reach::Own => actor.employee_id == Some(id),
            });
        let tx = self.database.begin_tenant_read(tenant).await?;
        let profile = self
            .storage
            .profile(&tx, id, self.today(tenant), with_pay)
            .await?;
        tx.commit().await?;
        profile.ok_or(EmployeesError::NotFound)
    }

    /// One page of employees, without pay.
    pub async fn list(
        &self,
        permit: &Permit<Read>,
        tenant: &TenantContext,
        actor: &Actor,
        filter: &EmployeeFilter,
        page: &PageRequest<EmployeeKey>,
    ) -> Result<Page<EmployeeProfile, EmployeeKey>, EmployeesError> {
        let only = match visible(permit, actor) {
            Visible::All => None,
            Visible::Own(own) => Some(own),
            Visible::Nobody => return Ok(nothing(page)),
        };
        let query = filter.query(self.today(tenant), only);
        let tx = self.database.begin_tenant_read(tenant).await?;
        let found = self.storage.list(&tx, &query, page).await?;
        tx.commit().await?;
        Ok(found)
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

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    fn words(search: &str) -> Vec<String> {
        let filter = EmployeeFilter {
            department: None,
            status: None,
            search: Some(search.to_owned()),
            sort: EmployeeSort::LastName,
            direction: Direction::Ascending,
        };
        filter.query(date!(2026 - 01 - 01), None).words
    }

    #[test]
    fn a_search_is_words_and_the_longest_comes_first() {
        assert_eq!(words("  Al  YANG "), ["yang", "al"]);
        assert!(words("   ").is_empty());
    }

    #[test]
    fn a_search_has_an_end() {
        assert_eq!(words("a b c d e f g h").len(), WORDS);
    }
}
