//! `GET /api/v1/employees/{id}`

use actix_web::{get, web::Data};
use kernel::EmployeeId;
use web::{Allowed, Id, Problem, ProblemBody, Rendered, Signed, View, ViewParameters};

use super::{list_employees::EmployeeList, representation::EmployeeBody};
use crate::{EmployeeService, permission::Read};

/// Show an employee
///
/// With `compensation` for callers who hold `employees:read_compensation`.
#[utoipa::path(
    get,
    path = "/api/v1/employees/{id}",
    tag = "employees",
    operation_id = "show_employee",
    extensions(("x-permission" = json!("employees:read"))),
    params(("id" = uuid::Uuid, Path, description = "The employee."), ViewParameters<EmployeeList>),
    responses(
        (status = 200, description = "The employee as of today.", body = EmployeeBody),
        (status = 404, description = "No such employee, or none that the caller may see \
         (`not_found`).", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/employees/{id}")]
pub(super) async fn show_employee(
    Allowed(permit): Allowed<Read>,
    Signed { tenant, actor }: Signed,
    Id(id): Id<EmployeeId>,
    view: View<EmployeeList>,
    employees: Data<EmployeeService>,
) -> Result<Rendered, Problem> {
    let expand = &view.expand;
    let found = employees.show(&permit, &tenant, &actor, id, expand).await?;
    view.answer(EmployeeBody::from(found), None)
}
