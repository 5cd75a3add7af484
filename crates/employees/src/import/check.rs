//! Table held against each other and against what the tenant has.

use std::{collections::HashMap, fmt::Display, hash::Hash, sync::Arc};

use kernel::DateRange;
use time::Date;

use super::{
    CheckedDraft, Draft, Faults, ImportMode, Known,
    fault::Source,
    independent,
    rows::{EmployeeRow, Organisation, Position, Table},
    tree,
};
use crate::model::{EmployeeNumber, cannot_lead};

impl Draft {
    /// Looks for what is wrong between the rows, and with regard to what the tenant has. Who leads
    /// somebody from `today` on must work here.
    ///
    /// # Errors
    /// Everything that is wrong, also what [`read`](Self::read) found; with
    /// [`ImportMode::Independent`] only when a file cannot be taken at all: else what is wrong is
    /// left out.
    pub fn check(
        mut self,
        known: Known,
        mode: ImportMode,
        today: Date,
    ) -> Result<CheckedDraft, Faults> {
        let is_independent = mode == ImportMode::Independent && !self.faults.is_refusal();
        // References into rows that cannot be read are not told as faults of their own, unless the
        // rows they stand in could come in.
        if self.faults.all_was_read() || is_independent {
            let mut check = Check {
                all: &self.organisation,
                known: &known,
                faults: &mut self.faults,
                today,
            };
            check.departments();
            check.job_titles_and_locations();
            check.employees();
            check.managers();
            check.history();
            check.periods();
        }
        if is_independent {
            independent::leave_out(&mut self.organisation, &known, &mut self.faults);
        } else if !self.faults.is_empty() {
            return Err(self.faults.in_order());
        }
        Ok(CheckedDraft {
            files: self.files,
            organisation: self.organisation,
            known,
            faults: self.faults.in_order(),
        })
    }
}

struct Check<'a> {
    all: &'a Organisation,
    known: &'a Known,
    faults: &'a mut Faults,
    today: Date,
}

impl<'a> Check<'a> {
    fn departments(&mut self) {
        let (all, known) = (self.all, self.known);
        let rows = &all.departments;
        for row in &rows.rows {
            self.adds("code", rows, row.line, &row.code, &known.departments);
            if let Some(parent) = &row.parent {
                let place = (&rows.source, row.line, "parent_code");
                self.refers(place, "department", parent, &rows.keys, &known.departments);
            }
            if let Some(manager) = &row.manager {
                self.employee((&rows.source, row.line, "manager_number"), manager);
            }
        }
        let edges: Vec<(&str, &str)> = rows
            .rows
            .iter()
            .filter_map(|row| Some((row.code.as_str(), row.parent.as_ref()?.as_str())))
            .collect();
        let lines = rows.keys.iter().map(|(code, line)| (code.as_str(), *line));
        self.circles(&rows.source, "parent_code", &edges, &lines.collect());
    }

    fn job_titles_and_locations(&mut self) {
        let (all, known) = (self.all, self.known);
        for row in &all.job_titles.rows {
            self.adds(
                "code",
                &all.job_titles,
                row.line,
                &row.code,
                &known.job_titles,
            );
        }
        for row in &all.locations.rows {
            self.adds(
                "code",
                &all.locations,
                row.line,
                &row.code,
                &known.locations,
            );
        }
    }

    fn employees(&mut self) {
        let (all, known) = (self.all, self.known);
        let rows = &all.employees;
        let mut emails: HashMap<&str, u64> = HashMap::new();
        for row in &rows.rows {
            if let Some(number) = &row.number {
                self.adds("employee_number", rows, row.line, number, &known.employees);
            }
            if let Some(email) = &row.email_key {
                let message = match emails.get(&**email) {
                    Some(line) => Some(format!("`{email}` stands in line {line} already")),
                    None => known
                        .email_keys
                        .contains(&**email)
                        .then(|| format!("somebody else has `{email}`")),
                };
                emails.entry(email).or_insert(row.line);
                if let Some(message) = message {
                    self.fault((&rows.source, row.line, "work_email"), "duplicate", message);
                }
            }
            self.position(&rows.source, row.line, row.number.as_ref(), &row.position);
        }
    }

    /// Only those who come in can be part of a circle: nobody who is here reports to them yet.
    fn managers(&mut self) {
        let rows = &self.all.employees;
        let edges: Vec<(&str, &str)> = rows
            .rows
            .iter()
            .filter_map(|row| {
                let (number, manager) = (row.number.as_ref()?, row.position.manager.as_ref()?);
                (number != manager).then_some((number.as_str(), manager.as_str()))
            })
            .collect();
        let lines = rows
            .keys
            .iter()
            .map(|(number, line)| (number.as_str(), *line));
        self.circles(&rows.source, "manager_number", &edges, &lines.collect());
    }

