use employees::{
    EmployeesError,
    model::{EmployeeProfile, EmploymentStatus},
    service::{Edit, Rehire, Transfer},
};
use kernel::ErrorKind;
use time::{Date, Duration, macros::date};
use uuid::Uuid;

use crate::company::{Company, TODAY, asked, back, leaving, monthly, named, somebody};

const GONE: Date = date!(2024 - 03 - 01);

/// Who was here from 2020 until the last day of February 2024, in sales.
async fn former(company: &Company) -> EmployeeProfile {
    let mut hire = somebody("Yang");
    hire.number = Some("77".parse().unwrap());
    hire.references.department = Some(company.department("Sales").await);
    hire.pay = Some(monthly("3000"));
    let yang = company.hire(hire).await.unwrap();
    company.end(yang.id, GONE).await;
    company.show(yang.id).await.unwrap()
}

#[tokio::test]
async fn who_comes_back_keeps_his_number_and_his_past() {
    for day in [date!(2024 - 03 - 02), TODAY, TODAY + Duration::days(30)] {
        let company = Company::found().await;
        let yang = former(&company).await;
        let finance = company.department("Finance").await;
        let rehire = Rehire {
            references: employees::repository::References {
                department: Some(finance),
                ..back(day).references
            },
            pay: Some(monthly("4000")),
            ..back(day)
        };
        let shown = company.rehire(yang.id, rehire).await.unwrap();
        assert_eq!(shown, company.show(yang.id).await.unwrap());
        assert_eq!(shown.number.as_str(), "77");
        assert_eq!(shown.original_hire_date, date!(2020 - 01 - 01));
        let on = async |day| {
            let shown = company.on(yang.id, day).await;
            let department = shown.assignment.unwrap().department.unwrap().name;
            (shown.status.as_str(), shown.hire_date, department)
        };
        let (first, sales) = (date!(2020 - 01 - 01), || "Sales".to_owned());
        for (at, expected) in [
            (date!(2019 - 12 - 31), ("scheduled", first, sales())),
            (first, ("active", first, sales())),
            (GONE - Duration::DAY, ("active", first, sales())),
            (GONE, ("terminated", first, sales())),
            (day - Duration::DAY, ("terminated", first, sales())),
            (day, ("active", day, "Finance".to_owned())),
            (date!(2099 - 01 - 01), ("active", day, "Finance".to_owned())),
        ] {
            assert_eq!(on(at).await, expected, "{day}: {at}");
        }
        assert_eq!(company.pay_on(yang.id, GONE).await.unwrap(), "3000.00 EUR");
        assert_eq!(company.pay_on(yang.id, day).await.unwrap(), "4000.00 EUR");

        // The lists say the same of today.
        for status in EmploymentStatus::WORDS {
            let listed = company.names(&asked(&[("status", status)]), 10).await;
            let not = company.names(&asked(&[("status[ne]", status)]), 10).await;
            let expected = shown.status.as_str() == *status;
            assert_eq!(
                (listed.len(), not.len()),
                (usize::from(expected), usize::from(!expected))
            );
        }
        let all = company.list(&asked(&[])).await;
        assert_eq!(all[0].status, shown.status);
    }
}

#[tokio::test]
async fn who_comes_back_without_a_break_was_never_away() {
    let company = Company::found().await;
    let yang = former(&company).await;
    let rehire = Rehire {
        references: employees::repository::References {
            department: yang
                .assignment
                .as_ref()
                .unwrap()
                .department
                .as_ref()
                .map(|it| it.id),
            ..back(GONE).references
        },
        ..back(GONE)
    };
    let shown = company.rehire(yang.id, rehire).await.unwrap();
    assert_eq!(
        (shown.hire_date, shown.status),
        (date!(2020 - 01 - 01), EmploymentStatus::Active)
    );
    assert_eq!(company.employments(yang.id).await.len(), 1);
    assert_eq!(
        company.on(yang.id, GONE).await.status,
        EmploymentStatus::Active
    );
    assert_eq!(
        company.on(yang.id, GONE).await.hire_date,
        date!(2020 - 01 - 01)
    );
}

#[tokio::test]
async fn who_works_here_is_not_rehired() {
    let company = Company::found().await;
    let yang = company.person("Yang", None).await;
    let expected = (
        ErrorKind::StateConflict,
        "/hire_date".to_owned(),
        "employed",
    );
    assert_eq!(named(company.rehire(yang, back(TODAY)).await), expected);
    // Nor while he still does, unless he stays without a break.
    let last_day = TODAY + Duration::days(10);
    company.terminate(yang, leaving(last_day)).await.unwrap();
    let later = back(last_day + Duration::days(30));
    assert_eq!(named(company.rehire(yang, later).await), expected);
    let (kind, _, code) = named(company.rehire(yang, back(last_day)).await);
    assert_eq!((kind, code), (ErrorKind::ValidationFailed, "employed"));
    company
        .rehire(yang, back(last_day + Duration::DAY))
        .await
        .unwrap();
    let gone = company
        .rehire(Uuid::from_u128(404).into(), back(TODAY))
        .await;
    assert!(matches!(gone, Err(EmployeesError::NotFound)));
}

#[tokio::test]
async fn a_former_service_can_be_corrected_and_stays_as_long_as_it_was() {
    let company = Company::found().await;
    let yang = former(&company).await;
    company.rehire(yang.id, back(TODAY)).await.unwrap();
    let it = company.department("IT").await;
    let transfer = Transfer {
        department: Edit::Set(it),
        ..Transfer::on(date!(2022 - 01 - 01))
    };
    company.transfer(yang.id, transfer).await.unwrap();
    assert_eq!(company.department_on(yang.id, GONE).await.unwrap(), "IT");
    assert_eq!(
        company
            .department_on(yang.id, date!(2021 - 12 - 31))
            .await
            .unwrap(),
        "Sales"
    );
    assert_eq!(
        company.on(yang.id, GONE).await.status,
        EmploymentStatus::Terminated
    );
    assert_eq!(company.department_on(yang.id, TODAY).await, None);
}

#[tokio::test]
async fn who_comes_back_reports_to_somebody_who_works_here() {
    let company = Company::found().await;
    let yang = former(&company).await;
    let king = company.person("King", None).await;
    company.end(king, TODAY).await;
    for (manager, code) in [
        (king, "not_active"),
        (yang.id, "cycle"),
        (Uuid::from_u128(404).into(), "not_found"),
    ] {
        let rehire = Rehire {
            references: employees::repository::References {
                manager: Some(manager),
                ..back(TODAY).references
            },
            ..back(TODAY)
        };
        let (_, field, told) = named(company.rehire(yang.id, rehire).await);
        assert_eq!((field.as_str(), told), ("/manager_id", code));
    }
}
