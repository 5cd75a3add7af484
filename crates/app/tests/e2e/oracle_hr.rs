//! Real people: the HR sample of Oracle Database, by the documented mapping, in both placements.

use std::{path::PathBuf, sync::Arc};

use app::{
    operate::{self, Failure, ImportOptions, ImportRequest, ImportedReport, Operator, Silent},
    settings::LoadFrom,
};
use serde_json::{Value, json};
use testkit::{Api, Session};

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The sample's folder; it lies beside the repository where it is there at all.
fn sample() -> Option<PathBuf> {
    let folder = repository().join("../shared/data/oracle_hr");
    let is_there = folder.join("employees.csv").exists();
    if !is_there {
        eprintln!("SKIPPED: there is no {}", folder.display());
    }
    is_there.then_some(folder)
}

async fn import(api: &Api, tenant: &str, folder: PathBuf) -> Result<ImportedReport, Failure> {
    let url = api.database().superuser_url();
    let from = LoadFrom::environment([
        ("HRMS_DATABASE__ADMIN_URL", url.as_str()),
        ("HRMS_AUDIT__KEY", testkit::AUDIT_KEY),
    ]);
    let operator = Operator::new(from, None, operate::ambient(), Arc::new(Silent))?;
    let options = [("mail_domain", "acme.example"), ("currency", "USD")];
    let request = ImportRequest {
        tenant: tenant.parse().unwrap(),
        mapping: Some(repository().join("deploy/mappings/oracle_hr.toml")),
        options: options
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
        source: folder,
        kind: None,
        columns: Vec::new(),
        how: ImportOptions::default(),
    };
    operator.import(&request).await
}

/// Every item of a list.
async fn all(api: &Api, session: &Session, path: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    let separator = if path.contains('?') { '&' } else { '?' };
    loop {
        let page = api
            .get(session, &format!("{path}{separator}limit=50{cursor}"))
            .await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        items.extend(page.body["data"].as_array().unwrap().clone());
        match page.body["page"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

async fn person(api: &Api, session: &Session, number: &str) -> Value {
    let found = all(api, session, &format!("/api/v1/employees?q={number}")).await;
    let found = found.into_iter().find(|it| it["employee_number"] == number);
    let id = found.unwrap()["id"].as_str().unwrap().to_owned();
    let answer = api.get(session, &format!("/api/v1/employees/{id}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body
}

#[tokio::test]
async fn the_sample_comes_in_whole_and_once() {
    let Some(folder) = sample() else { return };
    let api = Api::start().await;
    for tenant in ["acme", "initech"] {
        let report = import(&api, tenant, folder.clone()).await.unwrap();
        assert_eq!(
            serde_json::to_value(&report).unwrap(),
            json!({
                "dry_run": false, "created": 186, "failed": 0, "errors": [],
                "departments": 27, "job_titles": 19, "locations": 23, "employees": 107,
                "past_employments": 10, "compensations": 107,
            })
        );
        let session = api.sign_in(tenant, "administrator").await;
        is_the_sample(&api, &session).await;

        let again = import(&api, tenant, folder.clone()).await.unwrap_err();
        assert_eq!((again.code(), again.exit_code()), ("validation_failed", 4));
        let details = again.details();
        assert!(
            details
                .iter()
                .any(|it| it.starts_with("employees.csv, line 2, employee_id: ")),
            "{details:?}"
        );
        assert_eq!(all(&api, &session, "/api/v1/employees").await.len(), 107);
    }
    // The neighbours got nobody.
    for tenant in ["globex", "umbrella"] {
        let session = api.sign_in(tenant, "administrator").await;
        assert!(all(&api, &session, "/api/v1/employees").await.is_empty());
    }
}

async fn is_the_sample(api: &Api, session: &Session) {
    for (list, count) in [
        ("employees", 107),
        ("departments", 27),
        ("job-titles", 19),
        ("locations", 23),
    ] {
        let list = format!("/api/v1/{list}");
        assert_eq!(all(api, session, &list).await.len(), count, "{list}");
        let counted = api.get(session, &format!("{list}?count=exact")).await;
        assert_eq!(counted.body["page"]["total"], count, "{list}");
    }
    let king = person(api, session, "100").await;
    assert_eq!(
        [
            &king["first_name"],
            &king["last_name"],
            &king["work_email"],
            &king["department"]["name"],
            &king["job_title"]["name"],
            &king["location"]["name"],
            &king["hire_date"],
            &king["manager"],
        ],
        [
            &json!("Steven"),
            &json!("King"),
            &json!("sking@acme.example"),
            &json!("Executive"),
            &json!("President"),
            &json!("Seattle"),
            &json!("2013-06-17"),
            &Value::Null,
        ]
    );
    assert_eq!(king["compensation"]["amount"], "24000.00", "{king}");
    assert_eq!(king["compensation"]["currency"], "USD", "{king}");

    let king_id = king["id"].as_str().unwrap();
    let reports = format!("/api/v1/employees/{king_id}/reports");
    let below = all(api, session, &format!("{reports}?depth=20")).await;
    assert_eq!(below.len(), 106, "all but King report to King");
    let direct = all(api, session, &reports).await;
    assert_eq!(direct.len(), 14);
    assert!(direct.iter().all(|it| it["manager"]["id"] == king["id"]));

    let yang = person(api, session, "101").await;
    let yang_id = yang["id"].as_str().unwrap();
    let employments = format!("/api/v1/employees/{yang_id}/employments");
    let mut employments: Vec<_> = all(api, session, &employments)
        .await
        .iter()
        .map(|it| {
            let of = |name: &str| it[name].as_str().unwrap_or("…").to_owned();
            let job = it["job_title"]["name"].as_str().unwrap().to_owned();
            (of("valid_from"), of("valid_to"), job)
        })
        .collect();
    employments.sort();
    let expected = [
        ("2007-09-21", "2011-10-28", "Public Accountant"),
        ("2011-10-28", "2015-03-16", "Accounting Manager"),
        ("2015-09-21", "…", "Administration Vice President"),
    ];
    assert_eq!(
        employments,
        expected.map(|(from, to, job)| (from.to_owned(), to.to_owned(), job.to_owned()))
    );
}
