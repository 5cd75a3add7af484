//! Attacks on imports that a worker does, and on jobs.

use std::{fmt::Write as _, time::Duration};

use app::settings::Settings;
use reqwest::Method;
use serde_json::{Value, json};
use smtp_sink::Sink;
use sqlx::Row as _;
use testkit::{Answer, Api, Session, Worker};

use super::{import_how, people};
use crate::scene::{assert_problem, eventually, number, sql, text};

fn file(count: usize) -> String {
    let mut csv = String::from("employee_number,first_name,last_name,hire_date\n");
    for number in 1..=count {
        writeln!(csv, "{number},Ada,King {number},2020-01-01").unwrap();
    }
    csv
}

fn quick(settings: &mut Settings) {
    settings.worker.first_wait = Duration::from_millis(10);
    settings.worker.longest_wait = Duration::from_millis(50);
}

async fn ended(api: &Api, session: &Session, asked: &Answer) -> Value {
    let mut last = Value::Null;
    eventually(async || {
        last = api
            .get(session, asked.header("location").unwrap())
            .await
            .body;
        ["done", "dead", "cancelled"].contains(&text(&last, "state"))
    })
    .await;
    last
}

async fn why(api: &Api) -> String {
    let mut superuser = api.database().superuser().await;
    let row = sqlx::query(
        "SELECT coalesce(string_agg(kind || ' ' || state || ' ' || attempt || ': ' || \
         coalesce(last_error, '-'), E'\n'), '') FROM platform.jobs",
    );
    row.fetch_one(&mut superuser).await.unwrap().get(0)
}

/// Keeps the employments of Acme until its `ROLLBACK`: imports wait before their end.
async fn holding_employments(api: &Api) -> sqlx::PgConnection {
    let mut holder = api.database().superuser().await;
    let hold = "BEGIN; LOCK TABLE t_acme.employments IN SHARE MODE";
    sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
    holder
}

#[tokio::test]
async fn a_refused_file_with_wide_headings_is_told_so() {
    let api = Api::start().await;
    let worker = Worker::start(&api.database().app_url(), quick).await;
    let session = api.sign_in("acme", "hr_manager").await;
    let wide: Vec<String> = (0..110)
        .map(|n| format!("{n}{}", "x".repeat(200)))
        .collect();
    let wide = format!(",{}", wide.join(","));
    let csv = file(1_100).replacen("hire_date", &format!("hire_date{wide}"), 1);
    let asked = import_how(&api, &session, "", None, csv).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let job = ended(&api, &session, &asked).await;
    worker.stop().await;
    assert_eq!(text(&job, "state"), "done", "{}", why(&api).await);
}

#[tokio::test]
async fn a_refused_file_with_a_nul_in_its_header_is_told_so() {
    let api = Api::start().await;
    let worker = Worker::start(&api.database().app_url(), quick).await;
    let session = api.sign_in("acme", "hr_manager").await;
    let csv = file(1_100).replacen("hire_date", "hire_date,x\0y", 1);
    let asked = import_how(&api, &session, "", None, csv).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let job = ended(&api, &session, &asked).await;
    worker.stop().await;
    assert_eq!(text(&job, "state"), "done", "{}", why(&api).await);
}

#[tokio::test]
async fn lines_may_end_with_a_carriage_return() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let csv = file(3_000).replace('\n', "\r");
    let asked = import_how(&api, &session, "&dry_run=true", None, csv).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
}

#[tokio::test]
async fn who_may_not_import_any_more_imports_nothing() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let asked = import_how(&api, &session, "", None, file(1_100)).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let administrator = api.sign_in("acme", "administrator").await;
    sql(
        &api,
        "UPDATE t_acme.users SET status = 'deactivated' WHERE email = 'hr_manager@acme.example'; \
         DELETE FROM t_acme.role_assignments WHERE user_id = \
         (SELECT id FROM t_acme.users WHERE email = 'hr_manager@acme.example')"
            .to_owned(),
    )
    .await;
    let worker = Worker::start(&api.database().app_url(), quick).await;
    let job = ended(&api, &administrator, &asked).await;
    worker.stop().await;
    assert_eq!(people(&api, &administrator).await.len(), 0, "{job}");
}

