//! Periods of validity: from a day, until the day before another, or open.

use time::Date;

/// A period of whole days: `from` is the first day in force, `to` the first day no longer in force
/// (`None`: open-ended). The half-open form is PostgreSQL's `daterange`, and neighbours touch
/// without overlapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateRange {
    from: Date,
    to: Option<Date>,
}

/// A period that would end before it begins, or on the day it begins.
#[derive(Debug, thiserror::Error)]
#[error("the period must end after it begins: it begins on {from} and ends before {to}")]
pub struct DateRangeError {
    from: Date,
    to: Date,
}

impl DateRange {
    /// A period from `from` until the day before `to`.
    pub fn new(from: Date, to: Option<Date>) -> Result<Self, DateRangeError> {
        match to {
            Some(to) if to <= from => Err(DateRangeError { from, to }),
            _ => Ok(Self { from, to }),
        }
    }

    /// An open-ended period.
    pub fn since(from: Date) -> Self {
        Self { from, to: None }
    }

    /// The first day in force.
    pub fn from(&self) -> Date {
        self.from
    }

    /// The first day no longer in force, if there is one.
    pub fn to(&self) -> Option<Date> {
        self.to
    }

    /// Whether the day lies in the period.
    pub fn contains(&self, day: Date) -> bool {
        self.from <= day && self.to.is_none_or(|to| day < to)
    }

    /// Whether the two periods share a day.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.to.is_none_or(|to| other.from < to) && other.to.is_none_or(|to| self.from < to)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::{Duration, macros::date};

    use super::*;

    fn range() -> impl Strategy<Value = DateRange> {
        (0_i64..60, proptest::option::of(1_i64..60)).prop_map(|(start, length)| {
            let from = date!(2026 - 01 - 01) + Duration::days(start);
            DateRange::new(from, length.map(|days| from + Duration::days(days))).unwrap()
        })
    }

    #[test]
    fn a_period_that_ends_before_it_begins_is_refused() {
        let error = DateRange::new(date!(2026 - 02 - 01), Some(date!(2026 - 02 - 01))).unwrap_err();
        assert!(error.to_string().contains("2026-02-01"));
    }

    #[test]
    fn neighbours_touch_without_overlapping() {
        let first = DateRange::new(date!(2026 - 01 - 01), Some(date!(2026 - 02 - 01))).unwrap();
        let second = DateRange::since(date!(2026 - 02 - 01));
        assert!(!first.overlaps(&second));
        assert!(second.contains(date!(2026 - 02 - 01)) && !first.contains(date!(2026 - 02 - 01)));
    }

    proptest! {
        #[test]
        fn two_periods_overlap_exactly_when_they_share_a_day(a in range(), b in range()) {
            let shared = (0..200)
                .map(|offset| date!(2026-01-01) + Duration::days(offset))
                .any(|day| a.contains(day) && b.contains(day));
            prop_assert_eq!(a.overlaps(&b), shared);
            prop_assert_eq!(a.overlaps(&b), b.overlaps(&a));
        }
    }
}
