//! Imports that are too large to wait for: a worker does them.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};
use smtp_sink::Sink;
use testkit::{Answer, Api, Session, Worker};

use super::{import_how, people};
use crate::scene::{assert_problem, eventually, sql, text};

/// So many people, each with a manager who comes before.
fn file(count: usize) -> String {
    let mut csv = String::from("employee_number,first_name,last_name,hire_date,manager_number\n");
    for number in 1..=count {
        let manager = match number {
            1 => String::new(),
            other => (other / 10 + 1).min(other - 1).to_string(),
        };
        writeln!(csv, "{number},Ada,King {number},2020-01-01,{manager}").unwrap();
    }
    csv
}

async fn accepted(api: &Api, session: &Session, how: &str, csv: &str) -> Answer {
    let answer = import_how(api, session, how, None, csv).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let job = answer.header("location").unwrap();
    assert_eq!(
        job,
        format!("/api/v1/jobs/{}", text(&answer.body, "job_id"))
    );
    answer
}

async fn job(api: &Api, session: &Session, answer: &Answer) -> Value {
    let shown = api.get(session, answer.header("location").unwrap()).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    shown.body
}

/// The job once it stands so.
async fn once(api: &Api, session: &Session, answer: &Answer, states: &[&str]) -> Value {
    let mut last = Value::Null;
    eventually(async || {
        last = job(api, session, answer).await;
        states.contains(&text(&last, "state"))
    })
    .await;
    last
}

const ENDED: &[&str] = &["done", "dead", "cancelled"];

async fn worker(api: &Api) -> Worker {
    Worker::start(&api.database().app_url(), |_| {}).await
}

/// No file is left, and no piece of one.
async fn nothing_is_kept(api: &Api, schema: &str) {
    let check = format!(
        "DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM {schema}.files) \
         AND NOT EXISTS (SELECT FROM {schema}.file_chunks); END $$"
    );
    sql(api, check).await;
}

