//! What happens to people.

use kernel::{DepartmentId, EmployeeId, JobTitleId, LocationId};
use messaging::DomainEvent;
use serde::Serialize;
use time::Date;
use uuid::Uuid;

use crate::model::{
    Commission, Employee, EmploymentType, EndReason, PayPeriod, Remuneration, Terms,
};

macro_rules! about_an_employee {
    ($($event:ident = $kind:literal,)+) => {$(
        impl DomainEvent for $event {
            const KIND: &'static str = $kind;
            const SUBJECT: &'static str = super::EMPLOYEE;

            fn subject(&self) -> Uuid {
                self.employee.uuid()
            }
        }
    )+};
}

about_an_employee! {
    Hired = "employee.hired.v1",
    Rehired = "employee.rehired.v1",
    Updated = "employee.updated.v1",
    Transferred = "employee.transferred.v1",
    Promoted = "employee.promoted.v1",
    CompensationChanged = "employee.compensation_changed.v1",
    Terminated = "employee.terminated.v1",
    HistoryImported = "employee.history_imported.v1",
}

/// As what somebody works from a day on.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NewTerms {
    employment_type: &'static str,
    department_id: Option<DepartmentId>,
    job_title_id: Option<JobTitleId>,
    location_id: Option<LocationId>,
    manager_id: Option<EmployeeId>,
}

impl From<Terms> for NewTerms {
    fn from(terms: Terms) -> Self {
        Self {
            employment_type: terms.employment_type.as_str(),
            department_id: terms.department_id,
            job_title_id: terms.job_title_id,
            location_id: terms.location_id,
            manager_id: terms.manager_id,
        }
    }
}

/// What somebody is paid from a day on, as the API writes it.
#[derive(Clone, Debug, Serialize)]
pub struct AgreedPay {
    amount: String,
    currency: &'static str,
    pay_period: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    commission_percent: Option<String>,
}

impl From<Remuneration> for AgreedPay {
    fn from(Remuneration { pay, commission }: Remuneration) -> Self {
        let amount = pay.amount();
        Self {
            amount: amount.amount().to_string(),
            currency: amount.currency().code(),
            pay_period: PayPeriod::as_str(pay.period()),
            commission_percent: commission
                .map(Commission::percent)
                .map(|share| share.to_string()),
        }
    }
}

/// Somebody was hired.
#[derive(Clone, Debug, Serialize)]
pub struct Hired {
    #[serde(skip)]
    employee: EmployeeId,
    hire_date: String,
    /// Where it was known already that he leaves, or has left.
    #[serde(skip_serializing_if = "Option::is_none")]
    employed_until: Option<String>,
    #[serde(flatten)]
    terms: NewTerms,
    #[serde(skip_serializing_if = "Option::is_none")]
    compensation: Option<AgreedPay>,
}

impl Hired {
    /// A person, on which terms and for which pay.
    pub fn of(employee: &Employee, terms: Terms, pay: Option<Remuneration>) -> Self {
        Self {
            employee: employee.id,
            hire_date: employee.hire_date.to_string(),
            employed_until: employee.employed_until.as_ref().map(ToString::to_string),
            terms: terms.into(),
            compensation: pay.map(AgreedPay::from),
        }
    }
}

/// Somebody came back.
#[derive(Clone, Debug, Serialize)]
pub struct Rehired {
    #[serde(skip)]
    employee: EmployeeId,
    hire_date: String,
    #[serde(flatten)]
    terms: NewTerms,
    #[serde(skip_serializing_if = "Option::is_none")]
    compensation: Option<AgreedPay>,
}

impl Rehired {
    /// Who, from which day on, on which terms and for which pay.
    pub fn of(
        employee: EmployeeId,
        hire_date: Date,
        terms: Terms,
        pay: Option<Remuneration>,
    ) -> Self {
        Self {
            employee,
            hire_date: hire_date.to_string(),
            terms: terms.into(),
            compensation: pay.map(AgreedPay::from),
        }
    }
}

/// What is said of a person changed. Names and ways to reach him are named and not repeated.
#[derive(Clone, Debug, Serialize)]
pub struct Updated {
    #[serde(skip)]
    employee: EmployeeId,
    changed: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    employee_number: Option<String>,
}

impl Updated {
    /// What changed from one to the other.
    pub fn between(before: &Employee, after: &Employee) -> Self {
        let fields = [
            ("employee_number", before.number != after.number),
            ("first_name", before.name.first != after.name.first),
            ("last_name", before.name.last != after.name.last),
            ("work_email", before.work_email != after.work_email),
            ("phone", before.phone != after.phone),
        ];
        let changed = fields.into_iter().filter(|(_, changed)| *changed);
        Self {
            employee: after.id,
            changed: changed.map(|(field, _)| field).collect(),
            employee_number: (before.number != after.number)
                .then(|| after.number.as_str().to_owned()),
        }
    }
}