#[tokio::test]
async fn what_was_taken_back_is_not_kept() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let asked = import_how(&api, &session, "", None, file(1_100)).await;
    let cancel = format!("{}/cancel", asked.header("location").unwrap());
    let cancelled = api.send(api.signed(&session, Method::POST, &cancel)).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    assert_eq!(number(&api, "SELECT count(*) FROM t_acme.files").await, 0);
}

#[tokio::test]
async fn a_tenant_does_not_fill_the_disk() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    for n in 0..16 {
        let asked = import_how(&api, &session, "", None, file(1_100)).await;
        assert_eq!(asked.status, 202, "{n}: {}", asked.text);
    }
    let one_too_many = import_how(&api, &session, "", None, file(1_100)).await;
    assert_problem(&one_too_many, 503, "unavailable");
}

#[tokio::test]
async fn an_import_that_waits_for_another_one_does_not_fail_for_that() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let mut holder = holding_employments(&api).await;
    let worker = Worker::start(&api.database().app_url(), |settings| {
        quick(settings);
        settings.worker.bulk = 4;
        settings.database.lock_timeout = Duration::from_mins(2);
        settings.database.statement_timeout = Duration::from_mins(2);
    })
    .await;
    for n in 0..2 {
        let csv = file(1_100 + n);
        let asked = import_how(&api, &session, "", None, csv).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
    }
    // One that fails is dead: to wait is not to fail.
    sql(&api, "UPDATE platform.jobs SET max_attempts = 1".to_owned()).await;
    tokio::time::sleep(Duration::from_secs(13)).await;
    let told = why(&api).await;
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut holder)
        .await
        .unwrap();
    worker.stop().await;
    assert!(told.contains("other imports are running"), "{told}");
    assert!(!told.contains("dead") && !told.contains(" 2: "), "{told}");
}

#[tokio::test]
async fn a_tenant_that_was_suspended_meanwhile_stays_as_it_was() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let mut holder = holding_employments(&api).await;
    let worker = Worker::start(&api.database().app_url(), |settings| {
        quick(settings);
        settings.database.lock_timeout = Duration::from_mins(1);
        settings.database.statement_timeout = Duration::from_mins(1);
    })
    .await;
    let asked = import_how(&api, &session, "", None, file(1_100)).await;
    let place = asked.header("location").unwrap().to_owned();
    eventually(async || api.get(&session, &place).await.body["progress"]["done"] == 1_100).await;
    let platform = api.sign_in("public", "administrator").await;
    let mut superuser = api.database().superuser().await;
    let (id, version): (uuid::Uuid, i64) =
        sqlx::query_as("SELECT id, version FROM platform.tenants WHERE slug = 'acme'")
            .fetch_one(&mut superuser)
            .await
            .unwrap();
    let suspend = api
        .signed(
            &platform,
            Method::POST,
            &format!("/api/v1/platform/tenants/{id}/suspend"),
        )
        .header("if-match", format!("\"{version}\""))
        .json(&json!({}));
    let suspended = api.send(suspend).await;
    assert_eq!(suspended.status, 200, "{}", suspended.text);
    tokio::time::sleep(Duration::from_secs(3)).await;
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut holder)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let told = why(&api).await;
    let came = number(&api, "SELECT count(*) FROM t_acme.employees").await;
    worker.stop().await;
    assert_eq!(came, 0, "{told}");
}

