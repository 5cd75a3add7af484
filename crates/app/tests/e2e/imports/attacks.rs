//! Attacks on imports that a worker does, and on jobs.

use std::{fmt::Write as _, time::Duration};

use app::settings::Settings;
use reqwest::Method;
use serde_json::{Value, json};
use smtp_sink::Sink;
use sqlx::Row as _;
use testkit::{Answer, Api, Session, Worker};

use super::{import_how, people};
use crate::scene::{assert_problem, eventually, sql, text};

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

async fn number(api: &Api, query: &str) -> i64 {
    let mut superuser = api.database().superuser().await;
    let row = sqlx::query(sqlx::AssertSqlSafe(query.to_owned()));
    row.fetch_one(&mut superuser).await.unwrap().get(0)
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
    let mut accepted = 0;
    for n in 0..60 {
        let csv = format!("{}\n", file(1_100)).replacen("Ada", &format!("Ada{n}"), 1);
        let asked = import_how(&api, &session, "", None, csv).await;
        if asked.status != 202 {
            println!("stopped at {n}: {}", asked.text);
            return;
        }
        accepted += 1;
    }
    panic!("{accepted} imports wait, and nobody minds");
}

#[tokio::test]
async fn an_import_that_waits_for_another_one_does_not_fail_for_that() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let mut holder = api.database().superuser().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE t_acme.employments IN SHARE MODE")
        .execute(&mut holder)
        .await
        .unwrap();
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
    let mut holder = api.database().superuser().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE t_acme.employments IN SHARE MODE")
        .execute(&mut holder)
        .await
        .unwrap();
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
    let mut told = String::new();
    for how in [long.as_str(), "&map=a%00b:"] {
        let asked = import_how(&api, &session, how, None, csv.clone()).await;
        writeln!(told, "{} {}", asked.status, asked.text).unwrap();
    }
    assert!(!told.contains("50"), "{told}");
}

#[tokio::test]
async fn a_tenant_that_is_being_made_is_not_left_half_made() {
    let api = Api::start().await;
    let platform = api.sign_in("public", "administrator").await;
    let body = json!({"slug": "initrode", "name": "Initrode",
        "administrator": {"email": "bill@initrode.example", "password": "a red stapler of my own"}});
    let asked = api
        .post(&platform, "/api/v1/platform/tenants", body.clone())
        .await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let id = asked
        .header("location")
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap();
    let cancel = format!("/api/v1/platform/jobs/{id}/cancel");
    let cancelled = api.post(&platform, &cancel, Value::Null).await;
    println!("{} {}", cancelled.status, cancelled.text);
    let hashes = number(&api, "SELECT count(*) FROM platform.first_administrators").await;
    let again = api.post(&platform, "/api/v1/platform/tenants", body).await;
    // Either it cannot be taken back, or nothing of it is left.
    assert!(
        cancelled.status == 409 || (hashes, again.status) == (0, 202),
        "{}, {hashes} hashes left, and the slug then: {}",
        cancelled.text,
        again.text
    );
}

fn initrode() -> Value {
    json!({"slug": "initrode", "name": "Initrode",
        "administrator": {"email": "bill@initrode.example", "password": "a red stapler of my own"}})
}

async fn provisioner(api: &Api) -> Worker {
    let admin_url = api.database().migrator_url();
    Worker::start(&api.database().app_url(), |settings| {
        quick(settings);
        settings.worker.provisioning = 2;
        settings.database.admin_url = Some(admin_url.into());
    })
    .await
}

