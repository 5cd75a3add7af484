//! Whether the platform says truthfully how it is.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use testkit::{Answer, Api};

use crate::{
    platform::change,
    scene::{LOCK_ACME, patient},
};

#[tokio::test]
async fn a_healthy_platform_says_so() {
    let api = Api::start().await;
    let answer = api.send(api.request(Method::GET, "/api/health/")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        answer.body,
        json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "checks": {
                "database": "ok", "freshness": "ok", "migrations": "ok", "public_tenant": "ok",
                "cache": "disabled", "broker": "disabled", "worker": "disabled",
            },
        })
    );
    for path in [
        "/api/health/live",
        "/api/health/ready",
        "/api/health/startup",
    ] {
        assert_eq!(
            api.send(api.request(Method::GET, path)).await.status,
            200,
            "{path}"
        );
    }
}

/// An API that looks anew at every question about its health.
async fn attentive() -> Api {
    Api::start_with(|settings| settings.health.cache_ttl = Duration::from_millis(10)).await
}

async fn asks(api: &Api, path: &str) -> Answer {
    // What is remembered is older than this.
    tokio::time::sleep(Duration::from_millis(20)).await;
    api.send(api.request(Method::GET, path)).await
}

#[tokio::test]
async fn without_its_database_it_answers_503_and_recovers_by_itself() {
    let api = attentive().await;
    let session = api.sign_in("acme", "administrator").await;
    let name = api.database().name().to_owned();
    let mut maintenance = api.database().server().maintenance().await.unwrap();
    let close = format!(
        "ALTER DATABASE {name} ALLOW_CONNECTIONS false; \
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    );
    let reopen = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true");

    for _ in 0..2 {
        change(&mut maintenance, &close).await;
        let health = asks(&api, "/api/health").await;
        assert_eq!(
            (health.status, &health.body["status"]),
            (503, &json!("failed"))
        );
        for check in ["database", "migrations", "public_tenant"] {
            let check = &health.body["checks"][check];
            assert_eq!(check["status"], "failed", "{}", health.text);
            assert!(check["reason"].is_string(), "{}", health.text);
        }
        assert!(!health.text.contains("password"), "{}", health.text);
        assert_eq!(asks(&api, "/api/health/ready").await.status, 503);
        assert_eq!(asks(&api, "/api/health/live").await.status, 200);
        let refused = api.get(&session, "/api/v1/employees").await;
        assert_eq!(refused.status, 503, "{}", refused.text);
        assert!(refused.header("retry-after").is_some(), "{refused:?}");

        change(&mut maintenance, &reopen).await;
        let mut health = asks(&api, "/api/health").await;
        for _ in 0..50 {
            if health.body["status"] == "ok" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            health = asks(&api, "/api/health").await;
        }
        assert_eq!(
            (health.status, &health.body["status"]),
            (200, &json!("ok")),
            "{}",
            health.text
        );
        let answered = api.get(&session, "/api/v1/employees").await;
        assert_eq!(answered.status, 200, "{}", answered.text);
    }
}

#[tokio::test]
async fn a_connection_that_the_server_ended_is_replaced_without_an_error() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let mut superuser = api.database().superuser().await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    change(&mut superuser, end).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut failed = 0;
    for _ in 0..20 {
        let answer = api.get(&session, "/api/v1/employees").await;
        assert!([200, 503].contains(&answer.status), "{}", answer.text);
        failed += usize::from(answer.status == 503);
    }
    assert!(
        failed <= 4,
        "each dead connection is met at most once: {failed}"
    );
}

/// A change of what was applied to a schema, which undoes itself.
fn altered(schema: &str) -> String {
    format!(
        "UPDATE platform.schema_migrations SET sha256 = reverse(sha256) \
         WHERE schema_name = '{schema}'"
    )
}

#[tokio::test]
async fn what_the_platform_or_the_public_tenant_lack_is_named_and_an_outage() {
    let api = attentive().await;
    let mut superuser = api.database().superuser().await;
    for schema in ["platform", "public"] {
        change(&mut superuser, &altered(schema)).await;
        let health = asks(&api, "/api/health").await;
        assert_eq!(health.status, 503, "{}", health.text);
        assert_eq!(health.body["checks"]["database"], "ok");
        assert_eq!(health.body["checks"]["migrations"]["status"], "failed");
        let reason = health.body["checks"]["migrations"]["reason"].as_str();
        let expected = format!("of schema `{schema}` was another one");
        assert!(
            reason.is_some_and(|reason| reason.contains(&expected)),
            "{}",
            health.text
        );
        change(&mut superuser, &altered(schema)).await;
        assert_eq!(asks(&api, "/api/health").await.status, 200);
    }
}

