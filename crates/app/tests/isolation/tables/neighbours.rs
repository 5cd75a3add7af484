//! What a tenant tries on the tables of its own schema, which it may share with another.

use futures_util::TryStreamExt as _;
use sqlx::PgConnection;

use super::{
    attempt::{Crime, DENIED, Scope, demand, run},
    strangers::ownership,
    world::World,
};
use crate::{catalogue::Table, ledger::changed};

/// The others' rows are not there.
const NOTHING: &[&str] = &["0 rows"];
/// Nor are they where nobody may change a row anyway.
const NOTHING_OR_DENIED: &[&str] = &["0 rows", "42501"];
/// Nobody copies into a table with row security.
const NO_COPY: &[&str] = &["0A000", "42501"];
/// There is no such row to refer to.
const NO_SUCH_ROW: &[&str] = &["23503"];

fn on(table: &str, theirs: &str, row: &str) -> Vec<Crime> {
    let set = format!("set_config('app.tenant', '{theirs}', true)");
    let of_theirs = format!("FROM {table} WHERE tenant_id = '{theirs}'");
    let mut crimes = vec![
        (format!("SELECT 1 {of_theirs}"), NOTHING),
        (format!("SELECT 1 FROM {table} WHERE id = '{row}'"), NOTHING),
        (
            format!("SELECT 1 {of_theirs} FOR KEY SHARE"),
            NOTHING_OR_DENIED,
        ),
        (
            format!("SELECT 1 {of_theirs} FOR UPDATE"),
            NOTHING_OR_DENIED,
        ),
        // A condition that fails on the others' rows must never see one of them.
        (
            format!(
                "SELECT 1 FROM {table} WHERE 1 / (CASE tenant_id WHEN '{theirs}' THEN 0 ELSE 1 END) = 0"
            ),
            NOTHING,
        ),
        (
            format!("UPDATE {table} SET id = id WHERE id = '{row}'"),
            NOTHING_OR_DENIED,
        ),
        (
            format!("UPDATE {table} SET id = id WHERE tenant_id = '{theirs}'"),
            NOTHING_OR_DENIED,
        ),
        (
            format!("DELETE FROM {table} WHERE id = '{row}'"),
            NOTHING_OR_DENIED,
        ),
        (format!("DELETE {of_theirs}"), NOTHING_OR_DENIED),
        (format!("UPDATE {table} SET tenant_id = '{theirs}'"), DENIED),
        (format!("COPY {table} (id) FROM STDIN"), NO_COPY),
        (format!("SELECT {set}, * FROM {table}"), DENIED),
        (
            format!("SELECT 1 FROM {table}, LATERAL (SELECT {set}) it"),
            DENIED,
        ),
        (
            format!("WITH it AS MATERIALIZED (SELECT {set}) SELECT 1 FROM it, {table}"),
            DENIED,
        ),
    ];
    crimes.extend(ownership(table));
    crimes
}

/// Each tenant tries to find, change, forge, refer to and copy the rows of each other.
pub(crate) async fn attacks(world: &mut World) -> Vec<String> {
    let mut login = world.login().await;
    let mut failures = Vec::new();
    for victim in &world.homes {
        for attacker in &world.homes {
            if attacker.tenant == victim.tenant {
                continue;
            }
            let before = victim.ledger(&mut world.superuser).await;
            let who = format!("{} against {}", attacker.fixture.slug, victim.fixture.slug);
            let scope = world.scope(attacker);
            for table in &attacker.tables {
                let row = &victim.ids[&table.name][0];
                let mut crimes = on(&table.qualified(), &victim.tenant, row);
                // In the other's name.
                let forged = world.filling.draft(table, &victim.tenant, &victim.ids);
                crimes.push((forged.insert(table), DENIED));
                // In its own name, but referring to the other's rows.
                for column in &table.columns {
                    if let Some(of) = &column.refers_to {
                        let mut draft = world.filling.draft(table, &attacker.tenant, &attacker.ids);
                        draft.set(&column.name, &victim.ids[of][0]);
                        crimes.push((draft.insert(table), NO_SUCH_ROW));
                    }
                }
                failures.extend(demand(&mut login, &scope, &who, &crimes).await);
                let own = attacker.ids[&table.name].len();
                failures.extend(copied(&mut login, &scope, table, own).await);
            }
            let after = victim.ledger(&mut world.superuser).await;
            failures.extend(changed(&before, &after));
        }
    }
    failures
}

/// COPY sends a tenant's own rows, all of them, and no others.
async fn copied(
    login: &mut PgConnection,
    scope: &Scope,
    table: &Table,
    at_least: usize,
) -> Option<String> {
    let own = scope.tenant.as_deref().unwrap_or_default();
    let sql = format!("COPY {} TO STDOUT", table.qualified());
    scope.open(login).await;
    let sent = login.copy_out_raw(&sql).await.unwrap();
    let chunks: Vec<_> = sent.try_collect().await.unwrap();
    run(login, "COMMIT").await.unwrap();
    let text = String::from_utf8(chunks.concat()).unwrap();
    let (mine, foreign): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with(own));
    (mine.len() < at_least || !foreign.is_empty())
        .then(|| format!("{own}: {sql}: {} own rows, {foreign:?}", mine.len()))
}
