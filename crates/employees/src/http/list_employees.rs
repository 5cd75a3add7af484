//! `GET /api/v1/employees`

use actix_web::get;
use actix_web::{HttpResponse, web::Data};
use kernel::{ListSpec, Position};
use web::{
    Allowed, List, ListParameters, Listed, Listing, Problem, ProblemBody, Provenance, Signed,
};

use super::representation::EmployeeBody;
use crate::{EmployeeService, lists, permission::Read, service::Reader};

/// Employees, listed and shown.
pub(super) struct EmployeeList;

impl Listed for EmployeeList {
    const SPEC: ListSpec = lists::EMPLOYEES;
    type Key = Position;
    const FILE: &'static str = "employees";
}

/// List employees
///
/// People with what they work as today, sorted by family name unless `sort` says otherwise. With a
/// permission for himself alone, the list holds the caller's own record. An export is recorded in the
/// audit.
#[utoipa::path(
    get,
    path = "/api/v1/employees",
    tag = "employees",
    operation_id = "list_employees",
    extensions(("x-permission" = json!("employees:read"))),
    params(ListParameters<EmployeeList>),
    responses(
        (status = 200, description = "One page of employees; as CSV the whole list.",
         content((List<EmployeeBody> = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`), or \
         the cursor belongs to another list (`invalid_cursor`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/employees")]
pub(super) async fn list_employees(
    Allowed(permit): Allowed<Read>,
    Signed { tenant, actor }: Signed,
    Provenance(origin): Provenance,
    listing: Listing<EmployeeList>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    let is_export = listing.is_export();
    listing
        .answer(async move |query, page| {
            let found = if is_export && page.after.is_none() {
                let reader = Reader {
                    tenant: &tenant,
                    actor: &actor,
                    origin: &origin,
                };
                employees.export(&permit, reader, query, page).await?
            } else {
                let found = employees.list(&permit, &tenant, &actor, query, page);
                found.await?
            };
            Ok(found.map(EmployeeBody::from))
        })
        .await
}
