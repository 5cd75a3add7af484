//! `POST /api/v1/platform/jobs/{id}/retry`

use actix_web::{HttpResponse, post, web::Data};
use kernel::JobId;
use web::{Allowed, Change, Id, Json, Problem, ProblemBody};

use super::representation::JobStanding;
use crate::{AllJobs, permission::OperateJobs};

/// Retry a job
///
/// It is tried from the beginning, now. A job that is `dead`, `parked` or `cancelled`, or waits after a
/// failure, can be.
#[utoipa::path(
    post,
    path = "/api/v1/platform/jobs/{id}/retry",
    tag = "platform",
    operation_id = "retry_platform_job",
    extensions(("x-permission" = json!("platform:operate_jobs"))),
    params(("id" = uuid::Uuid, Path, description = "The job.")),
    responses(
        (status = 200, description = "It is tried again.", body = JobStanding),
        (status = 404, description = "No such job (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It waits for its turn, is being done or was done (`state_conflict`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/platform/jobs/{id}/retry")]
pub(super) async fn retry_job(
    Allowed(permit): Allowed<OperateJobs>,
    change: Change,
    Id(id): Id<JobId>,
    jobs: Data<AllJobs>,
) -> Result<HttpResponse, Problem> {
    change
        .run(async |tx| {
            let state = jobs.retry(&permit, tx, id).await?;
            Ok(Json(JobStanding::new(id, state)))
        })
        .await
}
