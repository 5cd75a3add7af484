//! A period of work in one place.

use kernel::{DateRange, DepartmentId, EmployeeId, EmploymentId, JobTitleId, LocationId};

use super::{Stamp, word::words};

/// A period during which somebody works in one department, job and location, under one manager.
/// The periods of one employee never overlap; between them there may be gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Employment {
    /// The employment.
    pub id: EmploymentId,
    /// Whose it is.
    pub employee_id: EmployeeId,
    /// The days in force.
    pub period: DateRange,
    /// Where he works and as what.
    pub terms: Terms,
    /// What it began with; nothing for the first employment of a service.
    pub cause: Option<Cause>,
    /// Why the service ended with it.
    pub end_reason: Option<EndReason>,
    /// When the record was made and changed.
    pub stamp: Stamp,
}

/// Where somebody works and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// On which terms.
    pub employment_type: EmploymentType,
    /// Where he belongs.
    pub department_id: Option<DepartmentId>,
    /// What he does.
    pub job_title_id: Option<JobTitleId>,
    /// Where he works.
    pub location_id: Option<LocationId>,
    /// Whom he reports to; never himself.
    pub manager_id: Option<EmployeeId>,
}

words! {
    /// The terms of an employment.
    EmploymentType: "full_time, part_time, contract, intern";
    /// The company's full weekly hours.
    FullTime = "full_time",
    /// Fewer.
    PartTime = "part_time",
    /// For a purpose or a time.
    Contract = "contract",
    /// To learn.
    Intern = "intern",
}

words! {
    /// What an employment began with.
    Cause: "transfer, promotion";
    /// Another department, job, location, manager or type.
    Transfer = "transfer",
    /// A better job.
    Promotion = "promotion",
}

words! {
    /// Why a service ended.
    EndReason: "resignation, dismissal, redundancy, end_of_contract, retirement, death, other";
    /// He left.
    Resignation = "resignation",
    /// He was sent away.
    Dismissal = "dismissal",
    /// His job is not needed any more.
    Redundancy = "redundancy",
    /// He came for a time, which is over.
    EndOfContract = "end_of_contract",
    /// He is old enough.
    Retirement = "retirement",
    /// He died.
    Death = "death",
    /// None of these.
    Other = "other",
}
