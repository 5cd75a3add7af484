//! `GET /api/v1/platform/jobs/{id}`

use actix_web::{get, web::Data};
use kernel::JobId;
use web::{Allowed, Id, Problem, ProblemBody, Rendered, View, ViewParameters};

use super::{list_jobs::JobList, representation::PlatformJobBody};
use crate::{AllJobs, permission::ReadAllJobs};

/// Show any job
#[utoipa::path(
    get,
    path = "/api/v1/platform/jobs/{id}",
    tag = "platform",
    operation_id = "show_platform_job",
    extensions(("x-permission" = json!("platform:read_jobs"))),
    params(("id" = uuid::Uuid, Path, description = "The job."), ViewParameters<JobList>),
    responses(
        (status = 200, description = "The job as it stands.", body = PlatformJobBody),
        (status = 404, description = "No such job (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/platform/jobs/{id}")]
pub(super) async fn show_job(
    Allowed(permit): Allowed<ReadAllJobs>,
    Id(id): Id<JobId>,
    view: View<JobList>,
    jobs: Data<AllJobs>,
) -> Result<Rendered, Problem> {
    let job = jobs.show(&permit, id).await?;
    view.answer(PlatformJobBody::from(job), None)
}
