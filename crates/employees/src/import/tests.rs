//! What is wrong between rows, told as the person who made the file reads it.

mod independent;

use std::sync::Arc;

use kernel::{Ambient, DateRange, EmployeeId, FixedClock, SeededEntropy};
use time::{
    Date,
    macros::{date, datetime},
};
use uuid::Uuid;

use super::{
    Batch, CheckedDraft, Draft, Faults, ImportLimits, ImportMode, ImportSet, Kind, Known,
    KnownEmployee,
};

fn ambient() -> Ambient {
    let clock = FixedClock::at(datetime!(2026-03-01 12:00 UTC));
    Ambient::new(Arc::new(clock), Arc::new(SeededEntropy::new(1)))
}

fn set(files: &[(Kind, &str)]) -> ImportSet {
    let names = ["first.csv", "second.csv", "third.csv", "fourth.csv"];
    let files = names.into_iter().zip(files);
    ImportSet::native(files.map(|(name, (kind, text))| (*kind, name, text.as_bytes().to_vec())))
}

const TODAY: Date = date!(2026 - 03 - 01);

fn checked(files: &[(Kind, &str)], known: Known, mode: ImportMode) -> Result<CheckedDraft, Faults> {
    let draft = Draft::read(set(files).into(), ImportLimits::DEFAULT);
    draft.check(known, mode, TODAY)
}

fn faults_with(files: &[(Kind, &str)], known: Known) -> Faults {
    checked(files, known, ImportMode::Atomic).unwrap_err()
}

/// Everything that is stored, together.
pub(super) fn whole(batches: impl Iterator<Item = Batch>) -> Batch {
    let together = |mut all: Batch, batch: Batch| {
        all.departments.extend(batch.departments);
        all.job_titles.extend(batch.job_titles);
        all.locations.extend(batch.locations);
        all.employees.extend(batch.employees);
        all.employments.extend(batch.employments);
        all.compensations.extend(batch.compensations);
        all.with_a_past.extend(batch.with_a_past);
        all
    };
    batches.reduce(together).unwrap()
}

/// Somebody who works here.
fn here(id: u128) -> KnownEmployee {
    KnownEmployee {
        id: EmployeeId::new(Uuid::from_u128(id)),
        hire_date: date!(2010 - 01 - 01),
        employed_until: None,
    }
}

fn told(files: &[(Kind, &str)]) -> Vec<String> {
    let faults = faults_with(files, Known::default());
    faults.iter().map(ToString::to_string).collect()
}

fn plan(files: &[(Kind, &str)], known: Known) -> Batch {
    let numbers = ["1001", "1002", "1003"].map(|number| number.parse().unwrap());
    let draft = checked(files, known, ImportMode::Atomic).unwrap();
    whole(draft.plan(numbers.to_vec(), &ambient()).unwrap())
}

const PEOPLE: &str = "employee_number,first_name,last_name,work_email,hire_date,manager_number\n";

fn people(rows: &str) -> String {
    format!("{PEOPLE}{rows}")
}

#[test]
fn a_manager_may_come_later_in_the_file() {
    let csv = people("2,Ada,King,,2020-01-01,1\n1,Bo,Lee,,2021-01-01,\n");
    let plan = plan(&[(Kind::Employees, &csv)], Known::default());
    assert_eq!(
        plan.employments[0].terms.manager_id,
        Some(plan.employees[1].id)
    );
    assert_eq!(plan.employments[1].terms.manager_id, None);
}

#[test]
fn a_manager_may_be_somebody_who_is_here() {
    let known = Known {
        employees: [("7".parse().unwrap(), here(7))].into(),
        ..Known::default()
    };
    let csv = people(",Ada,King,,2020-01-01,7\n,Bo,Lee,,2021-01-01,7\n");
    let plan = plan(&[(Kind::Employees, &csv)], known);
    assert!(
        plan.employments
            .iter()
            .all(|employment| employment.terms.manager_id == Some(here(7).id))
    );
    let numbers: Vec<&str> = plan.employees.iter().map(|e| e.number.as_str()).collect();
    assert_eq!(numbers, ["1001", "1002"]);
}

