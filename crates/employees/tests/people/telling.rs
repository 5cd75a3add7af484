use employees::{
    EmployeesError,
    model::EndReason,
    permission::Read,
    service::{Edit, Promotion, Rehire, Terminate, Transfer},
};
use time::macros::date;
use uuid::Uuid;

use crate::company::{Company, TODAY, back, first_page, leaving, monthly, paid, permit, somebody};

#[tokio::test]
async fn a_timeline_tells_what_happened_and_what_will_the_newest_first() {
    let company = Company::found().await;
    let [sales, finance] = [
        company.department("Sales").await,
        company.department("Finance").await,
    ];
    let [clerk, head] = [
        company.job_title("Clerk").await,
        company.job_title("Head").await,
    ];
    let mut hire = somebody("Yang");
    hire.references.department = Some(sales);
    hire.references.job_title = Some(clerk);
    hire.pay = Some(monthly("3000"));
    let yang = company.hire(hire).await.unwrap().id;
    let transfer = Transfer {
        department: Edit::Set(finance),
        ..Transfer::on(date!(2021 - 01 - 01))
    };
    company.transfer(yang, transfer).await.unwrap();
    let promotion = Promotion {
        effective_date: date!(2022 - 01 - 01),
        job_title: head,
        pay: Some(paid(date!(2022 - 01 - 01), "4000")),
    };
    company.promote(yang, promotion).await.unwrap();
    let resigned = Terminate {
        reason: Some(EndReason::Resignation),
        ..leaving(date!(2023 - 06 - 30))
    };
    company.terminate(yang, resigned).await.unwrap();
    let rehire = Rehire {
        pay: Some(monthly("5000")),
        ..back(date!(2026 - 01 - 01))
    };
    company.rehire(yang, rehire).await.unwrap();
    company
        .pay(yang, paid(date!(2027 - 01 - 01), "5500"))
        .await
        .unwrap();
    company
        .terminate(yang, leaving(date!(2028 - 12 - 31)))
        .await
        .unwrap();

    let all = [
        "2028-12-31 terminated (scheduled)",
        "2027-01-01 compensation_changed (scheduled) 5000.00 EUR>5500.00 EUR",
        "2026-01-01 compensation_changed ->5000.00 EUR",
        "2026-01-01 rehired",
        "2023-06-30 terminated resignation",
        "2022-01-01 compensation_changed 3000.00 EUR>4000.00 EUR",
        "2022-01-01 promoted Clerk>Head",
        "2021-01-01 transferred Sales>Finance",
        "2020-01-01 compensation_changed ->3000.00 EUR",
        "2020-01-01 hired ->Sales ->Clerk",
    ];
    let administrator = company.administrator();
    for limit in [1, 2, 3, 7, 10, 200] {
        assert_eq!(
            company.told(&administrator, yang, limit).await,
            all,
            "{limit}"
        );
    }
    // He sees his own pay; somebody else sees nobody.
    let himself = company.actor("employee", Some(yang));
    assert_eq!(company.told(&himself, yang, 25).await, all);
    let other = company.actor("employee", Some(Uuid::from_u128(5).into()));
    for (actor, id) in [
        (&other, yang),
        (&administrator, Uuid::from_u128(404).into()),
    ] {
        let hidden = company
            .employees
            .timeline(
                &permit::<Read>(actor),
                company.reader(actor),
                id,
                &first_page(),
                false,
            )
            .await;
        assert!(matches!(hidden, Err(EmployeesError::NotFound)));
    }
    let neighbour = &company.on.umbrella;
    let read = permit::<Read>(&administrator);
    let foreign = company
        .employees
        .timeline(
            &read,
            company.reader_in(neighbour, &administrator),
            yang,
            &first_page(),
            false,
        )
        .await;
    assert!(matches!(foreign, Err(EmployeesError::NotFound)));
}

#[tokio::test]
async fn pay_that_ends_while_he_goes_on_is_told() {
    let company = Company::found().await;
    let mut hire = somebody("Yang");
    hire.pay = Some(monthly("3000"));
    let yang = company.hire(hire).await.unwrap().id;
    // He leaves, and comes back the day after without an agreement on pay: he was never away.
    company
        .terminate(yang, leaving(date!(2024 - 12 - 31)))
        .await
        .unwrap();
    company
        .rehire(yang, back(date!(2025 - 01 - 01)))
        .await
        .unwrap();
    let administrator = company.administrator();
    for limit in [1, 2, 25] {
        assert_eq!(
            company.told(&administrator, yang, limit).await,
            [
                "2025-01-01 compensation_changed 3000.00 EUR>-",
                "2020-01-01 compensation_changed ->3000.00 EUR",
                "2020-01-01 hired",
            ],
            "{limit}"
        );
    }
}

#[tokio::test]
async fn a_correction_is_told_as_what_it_made_of_the_past() {
    let company = Company::found().await;
    let [sales, finance] = [
        company.department("Sales").await,
        company.department("Finance").await,
    ];
    let yang = company.person("Yang", None).await;
    let into = |department, day| Transfer {
        department: Edit::Set(department),
        ..Transfer::on(day)
    };
    company.transfer(yang, into(sales, TODAY)).await.unwrap();
    company.transfer(yang, into(finance, TODAY)).await.unwrap();
    let told = company.told(&company.administrator(), yang, 25).await;
    assert_eq!(
        told,
        ["2026-11-23 transferred ->Finance", "2020-01-01 hired"]
    );
}
