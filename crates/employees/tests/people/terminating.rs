use employees::{
    EmployeesError,
    model::{EmploymentStatus, EndReason},
    service::{Terminate, Transfer},
};
use kernel::{DomainError as _, EmployeeId, ErrorKind};
use time::{Date, Duration, macros::date};
use uuid::Uuid;

use crate::company::{Company, TODAY, asked, back, leaving, monthly, named, paid, somebody, under};

fn succeeded(last_day: Date, successor: EmployeeId) -> Terminate {
    Terminate {
        successor: Some(successor),
        ..leaving(last_day)
    }
}

const NEXT: Duration = Duration::DAY;

#[tokio::test]
async fn a_service_ends_after_its_last_day_in_the_past_today_and_in_the_future() {
    let company = Company::found().await;
    for last_day in [
        date!(2020 - 01 - 01),
        date!(2024 - 02 - 29),
        TODAY - NEXT,
        TODAY,
        TODAY + NEXT,
    ] {
        let mut hire = somebody("Yang");
        hire.pay = Some(monthly("3000"));
        let yang = company.hire(hire).await.unwrap().id;
        let shown = company.terminate(yang, leaving(last_day)).await.unwrap();
        let expected = if last_day < TODAY {
            "terminated"
        } else {
            "active"
        };
        assert_eq!(shown.status.as_str(), expected, "{last_day}");
        assert_eq!(shown, company.show(yang).await.unwrap());
        let of = async |day| company.on(yang, day).await.status;
        assert_eq!(of(date!(2019 - 12 - 31)).await, EmploymentStatus::Scheduled);
        assert_eq!(of(last_day).await, EmploymentStatus::Active);
        assert_eq!(of(last_day + NEXT).await, EmploymentStatus::Terminated);
        // His pay ends with it: what is shown of him later is what he had.
        assert_eq!(
            company.pay_on(yang, last_day + NEXT).await.unwrap(),
            "3000.00 EUR"
        );
    }
    let terminated = company.names(&asked(&[("status", "terminated")]), 10).await;
    assert_eq!(terminated.len(), 3);
}

#[tokio::test]
async fn what_was_agreed_for_later_is_void() {
    let company = Company::found().await;
    let sales = company.department("Sales").await;
    let yang = company.person("Yang", None).await;
    let later = date!(2027 - 01 - 01);
    let transfer = Transfer {
        department: employees::service::Edit::Set(sales),
        ..Transfer::on(later)
    };
    company.transfer(yang, transfer).await.unwrap();
    company.pay(yang, paid(later, "5000")).await.unwrap();
    company
        .terminate(yang, leaving(later - NEXT))
        .await
        .unwrap();
    assert_eq!(company.department_on(yang, later).await, None);
    assert_eq!(company.pay_on(yang, later).await, None);
    assert_eq!(company.employments(yang).await.len(), 1);
}

#[tokio::test]
async fn who_leaves_may_only_leave_earlier() {
    let company = Company::found().await;
    let yang = company.person("Yang", None).await;
    let last_day = TODAY + Duration::days(60);
    company.terminate(yang, leaving(last_day)).await.unwrap();
    let refused = named(company.terminate(yang, leaving(last_day + NEXT)).await);
    assert_eq!(
        refused,
        (
            ErrorKind::StateConflict,
            "/last_day".to_owned(),
            "not_employed"
        )
    );
    company.terminate(yang, leaving(last_day)).await.unwrap();
    company.terminate(yang, leaving(TODAY)).await.unwrap();
    assert_eq!(
        company.on(yang, TODAY + NEXT).await.status,
        EmploymentStatus::Terminated
    );
}

#[tokio::test]
async fn nobody_leaves_before_he_begins() {
    let company = Company::found().await;
    let mut hire = somebody("Yang");
    hire.hire_date = TODAY + Duration::days(10);
    let yang = company.hire(hire).await.unwrap().id;
    let refused = named(
        company
            .terminate(yang, leaving(TODAY + Duration::days(9)))
            .await,
    );
    assert_eq!(
        refused,
        (
            ErrorKind::ValidationFailed,
            "/last_day".to_owned(),
            "not_employed"
        )
    );
    company
        .terminate(yang, leaving(TODAY + Duration::days(10)))
        .await
        .unwrap();
    let gone = company
        .terminate(Uuid::from_u128(404).into(), leaving(TODAY))
        .await;
    assert!(matches!(gone, Err(EmployeesError::NotFound)));
}

#[tokio::test]
async fn the_reason_is_told_and_forgotten_when_he_stays() {
    let company = Company::found().await;
    let yang = company.person("Yang", None).await;
    let resigned = Terminate {
        reason: Some(EndReason::Resignation),
        ..leaving(TODAY + NEXT)
    };
    company.terminate(yang, resigned).await.unwrap();
    let reason = async || company.employments(yang).await[0].end_reason;
    assert_eq!(reason().await, Some(EndReason::Resignation));
    company
        .rehire(yang, back(TODAY + NEXT + NEXT))
        .await
        .unwrap();
    assert_eq!(reason().await, None);
}