/// Somebody has another department, job, location, manager or type of employment, from a day on to the
/// next change that is recorded. What stays is absent, what is no more is `null`.
#[derive(Clone, Debug, Serialize)]
#[expect(
    clippy::option_option,
    reason = "absent, null and present are three things to say"
)]
pub struct Transferred {
    #[serde(skip)]
    pub(crate) employee: EmployeeId,
    pub(crate) effective_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) employment_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) department_id: Option<Option<DepartmentId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_title_id: Option<Option<JobTitleId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location_id: Option<Option<LocationId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) manager_id: Option<Option<EmployeeId>>,
}

impl Transferred {
    /// A transfer that changes nothing yet.
    pub(crate) fn on(employee: EmployeeId, day: Date) -> Self {
        Self {
            employee,
            effective_date: day.to_string(),
            employment_type: None,
            department_id: None,
            job_title_id: None,
            location_id: None,
            manager_id: None,
        }
    }

    /// Whoever reported to somebody who leaves reports to another one.
    pub(crate) fn to_manager(employee: EmployeeId, day: Date, manager: Option<EmployeeId>) -> Self {
        Self {
            manager_id: Some(manager),
            ..Self::on(employee, day)
        }
    }

    /// On these terms, if they change.
    pub(crate) fn on_terms(self, employment_type: Option<EmploymentType>) -> Self {
        Self {
            employment_type: employment_type.map(EmploymentType::as_str),
            ..self
        }
    }
}

/// Somebody has a better job, from a day on. More pay is an event of its own.
#[derive(Clone, Debug, Serialize)]
pub struct Promoted {
    #[serde(skip)]
    pub(crate) employee: EmployeeId,
    pub(crate) effective_date: String,
    pub(crate) job_title_id: Option<JobTitleId>,
}

/// Somebody is paid otherwise, from a day on to the next change that is recorded.
#[derive(Clone, Debug, Serialize)]
pub struct CompensationChanged {
    #[serde(skip)]
    pub(crate) employee: EmployeeId,
    pub(crate) effective_date: String,
    pub(crate) compensation: AgreedPay,
}

/// Somebody's service ends. Those who reported to him have events of their own.
#[derive(Clone, Debug, Serialize)]
pub struct Terminated {
    #[serde(skip)]
    employee: EmployeeId,
    last_day: String,
    reason: Option<&'static str>,
    successor_id: Option<EmployeeId>,
}

impl Terminated {
    /// Who, after which day, why, and who takes over from him.
    pub fn of(
        employee: EmployeeId,
        last_day: Date,
        reason: Option<EndReason>,
        successor: Option<EmployeeId>,
    ) -> Self {
        Self {
            employee,
            last_day: last_day.to_string(),
            reason: reason.map(EndReason::as_str),
            successor_id: successor,
        }
    }
}

/// Earlier employments of somebody were imported.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryImported {
    #[serde(skip)]
    pub(crate) employee: EmployeeId,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::{OffsetDateTime, macros::date};

    use super::*;
    use crate::model::{EmployeeNumber, PersonName, Stamp};

    fn neena() -> Employee {
        Employee {
            id: Uuid::from_u128(1).into(),
            number: "17".parse().unwrap(),
            name: PersonName {
                first: "Neena".parse().unwrap(),
                last: "Yang".parse().unwrap(),
            },
            work_email: Some("neena@example.com".parse().unwrap()),
            phone: None,
            original_hire_date: date!(2026 - 03 - 01),
            hire_date: date!(2026 - 03 - 01),
            employed_until: None,
            stamp: Stamp::new(OffsetDateTime::UNIX_EPOCH),
        }
    }

    #[test]
    fn an_update_names_what_changed_and_repeats_no_name_and_no_address() {
        let changed = Employee {
            number: EmployeeNumber::stored("18".to_owned()),
            name: PersonName {
                first: "Nina".parse().unwrap(),
                last: "Yang".parse().unwrap(),
            },
            work_email: None,
            ..neena()
        };
        let told = serde_json::to_value(Updated::between(&neena(), &changed)).unwrap();
        assert_eq!(
            told,
            json!({
                "changed": ["employee_number", "first_name", "work_email"],
                "employee_number": "18",
            })
        );
    }

    #[test]
    fn a_transfer_says_what_changes_and_what_is_no_more() {
        let told = Transferred::to_manager(neena().id, date!(2026 - 04 - 01), None);
        assert_eq!(
            serde_json::to_value(told).unwrap(),
            json!({"effective_date": "2026-04-01", "manager_id": null})
        );
    }
}
