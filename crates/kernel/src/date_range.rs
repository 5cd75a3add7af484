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

    /// The days that lie in both, if there are any.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let to = match (self.to, other.to) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
        Self::new(self.from.max(other.from), to).ok()
    }

    /// Whether every day of the other lies in this one.
    pub fn includes(&self, other: &Self) -> bool {
        self.intersection(other) == Some(*other)
    }

    /// Whether the next one begins on the day on which this one is over.
    pub fn meets(&self, next: &Self) -> bool {
        self.to == Some(next.from)
    }

    /// The days of it that lie before a day, if there are any.
    pub fn before(&self, day: Date) -> Option<Self> {
        let to = self.to.map_or(day, |to| to.min(day));
        Self::new(self.from, Some(to)).ok()
    }

    /// The days of it since a day, if there are any.
    pub fn starting(&self, day: Date) -> Option<Self> {
        self.intersection(&Self::since(day))
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

    fn days() -> impl Iterator<Item = Date> {
        (0..200).map(|offset| date!(2026 - 01 - 01) + Duration::days(offset))
    }

    proptest! {
        #[test]
        fn what_two_periods_share_is_every_day_that_lies_in_both(a in range(), b in range()) {
            let shared = a.intersection(&b);
            for day in days() {
                let both = a.contains(day) && b.contains(day);
                prop_assert_eq!(shared.is_some_and(|shared| shared.contains(day)), both);
            }
            prop_assert_eq!(shared, b.intersection(&a));
            prop_assert_eq!(shared.is_some(), a.overlaps(&b));
            prop_assert_eq!(a.includes(&b), days().all(|day| a.contains(day) || !b.contains(day)));
        }

        #[test]
        fn a_day_parts_a_period(a in range(), offset in 0_i64..130) {
            let parting = date!(2026 - 01 - 01) + Duration::days(offset);
            let (before, after) = (a.before(parting), a.starting(parting));
            for day in days() {
                let within = |part: Option<DateRange>| part.is_some_and(|part| part.contains(day));
                prop_assert_eq!(within(before), a.contains(day) && day < parting);
                prop_assert_eq!(within(after), a.contains(day) && day >= parting);
            }
            if let (Some(before), Some(after)) = (before, after) {
                prop_assert!(before.meets(&after) && !before.overlaps(&after));
            }
        }

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
