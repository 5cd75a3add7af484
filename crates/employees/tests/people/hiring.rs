use database::StoreError;
use employees::{
    EmployeesError,
    model::{Commission, EmploymentStatus, Guarded, Pay, PayPeriod, Remuneration},
    permission::Create,
    postgres::Postgres,
    repository::{CounterRepository as _, Series},
};
use futures_util::future::join_all;
use kernel::{DomainError as _, ErrorKind, Money};
use time::{Duration, macros::date};
use uuid::Uuid;

use crate::company::{Company, TODAY, permit, somebody};

#[tokio::test]
async fn who_is_hired_is_shown_as_he_was_answered() {
    let company = Company::found().await;
    let sales = company.department("Sales").await;
    let king = company.person("King", None).await;
    let mut hire = somebody("Yang");
    hire.number = Some("e-101".parse().unwrap());
    hire.work_email = Some("Neena.Yang@example.com".parse().unwrap());
    hire.phone = Some("1.515.555.0101".parse().unwrap());
    hire.references.department = Some(sales);
    hire.references.manager = Some(king);
    let amount = Money::parse("17000", "USD").unwrap();
    hire.pay = Some(Remuneration {
        pay: Pay::new(amount, PayPeriod::Monthly).unwrap(),
        commission: Some(Commission::from_basis_points(1_250).unwrap()),
    });

    let hired = company.hire(hire).await.unwrap();

    assert_eq!(company.show(hired.id).await.unwrap(), hired);
    assert_eq!(hired.number.as_str(), "E-101");
    let assignment = hired.assignment.unwrap();
    assert_eq!(assignment.department.unwrap().name, "Sales");
    assert_eq!(assignment.manager.unwrap().name, "Ann King");
    let Guarded::Shown(Some(pay)) = hired.compensation else {
        panic!()
    };
    assert_eq!(pay.pay.amount(), amount);
}

#[tokio::test]
async fn a_number_and_an_address_belong_to_one_person_of_a_company() {
    let company = Company::found().await;
    let mut first = somebody("King");
    first.number = Some("100".parse().unwrap());
    first.work_email = Some("king@example.com".parse().unwrap());
    company.hire(first.clone()).await.unwrap();

    let mut same_number = somebody("Yang");
    same_number.number.clone_from(&first.number);
    let error = company.hire(same_number).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.fields()[0].pointer, "/employee_number");

    let mut same_address = somebody("Yang");
    same_address.work_email = Some("KING@example.com".parse().unwrap());
    let error = company.hire(same_address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.fields()[0].pointer, "/work_email");

    // The neighbour in the pool has a number 100 of his own.
    company
        .hire_into(&company.on.umbrella, first)
        .await
        .unwrap();
}

#[tokio::test]
async fn numbers_are_drawn_around_those_that_were_given() {
    let company = Company::found().await;
    for given in 1_001..1_012 {
        let mut hire = somebody("Given");
        hire.number = Some(given.to_string().parse().unwrap());
        company.hire(hire).await.unwrap();
    }
    let drawn = company.hire(somebody("Drawn")).await.unwrap();
    let number: u32 = drawn.number.as_str().parse().unwrap();
    assert!(number > 1_011, "{number}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_hired_at_once_have_forty_numbers() {
    let company = Company::found().await;
    let hired = join_all((0..40).map(|n| company.hire(somebody(&format!("N{n}"))))).await;
    let mut numbers: Vec<String> = hired
        .into_iter()
        .map(|profile| profile.unwrap().number.into_string())
        .collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 40);
}

