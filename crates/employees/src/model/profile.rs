//! What is shown of an employee: person, employment and pay as of one day, with the names of what
//! they refer to.

use kernel::{DepartmentId, EmployeeId, EmploymentId, JobTitleId, LocationId};
use time::Date;

use super::{
    Cause, Commission, Department, EmployeeNumber, EmploymentStatus, EmploymentType, EndReason,
    JobTitle, Location, Pay, PersonName, Stamp,
};

/// Something with the name by which people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<Id> {
    /// What it is.
    pub id: Id,
    /// What it is called.
    pub name: String,
}

/// Where somebody works and as what, with names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// On which terms.
    pub employment_type: EmploymentType,
    /// Where he belongs.
    pub department: Option<Named<DepartmentId>>,
    /// What he does.
    pub job_title: Option<Named<JobTitleId>>,
    /// Where he works.
    pub location: Option<Named<LocationId>>,
    /// Whom he reports to.
    pub manager: Option<Named<EmployeeId>>,
}

/// An employee as of a day.
///
/// The assignment is the one of that day; of somebody who has not begun yet, his first one; of
/// somebody who has left, his last one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmployeeProfile {
    /// The employee.
    pub id: EmployeeId,
    /// The number by which the company knows him.
    pub number: EmployeeNumber,
    /// What he is called.
    pub name: PersonName,
    /// His address at work.
    pub work_email: Option<String>,
    /// His telephone number at work.
    pub phone: Option<String>,
    /// The first day of the service that the day is in, or was in, or will be in.
    pub hire_date: Date,
    /// The first day of his first service.
    pub original_hire_date: Date,
    /// Whether he works here on that day.
    pub status: EmploymentStatus,
    /// Where he works and as what.
    pub assignment: Option<Assignment>,
    /// What he is paid, if anything.
    pub compensation: Guarded<Option<CurrentPay>>,
    /// When the record was made and changed.
    pub stamp: Stamp,
}

/// An employee, and all of what he refers to, where that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpandedProfile {
    /// The employee.
    pub profile: EmployeeProfile,
    /// His department.
    pub department: Option<Department>,
    /// His job title.
    pub job_title: Option<JobTitle>,
    /// His location.
    pub location: Option<Location>,
    /// His manager, without pay.
    pub manager: Option<EmployeeProfile>,
}

impl From<EmployeeProfile> for ExpandedProfile {
    fn from(profile: EmployeeProfile) -> Self {
        Self {
            profile,
            department: None,
            job_title: None,
            location: None,
            manager: None,
        }
    }
}

/// What not everybody may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarded<T> {
    /// Not for this reader; not even read.
    Hidden,
    /// For this reader.
    Shown(T),
}

/// What somebody is paid as of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrentPay {
    /// How much, per pay period.
    pub pay: Pay,
    /// The share of sales on top.
    pub commission: Option<Commission>,
    /// The first day in force.
    pub valid_from: Date,
}

/// Somebody who reports to somebody, directly or through others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// 1: directly; 2: through one other; and so on.
    pub depth: u8,
    /// Who reports.
    pub profile: EmployeeProfile,
}

/// One employment of somebody's history, with names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmploymentRecord {
    /// The employment.
    pub id: EmploymentId,
    /// The first day in force.
    pub valid_from: Date,
    /// The first day no longer in force; `None` when it is open-ended.
    pub valid_to: Option<Date>,
    /// Where he worked and as what.
    pub assignment: Assignment,
    /// What it began with; nothing for the first employment of a service.
    pub cause: Option<Cause>,
    /// Why the service ended with it.
    pub end_reason: Option<EndReason>,
    /// When the record was made and changed.
    pub stamp: Stamp,
}