    fn history(&mut self) {
        let rows = &self.all.history;
        for row in &rows.rows {
            self.employee((&rows.source, row.line, "employee_number"), &row.number);
            self.position(&rows.source, row.line, Some(&row.number), &row.position);
        }
    }

    /// The periods of one employee never overlap.
    fn periods(&mut self) {
        let all = self.all;
        let mut periods: HashMap<&EmployeeNumber, Vec<Period<'a>>> = HashMap::new();
        let services = all.services();
        for row in &all.history.rows {
            let source = &all.history.source;
            let place = Some((source, row.line, "first_day"));
            let period = Period {
                days: row.period,
                place,
            };
            periods.entry(&row.number).or_default().push(period);
            let place = (source, row.line, "manager_number");
            self.leads(place, row.position.manager.as_ref(), row.period, &services);
        }
        for (number, stored) in &self.known.employments {
            // Without earlier employments in the files, nothing new meets what is stored.
            if let Some(periods) = periods.get_mut(number) {
                let stored = stored.iter().map(|days| Period {
                    days: *days,
                    place: None,
                });
                periods.extend(stored);
            }
        }
        let ends = all.last_days();
        for row in &all.employees.rows {
            let source = &all.employees.source;
            let after = row
                .number
                .as_ref()
                .and_then(|number| ends.get(number))
                .copied();
            match row.present(after) {
                Ok(days) => {
                    let place = (source, row.line, "manager_number");
                    self.leads(place, row.position.manager.as_ref(), days, &services);
                    if let Some(number) = &row.number
                        && let Some(periods) = periods.get_mut(number)
                    {
                        let place = Some((source, row.line, "position_since"));
                        periods.push(Period { days, place });
                    }
                }
                Err((field, message)) => self.fault((source, row.line, field), "invalid", message),
            }
        }
        let mut periods: Vec<Vec<Period<'a>>> = periods.into_values().collect();
        for periods in &mut periods {
            self.overlaps(periods);
        }
    }

    /// Whoever is reported to from today on works here then.
    fn leads(
        &mut self,
        place: Place<'a>,
        manager: Option<&EmployeeNumber>,
        days: DateRange,
        services: &HashMap<&EmployeeNumber, (Date, Option<Date>)>,
    ) {
        let Some(manager) = manager else { return };
        let known = self.known.employees.get(manager);
        let service = known.map(|it| (it.hire_date, it.employed_until));
        let Some((hired, until)) = service.or_else(|| services.get(manager).copied()) else {
            return;
        };
        if let Some(why) = cannot_lead(hired, until, days, self.today) {
            self.fault(place, "not_active", why);
        }
    }

