//! `POST /api/v1/imports`: a file of the tenant's own, all of its rows or none.

mod attacks;
mod hostile;
mod later;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Api, Session};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const DEPARTMENT: &str = "code,name\nIT,IT\n";

const HEADER: &str = "employee_number,first_name,last_name,hire_date,manager_number\n";

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
                "dry_run": false, "created": 3, "failed": 0, "errors": [],
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

/// Imports people with more parameters, and a key if one is given.
async fn import_how(
    api: &Api,
    session: &Session,
    how: &str,
    key: Option<&str>,
    csv: impl Into<Vec<u8>>,
) -> Answer {
    let path = format!("/api/v1/imports?kind=employees{how}");
    let mut request = api
        .signed(session, Method::POST, &path)
        .header("content-type", "text/csv")
        .body(csv.into());
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    api.send(request).await
}

#[tokio::test]
async fn good_rows_come_in_and_each_bad_one_is_told_when_the_client_says_so() {
    let api = Api::start().await;
    for tenant in ["acme", "initech"] {
        let session = api.sign_in(tenant, "hr_manager").await;
        let csv = format!(
            "{HEADER}1,Ada,Fine,2026-01-05,2\n2,Bea,,2026-01-05,\n3,Cleo,Fine,2026-01-05,\n\
             4,Dora,Fine,2026-01-05,3\n"
        );
        let would = import_how(
            &api,
            &session,
            "&mode=independent&dry_run=true",
            None,
            csv.clone(),
        );
        let mut would = would.await;
        assert_eq!(would.status, 200, "{}", would.text);
        assert!(people(&api, &session).await.is_empty());
        let refused = import_how(&api, &session, "&dry_run=true", None, csv.clone()).await;
        assert_eq!(refused.status, 422, "{}", refused.text);

        let did = import_how(&api, &session, "&mode=independent", None, csv).await;
        assert_eq!(did.status, 200, "{}", did.text);
        would.body["dry_run"] = json!(false);
        assert_eq!(did.body, would.body);
        assert_eq!(
            (&did.body["created"], &did.body["failed"]),
            (&json!(2), &json!(2))
        );
        let errors = did.body["errors"].as_array().unwrap();
        let told: Vec<(&str, &str)> = errors
            .iter()
            .map(|it| {
                (
                    it["pointer"].as_str().unwrap(),
                    it["code"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("/rows/2/manager_number", "not_imported"),
                ("/rows/3/last_name", "required")
            ]
        );
        assert_eq!(people(&api, &session).await.len(), 2);
    }
}

#[tokio::test]
async fn a_file_may_call_the_columns_otherwise() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let csv = "Given Name, Surname ,HIRE_DATE,Notes\nAda,King,2026-01-05,nice\n";
    let unknown = import_how(&api, &session, "", None, csv).await;
    assert_eq!(unknown.status, 422, "{}", unknown.text);
    let pointers: Vec<&str> = unknown.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(
        pointers,
        [
            "/rows/1/Given Name",
            "/rows/1/Surname",
            "/rows/1/Notes",
            "/rows/1/first_name",
            "/rows/1/last_name"
        ]
    );
    let map = "&map=given+name:first_name,Surname:last_name,Notes:";
    let mapped = import_how(&api, &session, map, None, csv).await;
    assert_eq!(mapped.status, 200, "{}", mapped.text);
    let bad = import_how(&api, &session, map, None, csv.replace("King", "")).await;
    assert_eq!(bad.body["errors"][0]["pointer"], "/rows/2/Surname");
    for wrong in [
        "&map=Surname",
        "&map=Surname:colour",
        "&mode=some",
        "&dry_run=1",
    ] {
        let refused = import_how(&api, &session, wrong, None, csv).await;
        assert_eq!(
            (refused.status, refused.error()),
            (400, Some("invalid_parameter")),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_key_makes_an_import_happen_once() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let csv = "first_name,last_name,hire_date\nAda,King,2026-01-05\n";
    let first = import_how(&api, &session, "", Some("a"), csv).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let again = import_how(&api, &session, "", Some("a"), csv).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(people(&api, &session).await.len(), 1);
    for (how, csv) in [
        ("", csv.replace("Ada", "Bea")),
        ("&dry_run=false", csv.to_owned()),
    ] {
        let another = import_how(&api, &session, how, Some("a"), csv).await;
        assert_eq!(
            (another.status, another.error()),
            (422, Some("idempotency_key_reused"))
        );
    }
    let refused = import_how(&api, &session, "", Some("b"), "first_name\nAda\n").await;
    assert_eq!(refused.status, 422);
    let corrected = import_how(&api, &session, "", Some("b"), csv).await;
    assert_eq!(corrected.status, 200, "only what succeeded is kept");
}

/// The longest name has a quotation mark, a comma, a line of Arabic and an emoji; a formula is one
/// in a spreadsheet, and in no file of ours.
#[tokio::test]
async fn what_a_list_writes_an_import_reads() {
    let api = Api::start().await;
    let acme = api.sign_in("acme", "hr_manager").await;
    let globex = api.sign_in("globex", "hr_manager").await;
    let csv = "\u{feff}employee_number,first_name,last_name,work_email,phone,hire_date\r\n\
               1,\"Ada \"\"the, first\"\"\",عائشة 🦀,ada@acme.example,+49 30 1234567,2020-01-01\r\n\
               2,=1+1,'@SUM(A1),,,2020-02-29\r\n\
               3,'t,O'Neill;=x,,,1999-12-31\r\n";
    let imported = import_how(&api, &acme, "", None, csv).await;
    assert_eq!(imported.status, 200, "{}", imported.text);
    let export = async |session: &Session| {
        let path = "/api/v1/employees?sort=employee_number&\
                    fields=employee_number,first_name,last_name,work_email,phone,hire_date";
        let request = api
            .signed(session, Method::GET, path)
            .header("accept", "text/csv");
        let answer = api.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.text
    };
    let written = export(&acme).await;
    assert_eq!(written.lines().count(), 4, "{written}");
    let imported = import_how(&api, &globex, "", None, written.clone()).await;
    assert_eq!(imported.status, 200, "{}", imported.text);
    assert_eq!(export(&globex).await, written);
}

#[tokio::test]
async fn an_import_may_take_longer_than_other_requests() {
    let api = Api::start_with(|settings| {
        settings.http.request_timeout = std::time::Duration::from_millis(500);
        settings.http.client_timeout = std::time::Duration::from_millis(500);
    })
    .await;
    let session = api.sign_in("acme", "hr_manager").await;
    // It waits for its turn, which another one has whose file takes its time.
    let other = begun(&api, &session, 1_000).await;
    let waits = import(&api, &session, "departments", DEPARTMENT);
    let frees = async {
        tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
        drop(other);
    };
    let (imported, ()) = tokio::join!(waits, frees);
    assert_eq!(imported.status, 200, "{}", imported.text);
}
