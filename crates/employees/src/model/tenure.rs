//! When somebody works here.

use kernel::DateRange;
use time::{Date, Duration};

use super::EmploymentStatus;

/// The services of a person: the days on which he works here, without the breaks between them.
///
/// ```
/// use employees::model::{EmploymentStatus, Tenures};
/// use kernel::DateRange;
/// use time::macros::date;
///
/// let earlier = DateRange::new(date!(2010-01-01), Some(date!(2012-01-01)))?;
/// let tenures = Tenures::of([earlier], DateRange::since(date!(2020-01-01)));
/// assert_eq!(tenures.on(date!(2011-06-01)).status, EmploymentStatus::Active);
/// assert_eq!(tenures.on(date!(2015-06-01)).status, EmploymentStatus::Terminated);
/// assert_eq!(tenures.on(date!(2011-06-01)).hire_date, date!(2010-01-01));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenures {
    /// In the order of time, and never next to each other.
    services: Vec<DateRange>,
    last: DateRange,
}

/// How somebody stands on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether he works here.
    pub status: EmploymentStatus,
    /// The first day of the service that the day is in, or of the one before it, or of the first.
    pub hire_date: Date,
    /// The day whose employment and pay tell most of him: the day itself; before his first service
    /// the first day of it; after a service its last day.
    pub shown: Date,
}

impl Tenures {
    /// The services of somebody with these employments, whose last service is known. Employments
    /// next to each other are one service.
    pub fn of(employments: impl IntoIterator<Item = DateRange>, last: DateRange) -> Self {
        let mut days = Vec::from_iter(employments);
        days.push(last);
        days.sort_by_key(DateRange::from);
        let mut services: Vec<DateRange> = Vec::with_capacity(1);
        for period in days {
            match services.last_mut() {
                Some(service) if service.overlaps(&period) || service.meets(&period) => {
                    let to = service.to().zip(period.to()).map(|(one, two)| one.max(two));
                    if let Ok(both) = DateRange::new(service.from(), to) {
                        *service = both;
                    }
                }
                _ => services.push(period),
            }
        }
        Self { services, last }
    }

    /// The service that a day is in.
    pub fn service(&self, day: Date) -> Option<DateRange> {
        let found = self.services.iter().find(|service| service.contains(day));
        found.copied()
    }

    /// How he stands on a day.
    pub fn on(&self, day: Date) -> Standing {
        let begun = self.services.iter().rfind(|service| service.from() <= day);
        let Some(service) = begun.copied() else {
            let first = self.services.first().map_or(self.last, |first| *first);
            return Standing {
                status: EmploymentStatus::Scheduled,
                hire_date: self.hire_date(first, first.from()),
                shown: first.from(),
            };
        };
        let (status, shown) = match service.to() {
            Some(to) if to <= day => (EmploymentStatus::Terminated, to - Duration::DAY),
            _ => (EmploymentStatus::Active, day),
        };
        Standing {
            status,
            hire_date: self.hire_date(service, shown),
            shown,
        }
    }

    /// What is known of the last service is its first day, which may lie behind days that were
    /// recorded before it.
    fn hire_date(&self, service: DateRange, day: Date) -> Date {
        if self.last.from() <= day && service.contains(self.last.from()) {
            self.last.from()
        } else {
            service.from()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::date;

    use super::*;

    fn day(offset: i64) -> Date {
        date!(2026 - 01 - 01) + Duration::days(offset)
    }

    fn range() -> impl Strategy<Value = DateRange> {
        (0_i64..100, 1_i64..30)
            .prop_map(|(from, length)| DateRange::new(day(from), Some(day(from + length))).unwrap())
    }

    #[test]
    fn a_break_parts_two_services_and_none_does_not() {
        let range = |from, to| DateRange::new(day(from), Some(day(to))).unwrap();
        let tenures = Tenures::of(
            [range(0, 10), range(10, 20), range(30, 35)],
            DateRange::since(day(30)),
        );
        assert_eq!(tenures.service(day(15)), Some(range(0, 20)));
        assert_eq!(tenures.service(day(20)), None);
        let at = |offset| {
            let standing = tenures.on(day(offset));
            (standing.status.as_str(), standing.hire_date, standing.shown)
        };
        assert_eq!(at(-1), ("scheduled", day(0), day(0)));
        assert_eq!(at(19), ("active", day(0), day(19)));
        assert_eq!(at(20), ("terminated", day(0), day(19)));
        assert_eq!(at(29), ("terminated", day(0), day(19)));
        assert_eq!(at(30), ("active", day(30), day(30)));
        assert_eq!(at(99), ("active", day(30), day(99)));
    }

    #[test]
    fn a_date_of_hire_before_what_is_recorded_counts() {
        let tenures = Tenures::of([DateRange::since(day(50))], DateRange::since(day(0)));
        assert_eq!(tenures.on(day(20)).status, EmploymentStatus::Active);
        assert_eq!(tenures.on(day(20)).hire_date, day(0));
    }

    proptest! {
        #[test]
        fn somebody_works_here_on_the_days_of_his_employments(
            employments in prop::collection::vec(range(), 0..6), last in range(),
        ) {
            let tenures = Tenures::of(employments.clone(), last);
            for offset in -5..140 {
                let day = day(offset);
                let works = last.contains(day) || employments.iter().any(|days| days.contains(day));
                let standing = tenures.on(day);
                prop_assert_eq!(standing.status == EmploymentStatus::Active, works);
                prop_assert_eq!(tenures.service(day).is_some(), works);
                // What is shown is a day on which he works here.
                prop_assert!(tenures.service(standing.shown).is_some());
                prop_assert!(standing.hire_date <= standing.shown);
            }
        }
    }
}
