//! The program as systemd meets it: start, signals, exit codes, and what is seen of it from outside.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot arrange its scene has failed"
)]

mod audit;
mod mail;

use std::{
    io::Read as _,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use reqwest::Method;
use sqlx::AssertSqlSafe;
use testkit::{ACME, Api, GLOBEX, INITECH, TestDatabase, UMBRELLA};

/// A running `hrms-worker`, killed when the test ends early.
struct Program(Child);

impl Program {
    fn start(url: &str, more: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hrms-worker"));
        command
            .env_clear()
            .env("HRMS_DATABASE__URL", url)
            .env("HRMS_AUDIT__KEY", testkit::AUDIT_KEY)
            .env("HRMS_WORKER__LEASE", "3s")
            .envs(more.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    fn signal(&self, name: &str) {
        let kill = Command::new("kill")
            .args([&format!("-{name}"), &self.0.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    }

    /// Waits for its end; what it logged.
    fn end(mut self) -> (ExitStatus, String) {
        let mut log = String::new();
        let mut stderr = self.0.stderr.take().unwrap();
        stderr.read_to_string(&mut log).unwrap();
        (self.0.wait().unwrap(), log)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already when all went well.
        let _ = self.0.kill();
    }
}

async fn run(database: &TestDatabase, sql: &str) {
    let mut superuser = database.superuser().await;
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(&mut superuser).await.unwrap();
}

async fn count(database: &TestDatabase, what: &str) -> i64 {
    let query = AssertSqlSafe(format!("SELECT count(*) FROM {what}"));
    let mut superuser = database.superuser().await;
    sqlx::query_scalar(query)
        .fetch_one(&mut superuser)
        .await
        .unwrap()
}

async fn until(database: &TestDatabase, what: &str, expected: i64) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let there = count(database, what).await;
        if there == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: {there}, not {expected}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// So many jobs that clear away what is over, of each of the four tenants in turn.
async fn orders(database: &TestDatabase, each: usize) {
    for tenant in [ACME, GLOBEX, INITECH, UMBRELLA] {
        let id = tenant.id;
        run(
            database,
            &format!(
                "INSERT INTO platform.jobs (id, tenant_id, kind, payload_version, payload, queue, \
                     max_attempts, run_at, created_at) \
                 SELECT gen_random_uuid(), '{id}', 'tenants.clear_away', 1, '{{}}', 'bulk', 8, \
                     now(), now() FROM generate_series(1, {each})"
            ),
        )
        .await;
    }
}

const DONE: &str = "platform.jobs WHERE state = 'done'";

#[tokio::test]
async fn a_worker_does_what_waits_and_stops_when_it_is_told_to() {
    let database = TestDatabase::create().await;
    let over = format!(
        "INSERT INTO t_acme.users (tenant_id, id, email, email_key, display_name, password_hash, \
             status, created_at, updated_at) \
         VALUES ('{0}', '{0}', 'a@x', 'a@x', 'A', 'x', 'active', now(), now()); \
         INSERT INTO t_acme.sessions (tenant_id, id, user_id, created_at, last_used_at, \
             expires_at, absolute_expires_at, auth_time, amr) \
         SELECT '{0}', gen_random_uuid(), '{0}', now(), now(), now() + lives, now() + lives, \
             now(), 'pwd' FROM (VALUES (interval '-2 days'), (interval '2 days')) AS all_ (lives)",
        ACME.id
    );
    run(&database, &over).await;
    orders(&database, 5).await;
    let worker = Program::start(&database.app_url(), &[]);
    until(&database, DONE, 20).await;
    assert_eq!(count(&database, "t_acme.sessions").await, 1);
    until(&database, "platform.workers", 1).await;
    worker.signal("TERM");
    let (status, log) = worker.end();
    assert!(status.success(), "{status} {log}");
    assert!(
        log.contains("told to stop") && log.contains("stopped"),
        "{log}"
    );
    assert!(log.contains("\"action\":\"tenants.clear_away\""), "{log}");
    assert!(log.contains("\"tenant\":\"acme\""), "{log}");
    assert_eq!(count(&database, "platform.workers").await, 0);
}

#[tokio::test]
async fn systemd_is_told_when_a_worker_is_ready_that_it_lives_and_when_it_stops() {
    let database = TestDatabase::create().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = tokio::net::UnixDatagram::bind(&path).unwrap();
    let path = path.to_str().unwrap();
    let more = [("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "200000")];
    let worker = Program::start(&database.app_url(), &more);
    let mut told = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(20);
    while told.len() < 4 {
        assert!(Instant::now() < deadline, "{told:?}");
        let mut message = [0; 256];
        let length = socket.recv(&mut message).await.unwrap();
        told.push(
            String::from_utf8_lossy(&message[..length])
                .trim()
                .to_owned(),
        );
    }
    assert_eq!(told, ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
    assert_eq!(count(&database, "platform.workers").await, 1);
    worker.signal("TERM");
    loop {
        let mut message = [0; 256];
        let length = socket.recv(&mut message).await.unwrap();
        if message[..length].starts_with(b"STOPPING=1") {
            break;
        }
    }
    assert!(worker.end().0.success());
}

#[tokio::test]
async fn what_a_worker_that_was_killed_had_begun_is_done_by_the_next_one() {
    let database = TestDatabase::create().await;
    orders(&database, 50).await;
    for _ in 0..4 {
        let before = count(&database, DONE).await;
        let mut worker = Program::start(&database.app_url(), &[]);
        let deadline = Instant::now() + Duration::from_secs(20);
        while count(&database, DONE).await == before {
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        worker.0.kill().unwrap();
        let _ = worker.0.wait();
    }
    let worker = Program::start(&database.app_url(), &[]);
    until(&database, DONE, 200).await;
    worker.signal("INT");
    let (status, log) = worker.end();
    assert!(status.success(), "{status} {log}");
}

#[tokio::test]
async fn a_worker_that_cannot_work_says_why_and_does_not_start() {
    let database = TestDatabase::create().await;
    let url = database.app_url();
    for (more, told) in [
        (
            vec![("HRMS_DATABASE__POOL_SIZE", "4")],
            "a worker that does 8 jobs at a time needs 10 connections, and database.pool_size is 4",
        ),
        (
            vec![
                ("HRMS_WORKER__CRITICAL", "0"),
                ("HRMS_WORKER__DEFAULT", "0"),
                ("HRMS_WORKER__BULK", "0"),
            ],
            "the worker would do nothing",
        ),
        (
            vec![("HRMS_WORKER__LEASE", "soon")],
            "[worker] lease: `soon` from HRMS_WORKER__LEASE is not allowed",
        ),
    ] {
        let (status, log) = Program::start(&url, &more).end();
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(log.contains(told), "{log}");
    }
    let (status, log) = Program::start("postgres://nobody@127.0.0.1:1/x", &[]).end();
    assert_eq!(status.code(), Some(1), "{log}");
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_while_it_starts_stops() {
    // Takes the connection and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://x:x@{}/x", silent.local_addr().unwrap());
    let worker = Program::start(&url, &[("HRMS_DATABASE__CONNECT_TIMEOUT", "1m")]);
    let _connection = silent.accept().await.unwrap();
    worker.signal("TERM");
    let (status, log) = worker.end();
    assert!(status.success(), "{status} {log}");
}

#[tokio::test]
async fn health_says_whether_somebody_does_what_waits() {
    let api = Api::start_with(|settings| {
        settings.health.cache_ttl = Duration::from_millis(10);
    })
    .await;
    let worker = async || {
        let answer = api.send(api.request(Method::GET, "/api/health")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body["checks"]["worker"].clone()
    };
    assert_eq!(worker().await, "disabled");
    orders(api.database(), 1).await;
    let overdue = "UPDATE platform.jobs SET run_at = now() - interval '2 minutes'";
    run(api.database(), overdue).await;
    let told = worker().await;
    assert_eq!(told["status"], "degraded");
    let reason = told["reason"].as_str().unwrap();
    assert!(reason.contains("(bulk): start `hrms-worker`"), "{reason}");

    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let more = [("HRMS_METRICS__LISTEN", address.as_str())];
    let running = Program::start(&api.database().app_url(), &more);
    until(api.database(), DONE, 4).await;
    assert_eq!(worker().await, "ok");
    let metrics = reqwest::get(format!("http://{address}/metrics")).await;
    let metrics = metrics.unwrap().text().await.unwrap();
    for line in [
        "hrms_job_attempts_total{kind=\"tenants.clear_away\",queue=\"bulk\",outcome=\"done\"} 4",
        "hrms_jobs_waiting{queue=\"critical\"} 0.0",
        "hrms_jobs_dead 0.0",
        "hrms_jobs_unknown 0.0",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line}: {metrics}");
    }
    running.signal("TERM");
    assert!(running.end().0.success());
    assert_eq!(worker().await, "disabled");
}
