//! `GET /api/v1/job-titles`

use actix_web::{HttpResponse, get, web::Data};
use kernel::{ListSpec, Position};
use web::{Allowed, List, ListParameters, Listed, Listing, Problem, ProblemBody, Signed};

use super::representation::JobTitleBody;
use crate::{EmployeeService, lists, permission::ReadOrganisation};

/// Job titles, listed and shown.
pub(super) struct JobTitleList;

impl Listed for JobTitleList {
    const SPEC: ListSpec = lists::JOB_TITLES;
    type Key = Position;
    const FILE: &'static str = "job-titles";
}

/// List job titles
///
/// Sorted by name unless `sort` says otherwise.
#[utoipa::path(
    get,
    path = "/api/v1/job-titles",
    tag = "organisation",
    operation_id = "list_job_titles",
    extensions(("x-permission" = json!("organisation:read"))),
    params(ListParameters<JobTitleList>),
    responses(
        (status = 200, description = "One page of job titles; as CSV the whole list.",
         content((List<JobTitleBody> = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`), or \
         the cursor belongs to another list (`invalid_cursor`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/job-titles")]
pub(super) async fn list_job_titles(
    Allowed(permit): Allowed<ReadOrganisation>,
    Signed { tenant, .. }: Signed,
    listing: Listing<JobTitleList>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    listing
        .answer(async move |query, page| {
            let found = employees.job_titles(&permit, &tenant, query, page).await?;
            Ok(found.map(JobTitleBody::from))
        })
        .await
}
