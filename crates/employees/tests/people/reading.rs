use employees::{
    EmployeesError,
    model::{EmploymentStatus, Guarded},
    permission::Read,
    repository::ReportDepth,
    service::View,
};
use kernel::Limit;
use time::{
    Duration,
    macros::{date, datetime},
};
use uuid::Uuid;

use crate::company::{Company, TODAY, asked, everybody, first_page, monthly, permit, somebody};

#[tokio::test]
async fn a_list_is_whole_in_every_order_and_at_every_size_of_page() {
    let company = Company::found().await;
    let names = ["Zoe", "abel", "Éric", "Mo", "Mo", "Mo", "Berg", "Xu"];
    for (days, name) in (0_i64..).zip(names) {
        let mut hire = somebody(name);
        hire.hire_date = date!(2020 - 01 - 01) + Duration::days(days);
        company.hire(hire).await.unwrap();
    }
    for (sort, expected) in [
        (
            "last_name",
            ["abel", "Berg", "Mo", "Mo", "Mo", "Xu", "Zoe", "Éric"],
        ),
        ("hire_date", names),
        ("employee_number", names),
        ("first_name,hire_date", names),
        (
            "last_name,-hire_date",
            ["abel", "Berg", "Mo", "Mo", "Mo", "Xu", "Zoe", "Éric"],
        ),
    ] {
        for limit in [1, 2, 3, 8, 200] {
            let ascending = asked(&[("sort", sort)]);
            assert_eq!(company.names(&ascending, limit).await, expected, "{limit}");
            let mut backwards = expected;
            backwards.reverse();
            let turned = sort.split(',').map(|key| match key.strip_prefix('-') {
                Some(key) => key.to_owned(),
                None => format!("-{key}"),
            });
            let turned = turned.collect::<Vec<_>>().join(",");
            let descending = asked(&[("sort", &turned)]);
            assert_eq!(
                company.names(&descending, limit).await,
                backwards,
                "{limit}"
            );
        }
    }
}

#[tokio::test]
async fn keys_of_an_order_may_go_different_ways() {
    let company = Company::found().await;
    for (first, name, days) in [
        ("A", "Mo", 1),
        ("B", "Mo", 2),
        ("C", "Al", 3),
        ("D", "Mo", 2),
    ] {
        let mut hire = somebody(name);
        hire.name.first = first.parse().unwrap();
        hire.hire_date = date!(2020 - 01 - 01) + Duration::days(days);
        company.hire(hire).await.unwrap();
        // Ties are broken by the id, which begins with the time.
        company.clock.advance(Duration::MILLISECOND);
    }
    for (sort, expected) in [
        ("last_name,-hire_date", ["C", "B", "D", "A"]),
        ("-last_name,hire_date", ["A", "D", "B", "C"]),
        ("-hire_date,last_name,-first_name", ["C", "D", "B", "A"]),
    ] {
        for limit in [1, 2, 3, 200] {
            let actor = company.administrator();
            let mut found = Vec::new();
            let mut request = first_page();
            request.limit = Limit::new(limit).unwrap();
            loop {
                let page = company
                    .employees
                    .list(
                        &permit::<Read>(&actor),
                        company.initech(),
                        &actor,
                        &asked(&[("sort", sort)]),
                        &request,
                    )
                    .await
                    .unwrap();
                found.extend(
                    page.items
                        .into_iter()
                        .map(|it| it.profile.name.first.into_string()),
                );
                request.after = page.next;
                if request.after.is_none() {
                    break;
                }
            }
            // The tie of B and D goes the way of the first key.
            assert_eq!(found, expected, "{sort} {limit}");
        }
    }
}

#[tokio::test]
async fn a_list_holds_those_of_a_status() {
    let company = Company::found().await;
    company.person("Active", None).await;
    let leaving = company.person("Leaving", None).await;
    company.end(leaving, TODAY + Duration::days(1)).await;
    let gone = company.person("Gone", None).await;
    company.end(gone, TODAY).await;
    let mut coming = somebody("Coming");
    coming.hire_date = TODAY + Duration::days(1);
    company.hire(coming).await.unwrap();
    let of = async |name, value| company.names(&asked(&[(name, value)]), 10).await;
    assert_eq!(of("status", "active").await, ["Active", "Leaving"]);
    assert_eq!(of("status", "terminated").await, ["Gone"]);
    assert_eq!(of("status", "scheduled").await, ["Coming"]);
    assert_eq!(of("status[ne]", "active").await, ["Coming", "Gone"]);
    assert_eq!(
        of("status[ne]", "terminated").await,
        ["Active", "Coming", "Leaving"]
    );
    assert_eq!(
        of("status[in]", "scheduled,terminated").await,
        ["Coming", "Gone"]
    );
}

