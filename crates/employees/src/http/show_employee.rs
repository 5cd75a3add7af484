//! `GET /api/v1/employees/{id}`

use actix_web::{get, web::Data};
use kernel::{EmployeeId, ListSpec, Position};
use time::Date;
use web::{Allowed, Id, Listed, Problem, ProblemBody, Rendered, Signed, View, ViewParameters};

use super::{representation::EmployeeBody, wire};
use crate::{EmployeeService, lists, permission::Read};

/// One employee.
pub(super) struct OneEmployee;

impl Listed for OneEmployee {
    const SPEC: ListSpec = lists::EMPLOYEE;
    type Key = Position;
    const FILE: &'static str = "employee";
}

fn as_of(text: Option<&str>) -> Result<Option<Date>, Problem> {
    let day = text.map(wire::parse_date).transpose();
    day.map_err(|message| Problem::parameter("as_of", message))
}

/// Show an employee
///
/// As of today, unless `as_of` names another day. With `compensation` for callers who hold
/// `employees:read_compensation`.
#[utoipa::path(
    get,
    path = "/api/v1/employees/{id}",
    tag = "employees",
    operation_id = "show_employee",
    extensions(("x-permission" = json!("employees:read"))),
    params(("id" = uuid::Uuid, Path, description = "The employee."), ViewParameters<OneEmployee>),
    responses(
        (status = 200, description = "The employee as of that day.", body = EmployeeBody,
         headers(("ETag" = String, description = "The version, and a digest of what is shown, when \
         nothing of him is hidden and no day is named."))),
        (status = 304, description = "The client holds what would be shown (`If-None-Match`)."),
        (status = 404, description = "No such employee, or none that the caller may see \
         (`not_found`).", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/employees/{id}")]
pub(super) async fn show_employee(
    Allowed(permit): Allowed<Read>,
    Signed { tenant, actor }: Signed,
    Id(id): Id<EmployeeId>,
    view: View<OneEmployee>,
    employees: Data<EmployeeService>,
) -> Result<Rendered, Problem> {
    let as_of = as_of(view.extra("as_of"))?;
    let expand = &view.expand;
    let found = employees.show(&permit, &tenant, &actor, id, as_of, expand);
    let body = EmployeeBody::from(found.await?);
    let version = body.whole_version();
    // What is scheduled comes into force, and what he belongs to is renamed, without a new version.
    Ok(view.answer(body, version)?.composed())
}
