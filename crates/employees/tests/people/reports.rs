use employees::{EmployeesError, permission::Read, repository::ReportDepth, service::Terminate};
use kernel::{EmployeeId, Limit, PageRequest};
use time::Duration;
use uuid::Uuid;

use crate::company::{Company, TODAY, leaving, permit};

async fn below(company: &Company, manager: EmployeeId, depth: u8, limit: u16) -> Vec<(u8, String)> {
    let actor = company.administrator();
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let request = PageRequest {
            limit: Limit::new(limit).unwrap(),
            after,
            count: true,
        };
        let page = company
            .employees
            .reports(
                &permit::<Read>(&actor),
                company.initech(),
                &actor,
                manager,
                ReportDepth::new(depth).unwrap(),
                &request,
            )
            .await
            .unwrap();
        all.extend(
            page.items
                .iter()
                .map(|report| (report.depth, report.profile.name.last.as_str().to_owned())),
        );
        after = page.next;
        if after.is_none() {
            assert_eq!(page.total, Some(all.len() as u64));
            return all;
        }
    }
}

#[tokio::test]
async fn reports_are_listed_the_nearest_first_then_by_name() {
    let company = Company::found().await;
    let king = company.person("King", None).await;
    let yang = company.person("Yang", Some(king)).await;
    let garcia = company.person("Garcia", Some(king)).await;
    let greenberg = company.person("Greenberg", Some(yang)).await;
    company.person("Faviet", Some(greenberg)).await;
    company.person("James", Some(garcia)).await;
    let names = |depth, expected: &[&str]| {
        expected
            .iter()
            .map(|name| (depth, (*name).to_owned()))
            .collect::<Vec<_>>()
    };
    let (first, second, third) = (
        names(1, &["Garcia", "Yang"]),
        names(2, &["Greenberg", "James"]),
        names(3, &["Faviet"]),
    );

    assert_eq!(below(&company, king, 1, 10).await, first);
    assert_eq!(
        below(&company, king, 2, 10).await,
        [first.clone(), second.clone()].concat()
    );
    for limit in [1, 2, 200] {
        let all = [first.clone(), second.clone(), third.clone()].concat();
        assert_eq!(below(&company, king, 20, limit).await, all);
    }
    assert_eq!(below(&company, yang, 20, 10).await.len(), 2);
}

#[tokio::test]
async fn who_has_left_reports_to_nobody() {
    let company = Company::found().await;
    let king = company.person("King", None).await;
    let yang = company.person("Yang", Some(king)).await;
    let greenberg = company.person("Greenberg", Some(yang)).await;
    let left = Terminate {
        successor: Some(greenberg),
        ..leaving(TODAY - Duration::DAY)
    };
    company.terminate(yang, left).await.unwrap();
    let reports = below(&company, king, 20, 10).await;
    assert_eq!(reports, [(1, "Greenberg".to_owned())]);
}

#[tokio::test]
async fn the_reports_of_nobody_are_not_there() {
    let company = Company::found().await;
    let actor = company.administrator();
    let request = PageRequest {
        limit: Limit::default(),
        after: None,
        count: false,
    };
    let found = company
        .employees
        .reports(
            &permit::<Read>(&actor),
            company.initech(),
            &actor,
            Uuid::from_u128(404).into(),
            ReportDepth::DIRECT,
            &request,
        )
        .await;
    assert!(matches!(found, Err(EmployeesError::NotFound)));
}
