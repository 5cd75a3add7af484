//! `GET /api/v1/employees/{id}/reports`

use actix_web::{HttpResponse, get, web::Data};
use kernel::{EmployeeId, ListSpec};
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    Allowed, Id, List, ListParameters, Listed, Listing, Problem, ProblemBody, Provenance, Signed,
};

use super::representation::EmployeeBody;
use crate::{
    EmployeeService, lists,
    model::{ExpandedProfile, Report},
    permission::Read,
    repository::{ReportDepth, ReportKey},
    service::Reader,
};

/// Those who report to one employee.
struct ReportList;

impl Listed for ReportList {
    const SPEC: ListSpec = lists::REPORTS;
    type Key = ReportKey;
    const FILE: &'static str = "reports";
}

fn depth(text: Option<&str>) -> Result<ReportDepth, Problem> {
    let Some(text) = text else {
        return Ok(ReportDepth::DIRECT);
    };
    let depth = text.parse().ok().and_then(ReportDepth::new);
    depth.ok_or_else(|| Problem::parameter("depth", "must be a whole number from 1 to 20"))
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
            employee: ExpandedProfile::from(report.profile).into(),
            depth: report.depth,
        }
    }
}

/// List who reports to an employee
///
/// As of today: the nearest first, then by family name. With a permission for himself alone, the
/// list is empty. An export is recorded in the audit.
#[utoipa::path(
    get,
    path = "/api/v1/employees/{id}/reports",
    tag = "employees",
    operation_id = "list_reports",
    extensions(("x-permission" = json!("employees:read"))),
    params(("id" = uuid::Uuid, Path, description = "The manager."), ListParameters<ReportList>),
    responses(
        (status = 200, description = "One page of reports; as CSV all of them.",
         content((List<ReportBody> = "application/json"), (String = "text/csv"))),
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
    Provenance(origin): Provenance,
    Id(id): Id<EmployeeId>,
    listing: Listing<ReportList>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    let depth = depth(listing.extra("depth"))?;
    let is_export = listing.is_export();
    listing
        .answer(async move |_query, page| {
            let found = if is_export && page.after.is_none() {
                let reader = Reader {
                    tenant: &tenant,
                    actor: &actor,
                    origin: &origin,
                };
                let found = employees.export_reports(&permit, reader, id, depth, page);
                found.await?
            } else {
                let found = employees.reports(&permit, &tenant, &actor, id, depth, page);
                found.await?
            };
            Ok(found.map(ReportBody::from))
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_depth_is_1_to_20() {
        assert_eq!(depth(None).unwrap().get(), 1);
        assert_eq!(depth(Some("20")).unwrap().get(), 20);
        for wrong in ["0", "21", "-1", "all", ""] {
            assert!(depth(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