#[tokio::test]
async fn what_is_too_much_to_wait_for_is_imported_by_a_worker() {
    let api = Api::start().await;
    let worker = worker(&api).await;
    for (tenant, schema) in [("acme", "t_acme"), ("initech", "pool_0001")] {
        let session = api.sign_in(tenant, "hr_manager").await;
        let inline = import_how(&api, &session, "&dry_run=true", None, file(1_000)).await;
        assert_eq!(inline.status, 200, "{}", inline.text);

        let asked = accepted(&api, &session, "", &file(1_001)).await;
        let done = once(&api, &session, &asked, ENDED).await;
        assert_eq!(text(&done, "state"), "done", "{done}");
        let result = &done["result"];
        assert_eq!(
            json!([
                result["created"],
                result["failed"],
                result["employees"],
                result["dry_run"]
            ]),
            json!([1_001, 0, 1_001, false])
        );
        let counted = api
            .get(&session, "/api/v1/employees?count=exact&limit=1")
            .await;
        assert_eq!(counted.body["page"]["total"], 1_001);
        nothing_is_kept(&api, schema).await;
        // Nobody else's, not even a neighbour's in the pool.
        for stranger in ["globex", "umbrella"] {
            let stranger = api.sign_in(stranger, "administrator").await;
            let refused = api.get(&stranger, asked.header("location").unwrap()).await;
            assert_problem(&refused, 404, "not_found");
        }
    }
    worker.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_long_file_is_what_came_of_its_job() {
    let api = Api::start().await;
    let sink = Sink::start().await.unwrap();
    let worker = Worker::start(&api.database().app_url(), |settings| {
        settings.mail.url = Some(sink.url().into());
        settings.mail.sender = Some("no-reply@hrms.example".parse().unwrap());
    })
    .await;
    let session = api.sign_in("acme", "hr_manager").await;
    let bad = file(1_200).replace("King 7,2020-01-01", "King 7,the day before yesterday");
    let asked = accepted(&api, &session, "", &bad).await;
    let done = once(&api, &session, &asked, ENDED).await;
    assert_eq!(text(&done, "state"), "done", "{done}");
    let result = &done["result"];
    assert_eq!(json!([result["created"], result["failed"]]), json!([0, 1]));
    assert_eq!(result["errors"][0]["pointer"], "/rows/8/hire_date");
    assert_eq!(people(&api, &session).await.len(), 0);
    // Whoever wanted it is told so, and nobody else.
    let mail = tokio::time::timeout(std::time::Duration::from_secs(30), sink.next());
    let mail = mail.await.unwrap();
    assert_eq!(mail.to, ["hr_manager@acme.example"]);
    assert_eq!(mail.subject(), "Import of employees: nothing came in");
    let text = String::from_utf8_lossy(&mail.bytes).into_owned();
    assert!(
        text.contains("hire_date") && !text.contains("before yesterday"),
        "{text}"
    );

    // The good ones come in when the client says so; of many mistakes the first are named.
    let worse = file(1_200).replace(",2020-01-01,", ",tomorrow,");
    let worse = worse.replacen(",tomorrow,", ",2020-01-01,", 900);
    let asked = accepted(&api, &session, "&mode=independent", &worse).await;
    let done = once(&api, &session, &asked, ENDED).await;
    let result = &done["result"];
    assert_eq!(
        json!([result["created"], result["failed"]]),
        json!([900, 300]),
        "{done}"
    );
    let errors = result["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 101);
    assert_eq!(errors[100]["code"], "more");
    nothing_is_kept(&api, "t_acme").await;
    worker.stop().await;
}

#[tokio::test]
async fn a_long_import_that_was_taken_back_never_was_and_a_key_orders_it_once() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let first = import_how(&api, &session, "", Some("a"), file(1_500)).await;
    let again = import_how(&api, &session, "", Some("a"), file(1_500)).await;
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.body, again.body);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let other = import_how(&api, &session, "", Some("a"), file(1_501)).await;
    assert_problem(&other, 422, "idempotency_key_reused");

    let cancel = format!("{}/cancel", first.header("location").unwrap());
    let request = api.signed(&session, Method::POST, &cancel);
    let cancelled = api.send(request).await;
    assert_eq!(text(&cancelled.body, "state"), "cancelled");
    let worker = worker(&api).await;
    // It would be its turn before this one.
    let later = accepted(&api, &session, "&dry_run=true", &file(1_200)).await;
    let done = once(&api, &session, &later, ENDED).await;
    assert_eq!(
        json!([done["state"], done["result"]["dry_run"]]),
        json!(["done", true])
    );
    assert_eq!(
        text(&job(&api, &session, &first).await, "state"),
        "cancelled"
    );
    assert_eq!(people(&api, &session).await.len(), 0);
    worker.stop().await;
}

#[tokio::test]
async fn a_long_import_tells_how_far_it_is_and_stopped_in_the_middle_leaves_nothing() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    // Somebody holds the employments: the import waits before its end, with people stored.
    let csv = file(1_100);
    let mut holder = api.database().superuser().await;
    let hold = "BEGIN; LOCK TABLE t_acme.employments IN SHARE MODE";
    sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
    let worker = Worker::start(&api.database().app_url(), |settings| {
        settings.database.lock_timeout = std::time::Duration::from_mins(1);
        settings.database.statement_timeout = std::time::Duration::from_mins(1);
        settings.worker.lease = std::time::Duration::from_secs(3);
    })
    .await;
    let asked = accepted(&api, &session, "", &csv).await;
    // How far it is, is told meanwhile.
    eventually(async || job(&api, &session, &asked).await["progress"]["done"] == 1_100).await;
    let cancel = format!("{}/cancel", asked.header("location").unwrap());
    let cancelled = api.send(api.signed(&session, Method::POST, &cancel)).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut holder)
        .await
        .unwrap();
    worker.stop().await;
    assert_eq!(
        text(&job(&api, &session, &asked).await, "state"),
        "cancelled"
    );
    assert_eq!(people(&api, &session).await.len(), 0);
}
