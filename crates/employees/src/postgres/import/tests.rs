//! Imports into a real database.

mod oracle_hr;

use database::{Database, TenantContext};
use kernel::{Ambient, DomainError as _, ErrorKind};
use messaging::Origin;
use sea_orm::FromQueryResult;
use testkit::{DedicatedAndPooled, TestDatabase};

use crate::{
    import::{ImportLimits, ImportMode, ImportReport, ImportSet, Kind},
    postgres::Postgres,
    service::{ImportError, ImportOptions, Imports, WAITING},
};

struct House {
    tenants: DedicatedAndPooled,
    imports: Imports<Postgres>,
    _database: TestDatabase,
}

fn imports(database: &Database) -> Imports<Postgres> {
    let limits = ImportLimits::DEFAULT;
    Imports::new(database.clone(), Ambient::system(), Postgres, limits)
}

/// As the operator does it: all or nothing.
async fn import(
    imports: &Imports<Postgres>,
    tenant: &TenantContext,
    set: ImportSet,
) -> Result<ImportReport, ImportError> {
    let how = ImportOptions::default();
    let imported = imports.import_as_operator(tenant, (set, how), Origin::default(), &|_, _, _| ());
    Ok(imported.await?.report)
}

async fn house() -> House {
    let database = TestDatabase::create().await;
    let tenants = database.tenants().await;
    let imports = imports(&tenants.database);
    House {
        tenants,
        imports,
        _database: database,
    }
}

#[derive(Debug, FromQueryResult, PartialEq, Eq)]
struct Number {
    number: i64,
}

#[derive(Debug, FromQueryResult)]
struct Text {
    text: String,
}

impl House {
    async fn import(&self, files: &[(Kind, &str)]) -> Result<ImportReport, ImportError> {
        self.import_into(&self.tenants.acme, files).await
    }

    async fn import_into(
        &self,
        tenant: &TenantContext,
        files: &[(Kind, &str)],
    ) -> Result<ImportReport, ImportError> {
        let files = files
            .iter()
            .map(|(kind, text)| (*kind, kind.as_str(), text.as_bytes().to_vec()));
        import(&self.imports, tenant, ImportSet::native(files)).await
    }

    async fn number(&self, sql: &'static str) -> i64 {
        let database = &self.tenants.database;
        let tx = database
            .begin_tenant_read(&self.tenants.acme)
            .await
            .unwrap();
        tx.row::<Number>(sql, []).await.unwrap().unwrap().number
    }

    async fn texts(&self, sql: &'static str) -> Vec<String> {
        let database = &self.tenants.database;
        let tx = database
            .begin_tenant_read(&self.tenants.acme)
            .await
            .unwrap();
        let rows = tx.rows::<Text>(sql, []).await.unwrap();
        rows.into_iter().map(|row| row.text).collect()
    }
}

fn told(error: &ImportError) -> Vec<String> {
    let fields = error.fields();
    fields
        .into_iter()
        .map(|field| format!("{}: {}", field.pointer, field.message))
        .collect()
}

const NUMBERS: &str = "SELECT employee_number AS text FROM employees ORDER BY employee_number";
const PEOPLE: &str = "employee_number,first_name,last_name,hire_date,manager_number\n";

#[tokio::test]
async fn one_bad_row_keeps_everything_out() {
    let house = house().await;
    let people = format!("{PEOPLE}1,Ada,King,2020-01-01,\n2,Bo,Lee,2020-01-01,9\n");
    let files = [
        (Kind::Departments, "code,name\nIT,IT\n"),
        (Kind::Employees, people.as_str()),
    ];
    let error = house.import(&files).await.unwrap_err();
    assert_eq!(
        told(&error),
        ["/rows/3/manager_number: there is no employee `9`, neither in these files nor stored"]
    );
    assert!(house.texts(NUMBERS).await.is_empty());
    assert_eq!(
        house
            .number("SELECT count(*) AS number FROM departments")
            .await,
        0
    );
}

