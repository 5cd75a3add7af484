//! `GET /api/v1/departments`

use actix_web::{get, web::Data};
use web::{Allowed, CursorScope, Cursors, Json, List, Problem, ProblemBody, Query, Signed};

use super::{representation::DepartmentBody, wire::Paging};
use crate::{EmployeeService, permission::ReadOrganisation};

/// List departments
///
/// Sorted by name.
#[utoipa::path(
    get,
    path = "/api/v1/departments",
    tag = "organisation",
    operation_id = "list_departments",
    extensions(("x-permission" = json!("organisation:read"))),
    params(Paging),
    responses(
        (status = 200, description = "One page of departments.", body = List<DepartmentBody>),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`), or \
         the cursor belongs to another list (`invalid_cursor`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/departments")]
pub(super) async fn list_departments(
    Allowed(permit): Allowed<ReadOrganisation>,
    Signed { tenant, .. }: Signed,
    Query(paging): Query<Paging>,
    cursors: Data<Cursors>,
    employees: Data<EmployeeService>,
) -> Result<Json<List<DepartmentBody>>, Problem> {
    let scope = CursorScope::new(&tenant, "GET /api/v1/departments", "");
    let request = paging.request(&cursors, &scope)?;
    let page = employees.departments(&permit, &tenant, &request).await?;
    let limit = request.limit.get();
    Ok(Json(List::new(page, limit, DepartmentBody::from, |key| {
        cursors.seal(&scope, &key)
    })))
}
