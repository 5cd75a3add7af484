//! `GET /api/v1/departments`

use actix_web::{HttpResponse, get, web::Data};
use kernel::{ListSpec, Position};
use web::{Allowed, List, ListParameters, Listed, Listing, Problem, ProblemBody, Signed};

use super::representation::DepartmentBody;
use crate::{EmployeeService, lists, permission::ReadOrganisation};

/// Departments, listed and shown.
pub(super) struct DepartmentList;

impl Listed for DepartmentList {
    const SPEC: ListSpec = lists::DEPARTMENTS;
    type Key = Position;
    const FILE: &'static str = "departments";
}

/// List departments
///
/// Sorted by name unless `sort` says otherwise.
#[utoipa::path(
    get,
    path = "/api/v1/departments",
    tag = "organisation",
    operation_id = "list_departments",
    extensions(("x-permission" = json!("organisation:read"))),
    params(ListParameters<DepartmentList>),
    responses(
        (status = 200, description = "One page of departments; as CSV the whole list.",
         content((List<DepartmentBody> = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`), or \
         the cursor belongs to another list (`invalid_cursor`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/departments")]
pub(super) async fn list_departments(
    Allowed(permit): Allowed<ReadOrganisation>,
    Signed { tenant, .. }: Signed,
    listing: Listing<DepartmentList>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    listing
        .answer(async move |query, page| {
            let found = employees.departments(&permit, &tenant, query, page).await?;
            Ok(found.map(DepartmentBody::from))
        })
        .await
}
