//! Who can lead whom, and when.

use kernel::DateRange;
use time::{Date, Duration};

use super::EmploymentStatus;

/// Why somebody with this service cannot lead anybody during these days; `None` when he can.
///
/// A company is often written down top first, with dates long past: who led then is not asked. But
/// on every day from today on, whoever is reported to works here.
pub(crate) fn cannot_lead(
    hire_date: Date,
    employed_until: Option<Date>,
    days: DateRange,
    today: Date,
) -> Option<String> {
    let coming = days.starting(today)?;
    let first = coming.from();
    let status = EmploymentStatus::on(first, hire_date, hire_date, employed_until);
    if status != EmploymentStatus::Active {
        return Some(format!("the manager is {status} on {first}"));
    }
    let leaves = employed_until.filter(|until| coming.to().is_none_or(|to| *until < to))?;
    let last = leaves - Duration::DAY;
    Some(format!("the manager leaves: his last day is {last}"))
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    const TODAY: Date = date!(2026 - 11 - 23);

    fn why(hired: Date, until: Option<Date>, from: Date, to: Option<Date>) -> Option<String> {
        cannot_lead(hired, until, DateRange::new(from, to).unwrap(), TODAY)
    }

    #[test]
    fn a_manager_works_here_from_today_on_to_the_end() {
        let hired = date!(2020 - 01 - 01);
        assert_eq!(why(hired, None, date!(2010 - 01 - 01), None), None);
        let left = Some(TODAY);
        assert_eq!(
            why(hired, left, date!(2021 - 01 - 01), None).unwrap(),
            "the manager is terminated on 2026-11-23"
        );
        assert_eq!(why(hired, left, date!(2021 - 01 - 01), left), None);
        let leaving = Some(date!(2027 - 01 - 01));
        assert_eq!(
            why(hired, leaving, TODAY, None).unwrap(),
            "the manager leaves: his last day is 2026-12-31"
        );
        assert_eq!(why(hired, leaving, TODAY, leaving), None);
        let after = Some(date!(2027 - 01 - 02));
        assert!(why(hired, leaving, TODAY, after).is_some());
    }

    #[test]
    fn who_begins_later_leads_from_then_on() {
        let hired = date!(2027 - 03 - 01);
        assert_eq!(
            why(hired, None, date!(2027 - 02 - 28), None).unwrap(),
            "the manager is scheduled on 2027-02-28"
        );
        assert_eq!(why(hired, None, hired, None), None);
    }
}
