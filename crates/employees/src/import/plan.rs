//! What remains of an import: records ready to be stored.

use std::collections::{HashMap, HashSet};

use kernel::{Ambient, DateRange, EmployeeId};
use time::Date;

use super::{
    CheckedDraft, Known,
    rows::{DepartmentRow, EmployeeRow, JobTitleRow, LocationRow, Position},
};
use crate::model::{
    Compensation, Department, Employee, EmployeeNumber, Employment, JobTitle, Location,
    Remuneration, Stamp, Terms,
};

/// Records to be stored together. Departments and people refer to each other in any order.
#[derive(Debug, Default)]
pub struct Plan {
    /// Departments.
    pub departments: Vec<Department>,
    /// Job titles.
    pub job_titles: Vec<JobTitle>,
    /// Locations.
    pub locations: Vec<Location>,
    /// People.
    pub employees: Vec<Employee>,
    /// Their employments, present and past.
    pub employments: Vec<Employment>,
    /// Their pay.
    pub compensations: Vec<Compensation>,
    /// People of the company, not of the import, whose past became longer.
    pub with_a_past: Vec<EmployeeId>,
    past: usize,
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

impl Plan {
    /// How much it is.
    pub fn report(&self) -> ImportReport {
        ImportReport {
            departments: self.departments.len(),
            job_titles: self.job_titles.len(),
            locations: self.locations.len(),
            employees: self.employees.len(),
            past_employments: self.past,
            compensations: self.compensations.len(),
        }
    }
}

impl CheckedDraft {
    /// Draws ids and resolves every code and number. `numbers` are for the employees without one;
    /// `None` when there are fewer than [`unnumbered`](Self::unnumbered) says.
    pub fn plan(mut self, numbers: Vec<EmployeeNumber>, ambient: &Ambient) -> Option<Plan> {
        self.number(numbers)?;
        self.draw_ids(ambient);
        let Self {
            organisation: all,
            known,
        } = self;
        let ends: HashMap<EmployeeNumber, Date> = all
            .last_days()
            .into_iter()
            .map(|(number, day)| (number.clone(), day))
            .collect();
        let mut begins: HashMap<EmployeeNumber, Date> = HashMap::new();
        for row in &all.history.rows {
            let day = row.period.from();
            let first = begins.entry(row.number.clone()).or_insert(day);
            *first = day.min(*first);
        }
        let planner = Planner {
            known,
            begins,
            ends,
            ambient,
            stamp: Stamp::new(ambient.now()),
        };
        let mut plan = Plan {
            past: all.history.rows.len(),
            ..Plan::default()
        };
        for row in all.departments.rows {
            plan.departments.extend(planner.department(row));
        }
        for row in all.job_titles.rows {
            plan.job_titles.extend(planner.job_title(row));
        }
        for row in all.locations.rows {
            plan.locations.extend(planner.location(row));
        }
        for row in all.employees.rows {
            planner.employee(row, &mut plan);
        }
        let new: HashSet<EmployeeId> = plan.employees.iter().map(|it| it.id).collect();
        for row in all.history.rows {
            let employee = planner.known.employees.get(&row.number);
            let employment = employee.map(|id| planner.employment(*id, row.period, &row.position));
            plan.employments.extend(employment);
            plan.with_a_past
                .extend(employee.filter(|id| !new.contains(id)));
        }
        Some(plan)
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

    /// From here on what comes in is as known as what is here.
    fn draw_ids(&mut self, ambient: &Ambient) {
        let (all, known) = (&self.organisation, &mut self.known);
        for row in &all.departments.rows {
            known.departments.insert(row.code.clone(), ambient.id());
        }
        for row in &all.job_titles.rows {
            known.job_titles.insert(row.code.clone(), ambient.id());
        }
        for row in &all.locations.rows {
            known.locations.insert(row.code.clone(), ambient.id());
        }
        for number in all
            .employees
            .rows
            .iter()
            .filter_map(|row| row.number.as_ref())
        {
            known.employees.insert(number.clone(), ambient.id());
        }
    }
}

/// Makes records of rows. Every code and number is known: the draft was checked.
struct Planner<'a> {
    known: Known,
    begins: HashMap<EmployeeNumber, Date>,
    ends: HashMap<EmployeeNumber, Date>,
    ambient: &'a Ambient,
    stamp: Stamp,
}

impl Planner<'_> {
    fn department(&self, row: DepartmentRow) -> Option<Department> {
        Some(Department {
            id: *self.known.departments.get(&row.code)?,
            parent_id: row
                .parent
                .and_then(|code| self.known.departments.get(&code).copied()),
            manager_id: row
                .manager
                .and_then(|number| self.known.employees.get(&number).copied()),
            code: row.code,
            name: row.name,
            stamp: self.stamp,
        })
    }

    fn job_title(&self, row: JobTitleRow) -> Option<JobTitle> {
        Some(JobTitle {
            id: *self.known.job_titles.get(&row.code)?,
            code: row.code,
            name: row.name,
            pay_range: row.pay_range,
            stamp: self.stamp,
        })
    }

    fn location(&self, row: LocationRow) -> Option<Location> {
        Some(Location {
            id: *self.known.locations.get(&row.code)?,
            code: row.code,
            name: row.name,
            address: row.address,
            time_zone: row.time_zone,
            stamp: self.stamp,
        })
    }

    /// A person, his present employment, and his pay since it began.
    fn employee(&self, row: EmployeeRow, plan: &mut Plan) {
        let after = row.number.as_ref().and_then(|number| self.ends.get(number));
        let Ok(days) = row.present(after.copied()) else {
            return;
        };
        let Some(number) = row.number else { return };
        let Some(id) = self.known.employees.get(&number).copied() else {
            return;
        };
        plan.employments
            .push(self.employment(id, days, &row.position));
        plan.compensations
            .extend(row.pay.map(|(pay, commission)| Compensation {
                id: self.ambient.id(),
                employee_id: id,
                period: days,
                remuneration: Remuneration { pay, commission },
                stamp: self.stamp,
            }));
        let first = self.begins.get(&number).copied();
        plan.employees.push(Employee {
            id,
            number,
            name: row.name,
            work_email: row.work_email,
            phone: row.phone,
            original_hire_date: first.map_or(row.hire_date, |first| first.min(row.hire_date)),
            hire_date: row.hire_date,
            employed_until: row.employed_until,
            stamp: self.stamp,
        });
    }

    fn employment(&self, employee: EmployeeId, days: DateRange, at: &Position) -> Employment {
        let known = &self.known;
        let department = at.department.as_ref();
        let job_title = at.job_title.as_ref();
        let location = at.location.as_ref();
        let manager = at.manager.as_ref();
        Employment {
            id: self.ambient.id(),
            employee_id: employee,
            period: days,
            terms: Terms {
                department_id: department.and_then(|code| known.departments.get(code).copied()),
                job_title_id: job_title.and_then(|code| known.job_titles.get(code).copied()),
                location_id: location.and_then(|code| known.locations.get(code).copied()),
                manager_id: manager.and_then(|number| known.employees.get(number).copied()),
                employment_type: at.employment_type,
            },
            cause: None,
            end_reason: None,
            stamp: self.stamp,
        }
    }
}
