//! What remains of an import: records ready to be stored, some at a time.

use std::collections::HashMap;

use kernel::{Ambient, DateRange, DepartmentId, EmployeeId, JobTitleId, LocationId};
use time::Date;

use super::{
    Batch, CheckedDraft, Faults, Kind, Known, Newcomer, Past,
    cells::Cells,
    draft::Files,
    rows::{
        self, DepartmentRow, EmployeeRow, JobTitleRow, LocationRow, Organisation, Person, Position,
    },
    sheet::Sheet,
};
use crate::model::{
    Code, Compensation, Department, Employee, EmployeeNumber, Employment, JobTitle, Location,
    Remuneration, Stamp, Terms,
};

/// Rows of a batch.
const BATCH: usize = 2_000;

/// Batches in the order in which they can be stored: each refers to those before it, and within
/// itself. People come before what leads and employs them; their names are read from the files as
/// they are needed.
pub struct Plan {
    files: Files,
    all: Organisation,
    planner: Planner,
    next: Next,
}

enum Next {
    Organisation,
    /// People from this row on; the file is open behind the row before.
    People(usize, Option<Box<Sheet>>),
    Departments,
    Employments(usize),
    Past(usize),
    Lengthened,
    Nothing,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Plan")
    }
}

impl CheckedDraft {
    /// Draws ids and resolves every code and number. `numbers` are for the employees without one;
    /// `None` when there are fewer than [`unnumbered`](Self::unnumbered) says.
    pub fn plan(mut self, numbers: Vec<EmployeeNumber>, ambient: &Ambient) -> Option<Plan> {
        self.number(numbers)?;
        let all = self.organisation;
        let new = Drawn {
            departments: drawn(all.departments.rows.iter().map(|row| &row.code), ambient),
            job_titles: drawn(all.job_titles.rows.iter().map(|row| &row.code), ambient),
            locations: drawn(all.locations.rows.iter().map(|row| &row.code), ambient),
            employees: drawn(
                all.employees
                    .rows
                    .iter()
                    .filter_map(|row| row.number.as_ref()),
                ambient,
            ),
        };
        let mut past: HashMap<EmployeeNumber, Vec<usize>> = HashMap::new();
        for (place, row) in all.history.rows.iter().enumerate() {
            past.entry(row.number.clone()).or_default().push(place);
        }
        let ends = all.last_days().into_iter();
        let ends = ends.map(|(number, day)| (number.clone(), day)).collect();
        Some(Plan {
            files: self.files,
            all,
            planner: Planner {
                known: self.known,
                new,
                past,
                ends,
                ambient: ambient.clone(),
                stamp: Stamp::new(ambient.now()),
            },
            next: Next::Organisation,
        })
    }

    fn number(&mut self, numbers: Vec<EmployeeNumber>) -> Option<()> {
        let mut numbers = numbers.into_iter();
        for row in &mut self.organisation.employees.rows {
            if row.number.is_none() {
                row.number = Some(numbers.next()?);
            }
        }
        Some(())
    }
}

fn drawn<'a, K, Id>(keys: impl Iterator<Item = &'a K>, ambient: &Ambient) -> HashMap<K, Id>
where
    K: Clone + Eq + std::hash::Hash + 'a,
    Id: kernel::TypedId,
{
    keys.map(|key| (key.clone(), ambient.id())).collect()
}