#[tokio::test]
async fn a_tenants_schema_that_is_not_whole_is_no_outage_and_not_named_to_strangers() {
    let api = attentive().await;
    let session = api.sign_in("acme", "administrator").await;
    let mut superuser = api.database().superuser().await;
    let harms = [
        altered("t_globex"),
        "INSERT INTO platform.pools (schema_name, tenant_count) VALUES ('pool_0002', 0)".to_owned(),
        "DROP SCHEMA t_globex CASCADE".to_owned(),
        "DELETE FROM platform.schema_migrations WHERE schema_name = 'pool_0001'".to_owned(),
    ];
    for (harm, affected) in harms.iter().zip([1, 2, 2, 3]) {
        change(&mut superuser, harm).await;
        for path in ["/api/health", "/api/health/ready"] {
            let health = asks(&api, path).await;
            assert_eq!(
                (health.status, &health.body["status"]),
                (200, &json!("degraded")),
                "{harm}: {}",
                health.text
            );
            let migrations = &health.body["checks"]["migrations"];
            assert_eq!(migrations["status"], "degraded", "{harm}");
            let reason = migrations["reason"].as_str().unwrap();
            assert!(reason.contains(&format!(": {affected};")), "{reason}");
            for name in ["globex", "pool_000"] {
                assert!(!health.text.contains(name), "{}", health.text);
            }
        }
        assert_eq!(api.get(&session, "/api/v1/employees").await.status, 200);
    }
}

#[tokio::test]
async fn a_public_tenant_in_which_nobody_can_work_is_an_outage() {
    let api = attentive().await;
    let mut superuser = api.database().superuser().await;
    for (harm, cure) in [
        (
            "ALTER SCHEMA public RENAME TO public_x",
            "ALTER SCHEMA public_x RENAME TO public",
        ),
        (
            "ALTER TABLE public.users RENAME TO x",
            "ALTER TABLE public.x RENAME TO users",
        ),
        (
            "UPDATE platform.signing_keys SET state = 'retiring'",
            "UPDATE platform.signing_keys SET state = 'active'",
        ),
    ] {
        change(&mut superuser, harm).await;
        let health = asks(&api, "/api/health").await;
        assert_eq!(health.status, 503, "{harm}: {}", health.text);
        assert_eq!(health.body["checks"]["database"], "ok", "{harm}");
        let public = &health.body["checks"]["public_tenant"];
        assert_eq!(public["status"], "failed", "{harm}: {}", health.text);
        change(&mut superuser, cure).await;
        let health = asks(&api, "/api/health").await;
        assert_eq!(health.body["status"], "ok", "{cure}: {}", health.text);
    }
}

#[tokio::test]
async fn a_pool_without_a_free_connection_is_named_and_no_outage() {
    let api = Api::start_with(|settings| {
        settings.health.cache_ttl = Duration::from_millis(10);
        settings.database.max_connections_per_tenant = Some(settings.database.pool_size);
        patient(settings);
    })
    .await;
    let session = api.sign_in("acme", "administrator").await;
    assert_eq!(api.get(&session, "/api/v1/employees").await.status, 200);
    let mut superuser = api.database().superuser().await;
    change(&mut superuser, LOCK_ACME).await;
    let lists = (0..6).map(|_| api.get(&session, "/api/v1/employees"));
    let unlocked = async {
        let mut health = asks(&api, "/api/health").await;
        while health.body["status"] != "degraded" {
            assert_eq!(health.status, 200, "{}", health.text);
            health = asks(&api, "/api/health").await;
        }
        change(&mut superuser, "ROLLBACK").await;
        health
    };
    let (lists, health) =
        futures_util::future::join(futures_util::future::join_all(lists), unlocked).await;
    assert_eq!(health.status, 200, "{}", health.text);
    assert_eq!(
        health.body["checks"]["database"],
        json!({
            "status": "degraded",
            "reason": "each of the 4 connections is in use and requests wait for one",
        })
    );
    assert!(lists.iter().all(|list| list.status == 200));
    assert_eq!(asks(&api, "/api/health").await.body["status"], "ok");
}

#[tokio::test]
async fn a_public_tenant_out_of_service_is_named() {
    let api = attentive().await;
    let mut superuser = api.database().superuser().await;
    let suspend = "UPDATE platform.tenants SET status = 'suspended' WHERE slug = 'public'";
    change(&mut superuser, suspend).await;
    let health = asks(&api, "/api/health").await;
    assert_eq!(health.status, 503, "{}", health.text);
    assert_eq!(
        health.body["checks"]["public_tenant"]["reason"],
        "the public tenant is suspended"
    );
    assert_eq!(health.body["checks"]["database"], "ok");
}

#[tokio::test]
async fn however_many_ask_at_once_it_looks_once() {
    let api = Api::start().await;
    let mut superuser = api.database().superuser().await;
    let asking = (0..50).map(|_| api.send(api.request(Method::GET, "/api/health")));
    let answers = futures_util::future::join_all(asking).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let connections = "SELECT count(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let connections = crate::platform::ask(&mut superuser, connections).await;
    // One of the pool, one for health, and two that hear of changes.
    assert!(connections.parse::<u32>().unwrap() <= 4, "{connections}");
}
