//! `POST /api/v1/job-titles`

use actix_web::{HttpResponse, post, web::Data};
use kernel::FieldErrors;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Allowed, Change, Draft, Problem, ProblemBody};

use super::{
    representation::JobTitleBody,
    wire::{self, NewMoney},
};
use crate::{
    EmployeeService,
    model::{JobTitle, PayRange},
    permission::CreateOrganisation,
    service,
};

/// A job title to create.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewJobTitle {
    /// Its short name; drawn from a series when absent.
    #[schema(example = "SA_REP")]
    code: Option<String>,
    /// Its name.
    #[schema(example = "Sales Representative")]
    name: String,
    /// What it is usually paid.
    pay_range: Option<NewPayRange>,
}

/// The least and the most that a job is usually paid, in one currency.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPayRange {
    /// The least.
    min: NewMoney,
    /// The most.
    max: NewMoney,
}

impl NewJobTitle {
    /// What can be edited of a job title.
    pub(super) fn of(job: &JobTitle) -> Self {
        Self {
            code: Some(job.code.as_str().to_owned()),
            name: job.name.as_str().to_owned(),
            pay_range: job.pay_range.map(|range| NewPayRange {
                min: range.min().into(),
                max: range.max().into(),
            }),
        }
    }

    pub(super) fn parse(self) -> Result<service::NewJobTitle, Problem> {
        let mut wrong = FieldErrors::new();
        let code = wire::optional_text(self.code.as_deref(), "/code", &mut wrong);
        let pay_range = self.pay_range.and_then(|range| range.parse(&mut wrong));
        match wire::text(&self.name, "/name", &mut wrong) {
            Some(name) if wrong.is_empty() => Ok(service::NewJobTitle {
                code,
                name,
                pay_range,
            }),
            _ => Err(Problem::invalid(wrong.into_vec())),
        }
    }
}

impl NewPayRange {
    fn parse(&self, wrong: &mut FieldErrors) -> Option<PayRange> {
        let min = self.min.parse("/pay_range/min", wrong);
        let max = self.max.parse("/pay_range/max", wrong);
        wrong.take("/pay_range", PayRange::new(min?, max?))
    }
}

/// Create a job title
#[utoipa::path(
    post,
    path = "/api/v1/job-titles",
    tag = "organisation",
    operation_id = "create_job_title",
    extensions(("x-permission" = json!("organisation:create"))),
    request_body = NewJobTitle,
    responses(
        (status = 201, description = "Created.", body = JobTitleBody,
         headers(("Location" = String, description = "The path of the job title."))),
        (status = 409, description = "Another job title has the code (`conflict`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are missing or wrong (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/job-titles")]
pub(super) async fn create_job_title(
    Allowed(permit): Allowed<CreateOrganisation>,
    change: Change,
    draft: Draft<NewJobTitle>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    change
        .run(async |tx| {
            let new = draft.read(NewJobTitle::parse)?;
            let created = employees.create_job_title(&permit, tx, new).await?;
            Ok(JobTitleBody::from(created).created())
        })
        .await
}
