//! `GET /api/v1/employees/{id}/reports`

use actix_web::{get, web::Data};
use kernel::EmployeeId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, CursorScope, Cursors, Id, Json, List, Problem, ProblemBody, Query, Signed};

use super::representation::EmployeeBody;
use crate::{EmployeeService, model::Report, permission::Read, repository::ReportDepth};

/// How far down, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Parameters {
    /// Through how many steps: 1 (direct reports) to 20.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 20, default = 1)]
    depth: Option<String>,
    /// How many items a page holds: 1 to 200.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 25)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// `exact` counts the whole list.
    #[param(example = "exact")]
    count: Option<String>,
}

impl Parameters {
    fn depth(&self) -> Result<ReportDepth, Problem> {
        match self.depth.as_deref() {
            None => Ok(ReportDepth::DIRECT),
            Some(text) => {
                text.parse().ok().and_then(ReportDepth::new).ok_or_else(|| {
                    Problem::parameter("depth", "must be a whole number from 1 to 20")
                })
            }
        }
    }
}

/// Somebody who reports to somebody.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Report)]
struct ReportBody {
    /// Who reports.
    #[serde(flatten)]
    employee: EmployeeBody,
    /// 1: directly; 2: through one other; and so on.
    #[schema(example = 1)]
    depth: u8,
}

impl From<Report> for ReportBody {
    fn from(report: Report) -> Self {
        Self {
            employee: report.profile.into(),
            depth: report.depth,
        }
    }
}

/// List who reports to an employee
///
/// As of today: the nearest first, then by family name. With a permission for himself alone, the
/// list is empty.
#[utoipa::path(
    get,
    path = "/api/v1/employees/{id}/reports",
    tag = "employees",
    operation_id = "list_reports",
    extensions(("x-permission" = json!("employees:read"))),
    params(("id" = uuid::Uuid, Path, description = "The manager."), Parameters),
    responses(
        (status = 200, description = "One page of reports.", body = List<ReportBody>),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`), or \
         the cursor belongs to another list (`invalid_cursor`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such employee, or none that the caller may see \
         (`not_found`).", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/employees/{id}/reports")]
pub(super) async fn list_reports(
    Allowed(permit): Allowed<Read>,
    Signed { tenant, actor }: Signed,
    Id(id): Id<EmployeeId>,
    Query(parameters): Query<Parameters>,
    cursors: Data<Cursors>,
    employees: Data<EmployeeService>,
) -> Result<Json<List<ReportBody>>, Problem> {
    let depth = parameters.depth()?;
    let list = format!("{id}\n{}", depth.get());
    let scope = CursorScope::new(&tenant, "GET /api/v1/employees/{id}/reports", &list);
    let request = web::page_request(
        &cursors,
        &scope,
        parameters.limit.as_deref(),
        parameters.cursor.as_deref(),
        parameters.count.as_deref(),
    )?;
    let page = employees
        .reports(&permit, &tenant, &actor, id, depth, &request)
        .await?;
    let limit = request.limit.get();
    Ok(Json(List::new(page, limit, ReportBody::from, |key| {
        cursors.seal(&scope, &key)
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_depth_is_1_to_20() {
        let depth = |text: Option<&str>| {
            Parameters {
                depth: text.map(str::to_owned),
                limit: None,
                cursor: None,
                count: None,
            }
            .depth()
            .map(ReportDepth::get)
        };
        assert_eq!(depth(None).unwrap(), 1);
        assert_eq!(depth(Some("20")).unwrap(), 20);
        for wrong in ["0", "21", "-1", "all", ""] {
            assert!(depth(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
