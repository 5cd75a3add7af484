//! Attacks on the making of tenants.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};
use tenancy::TenancyError;
use testkit::Api;

use super::{
    TENANTS,
    creating::{ended, provisioner},
};
use crate::scene::{assert_problem, eventually, number, text};

fn initrode() -> Value {
    json!({"slug": "initrode", "name": "Initrode",
        "administrator": {"email": "bill@initrode.example", "password": "a red stapler of my own"}})
}

#[tokio::test]
async fn the_making_of_a_tenant_is_not_taken_back() {
    let api = Api::start().await;
    let platform = api.sign_in("public", "administrator").await;
    let asked = api.post(&platform, TENANTS, initrode()).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let id = asked
        .header("location")
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap();
    let cancel = format!("/api/v1/platform/jobs/{id}/cancel");
    let cancelled = api.post(&platform, &cancel, Value::Null).await;
    assert_problem(&cancelled, 409, "state_conflict");
    let again = api.post(&platform, TENANTS, initrode()).await;
    assert_problem(&again, 409, "slug_taken");
    let waiting = api.get(&platform, asked.header("location").unwrap()).await;
    assert_eq!(text(&waiting.body, "state"), "ready");
}

#[tokio::test]
async fn who_was_asked_for_as_administrator_becomes_it() {
    use app::operate::{
        self, Failure, Operator, PasswordFrom, Placement, Silent, TenantRequest, TimeZone,
    };
    let api = Api::start().await;
    let platform = api.sign_in("public", "administrator").await;
    let asked = api.post(&platform, TENANTS, initrode()).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let folder = tempfile::tempdir().unwrap();
    let url = api.database().migrator_url();
    let from = app::settings::LoadFrom::environment([
        ("HRMS_DATABASE__ADMIN_URL", url.as_str()),
        ("HRMS_AUDIT__KEY", testkit::AUDIT_KEY),
    ]);
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
    assert!(matches!(
        made,
        Err(Failure::Tenancy(TenancyError::SlugTaken(_)))
    ));
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
async fn a_tenant_that_is_half_made_is_made_to_its_end() {
    let api = Api::start().await;
    let platform = api.sign_in("public", "administrator").await;
    let mut holder = api.database().superuser().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE platform.schema_migrations IN SHARE MODE")
        .execute(&mut holder)
        .await
        .unwrap();
    let worker = provisioner(&api).await;
    let asked = api.post(&platform, TENANTS, initrode()).await;
    let place = asked.header("location").unwrap().to_owned();
    eventually(async || text(&api.get(&platform, &place).await.body, "state") == "running").await;
    let cancel = place.replace("/api/v1/jobs/", "/api/v1/platform/jobs/") + "/cancel";
    let cancelled = api.post(&platform, &cancel, Value::Null).await;
    assert_problem(&cancelled, 409, "state_conflict");
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut holder)
        .await
        .unwrap();
    let job = ended(&api, &platform, &asked).await;
    worker.stop().await;
    assert_eq!(text(&job, "state"), "done", "{job}");
}

#[tokio::test]
async fn a_tenant_lives_where_the_settings_say() {
    let api = Api::start_with(|settings| {
        settings.tenancy.default_placement = app::settings::DefaultPlacement::Pooled;
    })
    .await;
    let platform = api.sign_in("public", "administrator").await;
    let asked = api.post(&platform, TENANTS, initrode()).await;
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
        let answer = api.post(&platform, TENANTS, body).await;
        writeln!(told, "{} {}", answer.status, answer.text).unwrap();
    }
    for raw in [
        r#"{"slug":"initrode","administrator":{"password":hunter2hunter2}}"#,
        r#"{"slug":"initrode","administrator":{"password":"hunter2hunter2","password":"x"}}"#,
    ] {
        let request = api
            .signed(&platform, Method::POST, TENANTS)
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
