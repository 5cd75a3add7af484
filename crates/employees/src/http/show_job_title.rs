//! `GET /api/v1/job-titles/{id}`

use actix_web::{get, web::Data};
use kernel::JobTitleId;
use web::{Allowed, Id, Problem, ProblemBody, Rendered, Signed, View, ViewParameters};

use super::{list_job_titles::JobTitleList, representation::JobTitleBody};
use crate::{EmployeeService, permission::ReadOrganisation};

/// Show a job title
#[utoipa::path(
    get,
    path = "/api/v1/job-titles/{id}",
    tag = "organisation",
    operation_id = "show_job_title",
    extensions(("x-permission" = json!("organisation:read"))),
    params(("id" = uuid::Uuid, Path, description = "The job title."), ViewParameters<JobTitleList>),
    responses(
        (status = 200, description = "The job title.", body = JobTitleBody,
         headers(("ETag" = String, description = "The version, for `If-Match` and `If-None-Match`."))),
        (status = 304, description = "The client holds this version (`If-None-Match`)."),
        (status = 404, description = "No such job title (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/job-titles/{id}")]
pub(super) async fn show_job_title(
    Allowed(permit): Allowed<ReadOrganisation>,
    Signed { tenant, .. }: Signed,
    Id(id): Id<JobTitleId>,
    view: View<JobTitleList>,
    employees: Data<EmployeeService>,
) -> Result<Rendered, Problem> {
    let job_title = employees.job_title(&permit, &tenant, id).await?;
    let version = job_title.stamp.version;
    view.answer(JobTitleBody::from(job_title), Some(version))
}
