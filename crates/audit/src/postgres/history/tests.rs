//! What a page of a history reads of a tenant with 40,000 events in a pool, beside a neighbour of the
//! same size: its own rows, whatever the size. Explained in the role of the schema, as it runs.

use database::TenantContext;
use sea_orm::FromQueryResult;
use serde_json::Value;
use testkit::{DedicatedAndPooled, TestDatabase};

use super::PAGE;

const SEED: [&str; 2] = [
    "INSERT INTO audit_events (id, at, actor_type, action, category, outcome, targets, changes, details) \
     SELECT md5('v' || n)::uuid, TIMESTAMPTZ '2026-01-01 00:00Z' + n * INTERVAL '1 second', 'user', \
     'employee.updated.v1', CASE WHEN n % 4 = 1 THEN 'data_read' ELSE 'data_write' END, 'success', \
     '[]', '{}', '{}' FROM generate_series(1, 40000) n",
    // Every other event is one and the same person's.
    "INSERT INTO audit_targets (id, event_id, target_id, at) \
     SELECT md5('t' || n)::uuid, e.id, md5('p' || CASE WHEN n % 2 = 1 THEN 0 ELSE n % 2000 END)::uuid, \
     e.at FROM generate_series(1, 40000) n JOIN audit_events e ON e.id = md5('v' || n)::uuid",
];

#[derive(FromQueryResult)]
struct Explained {
    #[sea_orm(alias = "QUERY PLAN")]
    plan: Value,
}

/// The greatest number of rows that a page had to look at, with a plan for these values and for any.
async fn rows_read(on: &DedicatedAndPooled, tenant: &TenantContext, arguments: &str) -> u64 {
    let statement = PAGE.replace("LIMIT $4", "LIMIT 26");
    let prepare: &'static str =
        format!("PREPARE explained (uuid, timestamptz, uuid) AS {statement}").leak();
    let explain: &'static str =
        format!("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE explained ({arguments})").leak();
    let tx = on.database.begin_tenant(tenant).await.unwrap();
    tx.run(prepare, []).await.unwrap();
    let mut most = 0;
    for _ in 0..7 {
        let explained: Option<Explained> = tx.row(explain, []).await.unwrap();
        most = most.max(scanned(&explained.unwrap().plan[0]["Plan"]));
    }
    tx.run("DEALLOCATE explained", []).await.unwrap();
    tx.rollback().await.unwrap();
    most
}

fn scanned(plan: &Value) -> u64 {
    let number = |key: &str| plan[key].as_f64().unwrap_or_default();
    let own = if plan["Relation Name"].is_string() {
        let each = number("Actual Rows")
            + number("Rows Removed by Filter")
            + number("Rows Removed by Index Recheck");
        (each * number("Actual Loops")).round()
    } else {
        0.0
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count"
    )]
    let own = own as u64;
    let below = plan["Plans"].as_array().into_iter().flatten();
    own + below.map(scanned).sum::<u64>()
}

#[tokio::test]
async fn a_page_of_a_history_reads_its_own_rows_whatever_the_size() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    for tenant in [&on.initech, &on.umbrella] {
        let tx = on.database.begin_tenant(tenant).await.unwrap();
        for statement in SEED {
            tx.run(statement, []).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let mut superuser = test.superuser().await;
    sqlx::query("ANALYZE")
        .execute(&mut superuser)
        .await
        .unwrap();
    let most = "'ffffffff-ffff-ffff-ffff-ffffffffffff'";
    for (what, arguments, expected) in [
        (
            "one of 20,000 events, half of them reads: two index entries and two events a row",
            format!("md5('p0')::uuid, '9999-12-31', {most}"),
            150,
        ),
        (
            "from the middle",
            format!("md5('p0')::uuid, '2026-01-01 05:00Z', {most}"),
            150,
        ),
        (
            "one of twenty events",
            format!("md5('p2')::uuid, '9999-12-31', {most}"),
            60,
        ),
        (
            "nobody",
            format!("md5('nobody')::uuid, '9999-12-31', {most}"),
            5,
        ),
    ] {
        let read = rows_read(&on, &on.initech, &arguments).await;
        assert!(read <= expected, "{what}: {read} rows");
    }
}
