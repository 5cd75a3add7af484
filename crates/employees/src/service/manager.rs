//! Whom somebody may report to.

use database::TenantTx;
use kernel::{DateRange, EmployeeId, FieldErrors};
use time::{Date, Duration};

use super::{Employees, Storage};
use crate::{
    EmployeesError,
    model::EmploymentStatus,
    repository::{References, ReportingLine},
};

/// Why somebody with this service cannot lead anybody during these days; `None` when he can.
///
/// A company is often written down top first, with dates long past: who led then is not asked. But
/// on every day from today on, whoever is reported to works here.
pub(super) fn cannot_lead(
    hire_date: Date,
    employed_until: Option<Date>,
    days: DateRange,
    today: Date,
) -> Option<String> {
    let coming = days.starting(today)?;
    let first = coming.from();
    let status = EmploymentStatus::on(first, hire_date, hire_date, employed_until);
    if status != EmploymentStatus::Active {
        return Some(format!("the manager is {status} on {first}"));
    }
    let leaves = employed_until.filter(|until| coming.to().is_none_or(|to| *until < to))?;
    let last = leaves - Duration::DAY;
    Some(format!("the manager leaves: his last day is {last}"))
}

impl<S: Storage> Employees<S> {
    /// Notes what is wrong with a manager, who was locked if he was found, for somebody's days.
    /// Called under the lock of the tree.
    pub(super) async fn check_manager(
        &self,
        tx: &TenantTx,
        line: ReportingLine,
        manager: EmployeeId,
        found: Option<(Date, Option<Date>)>,
        today: Date,
        wrong: &mut FieldErrors,
    ) -> Result<(), EmployeesError> {
        const POINTER: &str = "/manager_id";
        let Some((hire_date, employed_until)) = found else {
            wrong.push(POINTER, "not_found", "there is no such employee");
            return Ok(());
        };
        if let Some(why) = cannot_lead(hire_date, employed_until, line.days, today) {
            wrong.push(POINTER, "not_active", why);
        } else if self
            .storage
            .would_close_a_circle(tx, manager, &[line])
            .await?
        {
            wrong.push(POINTER, "cycle", CIRCLE);
        }
        Ok(())
    }

    /// Notes what terms refer to and the tenant does not have. The manager is looked at elsewhere.
    pub(super) async fn check_references(
        &self,
        tx: &TenantTx,
        wanted: References,
        wrong: &mut FieldErrors,
    ) -> Result<(), EmployeesError> {
        let wanted = References {
            manager: None,
            ..wanted
        };
        if wanted.department.is_none() && wanted.job_title.is_none() && wanted.location.is_none() {
            return Ok(());
        }
        let found = self.storage.references(tx, &wanted).await?;
        for (pointer, missing, message) in [
            (
                "/department_id",
                wanted.department.is_some() && found.department.is_none(),
                "there is no such department",
            ),
            (
                "/job_title_id",
                wanted.job_title.is_some() && found.job_title.is_none(),
                "there is no such job title",
            ),
            (
                "/location_id",
                wanted.location.is_some() && found.location.is_none(),
                "there is no such location",
            ),
        ] {
            if missing {
                wrong.push(pointer, "not_found", message);
            }
        }
        Ok(())
    }
}

/// What is wrong with whoever is above somebody by being below him.
pub(super) const CIRCLE: &str = "somebody would report to himself, directly or through others";

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    const TODAY: Date = date!(2026 - 11 - 23);

    fn why(hired: Date, until: Option<Date>, from: Date, to: Option<Date>) -> Option<String> {
        cannot_lead(hired, until, DateRange::new(from, to).unwrap(), TODAY)
    }

    #[test]
    fn a_manager_works_here_from_today_on_to_the_end() {
        let hired = date!(2020 - 01 - 01);
        assert_eq!(why(hired, None, date!(2010 - 01 - 01), None), None);
        let left = Some(TODAY);
        assert_eq!(
            why(hired, left, date!(2021 - 01 - 01), None).unwrap(),
            "the manager is terminated on 2026-11-23"
        );
        assert_eq!(why(hired, left, date!(2021 - 01 - 01), left), None);
        let leaving = Some(date!(2027 - 01 - 01));
        assert_eq!(
            why(hired, leaving, TODAY, None).unwrap(),
            "the manager leaves: his last day is 2026-12-31"
        );
        assert_eq!(why(hired, leaving, TODAY, leaving), None);
        let after = Some(date!(2027 - 01 - 02));
        assert!(why(hired, leaving, TODAY, after).is_some());
    }

    #[test]
    fn who_begins_later_leads_from_then_on() {
        let hired = date!(2027 - 03 - 01);
        assert_eq!(
            why(hired, None, date!(2027 - 02 - 28), None).unwrap(),
            "the manager is scheduled on 2027-02-28"
        );
        assert_eq!(why(hired, None, hired, None), None);
    }
}
