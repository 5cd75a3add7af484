use employees::{
    EmployeesError,
    model::{Commission, Guarded},
    permission::{Promote, Transfer as MayTransfer},
    service::{ChangeCompensation, Edit, Promotion, Transfer},
};
use kernel::{DepartmentId, DomainError as _, ErrorKind, Permit};
use time::{Date, Duration, macros::date};
use uuid::Uuid;

use crate::company::{Company, TODAY, leaving, monthly, named, paid, somebody};

fn into(department: DepartmentId, effective_date: Date) -> Transfer {
    Transfer {
        department: Edit::Set(department),
        ..Transfer::on(effective_date)
    }
}

#[tokio::test]
async fn a_transfer_holds_from_its_day_on_in_the_past_today_and_in_the_future() {
    let company = Company::found().await;
    let sales = company.department("Sales").await;
    for day in [
        date!(2024 - 02 - 29),
        TODAY - Duration::DAY,
        TODAY,
        TODAY + Duration::DAY,
        date!(2028 - 02 - 29),
    ] {
        let yang = company.person("Yang", None).await;
        let before = company.show(yang).await.unwrap();
        let shown = company.transfer(yang, into(sales, day)).await.unwrap();
        let today = (day <= TODAY).then(|| "Sales".to_owned());
        let department = shown.assignment.as_ref().unwrap().department.as_ref();
        assert_eq!(department.map(|it| it.name.clone()), today, "{day}");
        assert_eq!(shown, company.show(yang).await.unwrap());
        assert_eq!(shown.stamp.version, before.stamp.version + 1);
        let of = async |day| company.department_on(yang, day).await;
        assert_eq!(of(day - Duration::DAY).await, None, "{day}");
        assert_eq!(of(day).await.unwrap(), "Sales", "{day}");
        assert_eq!(of(date!(2100 - 01 - 01)).await.unwrap(), "Sales");
    }
}

#[tokio::test]
async fn what_is_scheduled_comes_into_force_where_the_tenant_lives_and_without_a_job() {
    let company = Company::found().await;
    let sales = company.department("Sales").await;
    let yang = company.person("Yang", None).await;
    let day = TODAY + Duration::days(8);
    company.transfer(yang, into(sales, day)).await.unwrap();
    let berlin = company.in_zone("Europe/Berlin").await;
    let auckland = company.in_zone("Pacific/Auckland").await;
    let midnight = day.midnight().assume_utc();
    for (hours, there, in_greenwich) in [
        (-24, false, false),
        (-12, true, false),
        (-2, true, false),
        (0, true, true),
    ] {
        company.clock.set(midnight + Duration::hours(hours));
        let in_auckland = company.show_in(&auckland, yang).await;
        let department = in_auckland.assignment.unwrap().department;
        assert_eq!(department.is_some(), there, "{hours}");
        let shown = company.show(yang).await.unwrap();
        let department = shown.assignment.unwrap().department;
        assert_eq!(department.is_some(), in_greenwich, "{hours}");
    }
    // One minute before and at midnight in Berlin, which is an hour ahead of Greenwich in winter.
    for (minutes, there) in [(-61, false), (-60, true)] {
        company.clock.set(midnight + Duration::minutes(minutes));
        let in_berlin = company.show_in(&berlin, yang).await;
        let department = in_berlin.assignment.unwrap().department;
        assert_eq!(department.is_some(), there, "{minutes}");
    }
}

#[tokio::test]
async fn a_correction_ends_where_the_next_change_begins() {
    let company = Company::found().await;
    let [sales, finance, it] = [
        company.department("Sales").await,
        company.department("Finance").await,
        company.department("IT").await,
    ];
    let yang = company.person("Yang", None).await;
    let of = async |day| company.department_on(yang, day).await;
    let (past, future) = (date!(2025 - 01 - 01), date!(2027 - 01 - 01));
    company.transfer(yang, into(finance, future)).await.unwrap();
    company.transfer(yang, into(sales, past)).await.unwrap();
    assert_eq!(of(future - Duration::DAY).await.unwrap(), "Sales");
    assert_eq!(of(future).await.unwrap(), "Finance");
    // On its own first day a change is replaced, and so is the first employment.
    company.transfer(yang, into(it, past)).await.unwrap();
    assert_eq!(of(past).await.unwrap(), "IT");
    let hired = date!(2020 - 01 - 01);
    company.transfer(yang, into(sales, hired)).await.unwrap();
    assert_eq!(of(hired).await.unwrap(), "Sales");
    assert_eq!(of(past).await.unwrap(), "IT");
    assert_eq!(company.employments(yang).await.len(), 3);
    // Only what is named changes.
    let part_time = Transfer {
        employment_type: Some("part_time".parse().unwrap()),
        ..Transfer::on(past)
    };
    let shown = company.transfer(yang, part_time).await.unwrap();
    let assignment = shown.assignment.unwrap();
    assert_eq!(assignment.employment_type.as_str(), "part_time");
    assert_eq!(assignment.department.unwrap().name, "IT");
    let nowhere = Transfer {
        department: Edit::Clear,
        ..Transfer::on(past)
    };
    company.transfer(yang, nowhere).await.unwrap();
    assert_eq!(of(past).await, None);
}