#[tokio::test]
async fn the_words_inside_the_names_come_in_too() {
    let house = house().await;
    let people = format!(
        "{PEOPLE}1,Ada,King,2020-01-01,\n2,Mary Ann,Lee,2020-01-01,\n3,Bo,de Haan,2020-01-01,\n"
    );
    house.import(&[(Kind::Employees, &people)]).await.unwrap();
    let words = "SELECT e.employee_number || ' ' || w.word_key AS text \
                 FROM name_words w JOIN employees e ON e.id = w.employee_id \
                 ORDER BY e.employee_number";
    assert_eq!(house.texts(words).await, ["2 ann", "3 haan"]);
}

#[tokio::test]
async fn what_is_stored_can_be_referred_to_and_not_be_added_again() {
    let house = house().await;
    let departments = "code,name,parent_code,manager_number\nIT,IT,CO,1\nCO,Company,,\n";
    let people = "employee_number,first_name,last_name,work_email,hire_date,department_code\n\
                  1,Ada,King,Ada@acme.example,2020-01-01,it\n";
    house
        .import(&[(Kind::Departments, departments), (Kind::Employees, people)])
        .await
        .unwrap();

    let more = format!("{PEOPLE}2,Bo,Lee,2020-01-01,1\n");
    house.import(&[(Kind::Employees, &more)]).await.unwrap();
    let history = "employee_number,first_day,last_day\n1,2019-01-01,2019-12-31\n";
    house
        .import(&[(Kind::EmploymentHistory, history)])
        .await
        .unwrap();

    let people = people.replace("Ada@", "ADA@");
    let again = [
        (Kind::Departments, departments),
        (Kind::Employees, people.as_str()),
    ];
    let error = house.import(&again).await.unwrap_err();
    let told = told(&error);
    let pointers: Vec<&str> = told
        .iter()
        .map(|fault| fault.split(':').next().unwrap())
        .collect();
    assert_eq!(
        pointers,
        [
            "/rows/2/code",
            "/rows/3/code",
            "/rows/2/employee_number",
            "/rows/2/work_email"
        ]
    );
    let error = house
        .import(&[(Kind::EmploymentHistory, history)])
        .await
        .unwrap_err();
    assert!(matches!(error, ImportError::Invalid(_)), "{error:?}");
    assert_eq!(
        house
            .number("SELECT count(*) AS number FROM employments")
            .await,
        3
    );
}

#[tokio::test]
async fn numbers_are_drawn_beside_those_that_are_given() {
    let house = house().await;
    let people = format!("{PEOPLE},Ada,King,2020-01-01,1002\n1002,Bo,Lee,2020-01-01,\n");
    house.import(&[(Kind::Employees, &people)]).await.unwrap();
    assert_eq!(house.texts(NUMBERS).await, ["1002", "1003"]);

    let people = format!("{PEOPLE}Z-1,Cy,Coe,2020-01-01,\n,Di,Doe,2020-01-01,\n");
    house.import(&[(Kind::Employees, &people)]).await.unwrap();
    assert_eq!(house.texts(NUMBERS).await, ["1002", "1003", "1004", "Z-1"]);
}

#[tokio::test]
async fn a_number_far_ahead_does_not_move_the_series() {
    let house = house().await;
    let people = format!("{PEOPLE}999999999,Ada,King,2020-01-01,\n,Bo,Lee,2020-01-01,\n");
    house.import(&[(Kind::Employees, &people)]).await.unwrap();
    assert_eq!(house.texts(NUMBERS).await, ["1001", "999999999"]);
}

#[tokio::test]
async fn drawing_passes_over_many_taken_numbers_in_a_row() {
    let house = house().await;
    let given = |number: u32| format!("{number},Ada,King,2020-01-01,\n");
    let far: String = (200_000..200_050).map(given).collect();
    let far = format!("{PEOPLE}{far}");
    house.import(&[(Kind::Employees, &far)]).await.unwrap();
    let near = [101_000, 199_999].map(given).concat();
    let near = format!("{PEOPLE}{near}");
    house.import(&[(Kind::Employees, &near)]).await.unwrap();

    let people = format!("{PEOPLE},Bo,Lee,2020-01-01,\n");
    house.import(&[(Kind::Employees, &people)]).await.unwrap();
    let next = "SELECT max(employee_number::bigint) AS number FROM employees";
    assert!((200_050..200_200).contains(&house.number(next).await));
}

