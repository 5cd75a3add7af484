//! Hiring: a person, his first employment and, if agreed, his pay, together or not at all.

use database::{TenantContext, TenantTx};
use kernel::{Actor, DateRange, EmailAddress, EmployeeId, FieldErrors, Permit, Reach};
use time::{Date, OffsetDateTime};

use super::{Employees, Storage, file::plausible, for_the_tenant};
use crate::{
    EmployeesError,
    events::Hired,
    model::{
        Assignment, Compensation, CurrentPay, Employee, EmployeeNumber, EmployeeProfile,
        Employment, EmploymentType, Guarded, Named, PersonName, PhoneNumber, Remuneration, Stamp,
        Terms, audited, cannot_lead,
    },
    permission::Create,
    repository::{FoundReferences, Inserted, References, Series},
};

/// Who is hired, and as what.
#[derive(Clone, Debug)]
pub struct Hire {
    /// His number; drawn from the tenant's series when it is not given.
    pub number: Option<EmployeeNumber>,
    /// What he is called.
    pub name: PersonName,
    /// His address at work.
    pub work_email: Option<EmailAddress>,
    /// His telephone number at work.
    pub phone: Option<PhoneNumber>,
    /// His first day; it may lie ahead or in the past.
    pub hire_date: Date,
    /// On which terms.
    pub employment_type: EmploymentType,
    /// Where he belongs, what he does, where he works and whom he reports to.
    pub references: References,
    /// What he is paid from the first day on.
    pub pay: Option<Remuneration>,
}

/// How often a drawn number may turn out to have been given by hand in the meantime.
const DRAWS: usize = 5;

impl<S: Storage> Employees<S> {
    /// Hires somebody and answers with what is shown of him.
    ///
    /// # Errors
    /// [`EmployeesError::Invalid`] naming what the employment refers to and the tenant does not
    /// have, [`EmployeesError::Taken`] naming the number or the address that somebody has.
    pub async fn hire(
        &self,
        permit: &Permit<Create>,
        tx: &TenantTx,
        actor: &Actor,
        hire: Hire,
    ) -> Result<EmployeeProfile, EmployeesError> {
        for_the_tenant(permit)?;
        let now = self.ambient.now();
        let today = tx.tenant().time_zone().date_at(now);
        if let Some(manager) = hire.references.manager {
            // He does not leave before this is committed, or has left before it is looked at.
            self.storage.hold(tx, manager).await?;
        }
        let found = self.storage.references(tx, &hire.references).await?;
        let assignment = assign(&hire, found, today)?;
        let stored = self.store(tx, &hire, now).await?;
        let (employee, employment, compensation) = &stored;
        let pay = compensation.as_ref().map(|it| it.remuneration);
        let terms = employment.terms;
        let hired = Hired::of(employee, terms, pay);
        let changes = audited::hired(employee, terms, pay, &[]);
        self.chronicle.note(tx, hired, changes).await?;
        let mut profile = profile(stored, assignment, today);
        if self
            .may_see_pay(actor)
            .is_none_or(|pay| pay.reach() != Reach::Tenant)
        {
            profile.compensation = Guarded::Hidden;
        }
        Ok(profile)
    }

    /// Stores him under the number that was given, or under the next of the series that is free.
    async fn store(
        &self,
        tx: &TenantTx,
        hire: &Hire,
        now: OffsetDateTime,
    ) -> Result<Records, EmployeesError> {
        let draws = if hire.number.is_some() { 1 } else { DRAWS };
        for _ in 0..draws {
            let number = match &hire.number {
                Some(number) => number.clone(),
                None => self.draw_number(tx.tenant()).await?,
            };
            let records = self.records(hire, number, now);
            let (employee, employment, compensation) = &records;
            let inserted = self
                .storage
                .hire(tx, employee, employment, compensation.as_ref())
                .await?;
            match inserted {
                Inserted::Stored => return Ok(records),
                Inserted::NumberTaken => {}
                Inserted::EmailTaken => {
                    return Err(EmployeesError::Taken {
                        field: "work_email",
                    });
                }
            }
        }
        Err(EmployeesError::Taken {
            field: "employee_number",
        })
    }

    /// Draws a number in a transaction of its own: the row of the counter is locked for as long as
    /// its transaction runs, and everybody who is being hired would wait in line for a disk.
    async fn draw_number(&self, tenant: &TenantContext) -> Result<EmployeeNumber, EmployeesError> {
        let leaf = self.database.begin_leaf(tenant).await?;
        let number = self.storage.draw(&leaf, Series::Employees).await?;
        leaf.commit().await?;
        Ok(EmployeeNumber::stored(number.to_string()))
    }

    fn records(&self, hire: &Hire, number: EmployeeNumber, now: OffsetDateTime) -> Records {
        let id: EmployeeId = self.ambient.id();
        let stamp = Stamp::new(now);
        let period = DateRange::since(hire.hire_date);
        let employee = Employee {
            id,
            number,
            name: hire.name.clone(),
            work_email: hire.work_email.clone(),
            phone: hire.phone.clone(),
            original_hire_date: hire.hire_date,
            hire_date: hire.hire_date,
            employed_until: period.to(),
            stamp,
        };
        let employment = Employment {
            id: self.ambient.id(),
            employee_id: id,
            period,
            terms: Terms {
                department_id: hire.references.department,
                job_title_id: hire.references.job_title,
                location_id: hire.references.location,
                manager_id: hire.references.manager,
                employment_type: hire.employment_type,
            },
            cause: None,
            end_reason: None,
            stamp,
        };
        let compensation = hire.pay.map(|agreed| Compensation {
            id: self.ambient.id(),
            employee_id: id,
            period,
            remuneration: agreed,
            stamp,
        });
        (employee, employment, compensation)
    }
}

