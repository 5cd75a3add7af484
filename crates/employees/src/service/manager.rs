//! Whom somebody may report to.

use database::TenantTx;
use kernel::{EmployeeId, FieldErrors};
use time::Date;

use super::{Employees, Storage};
use crate::{
    EmployeesError,
    model::cannot_lead,
    repository::{References, ReportingLine},
};

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
