//! `GET /api/v1/employees/{id}/employments`

use actix_web::{HttpResponse, get, web::Data};
use kernel::{EmployeeId, EmploymentId, ListSpec};
use serde::Serialize;
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;
use web::{Allowed, Id, List, ListParameters, Listed, Listing, Problem, ProblemBody, Signed};

use super::{
    representation::{AssignmentParts, Reference},
    wire::{self, EmploymentTypeWord},
};
use crate::{EmployeeService, lists, model::EmploymentRecord, permission::Read};

/// A period during which somebody works in one place, under one manager.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Employment)]
struct EmploymentBody {
    /// The employment's identifier.
    #[schema(value_type = uuid::Uuid)]
    id: EmploymentId,
    /// The first day in force.
    #[serde(serialize_with = "wire::date")]
    #[schema(value_type = String, format = Date)]
    valid_from: Date,
    /// The first day no longer in force; `null` when it is open-ended.
    #[serde(serialize_with = "wire::optional_date")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_to: Option<Date>,
    /// On which terms.
    #[schema(inline)]
    employment_type: Option<EmploymentTypeWord>,
    /// Where he belongs.
    department: Option<Reference>,
    /// What he does.
    job_title: Option<Reference>,
    /// Where he works.
    location: Option<Reference>,
    /// Whom he reports to.
    manager: Option<Reference>,
    /// When the record was made.
    #[serde(serialize_with = "wire::instant")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    /// When the record was last changed.
    #[serde(serialize_with = "wire::instant")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: OffsetDateTime,
    /// Counts the changes, from 1.
    version: i64,
}

impl From<EmploymentRecord> for EmploymentBody {
    fn from(record: EmploymentRecord) -> Self {
        let assignment = AssignmentParts::from(record.assignment);
        Self {
            id: record.id,
            valid_from: record.valid_from,
            valid_to: record.valid_to,
            employment_type: assignment.employment_type,
            department: assignment.department,
            job_title: assignment.job_title,
            location: assignment.location,
            manager: assignment.manager,
            created_at: record.stamp.created_at,
            updated_at: record.stamp.updated_at,
            version: record.stamp.version,
        }
    }
}

/// Employments of one employee.
struct EmploymentList;

impl Listed for EmploymentList {
    const SPEC: ListSpec = lists::EMPLOYMENTS;
    type Key = Date;
    const FILE: &'static str = "employments";
}

/// List an employee's employments
///
/// His whole history here, the newest first: past, present and agreed for the future.
#[utoipa::path(
    get,
    path = "/api/v1/employees/{id}/employments",
    tag = "employees",
    operation_id = "list_employments",
    extensions(("x-permission" = json!("employees:read"))),
    params(("id" = uuid::Uuid, Path, description = "The employee."), ListParameters<EmploymentList>),
    responses(
        (status = 200, description = "One page of employments; as CSV all of them.",
         content((List<EmploymentBody> = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`), or \
         the cursor belongs to another list (`invalid_cursor`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such employee, or none that the caller may see \
         (`not_found`).", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/employees/{id}/employments")]
pub(super) async fn list_employments(
    Allowed(permit): Allowed<Read>,
    Signed { tenant, actor }: Signed,
    Id(id): Id<EmployeeId>,
    listing: Listing<EmploymentList>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    listing
        .answer(async move |_query, page| {
            let found = employees.employments(&permit, &tenant, &actor, id, page);
            Ok(found.await?.map(EmploymentBody::from))
        })
        .await
}
