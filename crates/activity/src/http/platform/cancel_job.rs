//! `POST /api/v1/platform/jobs/{id}/cancel`

use actix_web::{HttpResponse, post, web::Data};
use kernel::JobId;
use web::{Allowed, Change, Id, Json, Problem, ProblemBody};

use super::representation::JobStanding;
use crate::{AllJobs, permission::OperateJobs};

/// Cancel any job
///
/// What is being done is undone: nothing of it remains in the database.
#[utoipa::path(
    post,
    path = "/api/v1/platform/jobs/{id}/cancel",
    tag = "platform",
    operation_id = "cancel_platform_job",
    extensions(("x-permission" = json!("platform:operate_jobs"))),
    params(("id" = uuid::Uuid, Path, description = "The job.")),
    responses(
        (status = 200, description = "It is taken back.", body = JobStanding),
        (status = 404, description = "No such job (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It was done, or cancelled already (`state_conflict`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/platform/jobs/{id}/cancel")]
pub(super) async fn cancel_job(
    Allowed(permit): Allowed<OperateJobs>,
    change: Change,
    Id(id): Id<JobId>,
    jobs: Data<AllJobs>,
) -> Result<HttpResponse, Problem> {
    change
        .run(async |tx| {
            let state = jobs.cancel(&permit, tx, id).await?;
            Ok(Json(JobStanding::new(id, state)))
        })
        .await
}
