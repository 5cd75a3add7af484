//! `GET /api/v1/departments/{id}`

use actix_web::{get, web::Data};
use kernel::DepartmentId;
use web::{Allowed, Id, Problem, ProblemBody, Rendered, Signed, View, ViewParameters};

use super::{list_departments::DepartmentList, representation::DepartmentBody};
use crate::{EmployeeService, permission::ReadOrganisation};

/// Show a department
#[utoipa::path(
    get,
    path = "/api/v1/departments/{id}",
    tag = "organisation",
    operation_id = "show_department",
    extensions(("x-permission" = json!("organisation:read"))),
    params(("id" = uuid::Uuid, Path, description = "The department."), ViewParameters<DepartmentList>),
    responses(
        (status = 200, description = "The department.", body = DepartmentBody,
         headers(("ETag" = String, description = "The version, for `If-Match` and `If-None-Match`."))),
        (status = 304, description = "The client holds this version (`If-None-Match`)."),
        (status = 404, description = "No such department (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/departments/{id}")]
pub(super) async fn show_department(
    Allowed(permit): Allowed<ReadOrganisation>,
    Signed { tenant, .. }: Signed,
    Id(id): Id<DepartmentId>,
    view: View<DepartmentList>,
    employees: Data<EmployeeService>,
) -> Result<Rendered, Problem> {
    let department = employees.department(&permit, &tenant, id).await?;
    let version = department.stamp.version;
    view.answer(DepartmentBody::from(department), Some(version))
}
