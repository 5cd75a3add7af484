//! `POST /api/v1/employees/{id}/transfer`

use actix_web::{HttpResponse, post, web::Data};
use kernel::{DepartmentId, EmployeeId, FieldErrors, JobTitleId, LocationId};
use serde::Deserialize;
use utoipa::ToSchema;
use web::{Allowed, Change, Draft, Id, Problem, ProblemBody};

use super::{
    representation::EmployeeBody,
    wire::{self, EmploymentTypeWord},
};
use crate::{
    EmployeeService, permission,
    service::{Edit, Transfer},
};

/// What changes, and when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Transfer)]
pub(super) struct TransferCommand {
    /// The first day.
    #[schema(format = Date, example = "2026-03-01")]
    effective_date: String,
    /// On which terms; they cannot be cleared.
    #[serde(default, deserialize_with = "wire::edit")]
    #[schema(inline, value_type = EmploymentTypeWord, required = false)]
    employment_type: Edit<EmploymentTypeWord>,
    /// Where he will belong.
    #[serde(default, deserialize_with = "wire::edit")]
    #[schema(value_type = Option<uuid::Uuid>)]
    department_id: Edit<DepartmentId>,
    /// What he will do.
    #[serde(default, deserialize_with = "wire::edit")]
    #[schema(value_type = Option<uuid::Uuid>)]
    job_title_id: Edit<JobTitleId>,
    /// Where he will work.
    #[serde(default, deserialize_with = "wire::edit")]
    #[schema(value_type = Option<uuid::Uuid>)]
    location_id: Edit<LocationId>,
    /// Whom he will report to.
    #[serde(default, deserialize_with = "wire::edit")]
    #[schema(value_type = Option<uuid::Uuid>)]
    manager_id: Edit<EmployeeId>,
}

impl TransferCommand {
    fn parse(self) -> Result<Transfer, Problem> {
        let mut wrong = FieldErrors::new();
        let effective_date = wrong.take("/effective_date", wire::parse_date(&self.effective_date));
        let employment_type = match self.employment_type {
            Edit::Keep => None,
            Edit::Set(word) => Some(word.0),
            Edit::Clear => {
                let rule = "nobody works on no terms: name some, or leave the field out";
                wrong.push("/employment_type", "required", rule);
                None
            }
        };
        let Some(effective_date) = effective_date.filter(|_| wrong.is_empty()) else {
            return Err(Problem::invalid(wrong.into_vec()));
        };
        Ok(Transfer {
            effective_date,
            employment_type,
            department: self.department_id,
            job_title: self.job_title_id,
            location: self.location_id,
            manager: self.manager_id,
        })
    }
}

/// Transfer an employee
///
/// Another department, job title, location, manager or employment type, from a day in the past (a
/// correction) or in the future on. What is absent stays, `null` clears. It holds until the next
/// change that is recorded; what was recorded for a day after that stays. On the first day of
/// something that is recorded it replaces that.
#[utoipa::path(
    post,
    path = "/api/v1/employees/{id}/transfer",
    tag = "employees",
    operation_id = "transfer_employee",
    extensions(("x-permission" = json!("employees:transfer"))),
    params(("id" = uuid::Uuid, Path, description = "The employee.")),
    request_body = TransferCommand,
    responses(
        (status = 200, description = "The employee as of today.", body = EmployeeBody,
         headers(("ETag" = String, description = "The new version, when nothing of him is hidden."))),
        (status = 404, description = "No such employee (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong; he does not work here on the day; a reference leads nowhere; or the manager does not work here as long as he would lead, or reports to him (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/employees/{id}/transfer")]
pub(super) async fn transfer_employee(
    Allowed(permit): Allowed<permission::Transfer>,
    change: Change,
    Id(id): Id<EmployeeId>,
    draft: Draft<TransferCommand>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    change
        .run(async |tx| {
            employees.require(&permit, tx, id).await?;
            let command = draft.read(TransferCommand::parse)?;
            let done = employees.transfer(&permit, tx, &change.actor, id, command);
            Ok(EmployeeBody::from(done.await?))
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_stays_and_null_clears() {
        let body = r#"{"effective_date": "2026-03-01", "manager_id": null,
                       "location_id": "0192f0c1-7f0a-7000-8000-000000000001"}"#;
        let command = serde_json::from_str::<TransferCommand>(body).unwrap();
        let transfer = command.parse().unwrap();
        assert_eq!(transfer.department, Edit::Keep);
        assert_eq!(transfer.manager, Edit::Clear);
        assert!(matches!(transfer.location, Edit::Set(_)));
    }

    #[test]
    fn terms_cannot_be_cleared() {
        let body = r#"{"effective_date": "someday", "employment_type": null}"#;
        let command = serde_json::from_str::<TransferCommand>(body).unwrap();
        let refused = command.parse().unwrap_err();
        let told: Vec<_> = refused.fields().iter().map(|it| &it.pointer).collect();
        assert_eq!(told, ["/effective_date", "/employment_type"]);
    }
}