    fn overlaps(&mut self, periods: &mut [Period<'a>]) {
        periods.sort_by_key(|period| (period.days.from(), period.place.is_some()));
        let mut longest: Option<Period<'a>> = None;
        for period in periods {
            if let Some(other) = longest
                && period.days.overlaps(&other.days)
            {
                // Of two, one at least comes in: what is stored does not overlap.
                let (told, with) = match period.place {
                    Some(_) => (*period, other),
                    None => (other, *period),
                };
                if let Some(place) = told.place {
                    let message = format!("{} overlaps with {}", told.dates(), with.named(place.0));
                    self.fault(place, "overlap", message);
                }
            }
            let ends = |period: &Period<'_>| period.days.to().unwrap_or(Date::MAX);
            if longest.is_none_or(|other| ends(&other) < ends(period)) {
                longest = Some(*period);
            }
        }
    }

    fn position(
        &mut self,
        source: &'a Arc<Source>,
        line: u64,
        own: Option<&EmployeeNumber>,
        position: &Position,
    ) {
        let (all, known) = (self.all, self.known);
        if let Some(code) = &position.department {
            let place = (source, line, "department_code");
            self.refers(
                place,
                "department",
                code,
                &all.departments.keys,
                &known.departments,
            );
        }
        if let Some(code) = &position.job_title {
            let place = (source, line, "job_title_code");
            self.refers(
                place,
                "job title",
                code,
                &all.job_titles.keys,
                &known.job_titles,
            );
        }
        if let Some(code) = &position.location {
            let place = (source, line, "location_code");
            self.refers(
                place,
                "location",
                code,
                &all.locations.keys,
                &known.locations,
            );
        }
        if let Some(manager) = &position.manager {
            let place = (source, line, "manager_number");
            if Some(manager) == own {
                self.fault(place, "cycle", "nobody is his own manager".to_owned());
            } else {
                self.employee(place, manager);
            }
        }
    }

    /// A reference to an employee.
    fn employee(&mut self, place: Place<'a>, number: &EmployeeNumber) {
        let (all, known) = (self.all, self.known);
        self.refers(
            place,
            "employee",
            number,
            &all.employees.keys,
            &known.employees,
        );
    }

    /// A reference to something that comes in too, or is here.
    fn refers<K: Eq + Hash + Display, Id>(
        &mut self,
        place: Place<'a>,
        what: &str,
        key: &K,
        coming: &HashMap<K, u64>,
        here: &HashMap<K, Id>,
    ) {
        if !coming.contains_key(key) && !here.contains_key(key) {
            let message = format!("there is no {what} `{key}`, neither in these files nor stored");
            self.fault(place, "not_found", message);
        }
    }

    /// Something that is not here yet.
    fn adds<T, K: Eq + Hash + Display, Id>(
        &mut self,
        field: &'static str,
        rows: &'a Table<T, K>,
        line: u64,
        key: &K,
        here: &HashMap<K, Id>,
    ) {
        if here.contains_key(key) {
            let message = format!("`{key}` exists already; an import adds and does not change");
            self.fault((&rows.source, line, field), "duplicate", message);
        }
    }

    fn circles(
        &mut self,
        source: &'a Arc<Source>,
        field: &'static str,
        edges: &[(&str, &str)],
        lines: &HashMap<&str, u64>,
    ) {
        for circle in tree::circles(edges) {
            for (position, member) in circle.iter().enumerate() {
                let line = lines.get(member).copied().unwrap_or_default();
                let message = format!("goes round in a circle: {}", tree::drawn(&circle, position));
                self.fault((source, line, field), "cycle", message);
            }
        }
    }

    fn fault(&mut self, place: Place<'_>, code: &'static str, message: String) {
        let (source, line, field) = place;
        self.faults.push(source.fault(line, field, code, message));
    }
}

/// A file, a line and one of our columns.
type Place<'a> = (&'a Arc<Source>, u64, &'static str);

/// The days of an employment; one without a place is stored.
#[derive(Clone, Copy)]
struct Period<'a> {
    days: DateRange,
    place: Option<Place<'a>>,
}

impl Period<'_> {
    /// `2016-03-24 to 2016-12-31`: with the last day, as people write it.
    fn dates(&self) -> String {
        match self.days.to().and_then(Date::previous_day) {
            Some(last) => format!("{} to {last}", self.days.from()),
            None => format!("{} and on", self.days.from()),
        }
    }

    fn named(&self, teller: &Arc<Source>) -> String {
        match self.place {
            Some((source, line, _)) if Arc::ptr_eq(source, teller) => {
                format!("line {line} ({})", self.dates())
            }
            Some((source, line, _)) => {
                format!("line {line} of {} ({})", source.file, self.dates())
            }
            None => format!("a stored employment ({})", self.dates()),
        }
    }
}

impl Organisation {
    /// The first day of the present service of each employee in the files, and the day after it.
    fn services(&self) -> HashMap<&EmployeeNumber, (Date, Option<Date>)> {
        let rows = self.employees.rows.iter();
        rows.filter_map(|row| Some((row.number.as_ref()?, (row.hire_date, row.employed_until))))
            .collect()
    }

    /// The first day after the last earlier employment of each employee who has one in the files.
    pub(super) fn last_days(&self) -> HashMap<&EmployeeNumber, Date> {
        let mut ends: HashMap<&EmployeeNumber, Date> = HashMap::new();
        for row in &self.history.rows {
            if let Some(end) = row.period.to() {
                let last = ends.entry(&row.number).or_insert(end);
                *last = end.max(*last);
            }
        }
        ends
    }
}

impl EmployeeRow {
    /// The days of the present employment: since `position_since`; when that is not given, since
    /// the day of hire or the day `after` the last earlier employment, whichever is later.
    pub(super) fn present(&self, after: Option<Date>) -> Result<DateRange, (&'static str, String)> {
        let hired = self.hire_date;
        if let Some(since) = self.position_since.filter(|since| *since < hired) {
            return Err((
                "position_since",
                format!("{since} lies before the day of hire, {hired}"),
            ));
        }
        let begins = self
            .position_since
            .unwrap_or_else(|| after.map_or(hired, |after| after.max(hired)));
        DateRange::new(begins, self.employed_until).map_err(|_ends_before| {
            let message = format!("lies before the first day of the present employment, {begins}");
            ("last_day", message)
        })
    }
}