#[test]
fn managers_in_a_circle_are_named_one_by_one() {
    let csv = people(
        "1,Ada,King,,2020-01-01,3\n2,Bo,Lee,,2020-01-01,1\n3,Cy,Coe,,2020-01-01,2\n\
         4,Di,Doe,,2020-01-01,1\n5,Ed,Eve,,2020-01-01,5\n",
    );
    assert_eq!(
        told(&[(Kind::Employees, &csv)]),
        [
            "first.csv, line 2, manager_number: goes round in a circle: 1 → 3 → 2 → 1",
            "first.csv, line 3, manager_number: goes round in a circle: 2 → 1 → 3 → 2",
            "first.csv, line 4, manager_number: goes round in a circle: 3 → 2 → 1 → 3",
            "first.csv, line 6, manager_number: nobody is his own manager",
        ]
    );
}

#[test]
fn departments_in_a_circle_are_named_one_by_one() {
    let csv = "code,name,parent_code\nA,A,B\nB,B,A\nC,C,C\nD,D,A\n";
    assert_eq!(
        told(&[(Kind::Departments, csv)]),
        [
            "first.csv, line 2, parent_code: goes round in a circle: A → B → A",
            "first.csv, line 3, parent_code: goes round in a circle: B → A → B",
            "first.csv, line 4, parent_code: goes round in a circle: C → C",
        ]
    );
}

#[test]
fn what_stands_twice_is_named_with_the_first_line() {
    let csv = people(
        "e-1,Ada,King,ada@acme.example,2020-01-01,\nE-1,Bo,Lee,ADA@acme.example,2020-01-01,\n",
    );
    assert_eq!(
        told(&[(Kind::Employees, &csv)]),
        [
            "first.csv, line 3, employee_number: `E-1` stands in line 2 already",
            "first.csv, line 3, work_email: `ada@acme.example` stands in line 2 already",
        ]
    );
}

#[test]
fn what_is_here_already_is_named() {
    let known = Known {
        employees: [("1".parse().unwrap(), here(1))].into(),
        email_keys: ["ada@acme.example".to_owned()].into(),
        ..Known::default()
    };
    let csv = people("1,Ada,King,Ada@acme.example,2020-01-01,\n");
    let faults = faults_with(&[(Kind::Employees, &csv)], known);
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "first.csv, line 2, employee_number: `1` exists already; an import adds and does not \
             change",
            "first.csv, line 2, work_email: somebody else has `ada@acme.example`",
        ]
    );
}

#[test]
fn a_reference_to_nothing_is_named_and_one_to_a_bad_row_is_not() {
    let departments = "code,name\nIT,\n";
    let csv = "first_name,last_name,hire_date,department_code,job_title_code,location_code\n\
               Ada,King,2020-01-01,IT,DEV,HQ\n";
    assert_eq!(
        told(&[(Kind::Departments, departments), (Kind::Employees, csv)]),
        [
            "first.csv, line 2, name: must not be empty",
            "second.csv, line 2, job_title_code: there is no job title `DEV`, neither in these \
             files nor stored",
            "second.csv, line 2, location_code: there is no location `HQ`, neither in these files \
             nor stored",
        ]
    );
}

#[test]
fn nothing_is_said_about_references_into_a_file_that_cannot_be_read() {
    let csv = "first_name,last_name,hire_date,department_code\nAda,King,01/02/2020,IT\n";
    assert_eq!(
        told(&[(Kind::Departments, "code,title\n"), (Kind::Employees, csv)]),
        [
            "first.csv, line 1, title: `title` is no column of departments, which are `code`, \
             `name`, `parent_code`, `manager_number`",
            "first.csv, line 1, name: the column `name` is missing",
            "second.csv, line 2, hire_date: must be a date of the form YYYY-MM-DD, for example \
             2026-03-01",
        ]
    );
}

const HISTORY: &str = "employee_number,first_day,last_day\n";

