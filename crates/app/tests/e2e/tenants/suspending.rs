//! Suspending and resuming.

use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    ACME, Answer, Api, AppLogin, Fixture, GLOBEX, INITECH, PUBLIC, Session, USER_PASSWORD, email,
};

use super::{TENANTS, of, platform, profile, shown, two};
use crate::scene::{
    NOTHING, assert_problem, eventually, hired, import, mistakes, patient, sql, whole, wrong,
};

async fn suspend(api: &Api, session: &Session, tenant: Fixture, body: Value) -> Answer {
    api.post(session, &of(tenant, "/suspend"), body).await
}

async fn resume(api: &Api, session: &Session, tenant: Fixture) -> Answer {
    let request = api.signed(session, Method::POST, &of(tenant, "/resume"));
    api.send(request).await
}

/// Every way into Acme is closed, and says so in the documented words.
async fn assert_closed<D: AppLogin>(api: &Api<D>, session: &Session) {
    let user = email("administrator", "acme");
    for answer in [
        api.get(session, "/api/v1/employees").await,
        api.get(session, "/api/v1/auth/me").await,
        api.log_in("acme", &user, USER_PASSWORD).await,
        profile(api, "acme.test").await,
        profile(api, "acme.localhost").await,
    ] {
        assert_problem(&answer, 403, "tenant_suspended");
        assert!(!answer.text.contains("bill"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_suspended_tenant_is_refused_in_every_process_until_it_is_resumed() {
    let (one, other) = two().await;
    let session = platform(&one).await;
    let acme = one.sign_in("acme", "administrator").await;
    let globex = one.sign_in("globex", "administrator").await;
    hired(&one, &acme, "Neena", "Yang").await;
    assert_eq!(other.get(&acme, "/api/v1/employees").await.status, 200);

    let reason = json!({"reason": " An unpaid bill "});
    let suspended = suspend(&one, &session, ACME, reason).await;
    assert_eq!(suspended.status, 200, "{}", suspended.text);
    assert_eq!(suspended.header("etag"), Some("\"2\""));
    assert_eq!(
        json!([
            suspended.body["status"],
            suspended.body["suspension_reason"]
        ]),
        json!(["suspended", "An unpaid bill"])
    );
    assert!(suspended.body["suspended_at"].is_string());
    assert_eq!(suspended.body, shown(&one, &session, ACME).await);
    // Here at once, there as soon as PostgreSQL has told.
    assert_closed(&one, &acme).await;
    eventually(async || profile(&other, "acme.test").await.status == 403).await;
    assert_closed(&other, &acme).await;
    for process in [
        one.get(&globex, "/api/v1/employees").await,
        other.get(&globex, "/api/v1/employees").await,
    ] {
        assert_eq!(process.status, 200, "{}", process.text);
    }

    let resumed = resume(&one, &session, ACME).await;
    assert_eq!(
        json!([
            resumed.status,
            resumed.body["status"],
            resumed.body["suspended_at"],
            resumed.body["suspension_reason"],
            resumed.body["version"]
        ]),
        json!([200, "active", null, null, 3])
    );
    // Whoever was in is not let in by the old token, but need not sign in again.
    assert_problem(
        &one.get(&acme, "/api/v1/employees").await,
        401,
        "token_stale",
    );
    let refresh = one
        .request(Method::POST, "/api/v1/auth/refresh")
        .header("x-tenant-slug", "acme")
        .json(&json!({"refresh_token": acme.refresh_token()}));
    let refreshed = one.send(refresh).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
    let acme = Session {
        tenant: "acme".to_owned(),
        login: refreshed.body,
    };
    assert_eq!(whole(&one, &acme, "/api/v1/employees").await.len(), 1);
    eventually(async || other.get(&acme, "/api/v1/employees").await.status == 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_at_work_while_his_tenant_is_suspended_is_told_so_and_nothing_else() {
    let api = Api::start().await;
    let session = platform(&api).await;
    let acme = api.sign_in("acme", "administrator").await;
    let globex = api.sign_in("globex", "administrator").await;
    let work = (0..8).map(async |number| {
        let mut refused = 0;
        while refused < 5 {
            let body = json!({"name": format!("Part {number}")});
            let answer = api.post(&acme, "/api/v1/departments", body).await;
            if answer.status != 201 {
                assert_problem(&answer, 403, "tenant_suspended");
                refused += 1;
            }
            let other = api.get(&globex, "/api/v1/departments").await;
            assert_eq!(other.status, 200, "{}", other.text);
        }
    });
    let suspension = async {
        let suspended = suspend(&api, &session, ACME, json!({})).await;
        assert_eq!(suspended.status, 200, "{}", suspended.text);
        assert_eq!(suspended.body["suspension_reason"], Value::Null);
        let late = api.get(&acme, "/api/v1/departments").await;
        assert_problem(&late, 403, "tenant_suspended");
    };
    join(join_all(work), suspension).await;
}

/// It was let in before, and would go on for as long as its reader takes.
#[tokio::test]
async fn an_export_breaks_off_when_its_tenant_is_suspended() {
    let api = Api::start_with(|settings| settings.imports.inline_rows = 100_000).await;
    let session = platform(&api).await;
    let acme = api.sign_in("acme", "administrator").await;
    let rows = (0..20_000).map(|n| format!("{n},P{n},{},2024-01-01\n", "x".repeat(90)));
    let rows: String = rows.collect();
    let file = format!("employee_number,last_name,first_name,hire_date\n{rows}");
    assert_eq!(import(&api, &acme, "employees", file).await.status, 200);
    let export = api
        .signed(&acme, Method::GET, "/api/v1/employees")
        .header("accept", "text/csv");
    // Nobody reads yet: it waits, far from its end.
    let reader = export.send().await.unwrap();
    assert_eq!(reader.status(), 200);
    assert_eq!(suspend(&api, &session, ACME, json!({})).await.status, 200);
    assert!(reader.text().await.is_err(), "the transfer broke off");
}

/// A change that waits for a lock, and is done when its tenant is out of service.
#[tokio::test]
async fn a_change_that_is_not_committed_when_its_tenant_is_suspended_is_undone() {
    let api = Api::start_with(patient).await;
    let session = platform(&api).await;
    let acme = api.sign_in("acme", "administrator").await;
    let mut holder = api.database().superuser().await;
    let lock = "BEGIN; LOCK TABLE t_acme.departments IN SHARE ROW EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut holder).await.unwrap();
    let change = api.post(&acme, "/api/v1/departments", json!({"name": "Sales"}));
    let suspension = async {
        let mut looker = api.database().superuser().await;
        eventually(async || {
            let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted \
                         AND relation = 't_acme.departments'::regclass)";
            sqlx::query_scalar(waits)
                .fetch_one(&mut looker)
                .await
                .unwrap()
        })
        .await;
        let suspended = suspend(&api, &session, ACME, json!({})).await;
        assert_eq!(suspended.status, 200, "{}", suspended.text);
        sqlx::raw_sql("ROLLBACK")
            .execute(&mut holder)
            .await
            .unwrap();
    };
    let (changed, ()) = join(change, suspension).await;
    assert_problem(&changed, 403, "tenant_suspended");
    let mut superuser = api.database().superuser().await;
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM t_acme.departments")
        .fetch_one(&mut superuser)
        .await
        .unwrap();
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn only_what_is_in_service_is_suspended_and_only_what_is_suspended_is_resumed() {
    let api = Api::start().await;
    let session = platform(&api).await;
    let public = suspend(&api, &session, PUBLIC, json!({})).await;
    assert_problem(&public, 409, "state_conflict");
    let detail = public.body["detail"].as_str().unwrap();
    assert!(detail.contains("cannot be suspended"), "{detail}");
    assert_problem(&resume(&api, &session, ACME).await, 409, "state_conflict");
    assert_eq!(suspend(&api, &session, ACME, json!({})).await.status, 200);
    let again = suspend(&api, &session, ACME, json!({"reason": "Another"})).await;
    assert_problem(&again, 409, "state_conflict");
    let acme = shown(&api, &session, ACME).await;
    assert_eq!(
        json!([acme["version"], acme["suspension_reason"]]),
        json!([2, null])
    );
    for status in ["creating", "migrating", "moving"] {
        let change =
            format!("UPDATE platform.tenants SET status = '{status}' WHERE slug = 'globex'");
        sql(&api, change).await;
        let answer = suspend(&api, &session, GLOBEX, json!({})).await;
        assert_problem(&answer, 409, "state_conflict");
        assert_problem(&resume(&api, &session, GLOBEX).await, 409, "state_conflict");
    }
    for (body, pointer, code) in [
        (json!({"reason": ""}), "/reason", "invalid"),
        (json!({"reason": "a".repeat(1_001)}), "/reason", "invalid"),
        (json!({"reason": "a\u{0}"}), "/reason", "invalid"),
        (json!({"why": "x"}), "/why", "unknown_field"),
    ] {
        let answer = suspend(&api, &session, INITECH, body).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(mistakes(&answer), wrong([(pointer, code)]));
    }
    for verb in ["suspend", "resume"] {
        let path = format!("{TENANTS}/{NOTHING}/{verb}");
        assert_problem(
            &api.post(&session, &path, json!({})).await,
            404,
            "not_found",
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_who_suspend_one_does_and_a_request_that_comes_again_is_done_once() {
    let api = Api::start().await;
    let session = platform(&api).await;
    let all = (0..10).map(async |_| suspend(&api, &session, ACME, json!({})).await);
    let mut answers = join_all(all).await;
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(answers[0].status, 200);
    for late in &answers[1..] {
        assert_problem(late, 409, "state_conflict");
    }

    let keyed = async |body: Value| {
        let request = api
            .signed(&session, Method::POST, &of(GLOBEX, "/suspend"))
            .header("idempotency-key", "once")
            .json(&body);
        api.send(request).await
    };
    let first = keyed(json!({"reason": "Once"})).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(resume(&api, &session, GLOBEX).await.status, 200);
    let again = keyed(json!({"reason": "Once"})).await;
    assert_eq!((again.status, &again.text), (200, &first.text));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    // What is answered again was not done again.
    assert_eq!(shown(&api, &session, GLOBEX).await["status"], "active");
    let other = keyed(json!({"reason": "Twice"})).await;
    assert_problem(&other, 422, "idempotency_key_reused");
}
