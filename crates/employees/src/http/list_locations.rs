//! `GET /api/v1/locations`

use actix_web::{HttpResponse, get, web::Data};
use kernel::{ListSpec, Position};
use web::{Allowed, List, ListParameters, Listed, Listing, Problem, ProblemBody, Signed};

use super::representation::LocationBody;
use crate::{EmployeeService, lists, permission::ReadOrganisation};

/// Locations, listed and shown.
pub(super) struct LocationList;

impl Listed for LocationList {
    const SPEC: ListSpec = lists::LOCATIONS;
    type Key = Position;
    const FILE: &'static str = "locations";
}

/// List locations
///
/// Sorted by name unless `sort` says otherwise.
#[utoipa::path(
    get,
    path = "/api/v1/locations",
    tag = "organisation",
    operation_id = "list_locations",
    extensions(("x-permission" = json!("organisation:read"))),
    params(ListParameters<LocationList>),
    responses(
        (status = 200, description = "One page of locations; as CSV the whole list.",
         content((List<LocationBody> = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`), or \
         the cursor belongs to another list (`invalid_cursor`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/locations")]
pub(super) async fn list_locations(
    Allowed(permit): Allowed<ReadOrganisation>,
    Signed { tenant, .. }: Signed,
    listing: Listing<LocationList>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    listing
        .answer(async move |query, page| {
            let found = employees.locations(&permit, &tenant, query, page).await?;
            Ok(found.map(LocationBody::from))
        })
        .await
}
