//! `PATCH /api/v1/locations/{id}`

use actix_web::{HttpResponse, patch, web::Data};
use kernel::LocationId;
use web::{Allowed, Change, Draft, Id, IfMatch, PatchOf, Problem, ProblemBody};

use super::{create_location::NewLocation, representation::LocationBody};
use crate::{EmployeeService, permission::UpdateOrganisation};

/// Change a location
///
/// A merge patch (RFC 7396): what is absent stays, `null` clears.
#[utoipa::path(
    patch,
    path = "/api/v1/locations/{id}",
    tag = "organisation",
    operation_id = "update_location",
    extensions(("x-permission" = json!("organisation:update"))),
    params(("id" = uuid::Uuid, Path, description = "The location.")),
    request_body(content = PatchOf<NewLocation>, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The location as it is now.", body = LocationBody,
         headers(("ETag" = String, description = "The new version."))),
        (status = 404, description = "No such location (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Another location has the code (`conflict`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "It was changed since (`version_mismatch`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 428, description = "`If-Match` is missing (`precondition_required`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[patch("/api/v1/locations/{id}")]
pub(super) async fn update_location(
    Allowed(permit): Allowed<UpdateOrganisation>,
    change: Change,
    Id(id): Id<LocationId>,
    if_match: IfMatch,
    draft: Draft<NewLocation>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    change
        .run(async |tx| {
            let location = employees.lock_location(&permit, tx, id).await?;
            if_match.check(location.stamp.version)?;
            let wanted = draft.merged(&NewLocation::of(&location), NewLocation::parse)?;
            let changed = employees.change_location(tx, location, wanted).await?;
            Ok(LocationBody::from(changed).whole())
        })
        .await
}
