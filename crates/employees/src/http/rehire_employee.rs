//! `POST /api/v1/employees/{id}/rehire`

use actix_web::{HttpResponse, post, web::Data};
use kernel::{DepartmentId, EmployeeId, FieldErrors, JobTitleId, LocationId};
use serde::Deserialize;
use utoipa::ToSchema;
use web::{Allowed, Change, Draft, Id, Problem, ProblemBody};

use super::{
    pay::NewCompensation,
    representation::EmployeeBody,
    wire::{self, EmploymentTypeWord},
};
use crate::{
    EmployeeService, model::EmploymentType, permission, repository::References, service::Rehire,
};

/// As what he comes back, and when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Rehiring)]
pub(super) struct RehireCommand {
    /// The first day of his new service.
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
    /// Whom he will report to.
    #[schema(value_type = Option<uuid::Uuid>)]
    manager_id: Option<EmployeeId>,
    /// What he will be paid from the first day on.
    compensation: Option<NewCompensation>,
}

impl RehireCommand {
    fn parse(self) -> Result<Rehire, Problem> {
        let mut wrong = FieldErrors::new();
        let day = wrong.take("/hire_date", wire::parse_date(&self.hire_date));
        let pay = self.compensation.map(|new| new.parse(&mut wrong));
        let Some(hire_date) = day.filter(|_| wrong.is_empty()) else {
            return Err(Problem::invalid(wrong.into_vec()));
        };
        let word = self.employment_type;
        Ok(Rehire {
            hire_date,
            employment_type: word.map_or(EmploymentType::FullTime, |word| word.0),
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

/// Rehire an employee
///
/// He keeps his number and his past; his new service begins on `hire_date`, with what is given here.
/// Hired on the first day on which he is gone he was never away: his service goes on, and what ended
/// it is forgotten.
#[utoipa::path(
    post,
    path = "/api/v1/employees/{id}/rehire",
    tag = "employees",
    operation_id = "rehire_employee",
    extensions(("x-permission" = json!("employees:rehire"))),
    params(("id" = uuid::Uuid, Path, description = "The employee.")),
    request_body = RehireCommand,
    responses(
        (status = 200, description = "The employee as of today.", body = EmployeeBody,
         headers(("ETag" = String, description = "The new version, when nothing of him is hidden."))),
        (status = 404, description = "No such employee (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "He works here, today or for good (`state_conflict`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong; he works here on that day; a reference leads nowhere; or the manager does not work here from then on (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/employees/{id}/rehire")]
pub(super) async fn rehire_employee(
    Allowed(permit): Allowed<permission::Rehire>,
    change: Change,
    Id(id): Id<EmployeeId>,
    draft: Draft<RehireCommand>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    change
        .run(async |tx| {
            employees.require(&permit, tx, id).await?;
            let command = draft.read(RehireCommand::parse)?;
            let done = employees.rehire(&permit, tx, &change.actor, id, command);
            Ok(EmployeeBody::from(done.await?))
        })
        .await
}
