//! Pay over time.

use std::fmt;

use kernel::{CompensationId, DateRange, EmployeeId, Money};
use rust_decimal::Decimal;

use super::{Stamp, word::words};

/// A period during which somebody is paid one amount. The periods of one employee never overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compensation {
    /// The compensation.
    pub id: CompensationId,
    /// Who is paid.
    pub employee_id: EmployeeId,
    /// The days in force.
    pub period: DateRange,
    /// How much it is.
    pub remuneration: Remuneration,
    /// When the record was made and changed.
    pub stamp: Stamp,
}

/// What somebody is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remuneration {
    /// How much, per pay period; never negative.
    pub pay: Pay,
    /// The share of sales on top.
    pub commission: Option<Commission>,
}

/// An amount of money for each pay period; never negative.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pay {
    amount: Money,
    period: PayPeriod,
}

/// Pay below nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pay is not negative")]
pub struct NegativePay;

impl Pay {
    /// So much for each period.
    pub fn new(amount: Money, period: PayPeriod) -> Result<Self, NegativePay> {
        if amount.minor_units() < 0 {
            Err(NegativePay)
        } else {
            Ok(Self { amount, period })
        }
    }

    /// How much.
    pub fn amount(self) -> Money {
        self.amount
    }

    /// For how long.
    pub fn period(self) -> PayPeriod {
        self.period
    }
}

/// Pay is sensitive: `Debug` output, which may reach a log, does not show it.
impl fmt::Debug for Pay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pay(…)")
    }
}

words! {
    /// What an amount of pay is paid for.
    PayPeriod: "yearly, monthly, weekly, hourly";
    /// A year.
    Yearly = "yearly",
    /// A month.
    Monthly = "monthly",
    /// A week.
    Weekly = "weekly",
    /// An hour.
    Hourly = "hourly",
}

/// A share of sales, in hundredths of a percent: 0 to 10,000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Commission(u16);

/// Not a share of sales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a percentage from 0 to 100 with at most two decimal places, for example \"12.5\"")]
pub struct CommissionError;

impl Commission {
    /// A share in hundredths of a percent.
    pub fn from_basis_points(points: u16) -> Result<Self, CommissionError> {
        if points <= 10_000 {
            Ok(Self(points))
        } else {
            Err(CommissionError)
        }
    }

    /// A share in percent.
    pub fn from_percent(percent: Decimal) -> Result<Self, CommissionError> {
        let points = percent
            .checked_mul(Decimal::ONE_HUNDRED)
            .ok_or(CommissionError)?;
        if !points.fract().is_zero() {
            return Err(CommissionError);
        }
        let points = u16::try_from(points).map_err(|_out_of_range| CommissionError)?;
        Self::from_basis_points(points)
    }

    /// The share in hundredths of a percent.
    pub fn basis_points(self) -> u16 {
        self.0
    }

    /// The share in percent, with two decimal places.
    pub fn percent(self) -> Decimal {
        Decimal::new(i64::from(self.0), 2)
    }
}

/// Pay is sensitive: `Debug` output, which may reach a log, does not show it.
impl fmt::Debug for Commission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Commission(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pay_is_not_negative_and_does_not_reach_a_log() {
        let owed = Money::parse("-1", "EUR").unwrap();
        assert_eq!(Pay::new(owed, PayPeriod::Monthly), Err(NegativePay));
        let pay = Pay::new(Money::parse("24000", "USD").unwrap(), PayPeriod::Monthly).unwrap();
        assert!(!format!("{pay:?}").contains("24000"));
    }

    #[test]
    fn a_commission_is_a_percentage() {
        let percent = |text: &str| Commission::from_percent(text.parse().unwrap());
        assert_eq!(percent("12.5").unwrap().basis_points(), 1_250);
        for wrong in ["-1", "100.01", "0.001", "79228162514264337593543950335"] {
            assert_eq!(percent(wrong), Err(CommissionError), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_commission_reads_back_as_it_is_written(points in 0_u16..=10_000) {
            let commission = Commission::from_basis_points(points).unwrap();
            prop_assert_eq!(Commission::from_percent(commission.percent()), Ok(commission));
        }
    }
}
