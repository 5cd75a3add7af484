//! An import that was read and is not stored.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::Arc,
};

use kernel::{DateRange, DepartmentId, EmployeeId, JobTitleId, LocationId};
use time::Date;

use super::{Faults, ImportLimits, ImportReport, ImportSet, rows::Organisation};
use crate::model::{Code, EmployeeNumber};

/// What the files say, with what is wrong with it so far. Of people it holds what matters to other
/// rows; their names are read again when they are stored.
#[derive(Debug)]
pub struct Draft {
    pub(super) files: Files,
    pub(super) organisation: Organisation,
    pub(super) faults: Faults,
}

/// The files, and what they mention.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) set: Arc<ImportSet>,
    pub(super) limits: ImportLimits,
    pub(super) wanted: Wanted,
}

/// What of the tenant the files mention. Every mention of the same shares its text.
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
    pub email_keys: HashSet<Arc<str>>,
    /// Numbers of employees whose employments matter.
    pub histories: HashSet<EmployeeNumber>,
}

/// The one of its kind.
fn shared<K: Clone + Eq + Hash>(all: &mut HashSet<K>, key: K) -> K {
    if let Some(same) = all.get(&key) {
        return same.clone();
    }
    all.insert(key.clone());
    key
}

impl Wanted {
    pub(super) fn department(&mut self, code: Code) -> Code {
        shared(&mut self.departments, code)
    }

    pub(super) fn job_title(&mut self, code: Code) -> Code {
        shared(&mut self.job_titles, code)
    }

    pub(super) fn location(&mut self, code: Code) -> Code {
        shared(&mut self.locations, code)
    }

    pub(super) fn employee(&mut self, number: EmployeeNumber) -> EmployeeNumber {
        shared(&mut self.employees, number)
    }

    /// An employee whose employments matter.
    pub(super) fn history(&mut self, number: EmployeeNumber) -> EmployeeNumber {
        let number = self.employee(number);
        shared(&mut self.histories, number)
    }

    pub(super) fn email_key(&mut self, key: &str) -> Arc<str> {
        match self.email_keys.get(key) {
            Some(same) => Arc::clone(same),
            None => shared(&mut self.email_keys, key.into()),
        }
    }
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
    pub employees: HashMap<EmployeeNumber, KnownEmployee>,
    /// Addresses, by key.
    pub email_keys: HashSet<String>,
    /// The days of all employments of an employee.
    pub employments: HashMap<EmployeeNumber, Vec<DateRange>>,
}

/// An employee of the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownEmployee {
    /// Identifies him.
    pub id: EmployeeId,
    /// The first day of his present service.
    pub hire_date: Date,
    /// The first day on which he does not work any more, when it is known.
    pub employed_until: Option<Date>,
}

impl Draft {
    /// Reads the files.
    pub fn read(set: Arc<ImportSet>, limits: ImportLimits) -> Self {
        let mut faults = Faults::new(limits.faults);
        let mut wanted = Wanted::default();
        let sheets = set.sheets(limits, &mut faults);
        let organisation = Organisation::read(sheets, &mut wanted, &mut faults);
        Self {
            files: Files {
                set,
                limits,
                wanted,
            },
            organisation,
            faults,
        }
    }

    /// What to look up before [`check`](Self::check).
    pub fn wanted(&self) -> &Wanted {
        &self.files.wanted
    }
}

/// A draft of which all that is left is sound, within and with regard to [`Known`].
#[derive(Debug)]
pub struct CheckedDraft {
    pub(super) files: Files,
    pub(super) organisation: Organisation,
    pub(super) known: Known,
    pub(super) faults: Faults,
}

impl CheckedDraft {
    /// How much it is.
    pub fn report(&self) -> ImportReport {
        let all = &self.organisation;
        let paid = all.employees.rows.iter().filter(|row| row.is_paid);
        ImportReport {
            departments: all.departments.rows.len(),
            job_titles: all.job_titles.rows.len(),
            locations: all.locations.rows.len(),
            employees: all.employees.rows.len(),
            past_employments: all.history.rows.len(),
            compensations: paid.count(),
        }
    }

    /// What is wrong with the rows that are not part of it any more.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// How many employees have no number and need one.
    pub fn unnumbered(&self) -> usize {
        let rows = self.organisation.employees.rows.iter();
        rows.filter(|row| row.number.is_none()).count()
    }

    /// The numbers that the files give to new employees.
    pub fn numbers(&self) -> impl Iterator<Item = &EmployeeNumber> {
        let rows = self.organisation.employees.rows.iter();
        rows.filter_map(|row| row.number.as_ref())
    }

    /// Whether the files give this number to a new employee.
    pub fn gives(&self, number: &EmployeeNumber) -> bool {
        self.organisation.employees.keys.contains_key(number)
    }
}