#[tokio::test]
async fn who_was_asked_for_as_administrator_becomes_it() {
    use app::operate::{self, Operator, PasswordFrom, Placement, Silent, TenantRequest, TimeZone};
    let api = Api::start().await;
    let platform = api.sign_in("public", "administrator").await;
    let asked = api
        .post(&platform, "/api/v1/platform/tenants", initrode())
        .await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let folder = tempfile::tempdir().unwrap();
    let url = api.database().migrator_url();
    let from = app::settings::LoadFrom::environment([("HRMS_DATABASE__ADMIN_URL", url.as_str())]);
    let credentials = Some(folder.path().join("credentials"));
    let operator = Operator::new(
        from,
        credentials,
        operate::ambient(),
        std::sync::Arc::new(Silent),
    )
    .unwrap();
    let made = Box::pin(operator.create_tenant(TenantRequest {
        slug: "initrode".parse().unwrap(),
        name: "Initrode".parse().unwrap(),
        placement: Some(Placement::Dedicated),
        locale: "en".parse().unwrap(),
        time_zone: TimeZone::utc(),
        administrator: "somebody@else.example".parse().unwrap(),
        password: PasswordFrom::Generated,
    }))
    .await;
    println!("operator: {:?}", made.map(|it| it.slug));
    let worker = provisioner(&api).await;
    let job = ended(&api, &platform, &asked).await;
    worker.stop().await;
    let users = number(
        &api,
        "SELECT count(*) FROM t_initrode.users WHERE email = 'bill@initrode.example'",
    )
    .await;
    assert_eq!((text(&job, "state"), users), ("done", 1), "{job}");
}

#[tokio::test]
async fn what_was_cancelled_is_not_there() {
    let api = Api::start().await;
    let platform = api.sign_in("public", "administrator").await;
    let mut holder = api.database().superuser().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE platform.schema_migrations IN SHARE MODE")
        .execute(&mut holder)
        .await
        .unwrap();
    let worker = provisioner(&api).await;
    let asked = api
        .post(&platform, "/api/v1/platform/tenants", initrode())
        .await;
    let place = asked.header("location").unwrap().to_owned();
    eventually(async || text(&api.get(&platform, &place).await.body, "state") == "running").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let cancel = place.replace("/api/v1/jobs/", "/api/v1/platform/jobs/") + "/cancel";
    let cancelled = api.post(&platform, &cancel, Value::Null).await;
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut holder)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(8)).await;
    let told = why(&api).await;
    let active = number(
        &api,
        "SELECT count(*) FROM platform.tenants WHERE slug = 'initrode' AND status = 'active'",
    )
    .await;
    worker.stop().await;
    assert!(
        cancelled.status == 409 || active == 0,
        "{} {active} {told}",
        cancelled.text
    );
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
async fn a_tenant_lives_where_the_settings_say() {
    let api = Api::start_with(|settings| {
        settings.tenancy.default_placement = app::settings::DefaultPlacement::Pooled;
    })
    .await;
    let platform = api.sign_in("public", "administrator").await;
    let asked = api
        .post(&platform, "/api/v1/platform/tenants", initrode())
        .await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    assert_eq!(text(&asked.body, "placement"), "pooled");
}

#[tokio::test]
async fn no_error_repeats_a_password() {
    let api = Api::start().await;
    let platform = api.sign_in("public", "administrator").await;
    let mut told = String::new();
    for administrator in [
        json!({"email": "a@b.example", "password": 112_233_445_566_i64}),
        json!({"email": "a@b.example", "password": {"hunter2hunter2": 1}}),
        json!({"email": "a@b.example", "password": ["hunter2hunter2"]}),
        json!("hunter2hunter2"),
        json!({"email": "hunter2hunter2", "password": "hunter2hunter2"}),
    ] {
        let mut body = initrode();
        body["administrator"] = administrator;
        let answer = api.post(&platform, "/api/v1/platform/tenants", body).await;
        writeln!(told, "{} {}", answer.status, answer.text).unwrap();
    }
    for raw in [
        r#"{"slug":"initrode","administrator":{"password":hunter2hunter2}}"#,
        r#"{"slug":"initrode","administrator":{"password":"hunter2hunter2","password":"x"}}"#,
    ] {
        let request = api
            .signed(&platform, Method::POST, "/api/v1/platform/tenants")
            .header("content-type", "application/json")
            .body(raw);
        let answer = api.send(request).await;
        writeln!(told, "{} {}", answer.status, answer.text).unwrap();
    }
    assert!(
        !told.contains("hunter2") && !told.contains("112233445566"),
        "{told}"
    );
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
    let mut holder = api.database().superuser().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE t_acme.employments IN SHARE MODE")
        .execute(&mut holder)
        .await
        .unwrap();
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
