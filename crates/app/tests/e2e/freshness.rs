//! What is written in one place counts in every process.

use std::time::Duration;

use app::settings::Settings;
use reqwest::Method;
use serde_json::json;
use testkit::{Api, AppLogin, TestDatabase, USER_PASSWORD, email};

use crate::scene::{assert_problem, eventually, sql};

/// The database of another API.
struct Same(String);

impl AppLogin for Same {
    fn app_url(&self) -> String {
        self.0.clone()
    }
}

/// Nobody looks by himself: what a process learns, PostgreSQL told it.
fn only_told(settings: &mut Settings) {
    settings.tenancy.poll_interval = Duration::from_hours(1);
    settings.tenancy.refuse_after = Duration::from_hours(3);
}

/// Two processes over one database.
async fn two(change: fn(&mut Settings)) -> (Api, Api<Same>) {
    let one = Api::start_with(change).await;
    let other = Api::over(Same(one.database().app_url()), change).await;
    (one, other)
}

async fn tenant<D: AppLogin>(api: &Api<D>, slug: &str) -> testkit::Answer {
    let request = api.request(Method::GET, "/api/v1/tenant");
    api.send(request.header("x-tenant-slug", slug)).await
}

fn status(slug: &str, status: &str) -> String {
    format!("UPDATE platform.tenants SET status = '{status}' WHERE slug = '{slug}'")
}

#[tokio::test]
async fn a_suspension_counts_in_every_process_because_postgresql_tells_of_it() {
    let (one, other) = two(only_told).await;
    for (now, answer) in [("suspended", 403), ("active", 200), ("moving", 503)] {
        sql(&one, status("acme", now)).await;
        eventually(async || tenant(&one, "acme").await.status == answer).await;
        eventually(async || tenant(&other, "acme").await.status == answer).await;
        assert_eq!(tenant(&other, "globex").await.status, 200);
    }
}

#[tokio::test]
async fn a_suspension_counts_too_while_postgresql_cannot_tell_of_it() {
    let (one, other) = two(|settings| {
        settings.tenancy.poll_interval = Duration::from_millis(50);
        settings.health.cache_ttl = Duration::from_millis(10);
    })
    .await;
    sql(&one, "DROP TRIGGER tell ON platform.tenants".to_owned()).await;
    for (now, answer) in [("suspended", 403), ("active", 200)] {
        sql(&one, status("acme", now)).await;
        eventually(async || tenant(&other, "acme").await.status == answer).await;
    }
}

#[tokio::test]
async fn a_listener_that_is_cut_off_is_told_in_health_and_listens_again() {
    let api = Api::start_with(|settings| {
        only_told(settings);
        settings.health.cache_ttl = Duration::from_millis(10);
    })
    .await;
    let health = async || {
        let answer = api.send(api.request(Method::GET, "/api/health")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body["checks"]["freshness"].clone()
    };
    assert_eq!(health().await, "ok");
    // As long as nobody may connect, nobody can listen.
    let name = api.database().name().to_owned();
    let mut maintenance = api.database().server().maintenance().await.unwrap();
    let allow = |allowed| format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}");
    crate::platform::change(&mut maintenance, &allow(false)).await;
    let end = format!(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
         WHERE datname = '{name}' AND application_name = 'hrms listener'"
    );
    crate::platform::change(&mut maintenance, &end).await;
    eventually(async || health().await["status"] == "degraded").await;
    crate::platform::change(&mut maintenance, &allow(true)).await;
    eventually(async || health().await == "ok").await;
    sql(&api, status("acme", "suspended")).await;
    eventually(async || tenant(&api, "acme").await.status == 403).await;
}

