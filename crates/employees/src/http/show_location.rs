//! `GET /api/v1/locations/{id}`

use actix_web::{get, web::Data};
use kernel::LocationId;
use web::{Allowed, Id, Problem, ProblemBody, Rendered, Signed, View, ViewParameters};

use super::{list_locations::LocationList, representation::LocationBody};
use crate::{EmployeeService, permission::ReadOrganisation};

/// Show a location
#[utoipa::path(
    get,
    path = "/api/v1/locations/{id}",
    tag = "organisation",
    operation_id = "show_location",
    extensions(("x-permission" = json!("organisation:read"))),
    params(("id" = uuid::Uuid, Path, description = "The location."), ViewParameters<LocationList>),
    responses(
        (status = 200, description = "The location.", body = LocationBody,
         headers(("ETag" = String, description = "The version, for `If-Match` and `If-None-Match`."))),
        (status = 304, description = "The client holds this version (`If-None-Match`)."),
        (status = 404, description = "No such location (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/locations/{id}")]
pub(super) async fn show_location(
    Allowed(permit): Allowed<ReadOrganisation>,
    Signed { tenant, .. }: Signed,
    Id(id): Id<LocationId>,
    view: View<LocationList>,
    employees: Data<EmployeeService>,
) -> Result<Rendered, Problem> {
    let location = employees.location(&permit, &tenant, id).await?;
    let version = location.stamp.version;
    view.answer(LocationBody::from(location), Some(version))
}