/// Yang and Garcia report to King, Mavris to Garcia.
async fn house() -> (Company, [EmployeeId; 4]) {
    let company = Company::found().await;
    let king = company.person("King", None).await;
    let yang = company.person("Yang", Some(king)).await;
    let garcia = company.person("Garcia", Some(king)).await;
    let mavris = company.person("Mavris", Some(garcia)).await;
    (company, [king, yang, garcia, mavris])
}

#[tokio::test]
async fn who_leads_somebody_needs_a_successor() {
    let (company, [king, yang, garcia, _]) = house().await;
    let expected = (
        ErrorKind::StateConflict,
        "/successor_id".to_owned(),
        "required",
    );
    for last_day in [
        TODAY - Duration::days(400),
        TODAY,
        TODAY + Duration::days(400),
    ] {
        assert_eq!(
            named(company.terminate(king, leaving(last_day)).await),
            expected
        );
    }
    assert_eq!(
        company.on(king, TODAY).await.status,
        EmploymentStatus::Active
    );

    // Not when those who report to him will have gone, or will report to somebody else.
    company
        .terminate(yang, leaving(TODAY + Duration::days(9)))
        .await
        .unwrap();
    let transfer = Transfer {
        manager: employees::service::Edit::Clear,
        ..Transfer::on(TODAY + Duration::days(10))
    };
    company.transfer(garcia, transfer).await.unwrap();
    assert_eq!(
        named(
            company
                .terminate(king, leaving(TODAY + Duration::days(8)))
                .await
        ),
        expected
    );
    company
        .terminate(king, leaving(TODAY + Duration::days(9)))
        .await
        .unwrap();
}

#[tokio::test]
async fn those_who_reported_to_him_report_to_his_successor() {
    let (company, [king, yang, garcia, mavris]) = house().await;
    let boss = company.person("Boss", None).await;
    let last_day = TODAY + Duration::days(9);
    let before = company.show(yang).await.unwrap().stamp.version;
    company
        .terminate(king, succeeded(last_day, boss))
        .await
        .unwrap();
    for report in [yang, garcia] {
        assert_eq!(
            company.manager_on(report, last_day).await.unwrap(),
            "Ann King"
        );
        assert_eq!(
            company.manager_on(report, last_day + NEXT).await.unwrap(),
            "Ann Boss"
        );
    }
    assert_eq!(
        company.manager_on(mavris, last_day + NEXT).await.unwrap(),
        "Ann Garcia"
    );
    assert_eq!(company.show(yang).await.unwrap().stamp.version, before + 1);
}

#[tokio::test]
async fn a_successor_from_their_midst_takes_his_place() {
    let (company, [king, yang, garcia, mavris]) = house().await;
    company
        .terminate(garcia, succeeded(TODAY, mavris))
        .await
        .unwrap();
    assert_eq!(
        company.manager_on(mavris, TODAY + NEXT).await.unwrap(),
        "Ann King"
    );
    company
        .terminate(king, succeeded(TODAY, yang))
        .await
        .unwrap();
    assert_eq!(company.manager_on(yang, TODAY + NEXT).await, None);
    assert_eq!(
        company.manager_on(mavris, TODAY + NEXT).await.unwrap(),
        "Ann Yang"
    );
    assert_eq!(company.manager_on(yang, TODAY).await.unwrap(), "Ann King");
}

#[tokio::test]
async fn who_cannot_lead_them_is_no_successor() {
    let (company, [king, yang, garcia, mavris]) = house().await;
    let tell = async |successor| {
        let refused = named(company.terminate(king, succeeded(TODAY, successor)).await);
        assert_eq!(refused.0, ErrorKind::ValidationFailed);
        assert_eq!(refused.1, "/successor_id");
        refused.2
    };
    assert_eq!(tell(king).await, "invalid");
    assert_eq!(tell(Uuid::from_u128(404).into()).await, "not_found");
    // He reports to Garcia, who would report to him.
    assert_eq!(tell(mavris).await, "cycle");
    company
        .terminate(yang, leaving(TODAY + Duration::days(20)))
        .await
        .unwrap();
    assert_eq!(tell(yang).await, "not_active");
    let mut late = somebody("Late");
    late.hire_date = TODAY + Duration::days(2);
    let late = company.hire(late).await.unwrap().id;
    assert_eq!(tell(late).await, "not_active");
    // Nothing of it happened.
    assert_eq!(
        company.manager_on(garcia, TODAY + NEXT).await.unwrap(),
        "Ann King"
    );
    assert_eq!(
        company.on(king, TODAY + NEXT).await.status,
        EmploymentStatus::Active
    );
}

#[tokio::test]
async fn what_lies_in_the_past_is_handed_over_too() {
    let (company, [king, yang, garcia, _]) = house().await;
    let moved = date!(2025 - 06 - 01);
    company.transfer(yang, under(garcia, moved)).await.unwrap();
    let last_day = date!(2024 - 12 - 31);
    let boss = company.person("Boss", None).await;
    company
        .terminate(king, succeeded(last_day, boss))
        .await
        .unwrap();
    assert_eq!(
        company.manager_on(yang, last_day).await.unwrap(),
        "Ann King"
    );
    assert_eq!(
        company.manager_on(yang, last_day + NEXT).await.unwrap(),
        "Ann Boss"
    );
    assert_eq!(company.manager_on(yang, moved).await.unwrap(), "Ann Garcia");
    let error = company
        .terminate(boss, leaving(last_day))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StateConflict);
}