type Records = (Employee, Employment, Option<Compensation>);

/// What the employment refers to, if the tenant has all of it.
///
/// Nobody reports to a new employee yet, so whoever becomes his manager, it makes no cycle.
fn assign(hire: &Hire, found: FoundReferences, today: Date) -> Result<Assignment, EmployeesError> {
    let wanted = &hire.references;
    let mut wrong = FieldErrors::new();
    plausible(hire.hire_date, "/hire_date", &mut wrong);
    let assignment = Assignment {
        employment_type: hire.employment_type,
        department: named(
            "department",
            wanted.department,
            found.department,
            &mut wrong,
        ),
        job_title: named("job_title", wanted.job_title, found.job_title, &mut wrong),
        location: named("location", wanted.location, found.location, &mut wrong),
        manager: {
            let days = DateRange::since(hire.hire_date);
            let cannot = found.manager.as_ref().and_then(|manager| {
                cannot_lead(manager.hire_date, manager.employed_until, days, today)
            });
            if let Some(why) = cannot {
                wrong.push("/manager_id", "not_active", why);
            }
            let name = found.manager.map(|manager| manager.name);
            named("manager", wanted.manager, name, &mut wrong)
        },
    };
    wrong.into_result().map_err(EmployeesError::Invalid)?;
    Ok(assignment)
}

fn named<Id>(
    what: &'static str,
    wanted: Option<Id>,
    found: Option<String>,
    wrong: &mut FieldErrors,
) -> Option<Named<Id>> {
    match (wanted, found) {
        (Some(id), Some(name)) => Some(Named { id, name }),
        (Some(_), None) => {
            let thing = what.replace('_', " ");
            wrong.push(
                format!("/{what}_id"),
                "not_found",
                format!("there is no such {thing}"),
            );
            None
        }
        (None, _) => None,
    }
}

fn profile(hired: Records, assignment: Assignment, today: Date) -> EmployeeProfile {
    let (employee, _, compensation) = hired;
    EmployeeProfile {
        status: employee.status_on(today),
        id: employee.id,
        number: employee.number,
        name: employee.name,
        work_email: employee.work_email.map(|email| email.as_str().to_owned()),
        phone: employee.phone.map(PhoneNumber::into_string),
        hire_date: employee.hire_date,
        original_hire_date: employee.original_hire_date,
        assignment: Some(assignment),
        compensation: Guarded::Shown(compensation.map(|compensation| CurrentPay {
            pay: compensation.remuneration.pay,
            commission: compensation.remuneration.commission,
            valid_from: compensation.period.from(),
        })),
        stamp: employee.stamp,
    }
}

#[cfg(test)]
mod tests {
    use kernel::FieldError;
    use time::macros::date;
    use uuid::Uuid;

    use super::*;
    use crate::repository::FoundManager;

    fn hire() -> Hire {
        Hire {
            number: None,
            name: PersonName {
                first: "Neena".parse().unwrap(),
                last: "Yang".parse().unwrap(),
            },
            work_email: None,
            phone: None,
            hire_date: date!(2026 - 03 - 01),
            employment_type: EmploymentType::FullTime,
            references: References {
                department: Some(Uuid::from_u128(1).into()),
                job_title: None,
                location: Some(Uuid::from_u128(2).into()),
                manager: Some(Uuid::from_u128(3).into()),
            },
            pay: None,
        }
    }

    fn king(employed_until: Option<Date>) -> FoundManager {
        FoundManager {
            name: "Steven King".to_owned(),
            hire_date: date!(2013 - 06 - 17),
            employed_until,
        }
    }

    fn wrong(found: FoundReferences, today: Date) -> Vec<(String, &'static str)> {
        match assign(&hire(), found, today) {
            Err(EmployeesError::Invalid(fields)) => fields
                .into_iter()
                .map(|FieldError { pointer, code, .. }| (pointer, code))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn everything_that_is_not_there_is_named_at_once() {
        let fields = wrong(FoundReferences::default(), date!(2026 - 02 - 01));
        assert_eq!(
            fields,
            [
                ("/department_id".to_owned(), "not_found"),
                ("/location_id".to_owned(), "not_found"),
                ("/manager_id".to_owned(), "not_found"),
            ]
        );
    }

    #[test]
    fn a_manager_is_active_on_the_first_day() {
        let found = |until| FoundReferences {
            department: Some("Sales".to_owned()),
            location: Some("Oxford".to_owned()),
            manager: Some(king(until)),
            job_title: None,
        };
        let before = date!(2026 - 02 - 01);
        assert!(assign(&hire(), found(None), before).is_ok());
        // Nor does he leave while somebody reports to him.
        for until in [date!(2026 - 03 - 01), date!(2030 - 01 - 01)] {
            assert_eq!(
                wrong(found(Some(until)), before),
                [("/manager_id".to_owned(), "not_active")]
            );
        }
    }

    #[test]
    fn a_manager_may_have_come_later_than_somebody_who_is_written_down_late() {
        let found = FoundReferences {
            department: Some("Sales".to_owned()),
            location: Some("Oxford".to_owned()),
            manager: Some(FoundManager {
                hire_date: date!(2026 - 06 - 01),
                ..king(None)
            }),
            job_title: None,
        };
        assert!(assign(&hire(), found.clone(), date!(2026 - 06 - 01)).is_ok());
        assert!(assign(&hire(), found, date!(2026 - 05 - 31)).is_err());
    }
}
