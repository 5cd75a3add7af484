//! Somebody comes back.

use database::TenantTx;
use kernel::{
    Actor, DateRange, EmployeeId, FieldErrors, Permit,
    audit::{FieldChange, changes},
};
use time::{Date, OffsetDateTime};

use super::{
    Employees, Storage,
    file::{MANAGERS, pay_of, plausible, terms_of},
    for_the_tenant,
};
use crate::{
    EmployeesError,
    events::Rehired,
    model::{
        Employee, EmployeeProfile, Employment, EmploymentType, EndReason, Remuneration, Terms,
        audited,
    },
    permission,
    repository::{References, ReportingLine, Revision},
};

/// As what somebody comes back.
#[derive(Clone, Copy, Debug)]
pub struct Rehire {
    /// The first day of his new service.
    pub hire_date: Date,
    /// On which terms.
    pub employment_type: EmploymentType,
    /// Where he belongs, what he does, where he works and whom he reports to.
    pub references: References,
    /// What he is paid from the first day on.
    pub pay: Option<Remuneration>,
}

impl Rehire {
    fn terms(&self) -> Terms {
        Terms {
            employment_type: self.employment_type,
            department_id: self.references.department,
            job_title_id: self.references.job_title,
            location_id: self.references.location,
            manager_id: self.references.manager,
        }
    }
}

const POINTER: &str = "/hire_date";

impl<S: Storage> Employees<S> {
    /// Hires somebody again who has left. He keeps his number and his past. Who is hired on the
    /// first day on which he is gone was never away: his service goes on, and what ended it is
    /// forgotten.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`]; [`EmployeesError::State`] when he works here, today or for
    /// good; [`EmployeesError::Invalid`] naming a day on which he still worked here, what the
    /// tenant does not have, and a manager who cannot lead him.
    pub async fn rehire(
        &self,
        permit: &Permit<permission::Rehire>,
        tx: &TenantTx,
        actor: &Actor,
        id: EmployeeId,
        rehire: Rehire,
    ) -> Result<EmployeeProfile, EmployeesError> {
        for_the_tenant(permit)?;
        let manager = rehire.references.manager;
        if manager.is_some() {
            tx.lock(MANAGERS).await?;
        }
        let (person, found) = self.lock_two(tx, id, manager).await?;
        let now = self.ambient.now();
        let today = tx.tenant().time_zone().date_at(now);
        let until = gone(&person, rehire.hire_date, today)?;

        let mut wrong = FieldErrors::new();
        plausible(rehire.hire_date, POINTER, &mut wrong);
        if rehire.hire_date < until {
            let message = format!("he works here until the day before {until}");
            wrong.push(POINTER, "employed", message);
        }
        self.check_references(tx, rehire.references, &mut wrong)
            .await?;
        let days = DateRange::since(rehire.hire_date);
        if let Some(manager) = manager {
            let line = ReportingLine { employee: id, days };
            let service = found.map(|found| (found.hire_date, found.employed_until));
            // Who reports to himself works here from his new first day on.
            let service = service.or((manager == id).then_some((rehire.hire_date, None)));
            self.check_manager(tx, line, manager, service, today, &mut wrong)
                .await?;
        }
        wrong.into_result().map_err(EmployeesError::Invalid)?;
        let changes = self.come_back(tx, person, until, &rehire, now).await?;
        let rehired = Rehired::of(id, rehire.hire_date, rehire.terms(), rehire.pay);
        self.chronicle.note(tx, rehired, changes).await?;
        self.shown_after(tx, actor, id, today).await
    }

    /// Lets him come back; what changes by it.
    async fn come_back(
        &self,
        tx: &TenantTx,
        person: Employee,
        until: Date,
        rehire: &Rehire,
        now: OffsetDateTime,
    ) -> Result<Vec<FieldChange>, EmployeesError> {
        let id = person.id;
        let days = DateRange::since(rehire.hire_date);
        let was_away = rehire.hire_date > until;
        let mut employments = self.storage.employments_of(tx, &[id]).await?;
        let mut reason = None;
        if !was_away {
            reason = self.forget_the_end(tx, &mut employments, now).await?;
        }
        let mut terms = terms_of(&employments)?;
        terms.put(days, rehire.terms());
        self.save_terms(tx, &employments, id, &terms, None, now)
            .await?;
        if let Some(agreed) = rehire.pay {
            let before = self.storage.pay_of(tx, id).await?;
            let mut pay = pay_of(&before)?;
            pay.put(days, agreed);
            self.save_pay(tx, &before, id, &pay, now).await?;
        }
        let back = Employee {
            hire_date: if was_away {
                rehire.hire_date
            } else {
                person.hire_date
            },
            employed_until: None,
            ..person.clone()
        };
        let mut all = vec![audited::effective(rehire.hire_date)];
        all.extend(changes(Some(&person), Some(&back)));
        all.extend(audited::reasoned(reason, None));
        all.extend(changes(None, Some(&rehire.terms())));
        all.extend(changes(None, rehire.pay.as_ref()));
        self.save_person(tx, back, now).await?;
        Ok(all)
    }

    /// Forgets that a service ended, and why: what was said.
    async fn forget_the_end(
        &self,
        tx: &TenantTx,
        employments: &mut [Employment],
        now: OffsetDateTime,
    ) -> Result<Option<EndReason>, EmployeesError> {
        let last = employments.iter_mut().max_by_key(|it| it.period.from());
        let Some(last) = last.filter(|last| last.end_reason.is_some()) else {
            return Ok(None);
        };
        let forgotten = last.end_reason.take();
        last.stamp = last.stamp.changed(now);
        let revision = Revision {
            removed: Vec::new(),
            revised: vec![last.clone()],
            added: Vec::new(),
        };
        self.storage.revise_employments(tx, &revision).await?;
        Ok(forgotten)
    }
}

/// The first day on which somebody is gone who may come back on a day.
fn gone(person: &Employee, hire_date: Date, today: Date) -> Result<Date, EmployeesError> {
    let refused = |message: String| {
        Err(EmployeesError::State {
            pointer: POINTER,
            code: "employed",
            message,
        })
    };
    match person.employed_until {
        None => refused("he works here: transfer him instead".to_owned()),
        // How somebody stands today is known of his last service, which must have begun to end.
        Some(until) if today < until && until < hire_date => refused(format!(
            "he still works here: rehire him on {until}, without a break, or after that day has come"
        )),
        Some(until) => Ok(until),
    }
}
