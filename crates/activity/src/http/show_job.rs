//! `GET /api/v1/jobs/{id}`

use actix_web::{get, web::Data};
use kernel::{JobId, ListSpec};
use web::{Allowed, Id, Listed, Problem, ProblemBody, Rendered, Signed, View, ViewParameters};

use super::representation::JobBody;
use crate::{OwnJobs, lists, permission::ReadJobs};

/// One job.
struct OneJob;

impl Listed for OneJob {
    const SPEC: ListSpec = lists::OWN_JOB;
    type Key = JobId;
    const FILE: &'static str = "job";
}

/// Show a job
///
/// Where a 202 points to: how far long work is, and what came of it. Ask again every second or two
/// until `state` is `done`, `dead` or `cancelled`.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{id}",
    tag = "jobs",
    operation_id = "show_job",
    extensions(("x-permission" = json!("jobs:read"))),
    params(("id" = uuid::Uuid, Path, description = "The job."), ViewParameters<OneJob>),
    responses(
        (status = 200, description = "The job as it stands.", body = JobBody),
        (status = 404, description = "No such job, or none that the caller may see (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/jobs/{id}")]
pub(super) async fn show_job(
    Allowed(permit): Allowed<ReadJobs>,
    Signed { tenant, actor }: Signed,
    Id(id): Id<JobId>,
    view: View<OneJob>,
    jobs: Data<OwnJobs>,
) -> Result<Rendered, Problem> {
    let job = jobs.show(&permit, &tenant, &actor, id).await?;
    view.answer(JobBody::from(job), None)
}
