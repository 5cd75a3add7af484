//! `PATCH /api/v1/departments/{id}`

use actix_web::{HttpResponse, patch, web::Data};
use kernel::DepartmentId;
use web::{Allowed, Change, Draft, Id, IfMatch, PatchOf, Problem, ProblemBody};

use super::{create_department::NewDepartment, representation::DepartmentBody};
use crate::{EmployeeService, permission::UpdateOrganisation};

/// Change a department
///
/// A merge patch (RFC 7396): what is absent stays, `null` clears. It cannot become part of itself.
#[utoipa::path(
    patch,
    path = "/api/v1/departments/{id}",
    tag = "organisation",
    operation_id = "update_department",
    extensions(("x-permission" = json!("organisation:update"))),
    params(("id" = uuid::Uuid, Path, description = "The department.")),
    request_body(content = PatchOf<NewDepartment>, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The department as it is now.", body = DepartmentBody,
         headers(("ETag" = String, description = "The new version."))),
        (status = 404, description = "No such department (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Another department has the code (`conflict`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "It was changed since (`version_mismatch`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 428, description = "`If-Match` is missing (`precondition_required`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[patch("/api/v1/departments/{id}")]
pub(super) async fn update_department(
    Allowed(permit): Allowed<UpdateOrganisation>,
    change: Change,
    Id(id): Id<DepartmentId>,
    if_match: IfMatch,
    draft: Draft<NewDepartment>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    change
        .run(async |tx| {
            let department = employees.lock_department(&permit, tx, id).await?;
            if_match.check(department.stamp.version)?;
            let wanted = draft.merged(&NewDepartment::of(&department), NewDepartment::parse)?;
            let changed = employees.change_department(tx, department, wanted).await?;
            Ok(DepartmentBody::from(changed).whole())
        })
        .await
}
