//! `GET /api/v1/locations`

use actix_web::{get, web::Data};
use web::{Allowed, CursorScope, Cursors, Json, List, Problem, ProblemBody, Query, Signed};

use super::{representation::LocationBody, wire::Paging};
use crate::{EmployeeService, permission::ReadOrganisation};

/// List locations
///
/// Sorted by name.
#[utoipa::path(
    get,
    path = "/api/v1/locations",
    tag = "organisation",
    operation_id = "list_locations",
    extensions(("x-permission" = json!("organisation:read"))),
    params(Paging),
    responses(
        (status = 200, description = "One page of locations.", body = List<LocationBody>),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`), or \
         the cursor belongs to another list (`invalid_cursor`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/locations")]
pub(super) async fn list_locations(
    Allowed(permit): Allowed<ReadOrganisation>,
    Signed { tenant, .. }: Signed,
    Query(paging): Query<Paging>,
    cursors: Data<Cursors>,
    employees: Data<EmployeeService>,
) -> Result<Json<List<LocationBody>>, Problem> {
    let scope = CursorScope::new(&tenant, "GET /api/v1/locations", "");
    let request = paging.request(&cursors, &scope)?;
    let page = employees.locations(&permit, &tenant, &request).await?;
    let limit = request.limit.get();
    Ok(Json(List::new(page, limit, LocationBody::from, |key| {
        cursors.seal(&scope, &key)
    })))
}
