//! `POST /api/v1/imports`: a file of the tenant's own, all of its rows or none.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Api, Session};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

async fn import(api: &Api, session: &Session, kind: &str, csv: &str) -> Answer {
    let request = api
        .signed(
            session,
            Method::POST,
            &format!("/api/v1/imports?kind={kind}"),
        )
        .header("content-type", "text/csv")
        .body(csv.to_owned());
    api.send(request).await
}

async fn people(api: &Api, session: &Session) -> Vec<Value> {
    let list = api.get(session, "/api/v1/employees?limit=200").await;
    assert_eq!(list.status, 200, "{}", list.text);
    list.body["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn managers_may_come_later_in_the_file() {
    let api = Api::start().await;
    for tenant in ["acme", "initech"] {
        let session = api.sign_in(tenant, "hr_manager").await;
        let departments = "code,name,parent_code\nEU,Europe,WORLD\nWORLD,World,\n";
        let imported = import(&api, &session, "departments", departments).await;
        assert_eq!(imported.status, 200, "{}", imported.text);
        let csv = "employee_number,first_name,last_name,hire_date,department_code,manager_number\n\
                   3,Ada,Third,2026-01-05,eu,2\n\
                   2,Bea,Second,2026-01-05,,1\n\
                   1,Cleo,First,2026-01-05,,\n";
        let imported = import(&api, &session, "employees", csv).await;
        assert_eq!(imported.status, 200, "{}", imported.text);
        assert_eq!(
            imported.body,
            json!({
                "departments": 0, "job_titles": 0, "locations": 0, "employees": 3,
                "past_employments": 0, "compensations": 0,
            })
        );
        let mut managed: Vec<_> = people(&api, &session)
            .await
            .into_iter()
            .map(|it| {
                let manager = it["manager"]["name"].as_str().map(str::to_owned);
                (it["employee_number"].as_str().unwrap().to_owned(), manager)
            })
            .collect();
        managed.sort();
        assert_eq!(
            managed,
            [
                ("1".to_owned(), None),
                ("2".to_owned(), Some("Cleo First".to_owned())),
                ("3".to_owned(), Some("Bea Second".to_owned())),
            ]
        );
    }
}

#[tokio::test]
async fn one_bad_row_keeps_all_out_and_every_one_is_named() {
    let api = Api::start().await;
    let session = api.sign_in("globex", "hr_manager").await;
    let csv = "employee_number,first_name,last_name,hire_date,work_email,manager_number\n\
               1,Ada,Fine,2026-01-05,ada@globex.example,\n\
               2,Bea,,2026-01-05,,\n\
               3,Cleo,Late,2026-02-30,,\n\
               4,Dora,Lost,2026-01-05,,4711\n\
               1,Eve,Twice,2026-01-05,ADA@globex.example,\n";
    let refused = import(&api, &session, "employees", csv).await;
    assert_eq!(
        (refused.status, refused.error()),
        (422, Some("validation_failed")),
        "{}",
        refused.text
    );
    let mut faults: Vec<(String, String)> = refused.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let of = |name: &str| it[name].as_str().unwrap().to_owned();
            assert!(!of("message").is_empty());
            (of("pointer"), of("code"))
        })
        .collect();
    faults.sort();
    let expected = [
        ("/rows/3/last_name", "required"),
        ("/rows/4/hire_date", "invalid"),
        ("/rows/5/manager_number", "not_found"),
        ("/rows/6/employee_number", "duplicate"),
        ("/rows/6/work_email", "duplicate"),
    ];
    assert_eq!(
        faults,
        expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()))
    );
    assert!(people(&api, &session).await.is_empty());
}

#[tokio::test]
async fn what_is_there_already_is_refused_and_a_circle_too() {
    let api = Api::start().await;
    let session = api.sign_in("umbrella", "hr_manager").await;
    let ada = "employee_number,first_name,last_name,hire_date\n1,Ada,First,2026-01-05\n";
    assert_eq!(import(&api, &session, "employees", ada).await.status, 200);
    let again = import(&api, &session, "employees", ada).await;
    assert_eq!(again.status, 422, "{}", again.text);
    assert_eq!(
        again.body["errors"][0]["pointer"],
        "/rows/2/employee_number"
    );
    assert_eq!(again.body["errors"][0]["code"], "duplicate");
    let circle = "employee_number,first_name,last_name,hire_date,manager_number\n\
                  7,Ida,Ring,2026-01-05,8\n\
                  8,Jo,Ring,2026-01-05,7\n";
    let circle = import(&api, &session, "employees", circle).await;
    assert_eq!(circle.status, 422, "{}", circle.text);
    assert_eq!(circle.body["errors"][0]["code"], "cycle", "{}", circle.text);
    assert_eq!(people(&api, &session).await.len(), 1);
}

#[tokio::test]
async fn an_import_is_csv_of_a_known_kind_by_somebody_who_may() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let unknown = import(&api, &session, "planets", "a\n").await;
    assert_eq!(
        (unknown.status, unknown.error()),
        (400, Some("invalid_parameter"))
    );
    let json = api
        .post(&session, "/api/v1/imports?kind=employees", json!({}))
        .await;
    assert_eq!(
        (json.status, json.error()),
        (415, Some("unsupported_media_type"))
    );
    let employee = api.sign_in("acme", "employee").await;
    let refused = import(&api, &employee, "employees", "first_name\n").await;
    assert_eq!(
        (refused.status, refused.error()),
        (403, Some("permission_denied"))
    );
}

/// Begins an import, announces the length of its file, and sends nothing of it.
async fn begun(api: &Api, session: &Session, length: u64) -> TcpStream {
    let address = api.base().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /api/v1/imports?kind=departments HTTP/1.1\r\nHost: {address}\r\n\
         X-Tenant-Slug: {}\r\nAuthorization: Bearer {}\r\nContent-Type: text/csv\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n",
        session.tenant,
        session.token()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn answered(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

const DEPARTMENT: &str = "code,name\nIT,IT\n";

#[tokio::test]
async fn files_that_never_arrive_fill_no_memory_and_keep_no_other_company_out() {
    let api = Api::start().await;
    let acme = api.sign_in("acme", "hr_manager").await;
    let globex = api.sign_in("globex", "hr_manager").await;
    let mut attack = JoinSet::new();
    for _ in 0..50 {
        attack.spawn(answered(begun(&api, &acme, 30_000_000).await));
    }
    // One has its turn and four wait for it; whatever the others send, nobody reads it.
    for _ in 0..45 {
        let answer = attack.join_next().await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("retry-after: "), "{answer}");
        assert!(answer.contains("Other imports are running."), "{answer}");
    }
    let imported = import(&api, &globex, "departments", DEPARTMENT).await;
    assert_eq!(imported.status, 200, "{}", imported.text);

    // Who hangs up has had his turn.
    attack.shutdown().await;
    let imported = import(&api, &acme, "departments", DEPARTMENT).await;
    assert_eq!(imported.status, 200, "{}", imported.text);
}

#[tokio::test]
async fn a_file_that_is_announced_as_too_large_is_refused_before_it_comes() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let answer = answered(begun(&api, &session, 99_999_999_999).await).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}
