//! `POST /api/v1/departments`

use actix_web::{HttpResponse, post, web::Data};
use kernel::{DepartmentId, EmployeeId, FieldErrors};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Allowed, Change, Draft, Problem, ProblemBody};

use super::{representation::DepartmentBody, wire};
use crate::{EmployeeService, model::Department, permission::CreateOrganisation, service};

/// A department to create.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDepartment {
    /// Its short name; drawn from a series when absent.
    #[schema(example = "SALES")]
    code: Option<String>,
    /// Its name.
    #[schema(example = "Sales")]
    name: String,
    /// The department it is part of.
    #[schema(value_type = Option<uuid::Uuid>)]
    parent_id: Option<DepartmentId>,
    /// Who leads it.
    #[schema(value_type = Option<uuid::Uuid>)]
    manager_id: Option<EmployeeId>,
}

impl NewDepartment {
    /// What can be edited of a department.
    pub(super) fn of(department: &Department) -> Self {
        Self {
            code: Some(department.code.as_str().to_owned()),
            name: department.name.as_str().to_owned(),
            parent_id: department.parent_id,
            manager_id: department.manager_id,
        }
    }

    pub(super) fn parse(self) -> Result<service::NewDepartment, Problem> {
        let mut wrong = FieldErrors::new();
        let code = wire::optional_text(self.code.as_deref(), "/code", &mut wrong);
        match wire::text(&self.name, "/name", &mut wrong) {
            Some(name) if wrong.is_empty() => Ok(service::NewDepartment {
                code,
                name,
                parent_id: self.parent_id,
                manager_id: self.manager_id,
            }),
            _ => Err(Problem::invalid(wrong.into_vec())),
        }
    }
}

/// Create a department
#[utoipa::path(
    post,
    path = "/api/v1/departments",
    tag = "organisation",
    operation_id = "create_department",
    extensions(("x-permission" = json!("organisation:create"))),
    request_body = NewDepartment,
    responses(
        (status = 201, description = "Created.", body = DepartmentBody,
         headers(("Location" = String, description = "The path of the department."))),
        (status = 409, description = "Another department has the code (`conflict`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are missing or wrong (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/departments")]
pub(super) async fn create_department(
    Allowed(permit): Allowed<CreateOrganisation>,
    change: Change,
    draft: Draft<NewDepartment>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    change
        .run(async |tx| {
            let new = draft.read(NewDepartment::parse)?;
            let created = employees.create_department(&permit, tx, new).await?;
            Ok(DepartmentBody::from(created).created())
        })
        .await
}