#[tokio::test]
async fn what_changes_nothing_leaves_everything_as_it_is() {
    let company = Company::found().await;
    let sales = company.department("Sales").await;
    let mut hire = somebody("Yang");
    hire.references.department = Some(sales);
    let hired = company.hire(hire).await.unwrap();
    let same = company.transfer(hired.id, into(sales, TODAY)).await;
    assert_eq!(same.unwrap(), hired);
    assert_eq!(company.employments(hired.id).await.len(), 1);
}

#[tokio::test]
async fn nobody_is_transferred_on_a_day_on_which_he_does_not_work_here() {
    let company = Company::found().await;
    let sales = company.department("Sales").await;
    let yang = company.person("Yang", None).await;
    company
        .terminate(yang, leaving(TODAY + Duration::days(30)))
        .await
        .unwrap();
    let before = company.show(yang).await.unwrap();
    for day in [
        date!(2019 - 12 - 31),
        TODAY + Duration::days(31),
        date!(2099 - 01 - 01),
    ] {
        let refused = named(company.transfer(yang, into(sales, day)).await);
        let expected = (
            ErrorKind::ValidationFailed,
            "/effective_date".to_owned(),
            "not_employed",
        );
        assert_eq!(refused, expected, "{day}");
        let refused = named(company.pay(yang, paid(day, "5000")).await);
        assert_eq!(refused, expected, "{day}");
    }
    for last in [date!(2020 - 01 - 01), TODAY + Duration::days(30)] {
        company.transfer(yang, into(sales, last)).await.unwrap();
    }
    assert_eq!(before.status, company.show(yang).await.unwrap().status);
}

#[tokio::test]
async fn what_the_company_does_not_have_is_named_all_at_once() {
    let company = Company::found().await;
    let yang = company.person("Yang", None).await;
    let nothing = Uuid::from_u128(404);
    let transfer = Transfer {
        effective_date: date!(0026 - 01 - 01),
        employment_type: None,
        department: Edit::Set(nothing.into()),
        job_title: Edit::Set(nothing.into()),
        location: Edit::Set(nothing.into()),
        manager: Edit::Set(nothing.into()),
    };
    let error = company.transfer(yang, transfer).await.unwrap_err();
    let fields: Vec<_> = error
        .fields()
        .into_iter()
        .map(|field| (field.pointer, field.code))
        .collect();
    let named = |field: &str, code| (format!("/{field}"), code);
    assert_eq!(
        fields,
        [
            named("effective_date", "invalid"),
            named("effective_date", "not_employed"),
            named("department_id", "not_found"),
            named("job_title_id", "not_found"),
            named("location_id", "not_found"),
        ]
    );
    let transfer = Transfer {
        manager: Edit::Set(nothing.into()),
        ..Transfer::on(TODAY)
    };
    let (_, field, code) = crate::company::named(company.transfer(yang, transfer).await);
    assert_eq!((field.as_str(), code), ("/manager_id", "not_found"));
    let gone = company.transfer(nothing.into(), Transfer::on(TODAY)).await;
    assert!(matches!(gone, Err(EmployeesError::NotFound)));
}

