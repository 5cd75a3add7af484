//! `GET /api/v1/platform/jobs`

use actix_web::{HttpResponse, get, web::Data};
use kernel::{JobId, ListSpec};
use web::{Allowed, List, ListParameters, Listed, Listing, Problem, ProblemBody};

use super::representation::PlatformJobBody;
use crate::{AllJobs, lists, permission::ReadAllJobs};

/// Jobs, listed and shown.
pub(super) struct JobList;

impl Listed for JobList {
    const SPEC: ListSpec = lists::JOBS;
    type Key = JobId;
    const FILE: &'static str = "jobs";
}

/// List jobs
///
/// Of all tenants and of the platform, the newest first. `state=dead` are those that somebody must
/// look at.
#[utoipa::path(
    get,
    path = "/api/v1/platform/jobs",
    tag = "platform",
    operation_id = "list_platform_jobs",
    extensions(("x-permission" = json!("platform:read_jobs"))),
    params(ListParameters<JobList>),
    responses(
        (status = 200, description = "One page of jobs; as CSV the whole list.",
         content((List<PlatformJobBody> = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`), or \
         the cursor belongs to another list (`invalid_cursor`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/platform/jobs")]
pub(super) async fn list_jobs(
    Allowed(permit): Allowed<ReadAllJobs>,
    listing: Listing<JobList>,
    jobs: Data<AllJobs>,
) -> Result<HttpResponse, Problem> {
    listing
        .answer(async move |query, page| {
            let found = jobs.list(&permit, query, page).await?;
            Ok(found.map(PlatformJobBody::from))
        })
        .await
}
