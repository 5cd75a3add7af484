//! What an import stores at a time, and what came of it.

use kernel::{DateRange, EmployeeId};

use crate::model::{
    Compensation, Department, Employee, Employment, JobTitle, Location, Remuneration, Stamp, Terms,
};

/// Records to be stored together.
#[derive(Debug)]
pub struct Batch {
    /// Departments. They refer to each other in any order.
    pub departments: Vec<Department>,
    /// Job titles.
    pub job_titles: Vec<JobTitle>,
    /// Locations.
    pub locations: Vec<Location>,
    /// People.
    pub employees: Vec<Employee>,
    /// Employments, present and past.
    pub employments: Vec<Employment>,
    /// Pay.
    pub compensations: Vec<Compensation>,
    /// People of the company, not of the import, whose past became longer.
    pub with_a_past: Vec<(EmployeeId, Past)>,
    /// As what the people of this batch were hired, in their order, to be told.
    pub hired: Vec<Newcomer>,
    /// When they are made.
    pub stamp: Stamp,
}

/// What somebody worked as before his present employment.
pub type Past = Vec<(DateRange, Terms)>;

/// As what somebody was hired.
#[derive(Debug)]
pub struct Newcomer {
    /// On which terms.
    pub terms: Terms,
    /// For which pay.
    pub pay: Option<Remuneration>,
    /// What he worked as before.
    pub past: Past,
}

impl Batch {
    pub(super) fn new(stamp: Stamp) -> Self {
        Self {
            departments: Vec::new(),
            job_titles: Vec::new(),
            locations: Vec::new(),
            employees: Vec::new(),
            employments: Vec::new(),
            compensations: Vec::new(),
            with_a_past: Vec::new(),
            hired: Vec::new(),
            stamp,
        }
    }
}

/// How much came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Departments.
    pub departments: usize,
    /// Job titles.
    pub job_titles: usize,
    /// Locations.
    pub locations: usize,
    /// People, each with his present employment.
    pub employees: usize,
    /// Earlier employments.
    pub past_employments: usize,
    /// Records of pay.
    pub compensations: usize,
}

impl ImportReport {
    /// How many rows that is: pay is part of a person's.
    pub fn rows(&self) -> usize {
        self.departments + self.job_titles + self.locations + self.employees + self.past_employments
    }
}