#[test]
fn employments_that_overlap_are_named() {
    let csv = format!("{PEOPLE}1,Ada,King,,2020-01-01,\n");
    let history = format!(
        "{HISTORY}1,2018-01-01,2018-12-31\n1,2018-12-31,2019-06-30\n1,2019-07-01,2019-07-01\n\
         1,2019-02-30,2019-03-01\n1,2019-12-01,2019-11-01\n"
    );
    assert_eq!(
        told(&[(Kind::Employees, &csv), (Kind::EmploymentHistory, &history)]),
        [
            "second.csv, line 3, first_day: 2018-12-31 to 2019-06-30 overlaps with line 2 \
             (2018-01-01 to 2018-12-31)",
            "second.csv, line 5, first_day: must be a date of the form YYYY-MM-DD, for example \
             2026-03-01",
            "second.csv, line 6, last_day: lies before the first day",
        ]
    );
}

#[test]
fn the_present_employment_must_not_begin_before_the_last_earlier_one_ends() {
    let csv = "employee_number,first_name,last_name,hire_date,position_since,last_day\n\
               1,Ada,King,2017-01-01,2018-06-01,\n2,Bo,Lee,2020-01-01,2019-01-01,\n\
               3,Cy,Coe,2020-01-01,,2019-01-01\n";
    let history = format!("{HISTORY}1,2018-01-01,2018-12-31\n");
    assert_eq!(
        told(&[(Kind::Employees, csv), (Kind::EmploymentHistory, &history)]),
        [
            "first.csv, line 2, position_since: 2018-06-01 and on overlaps with line 2 of \
             second.csv (2018-01-01 to 2018-12-31)",
            "first.csv, line 3, position_since: 2019-01-01 lies before the day of hire, 2020-01-01",
            "first.csv, line 4, last_day: lies before the first day of the present employment, \
             2020-01-01",
        ]
    );
}

#[test]
fn an_earlier_employment_of_somebody_who_is_here_must_fit_what_is_stored() {
    let stored = DateRange::new(date!(2018 - 06 - 01), None).unwrap();
    let known = || Known {
        employees: [("1".parse().unwrap(), here(1))].into(),
        employments: [("1".parse().unwrap(), vec![stored])].into(),
        ..Known::default()
    };
    let fits = format!("{HISTORY}1,2018-01-01,2018-05-31\n");
    assert_eq!(
        plan(&[(Kind::EmploymentHistory, &fits)], known())
            .employments
            .len(),
        1
    );
    for overlaps in ["1,2018-01-01,2018-06-01\n", "1,2019-01-01,2019-02-01\n"] {
        let overlaps = format!("{HISTORY}{overlaps}");
        let faults = faults_with(&[(Kind::EmploymentHistory, &overlaps)], known());
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 1);
        assert!(
            told[0].contains("a stored employment (2018-06-01 and on)"),
            "{told:?}"
        );
    }
}

#[test]
fn pay_needs_an_amount_a_currency_and_a_period() {
    let header =
        "first_name,last_name,hire_date,pay_amount,pay_currency,pay_period,commission_percent\n";
    let csv = format!(
        "{header}A,A,2020-01-01,1000,,monthly,\nB,B,2020-01-01,,EUR,monthly,5\n\
         C,C,2020-01-01,,EUR,monthly,\nD,D,2020-01-01,10.005,EUR,daily,101\n\
         E,E,2020-01-01,-5,EUR,yearly,\n"
    );
    assert_eq!(
        told(&[(Kind::Employees, &csv)]),
        [
            "first.csv, line 2, pay_currency: must not be empty",
            "first.csv, line 3, pay_amount: must not be empty",
            "first.csv, line 5, pay_period: must be one of yearly, monthly, weekly, hourly",
            "first.csv, line 5, commission_percent: must be a percentage from 0 to 100 with at \
             most two decimal places, for example \"12.5\"",
            "first.csv, line 5, pay_amount: EUR has 2 decimal places",
            "first.csv, line 6, pay_amount: pay is not negative",
        ]
    );
}

