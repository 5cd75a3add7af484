//! The audit, as an auditor reads it, and as he proves it without us.

use audit::{PublicKeys, Signed, SigningKey};
use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Api, Session, Worker};

use crate::scene::{assert_problem, created, eventually, hired, text};

const EVENTS: &str = "/api/v1/audit/events";
const SIGNING_KEY: &str = "dGhlIGtleSB0aGF0IHNpZ25zIGluIGV2ZXJ5IHRlc3Q=";

async fn found(api: &Api, session: &Session, query: &str) -> Vec<Value> {
    let answer = api.get(session, &format!("{EVENTS}?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["data"].as_array().unwrap().clone()
}

fn actions(events: &[Value]) -> Vec<&str> {
    events.iter().map(|it| text(it, "action")).collect()
}

/// A worker that seals.
async fn worker(api: &Api, folder: &tempfile::TempDir) -> Worker {
    let seals = folder.path().join("seals");
    Worker::start(&api.database().app_url(), |settings| {
        settings.audit.signing_key = Some(SIGNING_KEY.into());
        settings.audit.seals = Some(seals);
        settings.audit.seal_interval = std::time::Duration::from_millis(50);
    })
    .await
}

#[tokio::test]
async fn what_was_done_is_found_by_who_what_to_whom_when_and_in_which_request() {
    let api = Api::start().await;
    let admin = api.sign_in("acme", "administrator").await;
    let hr = api.sign_in("acme", "hr_manager").await;
    let neena = hired(&api, &hr, "Neena", "Yang").await;
    let id = text(&neena, "id");
    let of_her = found(&api, &admin, &format!("target_id={id}&category=data_write")).await;
    assert_eq!(actions(&of_her), ["employee.hired.v1"]);
    let event = &of_her[0];
    assert_eq!(event["actor"]["id"], hr.login["user"]["id"]);
    assert_eq!(event["outcome"], "success");
    assert!(
        event["changed"]
            .as_array()
            .unwrap()
            .contains(&json!("first_name"))
    );
    assert!(
        !event.to_string().contains("Neena"),
        "a list says what changed, not to what"
    );

    let request = text(event, "request_id");
    let in_request = found(&api, &admin, &format!("request_id={request}")).await;
    assert!(actions(&in_request).contains(&"employee.hired.v1"));
    let by_him = found(
        &api,
        &admin,
        &format!(
            "actor_id={}&action=auth.signed_in.v1",
            hr.login["user"]["id"].as_str().unwrap()
        ),
    )
    .await;
    assert_eq!(by_him.len(), 1);
    let at = text(event, "at");
    let before = found(&api, &admin, &format!("at[lt]={at}&target_id={id}")).await;
    assert!(before.is_empty(), "{before:?}");

    let shown = api
        .get(&admin, &format!("{EVENTS}/{}", text(event, "id")))
        .await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert_eq!(shown.body["changes"]["first_name"]["after"], "Neena");
    let read = found(&api, &admin, "action=audit.shown.v1").await;
    assert_eq!(read[0]["targets"][0]["id"], event["id"]);
}

#[tokio::test]
async fn the_audit_is_paged_from_the_newest_on() {
    let api = Api::start().await;
    let admin = api.sign_in("initech", "administrator").await;
    for number in 0..7 {
        let department = json!({"name": format!("D{number}"), "code": format!("D{number}")});
        created(&api, &admin, "/api/v1/departments", department).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let after = cursor
            .as_ref()
            .map(|it| format!("&cursor={it}"))
            .unwrap_or_default();
        let query = format!("{EVENTS}?action=department.created.v1&limit=3{after}");
        let page = api.get(&admin, &query).await;
        let data = page.body["data"].as_array().unwrap().clone();
        seen.extend(data.iter().map(|it| text(it, "at").to_owned()));
        match page.body["page"]["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    let mut sorted = seen.clone();
    sorted.sort_by(|one, other| other.cmp(one));
    assert_eq!((seen.len(), &sorted), (7, &seen));
}

#[tokio::test]
async fn whoever_lacks_the_right_reads_nothing_of_it_and_pay_is_for_those_who_may_see_pay() {
    let api = Api::start().await;
    let admin = api.sign_in("acme", "administrator").await;
    let hr = api.sign_in("acme", "hr_manager").await;
    for path in [EVENTS, "/api/v1/audit/export"] {
        assert_problem(&api.get(&hr, path).await, 403, "permission_denied");
    }
    let denied = found(&api, &admin, "action=access.denied.v1").await;
    assert_eq!(denied.len(), 2);
    assert_eq!(denied[0]["actor"]["id"], hr.login["user"]["id"]);
    let elsewhere = api.sign_in("globex", "administrator").await;
    let event = text(&denied[0], "id");
    let foreign = api.get(&elsewhere, &format!("{EVENTS}/{event}")).await;
    assert_problem(&foreign, 404, "not_found");
}

#[tokio::test]
async fn a_failed_sign_in_leaves_the_same_record_whoever_it_was() {
    let api = Api::start().await;
    let admin = api.sign_in("acme", "administrator").await;
    for email in [
        "administrator@acme.example",
        "nobody@acme.example",
        "no address",
    ] {
        let login = api
            .request(Method::POST, "/api/v1/auth/login")
            .header("x-tenant-slug", "acme")
            .json(&json!({"email": email, "password": "canary wrong password"}));
        assert_problem(&api.send(login).await, 401, "invalid_credentials");
    }
    let failed = found(&api, &admin, "action=auth.sign_in_failed.v1").await;
    assert_eq!(failed.len(), 3);
    for event in &failed {
        assert_eq!(event["actor"]["type"], "anonymous");
        assert_eq!(event["actor"]["id"], Value::Null);
        assert_eq!(event["category"], "denied");
        assert_eq!(event["targets"], json!([]));
        assert_eq!(event["changed"], json!(["email"]));
        let shown = api
            .get(&admin, &format!("{EVENTS}/{}", text(event, "id")))
            .await;
        let hash = shown.body["changes"]["email"]["after"]["hash"]
            .as_str()
            .unwrap();
        assert_eq!(hash.len(), 64);
        assert!(!shown.text.contains("nobody@") && !shown.text.contains("canary"));
    }
}

/// SHA-256, in hexadecimal.
fn sha256(parts: &[&[u8]]) -> String {
    let digest = digest(&SHA256, &parts.concat());
    digest
        .as_ref()
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// What somebody does who has the export and the public key, and nothing of ours but the description:
/// hashes the records, follows the links, and checks the signatures. How many events and seals.
fn prove(lines: &[Value], keys: &PublicKeys) -> (usize, usize) {
    let (mut last, mut events, mut seals) = (None::<(i64, String)>, 0, 0);
    for line in lines {
        if line["line"] == "seal" {
            let mut seal = line.clone();
            seal.as_object_mut().unwrap().remove("line");
            let signed: Signed = serde_json::from_value(seal).unwrap();
            assert!(keys.vouch_for(&signed), "{line}");
            let (position, link) = last.clone().unwrap();
            assert_eq!(
                (&line["last_position"], &line["link"]),
                (&json!(position), &json!(link))
            );
            seals += 1;
            continue;
        }
        // serde_json writes an object's keys in order, and these records hold nothing that RFC 8785
        // would write otherwise.
        let record = serde_json::to_string(&line["record"]).unwrap();
        let (hash, previous) = (text(line, "hash"), text(line, "previous"));
        assert_eq!(sha256(&[record.as_bytes()]), hash, "{record}");
        assert_eq!(
            sha256(&[&[1], &bytes(previous), &bytes(hash)]),
            text(line, "link")
        );
        if let Some((position, link)) = &last {
            assert_eq!(
                (line["position"].as_i64(), previous),
                (Some(position + 1), link.as_str())
            );
        }
        last = Some((
            line["position"].as_i64().unwrap(),
            text(line, "link").to_owned(),
        ));
        events += 1;
    }
    (events, seals)
}

#[tokio::test]
async fn an_export_is_proven_by_whoever_has_the_public_key_and_shows_nothing_personal() {
    let api = Api::start().await;
    let admin = api.sign_in("acme", "administrator").await;
    let folder = tempfile::tempdir().unwrap();
    let worker = worker(&api, &folder).await;
    for name in ["Canary", "Yang"] {
        let body = json!({"first_name": name, "last_name": name,
            "work_email": format!("{name}@canary.example"), "hire_date": "2024-01-01",
            "compensation": {"amount": "31337.00", "currency": "EUR", "pay_period": "monthly"}});
        created(&api, &admin, "/api/v1/employees", body).await;
    }
    eventually(async || {
        let newest = found(&api, &admin, "action=employee.hired.v1&limit=1").await;
        let newest = api
            .get(&admin, &format!("{EVENTS}/{}", text(&newest[0], "id")))
            .await;
        newest.body["seal"]["number"].is_i64()
    })
    .await;
    let export = api.get(&admin, "/api/v1/audit/export").await;
    assert_eq!(export.status, 200, "{}", export.text);
    assert_eq!(export.header("content-type"), Some("application/x-ndjson"));
    let lines: Vec<Value> = export
        .text
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let key = SigningKey::read(&SIGNING_KEY.into()).unwrap();
    let keys = PublicKeys::read(&key.public_half()).unwrap();
    let (events, seals) = prove(&lines, &keys);
    assert!(events >= 5 && seals >= 1, "{events} {seals}");
    for canary in ["Canary", "canary.example", "31337", "Yang"] {
        assert!(!export.text.contains(canary), "{canary}");
    }

    let csv = api
        .request(Method::GET, "/api/v1/audit/export")
        .header("x-tenant-slug", "acme")
        .header("accept", "text/csv")
        .bearer_auth(admin.token());
    let csv = api.send(csv).await;
    assert!(
        csv.header("content-type").unwrap().starts_with("text/csv"),
        "{csv:?}"
    );
    let rows: Vec<_> = csv.text.lines().collect();
    assert!(rows.len() > events, "{}", csv.text);
    assert!(rows[0].starts_with("position,at,") && csv.text.contains("hrms.audit.seal"));
    assert!(!csv.text.contains("Canary"));

    let nothing = api
        .get(&admin, "/api/v1/audit/export?from=2999-01-01T00:00:00Z")
        .await;
    assert_eq!((nothing.status, nothing.text.as_str()), (200, ""));
    let wrong = api.get(&admin, "/api/v1/audit/export?from=yesterday").await;
    assert_problem(&wrong, 400, "invalid_parameter");
    let told = found(&api, &admin, "action=audit.exported.v1").await;
    assert_eq!(told.len(), 3);
    worker.stop().await;
}
