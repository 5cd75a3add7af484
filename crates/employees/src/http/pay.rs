//! Pay in requests.

use kernel::FieldErrors;
use rust_decimal::Decimal;
use serde::Deserialize;
use utoipa::ToSchema;

use super::wire::{self, PayPeriodWord};
use crate::{
    model::{Commission, CommissionError, Pay, Remuneration},
    service::Edit,
};

/// What somebody will be paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCompensation {
    /// How much, per pay period: a decimal number.
    #[schema(example = "5200.00")]
    amount: String,
    /// The currency (ISO 4217).
    #[schema(example = "EUR")]
    currency: String,
    /// What the amount is paid for.
    #[schema(inline)]
    pay_period: PayPeriodWord,
    /// The share of sales on top, in percent.
    #[schema(example = "12.5")]
    commission_percent: Option<String>,
}

impl NewCompensation {
    pub(super) fn parse(self, wrong: &mut FieldErrors) -> Option<Remuneration> {
        const AT: &str = "/compensation";
        let share = self.commission_percent.as_deref();
        let commission = share.map(|text| commission(text, AT, wrong));
        Some(Remuneration {
            pay: pay(&self.amount, &self.currency, self.pay_period, AT, wrong)?,
            commission: commission.flatten(),
        })
    }
}

/// How much, of its fields in the object at this pointer.
pub(super) fn pay(
    amount: &str,
    currency: &str,
    period: PayPeriodWord,
    pointer: &str,
    wrong: &mut FieldErrors,
) -> Option<Pay> {
    let amount = wire::money(amount, currency, pointer, wrong)?;
    wrong.take(format!("{pointer}/amount"), Pay::new(amount, period.0))
}

/// A share of sales that is kept when it is absent.
pub(super) fn edited_commission(
    edit: &Edit<String>,
    pointer: &str,
    wrong: &mut FieldErrors,
) -> Edit<Commission> {
    match edit {
        Edit::Keep => Edit::Keep,
        Edit::Clear => Edit::Clear,
        Edit::Set(text) => commission(text, pointer, wrong).map_or(Edit::Keep, Edit::Set),
    }
}

fn commission(text: &str, pointer: &str, wrong: &mut FieldErrors) -> Option<Commission> {
    let percent = text.parse::<Decimal>().map_err(|_wrong| CommissionError);
    wrong.take(
        format!("{pointer}/commission_percent"),
        percent.and_then(Commission::from_percent),
    )
}
