//! `GET /api/v1/employees/{id}`

use actix_web::{get, web::Data};
use kernel::{EmployeeId, ListSpec, Position};
use time::Date;
use web::{
    Allowed, Id, Listed, Problem, ProblemBody, Provenance, Rendered, Signed, View, ViewParameters,
};

use super::{representation::EmployeeBody, wire};
use crate::{
    EmployeeService, lists,
    permission::Read,
    service::{self, Reader},
};

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
/// `employees:read_compensation`; that they saw it is recorded in the audit.
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
    Provenance(origin): Provenance,
    Id(id): Id<EmployeeId>,
    view: View<OneEmployee>,
    employees: Data<EmployeeService>,
) -> Result<Rendered, Problem> {
    let wanted = service::View {
        as_of: as_of(view.extra("as_of"))?,
        expand: &view.expand,
        without_pay: !view.shows("compensation"),
    };
    let reader = Reader {
        tenant: &tenant,
        actor: &actor,
        origin: &origin,
    };
    let found = employees.show(&permit, reader, id, wanted).await?;
    let body = EmployeeBody::from(found);
    let version = body.whole_version();
    // What is scheduled comes into force, and what he belongs to is renamed, without a new version.
    Ok(view.answer(body, version)?.composed())
}