#[tokio::test]
async fn a_process_that_cannot_look_serves_from_memory_for_a_while_and_then_refuses() {
    let api = Api::start_with(|settings| {
        settings.tenancy.poll_interval = Duration::from_millis(100);
        settings.tenancy.refuse_after = Duration::from_secs(3);
        settings.health.cache_ttl = Duration::from_millis(10);
    })
    .await;
    assert_eq!(tenant(&api, "acme").await.status, 200);
    let name = api.database().name().to_owned();
    let mut maintenance = api.database().server().maintenance().await.unwrap();
    let allow = |allowed| format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}");
    crate::platform::change(&mut maintenance, &allow(false)).await;
    let end = format!(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
    );
    crate::platform::change(&mut maintenance, &end).await;
    let mut last = tenant(&api, "acme").await;
    eventually(async || {
        last = tenant(&api, "acme").await;
        last.status != 200
    })
    .await;
    assert_problem(&last, 503, "unavailable");
    assert!(last.header("retry-after").is_some());
    let health = api.send(api.request(Method::GET, "/api/health")).await;
    assert_eq!(health.status, 503, "{}", health.text);
    assert_eq!(health.body["checks"]["freshness"]["status"], "failed");
    crate::platform::change(&mut maintenance, &allow(true)).await;
    eventually(async || tenant(&api, "acme").await.status == 200).await;
}

/// Whoever moves a tenant says so, waits until every process must know it, moves, and says where to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_tenant_comes_from_where_it_was_before_its_move() {
    let (one, other) = two(only_told).await;
    let session = one.sign_in("acme", "administrator").await;
    let database: &TestDatabase = one.database();
    let migrator = migration::Migrator::connect(database.server().options(database.name()), 1);
    let migrator = migrator.await.unwrap();
    migrator.migrate_schema("t_elsewhere").await.unwrap();

    sql(&one, status("acme", "moving")).await;
    let served = async || {
        let (one, other) = (tenant(&one, "acme").await, tenant(&other, "acme").await);
        one.status == 200 || other.status == 200
    };
    eventually(async || !served().await).await;
    // The house is empty: whoever can sign in does so where the tenant was.
    let clients = (0..8).map(async |number| {
        for _ in 0..20 {
            let (user, password) = (email("administrator", "acme"), USER_PASSWORD);
            let login = if number % 2 == 0 {
                one.log_in("acme", &user, password).await
            } else {
                other.log_in("acme", &user, password).await
            };
            assert!([401, 503].contains(&login.status), "{}", login.text);
            let read = one.get(&session, "/api/v1/departments").await;
            assert!([401, 503].contains(&read.status), "{}", read.text);
        }
    });
    let moved = sql(
        &one,
        "UPDATE platform.tenants SET schema_name = 't_elsewhere', status = 'active', \
         placement_epoch = placement_epoch + 1, auth_epoch = auth_epoch + 1 WHERE slug = 'acme'"
            .to_owned(),
    );
    futures_util::future::join(futures_util::future::join_all(clients), moved).await;
    for answer in [
        one.get(&session, "/api/v1/departments").await,
        other.get(&session, "/api/v1/departments").await,
    ] {
        assert_problem(&answer, 401, "token_stale");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_strangers_keeps_no_tenant_waiting() {
    let api = Api::start_with(|settings| {
        settings.database.statement_timeout = Duration::from_mins(2);
        settings.database.lock_timeout = Duration::from_mins(1);
        settings.http.request_timeout = Duration::from_mins(3);
    })
    .await;
    let session = api.sign_in("acme", "administrator").await;
    // Whoever looks a name up waits.
    let mut superuser = api.database().superuser().await;
    let lock = "BEGIN; LOCK TABLE platform.tenants, platform.domains IN ACCESS EXCLUSIVE MODE";
    crate::platform::change(&mut superuser, lock).await;
    let flood = futures_util::future::join_all(
        (0..300).map(async |number| tenant(&api, &format!("ghost-{number}")).await),
    );
    let known = async {
        for _ in 0..100 {
            let answer = api.get(&session, "/api/v1/departments").await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        crate::platform::change(&mut superuser, "ROLLBACK").await;
    };
    let (flood, ()) = futures_util::future::join(flood, known).await;
    let refused = flood.iter().filter(|answer| answer.status == 503).count();
    let answered = flood.iter().filter(|answer| answer.status == 404).count();
    assert_eq!(
        json!([refused + answered, answered >= 34]),
        json!([300, true])
    );
    assert!(refused > 0, "the line of strangers has an end");
}
