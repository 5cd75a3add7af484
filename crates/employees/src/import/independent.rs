//! What of an import comes in when some of its rows do not.

use std::{collections::HashMap, sync::Arc};

use super::{
    Faults, Known,
    fault::Source,
    rows::{Organisation, Position, Table},
};
use crate::model::{Code, EmployeeNumber};

/// What a row is to the rows that need it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Department(Code),
    JobTitle(Code),
    Location(Code),
    Employee(EmployeeNumber),
    /// An earlier employment, by its line.
    Past(u64),
}

impl Key {
    fn reason(&self) -> String {
        match self {
            Self::Department(code) => format!("the department `{code}` does not come in"),
            Self::JobTitle(code) => format!("the job title `{code}` does not come in"),
            Self::Location(code) => format!("the location `{code}` does not come in"),
            Self::Employee(number) => format!("the employee `{number}` does not come in"),
            Self::Past(line) => {
                format!("his earlier employment in line {line} does not come in")
            }
        }
    }
}

/// A row that cannot come in without another one, for what stands in one of its columns.
struct Dependent<'a> {
    source: &'a Arc<Source>,
    line: u64,
    field: &'static str,
    own: Option<Key>,
}

/// Takes out the rows that something is wrong with, and those that need them, each with a fault of
/// its own. A person and his earlier employments come in together.
pub(super) fn leave_out(all: &mut Organisation, known: &Known, faults: &mut Faults) {
    if faults.is_empty() {
        return;
    }
    let mut gone = bad(all, known, faults);
    let mut dependents = dependents(all, known);
    while let Some(key) = gone.pop() {
        for it in dependents.remove(&key).unwrap_or_default() {
            if faults.has(&it.source.file, it.line) {
                continue;
            }
            let fault = it
                .source
                .fault(it.line, it.field, "not_imported", key.reason());
            faults.push(fault);
            gone.extend(it.own);
        }
    }
    drop(dependents);
    retain(&mut all.departments, faults, |row| row.line);
    retain(&mut all.job_titles, faults, |row| row.line);
    retain(&mut all.locations, faults, |row| row.line);
    retain(&mut all.employees, faults, |row| row.line);
    retain(&mut all.history, faults, |row| row.line);
}

fn retain<T, K>(table: &mut Table<T, K>, faults: &Faults, line: impl Fn(&T) -> u64) {
    let file = Arc::clone(&table.source.file);
    table.rows.retain(|row| !faults.has(&file, line(row)));
}

/// The keys of bad rows that the tenant does not have either.
fn bad(all: &Organisation, known: &Known, faults: &Faults) -> Vec<Key> {
    fn of<T, K: Clone>(
        table: &Table<T, K>,
        faults: &Faults,
        is_known: impl Fn(&K) -> bool,
        key: impl Fn(K) -> Key,
    ) -> Vec<Key> {
        let file = &table.source.file;
        let keys = table.keys.iter();
        keys.filter(|(it, line)| faults.has(file, **line) && !is_known(it))
            .map(|(it, _)| key(it.clone()))
            .collect()
    }
    let past = all.history.rows.iter().map(|row| row.line);
    let past = past.filter(|line| faults.has(&all.history.source.file, *line));
    [
        of(
            &all.departments,
            faults,
            |code| known.departments.contains_key(code),
            Key::Department,
        ),
        of(
            &all.job_titles,
            faults,
            |code| known.job_titles.contains_key(code),
            Key::JobTitle,
        ),
        of(
            &all.locations,
            faults,
            |code| known.locations.contains_key(code),
            Key::Location,
        ),
        of(
            &all.employees,
            faults,
            |number| known.employees.contains_key(number),
            Key::Employee,
        ),
        past.map(Key::Past).collect(),
    ]
    .concat()
}

/// Who needs what comes in with him.
fn dependents<'a>(all: &'a Organisation, known: &Known) -> HashMap<Key, Vec<Dependent<'a>>> {
    let mut dependents: HashMap<Key, Vec<Dependent<'a>>> = HashMap::new();
    let mut needs = |key: Key, source: &'a Arc<Source>, line, field, own| {
        let comes_in = match &key {
            Key::Department(code) => {
                all.departments.keys.contains_key(code) && !known.departments.contains_key(code)
            }
            Key::JobTitle(code) => {
                all.job_titles.keys.contains_key(code) && !known.job_titles.contains_key(code)
            }
            Key::Location(code) => {
                all.locations.keys.contains_key(code) && !known.locations.contains_key(code)
            }
            Key::Employee(number) => {
                all.employees.keys.contains_key(number) && !known.employees.contains_key(number)
            }
            Key::Past(_) => true,
        };
        if comes_in {
            dependents.entry(key).or_default().push(Dependent {
                source,
                line,
                field,
                own,
            });
        }
    };
    let source = &all.departments.source;
    for row in &all.departments.rows {
        let own = Some(Key::Department(row.code.clone()));
        if let Some(parent) = row.parent.clone().map(Key::Department) {
            needs(parent, source, row.line, "parent_code", own.clone());
        }
        if let Some(manager) = row.manager.clone().map(Key::Employee) {
            needs(manager, source, row.line, "manager_number", own);
        }
    }
    let source = &all.employees.source;
    for row in &all.employees.rows {
        let own = row.number.clone().map(Key::Employee);
        for (field, key) in references(&row.position) {
            needs(key, source, row.line, field, own.clone());
        }
    }
    let source = &all.history.source;
    for row in &all.history.rows {
        let own = Some(Key::Past(row.line));
        let whose = Key::Employee(row.number.clone());
        needs(
            whose.clone(),
            source,
            row.line,
            "employee_number",
            own.clone(),
        );
        for (field, key) in references(&row.position) {
            needs(key, source, row.line, field, own.clone());
        }
        if let Some(line) = all.employees.keys.get(&row.number) {
            let person = &all.employees.source;
            needs(
                Key::Past(row.line),
                person,
                *line,
                "employee_number",
                Some(whose),
            );
        }
    }
    dependents
}

fn references(at: &Position) -> impl Iterator<Item = (&'static str, Key)> {
    [
        (
            "department_code",
            at.department.clone().map(Key::Department),
        ),
        ("job_title_code", at.job_title.clone().map(Key::JobTitle)),
        ("location_code", at.location.clone().map(Key::Location)),
        ("manager_number", at.manager.clone().map(Key::Employee)),
    ]
    .into_iter()
    .filter_map(|(field, key)| Some((field, key?)))
}