#[tokio::test]
async fn a_list_holds_those_who_belong_to_a_department_today() {
    let company = Company::found().await;
    let (sales, finance) = (
        company.department("Sales").await,
        company.department("Finance").await,
    );
    for (name, department) in [("Here", sales), ("There", finance)] {
        let mut hire = somebody(name);
        hire.references.department = Some(department);
        company.hire(hire).await.unwrap();
    }
    // Was in sales until yesterday.
    let moved = {
        let mut hire = somebody("Moved");
        hire.references.department = Some(sales);
        company.hire(hire).await.unwrap().id
    };
    let tx = company
        .on
        .database
        .begin_tenant(company.initech())
        .await
        .unwrap();
    tx.run(
        "UPDATE employments SET valid_to = $2 WHERE employee_id = $1",
        [moved.uuid().into(), TODAY.into()],
    )
    .await
    .unwrap();
    tx.run(
        "INSERT INTO employments (id, employee_id, valid_from, department_id, employment_type, \
         created_at, updated_at) VALUES ($1, $2, $3, $4, 'part_time', now(), now())",
        [
            Uuid::from_u128(9).into(),
            moved.uuid().into(),
            TODAY.into(),
            finance.uuid().into(),
        ],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();

    company.person("Nowhere", None).await;
    let of = async |name, value: String| company.names(&asked(&[(name, &value)]), 10).await;
    assert_eq!(of("department_id", sales.to_string()).await, ["Here"]);
    assert_eq!(
        of("department_id", finance.to_string()).await,
        ["Moved", "There"]
    );
    let both = format!("{sales},{finance}");
    assert_eq!(
        of("department_id[in]", both).await,
        ["Here", "Moved", "There"]
    );
    assert_eq!(
        of("department_id[ne]", sales.to_string()).await,
        ["Moved", "Nowhere", "There"]
    );
    assert_eq!(
        of("employment_type", "part_time".to_owned()).await,
        ["Moved"]
    );
    let none = Uuid::from_u128(404).to_string();
    assert!(of("department_id", none).await.is_empty());

    let actor = company.administrator();
    let history = company
        .employees
        .employments(
            &permit::<Read>(&actor),
            company.initech(),
            &actor,
            moved,
            &first_page(),
        )
        .await
        .unwrap();
    let departments: Vec<_> = history
        .items
        .iter()
        .map(|record| record.assignment.department.as_ref().unwrap().name.as_str())
        .collect();
    assert_eq!(departments, ["Finance", "Sales"]);
}

#[tokio::test]
async fn a_search_finds_the_beginnings_of_words() {
    let company = Company::found().await;
    let mut yang = somebody("Yáng O’Neil");
    yang.number = Some("E-77".parse().unwrap());
    yang.work_email = Some("Neena.Yang@example.com".parse().unwrap());
    company.hire(yang).await.unwrap();
    company.person("King", None).await;
    let found = async |q: &str| company.names(&asked(&[("q", q)]), 10).await;
    for q in [
        "yáng",
        "YÁNG",
        "Ya\u{301}ng",
        "e-7",
        "neena.y",
        "ann yá",
        "  yáng   ann ",
    ] {
        assert_eq!(found(q).await, ["Yáng O’Neil"], "{q}");
    }
    assert_eq!(found("ann").await, ["King", "Yáng O’Neil"]);
    assert!(found("ang").await.is_empty());
    assert!(found("yáng king").await.is_empty());
    assert!(found("100%'; DROP TABLE employees; --").await.is_empty());
    assert_eq!(found(" ").await.len(), 2);
}

#[tokio::test]
async fn a_search_finds_the_words_inside_a_name() {
    let company = Company::found().await;
    let mut berg = somebody("van der Berg-Lund");
    berg.name.first = "Mary Ann".parse().unwrap();
    company.hire(berg).await.unwrap();
    company.person("De Haan", None).await;
    company.person("Bergman", None).await;
    let found = async |q: &str| company.names(&asked(&[("q", q)]), 10).await;
    for q in [
        "van der berg",
        "berg van",
        "BERG-LUND",
        "lund",
        "mary lund",
        "ann der",
    ] {
        assert_eq!(found(q).await, ["van der Berg-Lund"], "{q}");
    }
    assert_eq!(found("haan").await, ["De Haan"]);
    assert_eq!(found("de").await, ["De Haan", "van der Berg-Lund"]);
    assert_eq!(found("berg").await, ["Bergman", "van der Berg-Lund"]);
    assert!(found("haan berg").await.is_empty());
    assert!(found("erg").await.is_empty());
}

#[tokio::test]
async fn an_employee_reaches_himself_alone() {
    let company = Company::found().await;
    let king = company.person("King", None).await;
    let mut hire = somebody("Yang");
    hire.references.manager = Some(king);
    hire.pay = Some(monthly("5000"));
    let yang = company.hire(hire).await.unwrap().id;
    let (employees, tenant) = (&company.employees, company.initech());

    let actor = company.actor("employee", Some(yang));
    let read = permit::<Read>(&actor);
    let own = employees
        .show(&read, company.reader(&actor), yang, View::default())
        .await
        .unwrap()
        .profile;
    assert!(matches!(own.compensation, Guarded::Shown(Some(_))));
    let other = employees
        .show(&read, company.reader(&actor), king, View::default())
        .await;
    assert!(matches!(other, Err(EmployeesError::NotFound)));
    let list = employees
        .list(&read, tenant, &actor, &everybody(), &first_page())
        .await
        .unwrap();
    assert_eq!(
        list.items
            .iter()
            .map(|item| item.profile.id)
            .collect::<Vec<_>>(),
        [yang]
    );
    let history = employees
        .employments(&read, tenant, &actor, king, &first_page())
        .await;
    assert!(matches!(history, Err(EmployeesError::NotFound)));
    let above = ReportDepth::DIRECT;
    let reports = employees
        .reports(&read, tenant, &actor, king, above, &first_page())
        .await;
    assert!(matches!(reports, Err(EmployeesError::NotFound)));

    let boss = company.actor("employee", Some(king));
    let reports = employees
        .reports(&read, tenant, &boss, king, above, &first_page())
        .await;
    assert!(reports.unwrap().items.is_empty());

    let nobody = company.actor("employee", None);
    let list = employees
        .list(&read, tenant, &nobody, &everybody(), &first_page())
        .await
        .unwrap();
    assert!(list.items.is_empty());
    let shown = employees
        .show(&read, company.reader(&nobody), yang, View::default())
        .await;
    assert!(matches!(shown, Err(EmployeesError::NotFound)));
}

#[tokio::test]
async fn lists_never_show_pay() {
    let company = Company::found().await;
    let mut hire = somebody("Yang");
    hire.pay = Some(monthly("5000"));
    company.hire(hire).await.unwrap();
    let actor = company.administrator();
    let list = company
        .employees
        .list(
            &permit::<Read>(&actor),
            company.initech(),
            &actor,
            &everybody(),
            &first_page(),
        )
        .await
        .unwrap();
    assert_eq!(list.items[0].profile.compensation, Guarded::Hidden);
}

#[tokio::test]
async fn a_neighbours_employee_is_not_there() {
    let company = Company::found().await;
    let king = company.person("King", None).await;
    let actor = company.administrator();
    let read = permit::<Read>(&actor);
    for tenant in [&company.on.umbrella, &company.on.acme] {
        let shown = company
            .employees
            .show(
                &read,
                company.reader_in(tenant, &actor),
                king,
                View::default(),
            )
            .await;
        assert!(matches!(shown, Err(EmployeesError::NotFound)));
        let list = company
            .employees
            .list(&read, tenant, &actor, &everybody(), &first_page())
            .await;
        assert!(list.unwrap().items.is_empty());
        let history = company
            .employees
            .employments(&read, tenant, &actor, king, &first_page())
            .await;
        assert!(matches!(history, Err(EmployeesError::NotFound)));
    }
}

#[tokio::test]
async fn today_is_the_day_where_the_tenant_lives() {
    let company = Company::found().await;
    let mut hire = somebody("Yang");
    hire.hire_date = date!(2026 - 12 - 01);
    let yang = company.hire(hire).await.unwrap().id;
    let zone = company.initech().time_zone().clone();
    // An hour before midnight in Greenwich.
    company.clock.set(datetime!(2026-11-30 23:00 UTC));
    let there = zone.date_at(datetime!(2026-11-30 23:00 UTC));
    let expected = if there < date!(2026 - 12 - 01) {
        EmploymentStatus::Scheduled
    } else {
        EmploymentStatus::Active
    };
    assert_eq!(company.show(yang).await.unwrap().status, expected);
}
