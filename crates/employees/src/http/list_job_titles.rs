//! `GET /api/v1/job-titles`

use actix_web::{get, web::Data};
use web::{Allowed, CursorScope, Cursors, Json, List, Problem, ProblemBody, Query, Signed};

use super::{representation::JobTitleBody, wire::Paging};
use crate::{EmployeeService, permission::ReadOrganisation};

/// List job titles
///
/// Sorted by name.
#[utoipa::path(
    get,
    path = "/api/v1/job-titles",
    tag = "organisation",
    operation_id = "list_job_titles",
    extensions(("x-permission" = json!("organisation:read"))),
    params(Paging),
    responses(
        (status = 200, description = "One page of job titles.", body = List<JobTitleBody>),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`), or \
         the cursor belongs to another list (`invalid_cursor`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/job-titles")]
pub(super) async fn list_job_titles(
    Allowed(permit): Allowed<ReadOrganisation>,
    Signed { tenant, .. }: Signed,
    Query(paging): Query<Paging>,
    cursors: Data<Cursors>,
    employees: Data<EmployeeService>,
) -> Result<Json<List<JobTitleBody>>, Problem> {
    let scope = CursorScope::new(&tenant, "GET /api/v1/job-titles", "");
    let request = paging.request(&cursors, &scope)?;
    let page = employees.job_titles(&permit, &tenant, &request).await?;
    let limit = request.limit.get();
    Ok(Json(List::new(page, limit, JobTitleBody::from, |key| {
        cursors.seal(&scope, &key)
    })))
}
