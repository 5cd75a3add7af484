//! Every operation of the description, attacked with everything by which a tenant or a thing of it can
//! be named: token, header, host, ids in the path, in the query and in the body, cursors, versions,
//! idempotency keys, credentials. What the other owns must be answered as what does not exist, and be
//! as it was afterwards; the very same request, by whom it belongs to, must succeed.

mod attack;

use attack::Attack;
use sqlx::AssertSqlSafe;
use testkit::{ACME, Fixture, GLOBEX, INITECH, PUBLIC, UMBRELLA};

use crate::{catalogue::tables, ledger::Bookkeeper, scene::Scene};

/// One tenant attacks another with every operation; what went wrong. `hole` is done to the database
/// before.
async fn attack(attacker: Fixture, victim: Fixture, hole: &str) -> Vec<String> {
    let scene = Scene::new().await;
    let mut superuser = scene.api.database().superuser().await;
    let sql = AssertSqlSafe(hole.to_owned());
    sqlx::raw_sql(sql).execute(&mut superuser).await.unwrap();
    let tables = tables(&mut superuser, victim.schema).await;
    let books = Bookkeeper::of(&mut superuser, &tables).await;
    let mut attack = Attack {
        attacker: scene.api.sign_in(attacker.slug, "administrator").await,
        victim: scene.api.sign_in(victim.slug, "administrator").await,
        host: Some(format!("{}.test", victim.slug)),
        looked_at: 0,
        failures: Vec::new(),
        scene,
    };
    for operation in attack.scene.operations.clone() {
        attack.operation(&operation, &mut superuser, &books).await;
    }
    let (operations, looked_at) = (attack.scene.operations.len(), attack.looked_at);
    assert!(
        looked_at > 5 * operations,
        "{looked_at} of {operations} operations"
    );
    attack.failures
}

fn assert_none(failures: &[String]) {
    let some: Vec<_> = failures.iter().take(20).map(String::as_str).collect();
    assert!(
        failures.is_empty(),
        "{} holes:\n{}",
        failures.len(),
        some.join("\n")
    );
}

#[test]
fn it_is_known_how_everything_in_the_description_is_attacked() {
    let all = crate::document::operations();
    let unknown: Vec<String> = all.iter().flat_map(|it| it.unknown(&all)).collect();
    assert!(
        unknown.is_empty(),
        "known.rs must say:\n{}",
        unknown.join("\n")
    );
}

#[tokio::test]
async fn a_dedicated_tenant_gets_nothing_of_a_dedicated_one() {
    assert_none(&attack(ACME, GLOBEX, "").await);
}

#[tokio::test]
async fn a_dedicated_tenant_gets_nothing_of_a_pooled_one() {
    assert_none(&attack(GLOBEX, INITECH, "").await);
}

#[tokio::test]
async fn a_pooled_tenant_gets_nothing_of_a_dedicated_one() {
    assert_none(&attack(UMBRELLA, ACME, "").await);
}

#[tokio::test]
async fn a_pooled_tenant_gets_nothing_of_its_neighbour() {
    assert_none(&attack(INITECH, UMBRELLA, "").await);
}

#[tokio::test]
async fn whoever_runs_the_platform_gets_nothing_of_a_tenant() {
    assert_none(&attack(PUBLIC, ACME, "").await);
}

/// A suite that sees nothing proves nothing.
#[tokio::test]
async fn a_wall_that_is_down_is_seen_from_outside() {
    let failures = attack(
        INITECH,
        UMBRELLA,
        "ALTER TABLE pool_0001.employees DISABLE ROW LEVEL SECURITY",
    )
    .await;
    let of = |route: &str| failures.iter().any(|it| it.starts_with(route));
    assert!(of("GET /api/v1/employees/{id}"), "{failures:?}");
}
