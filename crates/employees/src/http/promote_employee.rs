//! `POST /api/v1/employees/{id}/promote`

use actix_web::{HttpResponse, post, web::Data};
use kernel::{EmployeeId, FieldErrors, JobTitleId};
use serde::Deserialize;
use utoipa::ToSchema;
use web::{Allowed, Change, Draft, Id, Problem, ProblemBody};

use super::{
    pay::{edited_commission, pay},
    representation::EmployeeBody,
    wire::{self, PayPeriodWord},
};
use crate::{
    EmployeeService,
    permission::Promote,
    service::{ChangeCompensation, Edit, Promotion},
};

/// What he becomes, and when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Promotion)]
pub(super) struct PromotionCommand {
    /// The first day.
    #[schema(format = Date, example = "2026-03-01")]
    effective_date: String,
    /// What he will do.
    #[schema(value_type = uuid::Uuid)]
    job_title_id: JobTitleId,
    /// What he will be paid from that day on.
    compensation: Option<PromotionPay>,
}

/// What somebody who is promoted will be paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PromotionPay {
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

impl PromotionCommand {
    fn parse(self) -> Result<Promotion, Problem> {
        const AT: &str = "/compensation";
        let mut wrong = FieldErrors::new();
        let day = wrong.take("/effective_date", wire::parse_date(&self.effective_date));
        let agreed = self.compensation.map(|new| {
            let commission = edited_commission(&new.commission_percent, AT, &mut wrong);
            let pay = pay(&new.amount, &new.currency, new.pay_period, AT, &mut wrong);
            (pay, commission)
        });
        let Some(effective_date) = day.filter(|_| wrong.is_empty()) else {
            return Err(Problem::invalid(wrong.into_vec()));
        };
        let pay = agreed.and_then(|(pay, commission)| {
            Some(ChangeCompensation {
                effective_date,
                pay: pay?,
                commission,
            })
        });
        Ok(Promotion {
            effective_date,
            job_title: self.job_title_id,
            pay,
        })
    }
}

/// Promote an employee
///
/// Another job title, and pay with it if that is agreed, from a day in the past (a correction) or in
/// the future on, until the next change that is recorded. Pay needs the permission
/// `employees:change_compensation` too.
#[utoipa::path(
    post,
    path = "/api/v1/employees/{id}/promote",
    tag = "employees",
    operation_id = "promote_employee",
    extensions(("x-permission" = json!("employees:promote"))),
    params(("id" = uuid::Uuid, Path, description = "The employee.")),
    request_body = PromotionCommand,
    responses(
        (status = 200, description = "The employee as of today.", body = EmployeeBody,
         headers(("ETag" = String, description = "The new version, when nothing of him is hidden."))),
        (status = 404, description = "No such employee (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong, he does not work here on the day, or there is no such job title (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/employees/{id}/promote")]
pub(super) async fn promote_employee(
    Allowed(permit): Allowed<Promote>,
    change: Change,
    Id(id): Id<EmployeeId>,
    draft: Draft<PromotionCommand>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    change
        .run(async |tx| {
            employees.require(&permit, tx, id).await?;
            let command = draft.read(PromotionCommand::parse)?;
            let done = employees.promote(&permit, tx, &change.actor, id, command);
            Ok(EmployeeBody::from(done.await?))
        })
        .await
}