#[tokio::test]
async fn pay_holds_from_its_day_on_until_the_next_change_of_pay() {
    let company = Company::found().await;
    let mut hire = somebody("Yang");
    hire.pay = Some(monthly("3000"));
    let yang = company.hire(hire).await.unwrap().id;
    let of = async |day| company.pay_on(yang, day).await.unwrap();
    let (past, future) = (date!(2024 - 02 - 29), date!(2027 - 03 - 01));
    company.pay(yang, paid(future, "5000")).await.unwrap();
    company.pay(yang, paid(past, "4000")).await.unwrap();
    assert_eq!(of(past - Duration::DAY).await, "3000.00 EUR");
    assert_eq!(of(past).await, "4000.00 EUR");
    assert_eq!(of(future - Duration::DAY).await, "4000.00 EUR");
    assert_eq!(of(future).await, "5000.00 EUR");
    // A transfer is no change of pay.
    company
        .transfer(yang, Transfer::on(date!(2026 - 06 - 01)))
        .await
        .unwrap();
    let share = ChangeCompensation {
        commission: Edit::Set(Commission::from_basis_points(500).unwrap()),
        ..paid(past, "4100")
    };
    company.pay(yang, share).await.unwrap();
    let shown = company.pay(yang, paid(TODAY, "4200")).await.unwrap();
    let Guarded::Shown(Some(pay)) = shown.compensation else {
        panic!("{shown:?}");
    };
    assert_eq!(pay.commission.unwrap().basis_points(), 500);
    assert_eq!(
        (pay.pay.amount().to_string().as_str(), pay.valid_from),
        ("4200.00 EUR", TODAY)
    );
    assert_eq!(of(future).await, "5000.00 EUR");
}

#[tokio::test]
async fn who_was_paid_nothing_is_paid_until_he_leaves_or_something_else_was_agreed() {
    let company = Company::found().await;
    let yang = company.person("Yang", None).await;
    assert_eq!(company.pay_on(yang, TODAY).await, None);
    company
        .pay(yang, paid(date!(2027 - 01 - 01), "5000"))
        .await
        .unwrap();
    company
        .pay(yang, paid(date!(2026 - 01 - 01), "4000"))
        .await
        .unwrap();
    company.end(yang, date!(2027 - 07 - 01)).await;
    let of = async |day| company.pay_on(yang, day).await;
    assert_eq!(of(date!(2025 - 12 - 31)).await, None);
    assert_eq!(of(date!(2026 - 12 - 31)).await.unwrap(), "4000.00 EUR");
    // As of a day after it, he is shown as he was on his last one.
    assert_eq!(of(date!(2028 - 01 - 01)).await.unwrap(), "5000.00 EUR");
    let tx = company
        .on
        .database
        .begin_tenant(company.initech())
        .await
        .unwrap();
    let ends =
        "SELECT valid_to FROM compensations WHERE valid_to IS NULL OR valid_to > '2027-07-01'";
    assert_eq!(tx.run(ends, []).await.unwrap(), 0);
}

#[tokio::test]
async fn a_promotion_is_a_job_and_pay_with_it_if_that_is_agreed() {
    let company = Company::found().await;
    let [clerk, head] = [
        company.job_title("Clerk").await,
        company.job_title("Head").await,
    ];
    let mut hire = somebody("Yang");
    hire.references.job_title = Some(clerk);
    hire.pay = Some(monthly("3000"));
    let yang = company.hire(hire).await.unwrap().id;
    let promotion = Promotion {
        effective_date: TODAY,
        job_title: head,
        pay: Some(paid(TODAY, "4000")),
    };
    let shown = company.promote(yang, promotion).await.unwrap();
    assert_eq!(shown.assignment.unwrap().job_title.unwrap().name, "Head");
    assert_eq!(company.pay_on(yang, TODAY).await.unwrap(), "4000.00 EUR");
    assert_eq!(
        company.pay_on(yang, TODAY - Duration::DAY).await.unwrap(),
        "3000.00 EUR"
    );

    // Nothing of it happens when one part cannot.
    let promotion = Promotion {
        effective_date: TODAY,
        job_title: Uuid::from_u128(404).into(),
        pay: Some(paid(TODAY, "9000")),
    };
    let (_, field, _) = named(company.promote(yang, promotion).await);
    assert_eq!(field, "/job_title_id");
    assert_eq!(company.pay_on(yang, TODAY).await.unwrap(), "4000.00 EUR");
}

#[tokio::test]
async fn an_employee_changes_nobody() {
    let company = Company::found().await;
    let yang = company.person("Yang", None).await;
    let actor = company.actor("employee", Some(yang));
    let transfer: Result<Permit<MayTransfer>, _> = Permit::obtain(&access::RoleAuthorizer, &actor);
    let promote: Result<Permit<Promote>, _> = Permit::obtain(&access::RoleAuthorizer, &actor);
    assert!(transfer.is_err() && promote.is_err());
}