#[tokio::test]
async fn a_neighbour_in_the_same_pool_is_not_there() {
    let house = house().await;
    let people = format!("{PEOPLE}1,Ada,King,2020-01-01,\n");
    let files = [(Kind::Employees, people.as_str())];
    house
        .import_into(&house.tenants.initech, &files)
        .await
        .unwrap();

    let people = format!("{PEOPLE}2,Bo,Lee,2020-01-01,1\n");
    let error = house
        .import_into(&house.tenants.umbrella, &[(Kind::Employees, &people)])
        .await;
    assert!(told(&error.unwrap_err())[0].contains("there is no employee `1`"));
    house
        .import_into(&house.tenants.umbrella, &files)
        .await
        .unwrap();
}

#[tokio::test]
async fn of_two_imports_of_the_same_people_one_comes_in() {
    let house = house().await;
    let rows: Vec<String> = (1..500)
        .map(|n| format!("{n},Ada,King,2020-01-01,\n"))
        .collect();
    let people = format!("{PEOPLE}{}", rows.concat());
    let files = [(Kind::Employees, people.as_str())];
    // In one process they would come one after the other.
    let another_process = imports(&house.tenants.database);
    let set = ImportSet::single(Kind::Employees, "employees", people.clone().into_bytes());
    let (one, other) = tokio::join!(
        house.import(&files),
        import(&another_process, &house.tenants.acme, set)
    );
    let ((Ok(_), Err(error)) | (Err(error), Ok(_))) = (one, other) else {
        unreachable!("one of two comes in");
    };
    let conflict = matches!(error, ImportError::Invalid(_) | ImportError::Changed(_));
    assert!(conflict, "{error:?}");
    assert_eq!(
        house
            .number("SELECT count(*) AS number FROM employments")
            .await,
        499
    );
}

const DEPARTMENT: [(Kind, &str); 1] = [(Kind::Departments, "code,name\nIT,IT\n")];

#[tokio::test]
async fn imports_of_one_tenant_keep_no_other_one_waiting() {
    let house = house().await;
    let (acme, imports) = (&house.tenants.acme, &house.imports);
    let turn = imports.turn_as_operator(acme).await.unwrap();
    let second = imports.turn_as_operator(acme);
    let mut second = std::pin::pin!(second);
    assert!(futures_util::poll!(second.as_mut()).is_pending());

    let neighbour = house.import_into(&house.tenants.globex, &DEPARTMENT).await;
    assert_eq!(neighbour.unwrap().departments, 1);

    drop(turn);
    second.await.unwrap();
}