impl Iterator for Plan {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let mut batch = Batch::new(self.planner.stamp);
        let (planner, all) = (&self.planner, &mut self.all);
        self.next = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Organisation => {
                let job_titles = std::mem::take(&mut all.job_titles.rows).into_iter();
                batch.job_titles = job_titles
                    .filter_map(|row| planner.job_title(row))
                    .collect();
                let locations = std::mem::take(&mut all.locations.rows).into_iter();
                batch.locations = locations.filter_map(|row| planner.location(row)).collect();
                let (set, limits) = (&self.files.set, self.files.limits);
                Next::People(0, set.sheet(Kind::Employees, limits).map(Box::new))
            }
            Next::People(begin, sheet) => {
                let rows = all.employees.rows.get(begin..).unwrap_or_default();
                let rows = rows.get(..BATCH).unwrap_or(rows);
                match sheet {
                    Some(mut sheet) if !rows.is_empty() => {
                        for row in rows {
                            if let Some(person) = read_again(&mut sheet, row, &mut self.files) {
                                let past = row.number.as_ref();
                                let past = past.map(|number| planner.past(all, number));
                                let past = past.unwrap_or_default();
                                planner.employee(row, person, past, &mut batch);
                            }
                        }
                        Next::People(begin + rows.len(), Some(sheet))
                    }
                    _ => Next::Departments,
                }
            }
            Next::Departments => {
                let rows = std::mem::take(&mut all.departments.rows).into_iter();
                batch.departments = rows.filter_map(|row| planner.department(row)).collect();
                Next::Employments(0)
            }
            Next::Employments(begin) => {
                let rows = all.employees.rows.get(begin..).unwrap_or_default();
                let rows = rows.get(..BATCH).unwrap_or(rows);
                let employments = rows.iter().filter_map(|row| planner.present(row));
                batch.employments = employments.collect();
                match rows.len() {
                    0 => Next::Past(0),
                    more => Next::Employments(begin + more),
                }
            }
            Next::Past(begin) => {
                let rows = all.history.rows.get(begin..).unwrap_or_default();
                let rows = rows.get(..BATCH).unwrap_or(rows);
                let past = rows.iter().filter_map(|row| {
                    let employee = planner.employee_id(&row.number)?;
                    Some(planner.employment(employee, row.period, &row.position))
                });
                batch.employments = past.collect();
                match rows.len() {
                    0 => Next::Lengthened,
                    more => Next::Past(begin + more),
                }
            }
            Next::Lengthened => {
                let known = planner.past.keys().filter_map(|number| {
                    let is_new = planner.new.employees.contains_key(number);
                    let known = planner.employee_id(number).filter(|_| !is_new)?;
                    Some((known, planner.past(all, number)))
                });
                batch.with_a_past = known.collect();
                Next::Nothing
            }
            Next::Nothing => return None,
        };
        Some(batch)
    }
}

/// Who the employee of a row is. The file is as it was, so the row is there and as good as it was.
fn read_again(sheet: &mut Sheet, row: &EmployeeRow, files: &mut Files) -> Option<Person> {
    let mut faults = Faults::new(1);
    while let Some(again) = sheet.next(&mut faults) {
        if again.line == row.line {
            let mut cells = Cells {
                sheet,
                row: &again,
                faults: &mut faults,
                wanted: &mut files.wanted,
            };
            return rows::employee(&mut cells).map(|(_, person)| person);
        }
    }
    None
}

/// The ids of what comes in.
struct Drawn {
    departments: HashMap<Code, DepartmentId>,
    job_titles: HashMap<Code, JobTitleId>,
    locations: HashMap<Code, LocationId>,
    employees: HashMap<EmployeeNumber, EmployeeId>,
}

/// Makes records of rows. Every code and number is known: the draft was checked.
struct Planner {
    known: Known,
    new: Drawn,
    /// Where in the history the earlier employments of somebody stand.
    past: HashMap<EmployeeNumber, Vec<usize>>,
    ends: HashMap<EmployeeNumber, Date>,
    ambient: Ambient,
    stamp: Stamp,
}

impl Planner {
    fn department_id(&self, code: &Code) -> Option<DepartmentId> {
        let new = self.new.departments.get(code);
        new.or_else(|| self.known.departments.get(code)).copied()
    }

    fn job_title_id(&self, code: &Code) -> Option<JobTitleId> {
        let new = self.new.job_titles.get(code);
        new.or_else(|| self.known.job_titles.get(code)).copied()
    }

    fn location_id(&self, code: &Code) -> Option<LocationId> {
        let new = self.new.locations.get(code);
        new.or_else(|| self.known.locations.get(code)).copied()
    }

