//! `POST /api/v1/employees/{id}/terminate`

use actix_web::{HttpResponse, post, web::Data};
use kernel::EmployeeId;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{Allowed, Change, Draft, Id, Problem, ProblemBody};

use super::{
    representation::EmployeeBody,
    wire::{self, EndReasonWord},
};
use crate::{EmployeeService, permission, service::Terminate};

/// When he leaves, why, and who takes over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Termination)]
pub(super) struct TerminationCommand {
    /// The last day on which he works here.
    #[schema(format = Date, example = "2026-03-31")]
    last_day: String,
    /// Why.
    #[schema(inline)]
    reason: Option<EndReasonWord>,
    /// To whom those will report who would report to him.
    #[schema(value_type = Option<uuid::Uuid>)]
    successor_id: Option<EmployeeId>,
}

impl TerminationCommand {
    fn parse(self) -> Result<Terminate, Problem> {
        Ok(Terminate {
            last_day: wire::date_of("/last_day", &self.last_day)?,
            reason: self.reason.map(|word| word.0),
            successor: self.successor_id,
        })
    }
}

/// Terminate an employee
///
/// His service ends after `last_day`, in the past or in the future, and whatever is recorded for days
/// after that is void. If it is known already that he leaves, he may only leave earlier; to let him
/// stay longer, rehire him on the day after his last.
///
/// Those who would report to him after that day report to `successor_id` from then on: somebody who
/// works here then and does not report to any of them. If the successor is one of them himself, he
/// reports to whom the employee reported to.
#[utoipa::path(
    post,
    path = "/api/v1/employees/{id}/terminate",
    tag = "employees",
    operation_id = "terminate_employee",
    extensions(("x-permission" = json!("employees:terminate"))),
    params(("id" = uuid::Uuid, Path, description = "The employee.")),
    request_body = TerminationCommand,
    responses(
        (status = 200, description = "The employee as of today.", body = EmployeeBody,
         headers(("ETag" = String, description = "The new version, when nothing of him is hidden."))),
        (status = 404, description = "No such employee (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Somebody would report to him after his last day and there is no successor, or he leaves before it already (`state_conflict`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong, he begins after that day, or the successor cannot lead those who would report to him (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/employees/{id}/terminate")]
pub(super) async fn terminate_employee(
    Allowed(permit): Allowed<permission::Terminate>,
    change: Change,
    Id(id): Id<EmployeeId>,
    draft: Draft<TerminationCommand>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    change
        .run(async |tx| {
            employees.require(&permit, tx, id).await?;
            let command = draft.read(TerminationCommand::parse)?;
            let done = employees.terminate(&permit, tx, &change.actor, id, command);
            Ok(EmployeeBody::from(done.await?))
        })
        .await
}
