//! `POST /api/v1/jobs/{id}/cancel`

use actix_web::{HttpResponse, post, web::Data};
use kernel::JobId;
use web::{Allowed, Change, Id, Json, Problem, ProblemBody};

use super::representation::JobBody;
use crate::{OwnJobs, permission::CancelJobs};

/// Cancel a job
///
/// What is being done is undone: nothing of it remains. What has ended stays as it is.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/{id}/cancel",
    tag = "jobs",
    operation_id = "cancel_job",
    extensions(("x-permission" = json!("jobs:cancel"))),
    params(("id" = uuid::Uuid, Path, description = "The job.")),
    responses(
        (status = 200, description = "The job, which is `cancelled`.", body = JobBody),
        (status = 404, description = "No such job, or none that the caller may see (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It has ended, or cannot be taken back (`state_conflict`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/jobs/{id}/cancel")]
pub(super) async fn cancel_job(
    Allowed(permit): Allowed<CancelJobs>,
    change: Change,
    Id(id): Id<JobId>,
    jobs: Data<OwnJobs>,
) -> Result<HttpResponse, Problem> {
    change
        .run(async |tx| {
            let job = jobs.cancel(&permit, tx, &change.actor, id).await?;
            Ok(Json(JobBody::from(job)))
        })
        .await
}
