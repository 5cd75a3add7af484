//! `PATCH /api/v1/job-titles/{id}`

use actix_web::{HttpResponse, patch, web::Data};
use kernel::JobTitleId;
use web::{Allowed, Change, Draft, Id, IfMatch, PatchOf, Problem, ProblemBody};

use super::{create_job_title::NewJobTitle, representation::JobTitleBody};
use crate::{EmployeeService, permission::UpdateOrganisation};

/// Change a job title
///
/// A merge patch (RFC 7396): what is absent stays, `null` clears.
#[utoipa::path(
    patch,
    path = "/api/v1/job-titles/{id}",
    tag = "organisation",
    operation_id = "update_job_title",
    extensions(("x-permission" = json!("organisation:update"))),
    params(("id" = uuid::Uuid, Path, description = "The job title.")),
    request_body(content = PatchOf<NewJobTitle>, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The job title as it is now.", body = JobTitleBody,
         headers(("ETag" = String, description = "The new version."))),
        (status = 404, description = "No such job title (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Another job title has the code (`conflict`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "It was changed since (`version_mismatch`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 428, description = "`If-Match` is missing (`precondition_required`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[patch("/api/v1/job-titles/{id}")]
pub(super) async fn update_job_title(
    Allowed(permit): Allowed<UpdateOrganisation>,
    change: Change,
    Id(id): Id<JobTitleId>,
    if_match: IfMatch,
    draft: Draft<NewJobTitle>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    change
        .run(async |tx| {
            let job_title = employees.lock_job_title(&permit, tx, id).await?;
            if_match.check(job_title.stamp.version)?;
            let wanted = draft.merged(&NewJobTitle::of(&job_title), NewJobTitle::parse)?;
            let changed = employees.change_job_title(tx, job_title, wanted).await?;
            Ok(JobTitleBody::from(changed).whole())
        })
        .await
}
