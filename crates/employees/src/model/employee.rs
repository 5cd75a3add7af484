//! The person who works or worked for the tenant.

use kernel::{EmailAddress, EmployeeId};
use time::Date;

use super::{EmployeeNumber, PersonName, PhoneNumber, Stamp, word::words};

/// A person who works, will work or worked for the tenant. Where and as what stands in his
/// [`Employment`](super::Employment)s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Employee {
    /// The employee.
    pub id: EmployeeId,
    /// The number by which the company knows him; unique in the tenant.
    pub number: EmployeeNumber,
    /// What he is called.
    pub name: PersonName,
    /// His address at work; unique in the tenant.
    pub work_email: Option<EmailAddress>,
    /// His telephone number at work.
    pub phone: Option<PhoneNumber>,
    /// The first day of his first service. He has worked here before if it lies before the date of
    /// hire.
    pub original_hire_date: Date,
    /// The first day of his current service: of the last one, if he came back.
    pub hire_date: Date,
    /// The first day on which he no longer works here, when it is known: where the last of his
    /// employments ends. Kept beside the person so that the active, the scheduled and the
    /// terminated can be listed by an index.
    pub employed_until: Option<Date>,
    /// When the record was made and changed.
    pub stamp: Stamp,
}

impl Employee {
    /// Whether he works here on a day.
    pub fn status_on(&self, day: Date) -> EmploymentStatus {
        EmploymentStatus::on(
            day,
            self.original_hire_date,
            self.hire_date,
            self.employed_until,
        )
    }
}

words! {
    /// Whether somebody works here as of a day. Derived, never stored: it changes overnight.
    EmploymentStatus: "scheduled, active, terminated";
    /// Will begin.
    Scheduled = "scheduled",
    /// Works here.
    Active = "active",
    /// Worked here.
    Terminated = "terminated",
}

impl EmploymentStatus {
    /// The status on a day of somebody whose last service begins on `hire_date`, is over from
    /// `until` on, and was not his first if that began on another day, `original`. On a day of an
    /// earlier service [`Tenures`](super::Tenures) knows more.
    pub fn on(day: Date, original: Date, hire_date: Date, until: Option<Date>) -> Self {
        if day < original.min(hire_date) {
            Self::Scheduled
        } else if day < hire_date || until.is_some_and(|until| until <= day) {
            Self::Terminated
        } else {
            Self::Active
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::{Duration, macros::date};

    use super::*;

    #[test]
    fn somebody_is_scheduled_then_active_then_terminated() {
        let hired = date!(2026 - 03 - 01);
        let status =
            |day| EmploymentStatus::on(day, hired, hired, Some(date!(2026 - 06 - 01))).as_str();
        assert_eq!(status(date!(2026 - 02 - 28)), "scheduled");
        assert_eq!(status(date!(2026 - 03 - 01)), "active");
        assert_eq!(status(date!(2026 - 05 - 31)), "active");
        assert_eq!(status(date!(2026 - 06 - 01)), "terminated");
    }

    #[test]
    fn who_comes_back_has_left_until_then() {
        let status = |day| {
            EmploymentStatus::on(day, date!(2020 - 03 - 01), date!(2026 - 03 - 01), None).as_str()
        };
        assert_eq!(status(date!(2020 - 02 - 29)), "scheduled");
        assert_eq!(status(date!(2026 - 02 - 28)), "terminated");
        assert_eq!(status(date!(2026 - 03 - 01)), "active");
    }

    proptest! {
        #[test]
        fn a_status_never_goes_back(
            start in 0_i64..1_000, length in proptest::option::of(1_i64..1_000),
            one in -500_i64..2_500, later in 0_i64..500,
        ) {
            let zero = date!(2026 - 01 - 01);
            let hired = zero + Duration::days(start);
            let until = length.map(|days| hired + Duration::days(days));
            let rank = |offset| {
                let status = EmploymentStatus::on(zero + Duration::days(offset), hired, hired, until);
                EmploymentStatus::ALL.iter().position(|known| *known == status)
            };
            prop_assert!(rank(one) <= rank(one + later));
        }
    }
}