    fn employee_id(&self, number: &EmployeeNumber) -> Option<EmployeeId> {
        let known = self.known.employees.get(number).map(|it| it.id);
        self.new.employees.get(number).copied().or(known)
    }

    fn department(&self, row: DepartmentRow) -> Option<Department> {
        Some(Department {
            id: self.department_id(&row.code)?,
            parent_id: row.parent.and_then(|code| self.department_id(&code)),
            manager_id: row.manager.and_then(|number| self.employee_id(&number)),
            code: row.code,
            name: row.name,
            stamp: self.stamp,
        })
    }

    fn job_title(&self, row: JobTitleRow) -> Option<JobTitle> {
        Some(JobTitle {
            id: self.job_title_id(&row.code)?,
            code: row.code,
            name: row.name,
            pay_range: row.pay_range,
            stamp: self.stamp,
        })
    }

    fn location(&self, row: LocationRow) -> Option<Location> {
        Some(Location {
            id: self.location_id(&row.code)?,
            code: row.code,
            name: row.name,
            address: row.address,
            time_zone: row.time_zone,
            stamp: self.stamp,
        })
    }

    /// What somebody worked as before, as far as it comes in.
    fn past(&self, all: &Organisation, number: &EmployeeNumber) -> Past {
        let places = self.past.get(number).into_iter().flatten();
        let rows = places.filter_map(|place| all.history.rows.get(*place));
        rows.map(|row| (row.period, self.terms(&row.position)))
            .collect()
    }

    /// The days of somebody's present employment.
    fn days(&self, row: &EmployeeRow) -> Option<DateRange> {
        let after = row.number.as_ref().and_then(|number| self.ends.get(number));
        row.present(after.copied()).ok()
    }

    /// A person, and his pay since his present employment began.
    fn employee(&self, row: &EmployeeRow, person: Person, past: Past, batch: &mut Batch) {
        let (Some(days), Some(number)) = (self.days(row), row.number.clone()) else {
            return;
        };
        let Some(id) = self.employee_id(&number) else {
            return;
        };
        let pay = person.pay.map(|(pay, commission)| Compensation {
            id: self.ambient.id(),
            employee_id: id,
            period: days,
            remuneration: Remuneration { pay, commission },
            stamp: self.stamp,
        });
        let agreed = pay.as_ref().map(|it| it.remuneration);
        batch.compensations.extend(pay);
        let first = past.iter().map(|(days, _)| days.from()).min();
        let employee = Employee {
            id,
            number,
            name: person.name,
            work_email: person.work_email,
            phone: person.phone,
            original_hire_date: first.map_or(row.hire_date, |first| first.min(row.hire_date)),
            hire_date: row.hire_date,
            employed_until: row.employed_until,
            stamp: self.stamp,
        };
        let terms = self.terms(&row.position);
        batch.hired.push(Newcomer {
            terms,
            pay: agreed,
            past,
        });
        batch.employees.push(employee);
    }

    /// Somebody's present employment.
    fn present(&self, row: &EmployeeRow) -> Option<Employment> {
        let employee = self.employee_id(row.number.as_ref()?)?;
        Some(self.employment(employee, self.days(row)?, &row.position))
    }

    fn employment(&self, employee: EmployeeId, days: DateRange, at: &Position) -> Employment {
        Employment {
            id: self.ambient.id(),
            employee_id: employee,
            period: days,
            terms: self.terms(at),
            cause: None,
            end_reason: None,
            stamp: self.stamp,
        }
    }

    fn terms(&self, at: &Position) -> Terms {
        let (department, job_title) = (at.department.as_ref(), at.job_title.as_ref());
        let (location, manager) = (at.location.as_ref(), at.manager.as_ref());
        Terms {
            department_id: department.and_then(|code| self.department_id(code)),
            job_title_id: job_title.and_then(|code| self.job_title_id(code)),
            location_id: location.and_then(|code| self.location_id(code)),
            manager_id: manager.and_then(|number| self.employee_id(number)),
            employment_type: at.employment_type,
        }
    }
}
