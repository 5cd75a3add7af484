//! An import that was read and is not stored.

use std::collections::{HashMap, HashSet};

use kernel::{DateRange, DepartmentId, EmployeeId, JobTitleId, LocationId};

use super::{Faults, ImportSet, rows::Organisation};
use crate::model::{Code, EmployeeNumber};

/// What the files say, with what is wrong with it so far.
#[derive(Debug)]
pub struct Draft {
    pub(super) organisation: Organisation,
    pub(super) faults: Faults,
    /// Whether every row could be read. If not, references into the missing rows are not told as
    /// faults of their own.
    pub(super) complete: bool,
}

/// What of the tenant the files mention.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Codes of departments.
    pub departments: HashSet<Code>,
    /// Codes of job titles.
    pub job_titles: HashSet<Code>,
    /// Codes of locations.
    pub locations: HashSet<Code>,
    /// Numbers of employees.
    pub employees: HashSet<EmployeeNumber>,
    /// Addresses, by the key under which they are unique.
    pub email_keys: HashSet<String>,
    /// Numbers of employees whose employments matter.
    pub histories: HashSet<EmployeeNumber>,
}

/// What of it the tenant has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Departments by code.
    pub departments: HashMap<Code, DepartmentId>,
    /// Job titles by code.
    pub job_titles: HashMap<Code, JobTitleId>,
    /// Locations by code.
    pub locations: HashMap<Code, LocationId>,
    /// Employees by number.
    pub employees: HashMap<EmployeeNumber, EmployeeId>,
    /// Addresses, by key.
    pub email_keys: HashSet<String>,
    /// The days of all employments of an employee.
    pub employments: HashMap<EmployeeNumber, Vec<DateRange>>,
}

impl Draft {
    /// Reads the files.
    pub fn read(set: ImportSet) -> Self {
        let mut faults = Faults::new();
        let sheets = set.sheets(&mut faults);
        let complete = faults.is_empty();
        let organisation = Organisation::read(sheets, &mut faults);
        Self {
            organisation,
            faults,
            complete,
        }
    }

    /// What to look up before [`check`](Self::check).
    pub fn wanted(&self) -> Wanted {
        let all = &self.organisation;
        let mut wanted = Wanted::default();
        wanted
            .departments
            .extend(all.departments.keys.keys().cloned());
        wanted
            .job_titles
            .extend(all.job_titles.keys.keys().cloned());
        wanted.locations.extend(all.locations.keys.keys().cloned());
        wanted.employees.extend(all.employees.keys.keys().cloned());
        for row in &all.departments.rows {
            wanted.departments.extend(row.parent.clone());
            wanted.employees.extend(row.manager.clone());
        }
        for row in &all.employees.rows {
            let key = row.work_email.as_ref().map(|email| email.key().to_owned());
            wanted.email_keys.extend(key);
        }
        for row in &all.history.rows {
            wanted.employees.insert(row.number.clone());
            wanted.histories.insert(row.number.clone());
        }
        let present = all.employees.rows.iter().map(|row| &row.position);
        let past = all.history.rows.iter().map(|row| &row.position);
        for position in present.chain(past) {
            wanted.departments.extend(position.department.clone());
            wanted.job_titles.extend(position.job_title.clone());
            wanted.locations.extend(position.location.clone());
            wanted.employees.extend(position.manager.clone());
        }
        wanted
    }
}

/// A draft that is sound: nothing is wrong with it, within or with regard to [`Known`].
#[derive(Debug)]
pub struct CheckedDraft {
    pub(super) organisation: Organisation,
    pub(super) known: Known,
}

impl CheckedDraft {
    /// How many employees have no number and need one.
    pub fn unnumbered(&self) -> usize {
        let rows = self.organisation.employees.rows.iter();
        rows.filter(|row| row.number.is_none()).count()
    }

    /// The numbers that the files give to new employees.
    pub fn numbers(&self) -> impl Iterator<Item = &EmployeeNumber> {
        self.organisation.employees.keys.keys()
    }
}
