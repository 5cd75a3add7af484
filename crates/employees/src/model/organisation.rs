//! Departments, job titles and locations.

use kernel::{DepartmentId, EmployeeId, JobTitleId, LocationId, Money, TimeZone};

use super::{Code, CountryCode, Name, Stamp};

/// A part of the company. Departments form a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Department {
    /// The department.
    pub id: DepartmentId,
    /// Its short name; unique in the tenant.
    pub code: Code,
    /// Its name.
    pub name: Name,
    /// The department it is part of; none at the top.
    pub parent_id: Option<DepartmentId>,
    /// Who leads it.
    pub manager_id: Option<EmployeeId>,
    /// When the record was made and changed.
    pub stamp: Stamp,
}

/// What somebody can be employed as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobTitle {
    /// The job title.
    pub id: JobTitleId,
    /// Its short name; unique in the tenant.
    pub code: Code,
    /// Its name.
    pub name: Name,
    /// What it is usually paid.
    pub pay_range: Option<PayRange>,
    /// When the record was made and changed.
    pub stamp: Stamp,
}

/// The least and the most that a job is usually paid, in one currency; not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayRange {
    min: Money,
    max: Money,
}

/// Why two amounts are no range of pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayRangeError {
    /// Below nothing.
    #[error("pay is not negative")]
    Negative,
    /// The wrong way round.
    #[error("the greatest pay is less than the least")]
    Reversed,
    /// Two currencies.
    #[error("both ends of a range of pay are in one currency")]
    TwoCurrencies,
}

impl PayRange {
    /// From the least to the most.
    pub fn new(min: Money, max: Money) -> Result<Self, PayRangeError> {
        if min.currency() != max.currency() {
            Err(PayRangeError::TwoCurrencies)
        } else if min.minor_units() < 0 {
            Err(PayRangeError::Negative)
        } else if max.minor_units() < min.minor_units() {
            Err(PayRangeError::Reversed)
        } else {
            Ok(Self { min, max })
        }
    }

    /// The least.
    pub fn min(&self) -> Money {
        self.min
    }

    /// The most.
    pub fn max(&self) -> Money {
        self.max
    }
}

/// A place where people work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The location.
    pub id: LocationId,
    /// Its short name; unique in the tenant.
    pub code: Code,
    /// Its name.
    pub name: Name,
    /// Where it is.
    pub address: PostalAddress,
    /// Its time zone, where it is not the tenant's.
    pub time_zone: Option<TimeZone>,
    /// When the record was made and changed.
    pub stamp: Stamp,
}

/// A postal address; only the country is always known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostalAddress {
    /// Street and number.
    pub street: Option<Name>,
    /// Postal code.
    pub postal_code: Option<Name>,
    /// City.
    pub city: Option<Name>,
    /// State, province or region.
    pub region: Option<Name>,
    /// Country.
    pub country: CountryCode,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_pay_runs_upwards_in_one_currency() {
        let money = |amount, currency| Money::parse(amount, currency).unwrap();
        assert!(PayRange::new(money("1", "EUR"), money("1", "EUR")).is_ok());
        assert_eq!(
            PayRange::new(money("2", "EUR"), money("1", "EUR")),
            Err(PayRangeError::Reversed)
        );
        assert_eq!(
            PayRange::new(money("1", "EUR"), money("2", "USD")),
            Err(PayRangeError::TwoCurrencies)
        );
        assert_eq!(
            PayRange::new(money("-1", "EUR"), money("2", "EUR")),
            Err(PayRangeError::Negative)
        );
    }
}
