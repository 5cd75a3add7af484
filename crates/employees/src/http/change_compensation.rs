//! `POST /api/v1/employees/{id}/change-compensation`

use actix_web::{HttpResponse, post, web::Data};
use kernel::{EmployeeId, FieldErrors};
use serde::Deserialize;
use utoipa::ToSchema;
use web::{Allowed, Change, Draft, Id, Problem, ProblemBody};

use super::{
    pay::{edited_commission, pay},
    representation::EmployeeBody,
    wire::{self, PayPeriodWord},
};
use crate::{
    EmployeeService, permission,
    service::{ChangeCompensation, Edit},
};

/// What he is paid, and from when on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CompensationChange)]
pub(super) struct CompensationCommand {
    /// The first day.
    #[schema(format = Date, example = "2026-03-01")]
    effective_date: String,
    /// How much, per pay period: a decimal number.
    #[schema(example = "5200.00")]
    amount: String,
    /// The currency (ISO 4217).
    #[schema(example = "EUR")]
    currency: String,
    /// What the amount is paid for.
    #[schema(inline)]
    pay_period: PayPeriodWord,
    /// The share of sales on top, in percent; it stays when absent, `null` takes it away.
    #[serde(default, deserialize_with = "wire::edit")]
    #[schema(value_type = Option<String>, example = "12.5")]
    commission_percent: Edit<String>,
}

impl CompensationCommand {
    fn parse(self) -> Result<ChangeCompensation, Problem> {
        let mut wrong = FieldErrors::new();
        let day = wrong.take("/effective_date", wire::parse_date(&self.effective_date));
        let commission = edited_commission(&self.commission_percent, "", &mut wrong);
        let pay = pay(
            &self.amount,
            &self.currency,
            self.pay_period,
            "",
            &mut wrong,
        );
        match day.zip(pay) {
            Some((effective_date, pay)) if wrong.is_empty() => Ok(ChangeCompensation {
                effective_date,
                pay,
                commission,
            }),
            _ => Err(Problem::invalid(wrong.into_vec())),
        }
    }
}

/// Change an employee's pay
///
/// From a day in the past (a correction) or in the future on, until the next change that is
/// recorded, or the end of his service.
#[utoipa::path(
    post,
    path = "/api/v1/employees/{id}/change-compensation",
    tag = "employees",
    operation_id = "change_compensation",
    extensions(("x-permission" = json!("employees:change_compensation"))),
    params(("id" = uuid::Uuid, Path, description = "The employee.")),
    request_body = CompensationCommand,
    responses(
        (status = 200, description = "The employee as of today.", body = EmployeeBody,
         headers(("ETag" = String, description = "The new version, when nothing of him is hidden."))),
        (status = 404, description = "No such employee (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong, or he does not work here on the day (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/employees/{id}/change-compensation")]
pub(super) async fn change_compensation(
    Allowed(permit): Allowed<permission::ChangeCompensation>,
    change: Change,
    Id(id): Id<EmployeeId>,
    draft: Draft<CompensationCommand>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    change
        .run(async |tx| {
            employees.require(&permit, tx, id).await?;
            let command = draft.read(CompensationCommand::parse)?;
            let done = employees.change_compensation(&permit, tx, &change.actor, id, command);
            Ok(EmployeeBody::from(done.await?))
        })
        .await
}
