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
    /// Where he belongs.
    pub department_id: Option<DepartmentId>,
    /// What he does.
    pub job_title_id: Option<JobTitleId>,
    /// Where he works.
    pub location_id: Option<LocationId>,
    /// Whom he reports to; never himself.
    pub manager_id: Option<EmployeeId>,
    /// On which terms.
    pub employment_type: EmploymentType,
    /// When the record was made and changed.
    pub stamp: Stamp,
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
