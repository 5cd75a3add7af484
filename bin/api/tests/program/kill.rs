//! What becomes of acknowledged work when the program is killed at random under write load: all of
//! it is there, and nothing is half there.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use reqwest::Client;
use serde_json::{Value, json};
use testkit::{Api, Session, scaled};
use tokio::{sync::Mutex, task::JoinSet};

use crate::{Program, free_address, is_ready, program};

/// How often it is killed: `./just test-full` does it 200 times.
const KILLS: (&str, usize) = ("HRMS_TEST_KILLS", 4);
const WRITERS: usize = 6;

/// Something that was sent, and what was answered, if anything was.
#[derive(Clone, Debug)]
struct Sent {
    key: String,
    body: Value,
    answer: Option<(u16, Value)>,
}

async fn hire(client: &Client, address: &str, session: &Session, sent: &mut Sent) {
    let request = client
        .post(format!("http://{address}/api/v1/employees"))
        .header("x-tenant-slug", &session.tenant)
        .header("idempotency-key", &sent.key)
        .bearer_auth(session.token())
        .json(&sent.body)
        .timeout(Duration::from_secs(20));
    let Ok(response) = request.send().await else {
        return;
    };
    let status = response.status().as_u16();
    if let Ok(body) = response.json().await {
        sent.answer = Some((status, body));
    }
}

/// Hires until the program dies.
async fn write(address: String, session: Session, writer: String, all: Arc<Mutex<Vec<Sent>>>) {
    let client = Client::new();
    for number in 0.. {
        let key = format!("{writer}-{number}");
        let body = json!({
            "first_name": "Ada", "last_name": key, "work_email": format!("{key}@example.com"),
            "hire_date": "2024-01-01",
            "compensation": {"amount": "1000.00", "currency": "EUR", "pay_period": "monthly"},
        });
        let mut sent = Sent {
            key,
            body,
            answer: None,
        };
        hire(&client, &address, &session, &mut sent).await;
        let is_dead = sent.answer.is_none();
        all.lock().await.push(sent);
        if is_dead {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_a_kill_is_there_and_nothing_is_half_there() {
    let api = Api::start().await;
    let sessions = [
        api.sign_in("acme", "administrator").await,
        api.sign_in("initech", "administrator").await,
    ];
    let (mut acknowledged, mut cut_off) = (0, 0);
    for round in 0..scaled(KILLS.0, KILLS.1) {
        let address = free_address();
        let mut running = Program(
            program(&api.database().app_url(), &address)
                .spawn()
                .unwrap(),
        );
        is_ready(&Client::new(), &address).await;
        let all = Arc::new(Mutex::new(Vec::new()));
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let session = sessions[writer % sessions.len()].clone();
            let name = format!("r{round}w{writer}");
            writers.spawn(write(address.clone(), session, name, Arc::clone(&all)));
        }
        // At random, but never before anything was answered.
        while all.lock().await.len() < WRITERS {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let chance = SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
        tokio::time::sleep(Duration::from_micros(u64::from(chance % 150_000))).await;
        running.0.kill().unwrap();
        running.0.wait().unwrap();
        writers.join_all().await;
        let all = Arc::into_inner(all).unwrap().into_inner();

        // Sent again under its key, whatever was cut off is done once; whatever was answered is
        // answered again.
        let client = Client::new();
        for mut sent in all {
            let first = sent.answer.take();
            let writer: usize = sent.key.split(['w', '-']).nth(1).unwrap().parse().unwrap();
            let session = &sessions[writer % sessions.len()];
            let base = api.base().trim_start_matches("http://").to_owned();
            // Until PostgreSQL has noticed that the client of what was cut off is gone.
            let (status, again) = loop {
                hire(&client, &base, session, &mut sent).await;
                let (status, again) = sent.answer.clone().unwrap();
                if status != 409 {
                    break (status, again);
                }
                assert_eq!(again["error"], "idempotency_in_progress");
                tokio::time::sleep(Duration::from_millis(20)).await;
            };
            assert_eq!(status, 201, "{again}");
            match first {
                Some((status, body)) => {
                    assert_eq!(status, 201, "{body}");
                    assert_eq!(again, body, "what was answered is what there is");
                    acknowledged += 1;
                }
                None => cut_off += 1,
            }
        }
    }
    assert!(acknowledged > 0 && cut_off > 0, "{acknowledged} {cut_off}");
    for schema in ["t_acme", "pool_0001"] {
        assert_eq!(halves(&api, schema).await, (0, 0), "{schema}");
        assert_eq!(unrecorded(&api, schema).await, (0, 0), "{schema}");
    }
}

/// How many people were not recorded exactly once as hired, and how many records there are of nobody's
/// being hired.
async fn unrecorded(api: &Api, schema: &str) -> (i64, i64) {
    let recorded = format!(
        "SELECT a.tenant_id, t.target_id FROM {schema}.audit_events a \
         JOIN {schema}.audit_targets t ON t.tenant_id = a.tenant_id AND t.event_id = a.id \
         WHERE a.action = 'employee.hired.v1'"
    );
    let query = format!(
        "WITH recorded AS ({recorded}), hired AS ( \
             SELECT e.tenant_id, e.id, (SELECT count(*) FROM recorded r \
                 WHERE r.tenant_id = e.tenant_id AND r.target_id = e.id) AS times \
             FROM {schema}.employees e WHERE e.last_name ~ '^r[0-9]+w') \
         SELECT (SELECT count(*) FROM hired WHERE times <> 1), \
             (SELECT count(*) FROM recorded r WHERE NOT EXISTS ( \
                 SELECT FROM {schema}.employees e \
                 WHERE e.tenant_id = r.tenant_id AND e.id = r.target_id))"
    );
    let mut superuser = api.database().superuser().await;
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .fetch_one(&mut superuser)
        .await
        .unwrap()
}

/// How many people lack an employment or pay, and how many addresses belong to two.
async fn halves(api: &Api, schema: &str) -> (i64, i64) {
    let query = format!(
        "SELECT (SELECT count(*) FROM {schema}.employees e WHERE e.last_name ~ '^r[0-9]+w' AND \
           (NOT EXISTS (SELECT 1 FROM {schema}.employments m WHERE m.employee_id = e.id) \
            OR NOT EXISTS (SELECT 1 FROM {schema}.compensations p WHERE p.employee_id = e.id))), \
         (SELECT count(*) - count(DISTINCT (tenant_id, work_email)) FROM {schema}.employees)"
    );
    let mut superuser = api.database().superuser().await;
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .fetch_one(&mut superuser)
        .await
        .unwrap()
}