#[tokio::test]
async fn who_would_wait_in_too_long_a_line_is_asked_to_come_later() {
    let house = house().await;
    let acme = &house.tenants.acme;
    let _turn = house.imports.turn_as_operator(acme).await.unwrap();
    let mut line: Vec<_> = (0..WAITING)
        .map(|_| Box::pin(house.imports.turn_as_operator(acme)))
        .collect();
    for waiting in &mut line {
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    }
    let error = house.import(&DEPARTMENT).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_pointer_is_a_json_pointer_and_the_rest_is_counted() {
    let house = house().await;
    let rows = "x,y\n".repeat(1_500);
    let error = house
        .import(&[(Kind::Departments, &format!("code,name\n{rows}"))])
        .await;
    let told = told(&error.unwrap_err());
    assert_eq!(told.len(), 1_001);
    assert_eq!(told[0], "/rows/3/code: `x` stands in line 2 already");
    assert_eq!(told[1_000], "/rows: 499 more things are wrong");

    let error = house
        .import(&[(Kind::Departments, "code,name,a/b~c\n")])
        .await
        .unwrap_err();
    assert!(error.fields()[0].pointer.ends_with("/a~1b~0c"));
}

#[tokio::test]
async fn a_dry_run_says_what_would_come_in_and_stores_nothing() {
    let house = house().await;
    let people = format!("{PEOPLE},Ada,King,2020-01-01,\n7,Bo,Lee,2020-01-01,\n8,,,,\n");
    let run = async |mode, dry_run| {
        let set = ImportSet::single(Kind::Employees, "e.csv", people.clone().into_bytes());
        let how = ImportOptions { mode, dry_run };
        let acme = &house.tenants.acme;
        house
            .imports
            .import_as_operator(acme, (set, how), Origin::default(), &|_, _, _| ())
            .await
    };
    let would = run(ImportMode::Independent, true).await.unwrap();
    assert!(house.texts(NUMBERS).await.is_empty());
    let counters = "SELECT count(*) AS number FROM counters";
    assert_eq!(house.number(counters).await, 0, "no number is drawn");
    let refused = run(ImportMode::Atomic, true).await.unwrap_err();
    assert_eq!(told(&refused).len(), 3, "{refused:?}");

    let did = run(ImportMode::Independent, false).await.unwrap();
    assert_eq!((would.report, would.faults), (did.report, did.faults));
    assert_eq!(did.report.employees, 2);
    assert_eq!(house.texts(NUMBERS).await, ["1001", "7"]);
}

#[tokio::test]
async fn who_leaves_leads_nobody_who_comes_in() {
    let house = house().await;
    let people = "employee_number,first_name,last_name,hire_date,last_day\n\
                  1,Ada,King,2020-01-01,2021-12-31\n";
    house.import(&[(Kind::Employees, people)]).await.unwrap();
    let people = format!("{PEOPLE}2,Bo,Lee,2020-01-01,1\n");
    let error = house.import(&[(Kind::Employees, &people)]).await;
    let told = told(&error.unwrap_err());
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("/rows/2/manager_number: the manager is terminated"));
}

#[tokio::test]
async fn a_manager_cannot_leave_while_those_who_report_to_him_come_in() {
    let house = house().await;
    let boss = format!("{PEOPLE}1,Ada,King,2020-01-01,\n");
    house.import(&[(Kind::Employees, &boss)]).await.unwrap();
    let people = format!("{PEOPLE}2,Bo,Lee,2020-01-01,1\n");
    let set = ImportSet::single(Kind::Employees, "e.csv", people.into_bytes());
    let acme = &house.tenants.acme;
    let turn = house.imports.turn_as_operator(acme).await.unwrap();
    let tx = house.tenants.database.begin_tenant(acme).await.unwrap();
    let how = ImportOptions::default();
    let progress = |_: Kind, _: usize, _: usize| ();
    let draft = house.imports.read(&turn, set.into()).await.unwrap();
    let imported = house.imports.import(&tx, &turn, draft, how, &progress);
    imported.await.unwrap();

    let leaving = house.tenants.database.begin_tenant(acme).await.unwrap();
    let lock = "SELECT id FROM employees WHERE employee_number = '1' FOR NO KEY UPDATE NOWAIT";
    assert!(leaving.run(lock, []).await.is_err());
    tx.commit().await.unwrap();
}

/// How long it takes stands in the output.
#[tokio::test]
#[ignore = "takes a minute"]
async fn a_hundred_thousand_people_come_in_together() {
    let house = house().await;
    let header = "employee_number,first_name,last_name,work_email,hire_date,manager_number,\
                  department_code,job_title_code,location_code,pay_amount,pay_currency,pay_period\n";
    let row = |n: u32| {
        let manager = match n {
            1 => String::new(),
            _ => (n / 10 + 1).min(n - 1).to_string(),
        };
        format!(
            "{n},Ada,King {n},a{n}@acme.example,2020-01-01,{manager},D,J,L,1000.50,EUR,monthly\n"
        )
    };
    let rows: Vec<String> = (1..=100_000).map(row).collect();
    let people = format!("{header}{}", rows.concat());
    let files = [
        (Kind::Departments, "code,name\nD,D\n"),
        (Kind::JobTitles, "code,name\nJ,J\n"),
        (Kind::Locations, "code,name,country\nL,L,DE\n"),
        (Kind::Employees, people.as_str()),
    ];
    let begun = std::time::Instant::now();
    let report = house.import(&files).await.unwrap();
    println!("{} people in {:?}", report.employees, begun.elapsed());
    assert_eq!(
        house
            .number("SELECT count(*) AS number FROM employments")
            .await,
        100_000
    );
}
