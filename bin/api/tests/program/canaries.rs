//! Secrets and what is personal, looked for wherever they must not be: in every table but those of the
//! people themselves, in the log, and in what is exported.

use std::{io::Read as _, process::Stdio};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use testkit::{Api, Session, USER_PASSWORD};

use crate::{Program, free_address, is_ready, program};

/// What nobody may find.
const CANARIES: [&str; 6] = [
    "Canarynea",
    "canarynea@canary.example",
    "555 0123 4567",
    PAY,
    "canary wrong password",
    USER_PASSWORD,
];

/// The tables that hold people in the open, and what finds them.
const OF_PEOPLE: [&str; 4] = [
    "t_acme.employees",
    "t_acme.name_words",
    "t_acme.compensations",
    "t_acme.users",
];

/// The feed tells what somebody is paid to whoever may see pay (adr/0011), and so it stands in it.
const FEED: [&str; 2] = ["platform.recorded_events", "platform.events"];
const PAY: &str = "31337.42";

struct Caller {
    client: Client,
    address: String,
    session: Session,
}

impl Caller {
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value, String) {
        let url = format!("http://{}{path}", self.address);
        let mut request = self
            .client
            .request(method, url)
            .header("x-tenant-slug", &self.session.tenant)
            .bearer_auth(self.session.token());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or_default();
        (status, body, text)
    }
}

/// Every table of a schema and of the platform, in the order of their names.
async fn tables(superuser: &mut PgConnection, schema: &str) -> Vec<String> {
    let sql = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
               WHERE schemaname IN ($1, 'platform') ORDER BY 1";
    sqlx::query_scalar(sql)
        .bind(schema.to_owned())
        .fetch_all(superuser)
        .await
        .unwrap()
}

async fn holds(superuser: &mut PgConnection, table: &str, canary: &str) -> bool {
    // As text, with bytes as the characters that they are where they are some.
    let sql = format!(
        "SELECT EXISTS (SELECT FROM {table} it WHERE strpos(it::text, $1) > 0 \
             OR strpos(it::text, encode(convert_to($1, 'UTF8'), 'hex')) > 0)"
    );
    let query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(canary.to_owned());
    query.fetch_one(superuser).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_personal_and_no_secret_stands_where_it_must_not() {
    let api = Api::start().await;
    let address = free_address();
    let mut command = program(&api.database().app_url(), &address);
    command
        .env("HRMS_LOG__LEVEL", "debug")
        .stderr(Stdio::piped());
    let mut running = Program(command.spawn().unwrap());
    let mut log = running.0.stderr.take().unwrap();
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        log.read_to_string(&mut text).map(|_| text)
    });
    let client = Client::new();
    is_ready(&client, &address).await;
    let caller = Caller {
        client: client.clone(),
        address: address.clone(),
        session: api.sign_in("acme", "administrator").await,
    };
    let wrong = client
        .post(format!("http://{address}/api/v1/auth/login"))
        .header("x-tenant-slug", "acme")
        .json(&json!({"email": "canarynea@canary.example", "password": "canary wrong password"}));
    assert_eq!(wrong.send().await.unwrap().status(), 401);

    let body = json!({
        "first_name": "Canarynea", "last_name": "Canarynea",
        "work_email": "canarynea@canary.example", "phone": "+1 555 0123 4567",
        "hire_date": "2024-01-01",
        "compensation": {"amount": "31337.42", "currency": "EUR", "pay_period": "monthly"},
    });
    let (status, hired, text) = caller
        .call(Method::POST, "/api/v1/employees", Some(body))
        .await;
    assert_eq!(status, 201, "{text}");
    let id = hired["id"].as_str().unwrap();
    for path in [
        format!("/api/v1/employees/{id}"),
        format!("/api/v1/employees/{id}/timeline"),
        format!("/api/v1/employees/{id}/history"),
        "/api/v1/employees?q=Canarynea".to_owned(),
        "/api/v1/employees?last_name=Canarynea".to_owned(),
        "/api/v1/nothing?name=Canarynea".to_owned(),
    ] {
        caller.call(Method::GET, &path, None).await;
    }
    let taken = json!({"first_name": "Canarynea", "last_name": "Canarynea",
        "work_email": "canarynea@canary.example", "hire_date": "2024-01-01"});
    let (status, ..) = caller
        .call(Method::POST, "/api/v1/employees", Some(taken))
        .await;
    assert_eq!(status, 409);
    let mut shown = Vec::new();
    for path in ["/api/v1/audit/events", "/api/v1/audit/export"] {
        let (status, _, text) = caller.call(Method::GET, path, None).await;
        assert_eq!(status, 200, "{text}");
        shown.push(text);
    }

    let pid = running.0.id().to_string();
    let stopped = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(stopped.unwrap().success());
    running.0.wait().unwrap();
    let log = reading.join().unwrap().unwrap();
    assert!(log.lines().count() > 10, "{log}");
    let mut superuser = api.database().superuser().await;
    let (mut looked_at, mut found) = (0, Vec::new());
    for table in tables(&mut superuser, "t_acme").await {
        let table = table.as_str();
        for canary in CANARIES {
            if OF_PEOPLE.contains(&table) || (canary == PAY && FEED.contains(&table)) {
                continue;
            }
            looked_at += 1;
            if holds(&mut superuser, table, canary).await {
                found.push(format!("{table}: {canary}"));
            }
        }
    }
    for canary in CANARIES {
        if log.contains(canary) {
            found.push(format!("the log: {canary}"));
        }
        if shown.iter().any(|text| text.contains(canary)) {
            found.push(format!("what is exported: {canary}"));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(looked_at > 150, "{looked_at}");
    // A look that sees nothing proves nothing.
    assert!(holds(&mut superuser, "t_acme.employees", "Canarynea").await);
}
