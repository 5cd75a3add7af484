//! People, the organisation they work in, and their employment over time: types that cannot hold
//! an invalid state.

pub(crate) mod audited;
mod compensation;
mod employee;
mod employment;
mod fields;
mod history;
mod leading;
mod name;
mod organisation;
mod profile;
mod tenure;
mod text;
mod timeline;
mod word;

pub use compensation::{
    Commission, CommissionError, Compensation, NegativePay, Pay, PayPeriod, Remuneration,
};
pub use employee::{Employee, EmploymentStatus};
pub use employment::{Cause, Employment, EmploymentType, EndReason, Terms};
pub use fields::EMPLOYEE_FIELDS;
pub use history::History;
pub(crate) use leading::cannot_lead;
pub use name::{Name, PersonName};
pub use organisation::{Department, JobTitle, Location, PayRange, PayRangeError, PostalAddress};
pub use profile::{
    Assignment, CurrentPay, EmployeeProfile, EmploymentRecord, ExpandedProfile, Guarded, Named,
    Report,
};
pub use tenure::{Standing, Tenures};
pub use text::{Code, CountryCode, EmployeeNumber, PhoneNumber, TextError};
pub use timeline::{
    AssignmentChanges, Change, EventKey, EventKind, Newest, TimelineEvent, timeline,
};
pub use word::WordError;

use time::OffsetDateTime;

/// When a resource was made and last changed, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The instant it was made.
    pub created_at: OffsetDateTime,
    /// The instant of its last change.
    pub updated_at: OffsetDateTime,
    /// 1 when it is made, one more with each change.
    pub version: i64,
}

impl Stamp {
    /// The stamp of something that is made now.
    pub fn new(now: OffsetDateTime) -> Self {
        // PostgreSQL keeps microseconds: what is answered now is what is read later.
        let now = now
            .replace_nanosecond(now.microsecond() * 1_000)
            .unwrap_or(now);
        Self {
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// The stamp after a change that is made now.
    #[must_use]
    pub fn changed(self, now: OffsetDateTime) -> Self {
        Self {
            created_at: self.created_at,
            updated_at: Self::new(now).updated_at,
            version: self.version + 1,
        }
    }
}
