//! `POST /api/v1/employees`

use actix_web::{HttpResponse, post, web::Data};
use kernel::{DepartmentId, EmployeeId, FieldErrors, JobTitleId, LocationId};
use serde::Deserialize;
use utoipa::ToSchema;
use web::{Allowed, Change, Draft, Problem, ProblemBody};

use super::{
    pay::NewCompensation,
    representation::EmployeeBody,
    wire::{self, EmploymentTypeWord},
};
use crate::{
    EmployeeService,
    model::{EmploymentType, PersonName},
    permission::Create,
    repository::References,
    service::Hire,
};

/// Somebody to hire.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewEmployee {
    /// The number by which the company will know him; drawn from the company's series when absent.
    #[schema(example = "1042")]
    employee_number: Option<String>,
    /// The given name or names.
    #[schema(example = "Neena")]
    first_name: String,
    /// The family name.
    #[schema(example = "Yang")]
    last_name: String,
    /// His address at work.
    #[schema(example = "neena.yang@example.com")]
    work_email: Option<String>,
    /// His telephone number at work.
    #[schema(example = "+1 515 555 0101")]
    phone: Option<String>,
    /// His first day; it may lie ahead or in the past.
    #[schema(format = Date, example = "2026-03-01")]
    hire_date: String,
    /// On which terms; `full_time` when absent.
    #[schema(inline)]
    employment_type: Option<EmploymentTypeWord>,
    /// Where he will belong.
    #[schema(value_type = Option<uuid::Uuid>)]
    department_id: Option<DepartmentId>,
    /// What he will do.
    #[schema(value_type = Option<uuid::Uuid>)]
    job_title_id: Option<JobTitleId>,
    /// Where he will work.
    #[schema(value_type = Option<uuid::Uuid>)]
    location_id: Option<LocationId>,
    /// Whom he will report to: an active employee.
    #[schema(value_type = Option<uuid::Uuid>)]
    manager_id: Option<EmployeeId>,
    /// What he will be paid from the first day on.
    compensation: Option<NewCompensation>,
}

impl NewEmployee {
    fn parse(self) -> Result<Hire, Problem> {
        let mut wrong = FieldErrors::new();
        let number = wire::optional_text(
            self.employee_number.as_deref(),
            "/employee_number",
            &mut wrong,
        );
        let first = wire::text(&self.first_name, "/first_name", &mut wrong);
        let last = wire::text(&self.last_name, "/last_name", &mut wrong);
        let work_email = self
            .work_email
            .and_then(|text| wrong.take("/work_email", text.parse()));
        let phone = wire::optional_text(self.phone.as_deref(), "/phone", &mut wrong);
        let hire_date = wrong.take("/hire_date", wire::parse_date(&self.hire_date));
        let pay = self.compensation.map(|new| new.parse(&mut wrong));
        wrong.clone().into_result().map_err(Problem::invalid)?;
        // Nothing was wrong, so everything is there.
        let (Some(first), Some(last), Some(hire_date)) = (first, last, hire_date) else {
            return Err(Problem::invalid(wrong.into_vec()));
        };
        Ok(Hire {
            number,
            name: PersonName { first, last },
            work_email,
            phone,
            hire_date,
            employment_type: self
                .employment_type
                .map_or(EmploymentType::FullTime, |word| word.0),
            references: References {
                department: self.department_id,
                job_title: self.job_title_id,
                location: self.location_id,
                manager: self.manager_id,
            },
            pay: pay.flatten(),
        })
    }
}

/// Hire an employee
///
/// Creates the person, his first employment and, if agreed, his compensation, together or not at
/// all.
#[utoipa::path(
    post,
    path = "/api/v1/employees",
    tag = "employees",
    operation_id = "create_employee",
    extensions(("x-permission" = json!("employees:create"))),
    request_body = NewEmployee,
    responses(
        (status = 201, description = "Hired.", body = EmployeeBody,
         headers(("Location" = String, description = "The path of the employee."))),
        (status = 409, description = "Another employee has the number or the address \
         (`conflict`).", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are missing or wrong, or name a department, job \
         title, location or active manager that does not exist (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/employees")]
pub(super) async fn create_employee(
    Allowed(permit): Allowed<Create>,
    change: Change,
    draft: Draft<NewEmployee>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    change
        .run(async |tx| {
            let hire = draft.read(NewEmployee::parse)?;
            let hired = employees.hire(&permit, tx, &change.actor, hire).await?;
            Ok(EmployeeBody::from(hired).created())
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Hire, Problem> {
        serde_json::from_str::<NewEmployee>(json).unwrap().parse()
    }

    #[test]
    fn a_name_and_a_day_are_enough() {
        let hire =
            parse(r#"{"first_name": "Neena", "last_name": "Yang", "hire_date": "2026-03-01"}"#)
                .unwrap();
        assert_eq!(hire.employment_type, EmploymentType::FullTime);
        assert_eq!(hire.hire_date.to_string(), "2026-03-01");
        assert!(hire.pay.is_none() && hire.number.is_none());
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let problem = parse(
            r#"{"first_name": " ", "last_name": "Yang", "work_email": "x", "hire_date": "soon",
                "compensation": {"amount": "-1", "currency": "EUR", "pay_period": "monthly",
                                 "commission_percent": "101"}}"#,
        )
        .unwrap_err();
        assert!(
            problem
                .to_string()
                .starts_with("validation_failed: 5 fields"),
            "{problem}"
        );
    }
}
