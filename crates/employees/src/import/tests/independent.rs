//! What comes in when some rows do not.

use std::collections::HashSet;

use kernel::EmployeeId;
use proptest::prelude::*;

use super::{ambient, checked, here, people, whole};
use crate::import::{ImportMode, Kind, Known};

/// The numbers of those who come in, and what is told of the others.
fn independent(files: &[(Kind, &str)], known: Known) -> (Vec<String>, Vec<String>) {
    let draft = checked(files, known, ImportMode::Independent).unwrap();
    let told = draft.faults().iter().map(ToString::to_string).collect();
    let unnumbered = draft.unnumbered();
    let numbers = (0..unnumbered).map(|n| format!("D{n}").parse().unwrap());
    let report = draft.report();
    let batch = whole(draft.plan(numbers.collect(), &ambient()).unwrap());
    assert_eq!(report.employees, batch.employees.len());
    assert_eq!(report.compensations, batch.compensations.len());
    assert_eq!(
        report.employees + report.past_employments,
        batch.employments.len()
    );
    let numbers = batch.employees.iter().map(|it| it.number.to_string());
    (numbers.collect(), told)
}

#[test]
fn good_rows_come_in_without_the_bad_ones_and_those_who_need_them() {
    let csv = people(
        "1,Ada,King,,2020-01-01,2\n2,Bo,Lee,,2020-01-01,3\n3,Cy,,,2020-01-01,\n\
         4,Di,Doe,,2020-01-01,\n,Ed,Eve,,2020-01-01,4\n6,Flo,Fox,,2020-01-01,1\n\
         4,Gus,Guy,,2020-01-01,\n8,Hal,Hit,,2020-01-01,99\n9,\"I\"x,Ivy,,2020-01-01,\n",
    );
    let (come, told) = independent(&[(Kind::Employees, &csv)], Known::default());
    assert_eq!(come, ["4", "D0"]);
    assert_eq!(
        told,
        [
            "first.csv, line 2, manager_number: the employee `2` does not come in",
            "first.csv, line 3, manager_number: the employee `3` does not come in",
            "first.csv, line 4, last_name: must not be empty",
            "first.csv, line 7, manager_number: the employee `1` does not come in",
            "first.csv, line 8, employee_number: `4` stands in line 5 already",
            "first.csv, line 9, manager_number: there is no employee `99`, neither in these files \
             nor stored",
            "first.csv, line 10: text follows the quotation mark that closes a cell; double the \
             quotation marks inside a cell",
        ]
    );
}

#[test]
fn who_stands_in_the_file_and_is_here_already_leads_as_he_is() {
    let known = Known {
        employees: [("1".parse().unwrap(), here(1))].into(),
        ..Known::default()
    };
    let csv = people("1,Ada,King,,2020-01-01,\n2,Bo,Lee,,2020-01-01,1\n");
    let (come, told) = independent(&[(Kind::Employees, &csv)], known);
    assert_eq!(come, ["2"]);
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_bad_row_reaches_those_who_need_it_through_files() {
    let departments = "code,name,parent_code,manager_number\nA,,,\nB,B,A,\nC,C,,2\nD,D,,\n";
    let csv = "employee_number,first_name,last_name,hire_date,department_code\n\
               1,Ada,King,2020-01-01,B\n2,Bo,Lee,2020-01-01,\n3,Cy,Coe,2020-01-01,C\n\
               4,Di,Doe,2020-01-01,D\n";
    let history = "employee_number,first_day,last_day,department_code\n\
                   2,2018-01-01,2018-12-31,B\n4,2018-01-01,2018-12-31,D\n";
    let (come, told) = independent(
        &[
            (Kind::Departments, departments),
            (Kind::Employees, csv),
            (Kind::EmploymentHistory, history),
        ],
        Known::default(),
    );
    assert_eq!(come, ["4"]);
    assert_eq!(
        told,
        [
            "first.csv, line 2, name: must not be empty",
            "first.csv, line 3, parent_code: the department `A` does not come in",
            "first.csv, line 4, manager_number: the employee `2` does not come in",
            "second.csv, line 2, department_code: the department `B` does not come in",
            "second.csv, line 3, employee_number: his earlier employment in line 2 does not come in",
            "second.csv, line 4, department_code: the department `C` does not come in",
            "third.csv, line 2, department_code: the department `B` does not come in",
        ]
    );
}

#[test]
fn a_file_that_cannot_be_read_at_all_brings_nothing_in() {
    for csv in ["", "first_name\n", "a,b\n1,2\n"] {
        let files = [(Kind::Employees, csv)];
        assert!(checked(&files, Known::default(), ImportMode::Independent).is_err());
    }
}

/// Were those who need a bad row looked for again and again, this test would not come to an end.
#[test]
fn a_chain_of_managers_falls_with_its_head() {
    let rows: Vec<String> = (1..20_000)
        .map(|n| format!("{n},Ada,King,,2020-01-01,{}\n", n + 1))
        .collect();
    let csv = people(&format!("{}20000,Ada,,,2020-01-01,\n", rows.concat()));
    let files = [(Kind::Employees, csv.as_str())];
    let draft = checked(&files, Known::default(), ImportMode::Independent).unwrap();
    assert_eq!(draft.report().rows(), 0);
    assert_eq!(draft.faults().rows(), 20_000);
}

proptest! {
    /// Every row comes in or is told, and of those who come in nobody needs one who does not.
    #[test]
    fn what_is_left_of_a_file_is_sound(
        rows in prop::collection::vec((1_u8..9, 0_u8..12, any::<bool>(), any::<bool>()), 0..12)
    ) {
        let row = |(number, manager, has_name, has_date): &(u8, u8, bool, bool)| {
            let manager = if *manager == 0 { String::new() } else { manager.to_string() };
            let name = if *has_name { "King" } else { "" };
            let date = if *has_date { "2020-01-01" } else { "01/02/2020" };
            format!("{number},Ada,{name},,{date},{manager}\n")
        };
        let lines: Vec<String> = rows.iter().map(row).collect();
        let csv = people(&lines.concat());
        let files = [(Kind::Employees, csv.as_str())];
        let draft = checked(&files, Known::default(), ImportMode::Independent).unwrap();
        prop_assert_eq!(draft.report().rows() + draft.faults().rows(), rows.len());
        let batch = whole(draft.plan(Vec::new(), &ambient()).unwrap());
        let ids: HashSet<EmployeeId> = batch.employees.iter().map(|it| it.id).collect();
        let numbers: HashSet<&str> = batch.employees.iter().map(|it| it.number.as_str()).collect();
        prop_assert_eq!(numbers.len(), batch.employees.len());
        for employment in &batch.employments {
            prop_assert!(ids.contains(&employment.employee_id));
            let manager = employment.terms.manager_id;
            prop_assert!(manager.is_none_or(|manager| ids.contains(&manager)));
        }
    }
}
