//! Transfers and promotions: another department, job, location, manager or type of employment.

use database::{StoreError, TenantTx};
use kernel::{
    Actor, DepartmentId, EmployeeId, FieldErrors, JobTitleId, LocationId, Permit,
    audit::FieldChange,
};
use time::Date;

use super::{
    Edit, Employees, Storage,
    file::{MANAGERS, plausible, rest, terms_of},
    for_the_tenant,
};
use crate::{
    EmployeesError,
    events::{Promoted, Transferred},
    model::{Cause, EmployeeProfile, EmploymentType, Terms, audited::changed_on},
    permission,
    repository::{References, ReportingLine},
};

/// What changes from a day on, in the past (a correction) or in the future, until the next change
/// that is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// The first day.
    pub effective_date: Date,
    /// On which terms; they stay when there are none.
    pub employment_type: Option<EmploymentType>,
    /// Where he belongs.
    pub department: Edit<DepartmentId>,
    /// What he does.
    pub job_title: Edit<JobTitleId>,
    /// Where he works.
    pub location: Edit<LocationId>,
    /// Whom he reports to.
    pub manager: Edit<EmployeeId>,
}

impl Transfer {
    /// A transfer on a day that changes nothing yet.
    pub fn on(effective_date: Date) -> Self {
        Self {
            effective_date,
            employment_type: None,
            department: Edit::Keep,
            job_title: Edit::Keep,
            location: Edit::Keep,
            manager: Edit::Keep,
        }
    }

    fn told(&self, employee: EmployeeId) -> Transferred {
        Transferred {
            department_id: self.department.edited(),
            job_title_id: self.job_title.edited(),
            location_id: self.location.edited(),
            manager_id: self.manager.edited(),
            ..Transferred::on(employee, self.effective_date).on_terms(self.employment_type)
        }
    }

    fn of(&self, terms: &Terms) -> Terms {
        Terms {
            employment_type: self.employment_type.unwrap_or(terms.employment_type),
            department_id: self.department.of(terms.department_id),
            job_title_id: self.job_title.of(terms.job_title_id),
            location_id: self.location.of(terms.location_id),
            manager_id: self.manager.of(terms.manager_id),
        }
    }
}

impl<S: Storage> Employees<S> {
    /// Transfers somebody.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`]; [`EmployeesError::Invalid`] naming a day on which he does not
    /// work here, what the tenant does not have, and a manager who does not work here from today
    /// on for as long as it holds, or who reports to him on a day of it.
    pub async fn transfer(
        &self,
        permit: &Permit<permission::Transfer>,
        tx: &TenantTx,
        actor: &Actor,
        id: EmployeeId,
        transfer: Transfer,
    ) -> Result<EmployeeProfile, EmployeesError> {
        for_the_tenant(permit)?;
        self.reassign(tx, id, &transfer, Cause::Transfer).await?;
        let today = self.today(tx.tenant());
        self.shown_after(tx, actor, id, today).await
    }

    /// Changes the terms of somebody's employment from a day on to the next change.
    pub(super) async fn reassign(
        &self,
        tx: &TenantTx,
        id: EmployeeId,
        transfer: &Transfer,
        cause: Cause,
    ) -> Result<(), EmployeesError> {
        let manager = transfer.manager.set();
        if manager.is_some() {
            tx.lock(MANAGERS).await?;
        }
        let (person, found) = self.lock_two(tx, id, manager).await?;
        let now = self.ambient.now();
        let before = self.storage.employments_of(tx, &[id]).await?;
        let mut terms = terms_of(&before)?;

        let mut wrong = FieldErrors::new();
        plausible(transfer.effective_date, POINTER, &mut wrong);
        let days = rest(&terms, transfer.effective_date, POINTER, &mut wrong);
        let wanted = References {
            department: transfer.department.set(),
            job_title: transfer.job_title.set(),
            location: transfer.location.set(),
            manager: None,
        };
        self.check_references(tx, wanted, &mut wrong).await?;
        if let Some((manager, days)) = manager.zip(days) {
            let line = ReportingLine { employee: id, days };
            // Himself he is, and in a circle.
            let found = found.as_ref().or((manager == id).then_some(&person));
            let service = found.map(|found| (found.hire_date, found.employed_until));
            let today = tx.tenant().time_zone().date_at(now);
            self.check_manager(tx, line, manager, service, today, &mut wrong)
                .await?;
        }
        wrong.into_result().map_err(EmployeesError::Invalid)?;
        let Some(days) = days else {
            return Ok(());
        };
        let was = terms.clone();
        terms.change(days, |terms| transfer.of(terms));
        if self
            .save_terms(tx, &before, id, &terms, Some(cause), now)
            .await?
        {
            self.save_person(tx, person, now).await?;
            let changes = changed_on(transfer.effective_date, &was, &terms);
            self.note_reassigned(tx, id, transfer, cause, changes)
                .await?;
        }
        Ok(())
    }

    async fn note_reassigned(
        &self,
        tx: &TenantTx,
        id: EmployeeId,
        transfer: &Transfer,
        cause: Cause,
        changes: Vec<FieldChange>,
    ) -> Result<(), StoreError> {
        match cause {
            Cause::Transfer => self.chronicle.note(tx, transfer.told(id), changes).await,
            Cause::Promotion => {
                let promoted = Promoted {
                    employee: id,
                    effective_date: transfer.effective_date.to_string(),
                    job_title_id: transfer.job_title.set(),
                };
                self.chronicle.note(tx, promoted, changes).await
            }
        }
    }
}

const POINTER: &str = "/effective_date";