#[tokio::test]
async fn who_wanted_an_import_is_told_of_its_end_whatever_it_is() {
    let api = Api::start().await;
    let sink = Sink::start().await.unwrap();
    let session = api.sign_in("acme", "hr_manager").await;
    let asked = import_how(&api, &session, "", None, file(1_100)).await;
    // Its days are over, as those of a tenant that was suspended for two weeks.
    sql(
        &api,
        "DELETE FROM t_acme.file_chunks; DELETE FROM t_acme.files".to_owned(),
    )
    .await;
    let worker = Worker::start(&api.database().app_url(), |settings| {
        quick(settings);
        settings.mail.url = Some(sink.url().into());
        settings.mail.sender = Some("no-reply@hrms.example".parse().unwrap());
    })
    .await;
    let job = ended(&api, &session, &asked).await;
    assert_eq!(text(&job, "state"), "dead");
    let mail = tokio::time::timeout(Duration::from_secs(5), sink.next()).await;
    worker.stop().await;
    assert!(mail.is_ok(), "nobody was told: {}", why(&api).await);
}

#[tokio::test]
async fn a_mapping_that_cannot_be_kept_is_a_wrong_parameter() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let long = format!("&map={}:", "x".repeat(61_500));
    let csv = file(1_100);
    for how in [long.as_str(), "&map=a%00b:"] {
        let asked = import_how(&api, &session, how, None, csv.clone()).await;
        assert!((400..500).contains(&asked.status), "{}", asked.text);
    }
}

#[tokio::test]
async fn what_has_ended_stays_as_it_is() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let asked = import_how(&api, &session, "", None, file(1_100)).await;
    sql(
        &api,
        "UPDATE platform.jobs SET state = 'dead', attempt = 8, ended_at = '2026-01-01', \
         last_error = 'somebody must look at it'"
            .to_owned(),
    )
    .await;
    let cancel = format!("{}/cancel", asked.header("location").unwrap());
    let cancelled = api.post(&session, &cancel, Value::Null).await;
    assert_problem(&cancelled, 409, "state_conflict");
}

#[tokio::test]
async fn who_has_the_migrators_login_makes_tenants_and_does_nothing_else() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let asked = import_how(&api, &session, "", None, file(1_100)).await;
    // `enqueue_job` takes the queue from its caller, which any tenant's transaction is.
    sql(
        &api,
        "UPDATE platform.jobs SET queue = 'provisioning'".to_owned(),
    )
    .await;
    let admin_url = api.database().migrator_url();
    let worker = Worker::start(&api.database().app_url(), |settings| {
        quick(settings);
        settings.worker.critical = 0;
        settings.worker.default = 0;
        settings.worker.bulk = 0;
        settings.worker.provisioning = 2;
        settings.database.admin_url = Some(admin_url.into());
    })
    .await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    worker.stop().await;
    let place = asked.header("location").unwrap();
    let job = api.get(&session, place).await;
    assert_ne!(text(&job.body, "state"), "done", "{}", job.text);
}

#[tokio::test]
async fn a_long_cell_is_one_row() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let csv = format!(
        "first_name,last_name,hire_date\nAda,King,2020-01-01\n{}",
        "\n".repeat(2_000)
    );
    let asked = import_how(&api, &session, "&dry_run=true", None, csv).await;
    assert_eq!(asked.status, 200, "one row: {}", asked.text);
}

#[tokio::test]
async fn one_companys_import_costs_another_none_of_its_tries() {
    let api = Api::start().await;
    let mut holder = holding_employments(&api).await;
    let worker = Worker::start(&api.database().app_url(), |settings| {
        quick(settings);
        settings.worker.bulk = 4;
        settings.imports.at_once = 1;
        settings.database.lock_timeout = Duration::from_mins(2);
        settings.database.statement_timeout = Duration::from_mins(2);
    })
    .await;
    for tenant in ["acme", "globex"] {
        let session = api.sign_in(tenant, "hr_manager").await;
        let asked = import_how(&api, &session, "", None, file(1_100)).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    tokio::time::sleep(Duration::from_secs(43)).await;
    let told = why(&api).await;
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut holder)
        .await
        .unwrap();
    worker.stop().await;
    assert!(!told.contains("dead"), "{told}");
}