#[test]
fn pay_is_in_force_for_as_long_as_the_present_employment() {
    let csv = "first_name,last_name,hire_date,position_since,last_day,pay_amount,pay_currency,pay_period\n\
               Ada,King,2020-01-01,2022-01-01,2026-06-30,1000.50,EUR,monthly\n";
    let plan = plan(&[(Kind::Employees, csv)], Known::default());
    let days = DateRange::new(date!(2022 - 01 - 01), Some(date!(2026 - 07 - 01))).unwrap();
    assert_eq!(plan.employments[0].period, days);
    assert_eq!(plan.compensations[0].period, days);
    assert_eq!(
        plan.employees[0].employed_until,
        Some(date!(2026 - 07 - 01))
    );
}

#[test]
fn a_formula_stays_text() {
    let csv = people("1,=1+1,@SUM(A1),,2020-01-01,\n");
    let plan = plan(&[(Kind::Employees, &csv)], Known::default());
    assert_eq!(plan.employees[0].name.to_string(), "=1+1 @SUM(A1)");
}

#[test]
fn the_apostrophe_before_a_formula_in_a_list_is_no_part_of_the_text() {
    let csv = people("1,'=1+1,''@SUM(A1),,2020-01-01,\n2,'t,O'Neill,,2020-01-01,\n");
    let plan = plan(&[(Kind::Employees, &csv)], Known::default());
    let names: Vec<String> = plan
        .employees
        .iter()
        .map(|it| it.name.to_string())
        .collect();
    assert_eq!(names, ["=1+1 '@SUM(A1)", "'t O'Neill"]);
}

#[test]
fn a_character_that_storage_cannot_hold_is_a_fault() {
    let csv = people("1,Ad\u{0}a,King,,2020-01-01,\n");
    assert_eq!(
        told(&[(Kind::Employees, &csv)]),
        ["first.csv, line 2, first_name: must be a single line of printable characters"]
    );
}

#[test]
fn a_thousand_faults_are_told_and_the_rest_are_counted() {
    let csv = people(&"1,,,,,\n".repeat(1_000));
    let faults = faults_with(&[(Kind::Employees, &csv)], Known::default());
    assert_eq!(faults.iter().count(), ImportLimits::DEFAULT.faults);
    assert_eq!(faults.total(), 3_999);
    assert_eq!(faults.more(), 2_999);
}

#[test]
fn an_import_without_enough_numbers_is_no_plan() {
    let csv = people(",Ada,King,,2020-01-01,\n");
    let files = [(Kind::Employees, csv.as_str())];
    let draft = checked(&files, Known::default(), ImportMode::Atomic).unwrap();
    assert_eq!(draft.unnumbered(), 1);
    assert!(draft.plan(Vec::new(), &ambient()).is_none());
}

#[test]
fn who_does_not_work_here_any_more_leads_nobody() {
    let left = KnownEmployee {
        employed_until: Some(date!(2026 - 02 - 01)),
        ..here(7)
    };
    let leaving = KnownEmployee {
        employed_until: Some(date!(2026 - 07 - 01)),
        ..here(8)
    };
    let known = Known {
        employees: [
            ("7".parse().unwrap(), left),
            ("8".parse().unwrap(), leaving),
        ]
        .into(),
        ..Known::default()
    };
    let csv = "employee_number,first_name,last_name,hire_date,last_day,manager_number\n\
               1,Ada,King,2020-01-01,,7\n2,Bo,Lee,2020-01-01,,8\n3,Cy,Coe,2020-01-01,2026-06-30,8\n\
               4,Di,Doe,2020-01-01,2025-12-31,7\n5,Ed,Eve,2020-01-01,,6\n\
               6,Flo,Fox,2026-05-01,,\n";
    let faults = faults_with(&[(Kind::Employees, csv)], known);
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "first.csv, line 2, manager_number: the manager is terminated on 2026-03-01",
            "first.csv, line 3, manager_number: the manager leaves: his last day is 2026-06-30",
            "first.csv, line 6, manager_number: the manager is scheduled on 2026-03-01",
        ]
    );
}