/// Not only the numbers of a series that runs: whoever begins it does not collide with the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_series_that_many_begin_at_once_begins_once() {
    let company = Company::found().await;
    let on = &company.on;
    let all = [
        Series::Employees,
        Series::Departments,
        Series::JobTitles,
        Series::Locations,
    ];
    for tenant in [&on.acme, &on.globex, &on.initech, &on.umbrella] {
        for series in all {
            let draw = || {
                let (database, tenant) = (on.database.clone(), tenant.clone());
                async move {
                    let tx = database.begin_tenant(&tenant).await?;
                    let number = Postgres.draw(&tx, series).await?;
                    tx.commit().await?;
                    Ok::<_, StoreError>(number)
                }
            };
            let drawing: Vec<_> = (0..6).map(|_| telemetry::spawn(draw())).collect();
            let mut numbers = Vec::new();
            for drawn in drawing {
                numbers.push(drawn.await.unwrap().unwrap());
            }
            numbers.sort_unstable();
            assert_eq!(numbers, [1_001, 1_002, 1_003, 1_004, 1_005, 1_006]);
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_named_and_nobody_is_hired() {
    let company = Company::found().await;
    let mut hire = somebody("Yang");
    let nobody = Uuid::from_u128(404);
    hire.references.department = Some(nobody.into());
    hire.references.job_title = Some(nobody.into());
    hire.references.location = Some(nobody.into());
    hire.references.manager = Some(nobody.into());
    let error = company.hire(hire).await.unwrap_err();
    let fields: Vec<_> = error
        .fields()
        .into_iter()
        .map(|field| (field.pointer, field.code))
        .collect();
    assert_eq!(error.kind(), ErrorKind::ValidationFailed);
    assert_eq!(
        fields,
        [
            "/department_id",
            "/job_title_id",
            "/location_id",
            "/manager_id"
        ]
        .map(|pointer| (pointer.to_owned(), "not_found"))
    );
    assert!(
        company
            .names(&crate::company::everybody(), 10)
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn who_is_not_hired_takes_no_number() {
    let company = Company::found().await;
    let first = company.hire(somebody("King")).await.unwrap();
    for _ in 0..3 {
        let mut hire = somebody("Yang");
        hire.references.department = Some(Uuid::from_u128(404).into());
        company.hire(hire).await.unwrap_err();
    }
    let second = company.hire(somebody("Yang")).await.unwrap();
    let numbers = [first, second].map(|hired| hired.number.into_string());
    assert_eq!(numbers, ["1001", "1002"]);
}

/// Also when each connection that the tenant may have is hiring.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_being_hired_keeps_nobody_from_a_number() {
    let company = Company::found().await;
    let database = &company.on.database;
    let tenant = company.initech();
    let actor = company.administrator();
    let permit = permit::<Create>(&actor);
    let transactions = join_all((0..3).map(|_| database.begin_tenant(tenant))).await;
    let hiring = transactions.into_iter().map(async |tx| {
        let tx = tx.unwrap();
        let hired = company
            .employees
            .hire(&permit, &tx, &actor, somebody("Yang"))
            .await;
        (tx, hired.unwrap().number.into_string())
    });
    // None is committed yet.
    let (open, mut numbers): (Vec<_>, Vec<_>) = join_all(hiring).await.into_iter().unzip();
    numbers.sort();
    assert_eq!(numbers, ["1001", "1002", "1003"]);
    for tx in open {
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_neighbours_department_and_manager_are_not_there() {
    let company = Company::found().await;
    let sales = company.department("Sales").await;
    let king = company.person("King", None).await;
    let mut hire = somebody("Yang");
    hire.references.department = Some(sales);
    hire.references.manager = Some(king);
    let error = company
        .hire_into(&company.on.umbrella, hire)
        .await
        .unwrap_err();
    assert_eq!(error.fields().len(), 2);
}

#[tokio::test]
async fn who_has_left_leads_nobody() {
    let company = Company::found().await;
    let king = company.person("King", None).await;
    company.end(king, TODAY).await;
    let mut hire = somebody("Yang");
    hire.references.manager = Some(king);
    let error = company.hire(hire).await.unwrap_err();
    assert_eq!(error.fields()[0].pointer, "/manager_id");
    assert_eq!(error.fields()[0].code, "not_active");
}

#[tokio::test]
async fn who_begins_later_is_scheduled_and_shown_as_he_will_begin() {
    let company = Company::found().await;
    let sales = company.department("Sales").await;
    let mut hire = somebody("Yang");
    hire.hire_date = TODAY + Duration::days(10);
    hire.references.department = Some(sales);
    let hired = company.hire(hire).await.unwrap();
    assert_eq!(hired.status, EmploymentStatus::Scheduled);
    assert_eq!(company.show(hired.id).await.unwrap(), hired);
    assert_eq!(hired.assignment.unwrap().department.unwrap().name, "Sales");

    company.clock.advance(Duration::days(10));
    let shown = company.show(hired.id).await.unwrap();
    assert_eq!(shown.status, EmploymentStatus::Active);
}

#[tokio::test]
async fn a_date_of_hire_in_the_year_26_is_refused() {
    let company = Company::found().await;
    let mut hire = somebody("Yang");
    hire.hire_date = date!(0026 - 03 - 01);
    let error = company.hire(hire).await.unwrap_err();
    assert!(matches!(error, EmployeesError::Invalid(_)));
}
