//! `GET /api/v1/employees`

use actix_web::{get, web::Data};
use kernel::{DepartmentId, Direction};
use serde::Deserialize;
use utoipa::IntoParams;
use web::{Allowed, CursorScope, Cursors, Json, List, Problem, ProblemBody, Query, Signed};

use super::representation::EmployeeBody;
use crate::{EmployeeService, permission::Read, repository::EmployeeSort, service::EmployeeFilter};

/// Which employees, in which order, and which page of them.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Parameters {
    /// How many items a page holds: 1 to 200.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 25)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// `exact` counts the whole list.
    #[param(example = "exact")]
    count: Option<String>,
    /// Only employees of this department.
    #[param(value_type = Option<uuid::Uuid>)]
    department_id: Option<String>,
    /// Only employees of this status: `scheduled`, `active` or `terminated`.
    #[param(example = "active")]
    status: Option<String>,
    /// The order: `last_name`, `-last_name`, `hire_date` or `-hire_date`.
    #[param(example = "last_name", default = "last_name")]
    sort: Option<String>,
    /// Only employees of whom each of these words begins a word of the names, the number or the address.
    #[param(example = "yang")]
    q: Option<String>,
}

impl Parameters {
    fn filter(&self) -> Result<EmployeeFilter, Problem> {
        let department = self
            .department_id
            .as_deref()
            .map(str::parse::<DepartmentId>)
            .transpose();
        let status = self.status.as_deref().map(str::parse).transpose();
        let (sort, direction) = match self.sort.as_deref() {
            None | Some("last_name") => (EmployeeSort::LastName, Direction::Ascending),
            Some("-last_name") => (EmployeeSort::LastName, Direction::Descending),
            Some("hire_date") => (EmployeeSort::HireDate, Direction::Ascending),
            Some("-hire_date") => (EmployeeSort::HireDate, Direction::Descending),
            Some(_) => {
                let orders = "must be one of last_name, -last_name, hire_date, -hire_date";
                return Err(Problem::parameter("sort", orders));
            }
        };
        if let Some(q) = &self.q
            && (q.chars().count() > 100 || q.chars().any(char::is_control))
        {
            let rule = "has at most 100 printable characters";
            return Err(Problem::parameter("q", rule));
        }
        Ok(EmployeeFilter {
            department: department.map_err(|_malformed| {
                Problem::parameter("department_id", "an identifier is a UUID")
            })?,
            status: status.map_err(|error: crate::model::WordError| {
                Problem::parameter("status", error.to_string())
            })?,
            search: self.q.clone(),
            sort,
            direction,
        })
    }

    /// What makes it another list, for the cursor.
    fn canonical(&self) -> String {
        let part = |value: &Option<String>| value.clone().unwrap_or_default();
        [&self.department_id, &self.status, &self.sort, &self.q]
            .map(part)
            .join("\n")
    }
}

/// List employees
///
/// People with what they work as today, sorted by family name unless `sort` says otherwise. With a
/// permission for himself alone, the list holds the caller's own record.
#[utoipa::path(
    get,
    path = "/api/v1/employees",
    tag = "employees",
    operation_id = "list_employees",
    extensions(("x-permission" = json!("employees:read"))),
    params(Parameters),
    responses(
        (status = 200, description = "One page of employees.", body = List<EmployeeBody>),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`), or \
         the cursor belongs to another list (`invalid_cursor`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/employees")]
pub(super) async fn list_employees(
    Allowed(permit): Allowed<Read>,
    Signed { tenant, actor }: Signed,
    Query(parameters): Query<Parameters>,
    cursors: Data<Cursors>,
    employees: Data<EmployeeService>,
) -> Result<Json<List<EmployeeBody>>, Problem> {
    let filter = parameters.filter()?;
    let scope = CursorScope::new(&tenant, "GET /api/v1/employees", &parameters.canonical());
    let request = web::page_request(
        &cursors,
        &scope,
        parameters.limit.as_deref(),
        parameters.cursor.as_deref(),
        parameters.count.as_deref(),
    )?;
    let page = employees
        .list(&permit, &tenant, &actor, &filter, &request)
        .await?;
    let limit = request.limit.get();
    Ok(Json(List::new(page, limit, EmployeeBody::from, |key| {
        cursors.seal(&scope, &key)
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(parameters: &Parameters) -> String {
        parameters.filter().unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_refused_by_name() {
        let with = |sort: &str| Parameters {
            sort: Some(sort.to_owned()),
            ..Parameters::default()
        };
        assert!(refused(&with("salary")).contains("`sort`"));
        assert!(with("-hire_date").filter().is_ok());
        let status = Parameters {
            status: Some("gone".to_owned()),
            ..Parameters::default()
        };
        assert!(refused(&status).contains("`status`"));
        let id = Parameters {
            department_id: Some("7".to_owned()),
            ..Parameters::default()
        };
        assert!(refused(&id).contains("`department_id`"));
        let nul = Parameters {
            q: Some("a\0".to_owned()),
            ..Parameters::default()
        };
        assert!(refused(&nul).contains("`q`"));
    }

    #[test]
    fn another_filter_is_another_list() {
        let one = Parameters {
            status: Some("active".to_owned()),
            ..Parameters::default()
        };
        let other = Parameters {
            sort: Some("active".to_owned()),
            ..Parameters::default()
        };
        assert_ne!(one.canonical(), other.canonical());
    }
}
