//! Who has no right in a schema, and who has no tenant.

use super::{
    attempt::{Crime, DENIED, Scope, attempt, demand},
    world::World,
};
use crate::{catalogue::platform_tables, ledger::changed};

/// What a session without a tenant is told: on a fresh connection the setting is unknown, on a used
/// one it is empty; and of a table whose rows stay, that nobody changes them.
const NO_TENANT: &[&str] = &["42704", "22P02", "42501"];

/// What nobody may do to a table on which he has no right.
fn everything(table: &str, insert: String) -> Vec<Crime> {
    let mut crimes = vec![
        (format!("SELECT count(*) FROM {table}"), DENIED),
        (format!("SELECT 1 FROM {table} FOR UPDATE"), DENIED),
        (insert, DENIED),
        (format!("UPDATE {table} SET id = id"), DENIED),
        (format!("DELETE FROM {table}"), DENIED),
        (format!("COPY {table} TO STDOUT"), DENIED),
        (format!("COPY {table} (id) FROM STDIN"), DENIED),
        (format!("LOCK TABLE {table} IN ACCESS SHARE MODE"), DENIED),
        (
            format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"),
            DENIED,
        ),
    ];
    crimes.extend(ownership(table));
    crimes
}

/// What a role that owns nothing may not do, not even to a table of its own schema.
pub(crate) fn ownership(table: &str) -> Vec<Crime> {
    let (schema, _) = table.split_once('.').unwrap();
    let referring =
        format!("(tenant_id uuid, id uuid, FOREIGN KEY (tenant_id, id) REFERENCES {table})");
    [
        format!("TRUNCATE {table} CASCADE"),
        format!("CREATE TABLE {schema}.loot {referring}"),
        format!("CREATE TEMP TABLE loot {referring}"),
        format!("CREATE TABLE {schema}.loot () INHERITS ({table})"),
        format!("CREATE VIEW {schema}.loot AS SELECT * FROM {table}"),
        format!("CREATE POLICY loot ON {table} USING (true)"),
        format!("CREATE INDEX ON {table} (id)"),
        format!("CREATE RULE loot AS ON INSERT TO {table} DO ALSO NOTIFY loot"),
        format!(
            "CREATE TRIGGER loot BEFORE UPDATE ON {table} FOR EACH ROW \
             EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        ),
        format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"),
        format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"),
        format!("ALTER TABLE {table} OWNER TO CURRENT_USER"),
        format!("DROP POLICY tenant_isolation ON {table}"),
        format!("DROP TABLE {table} CASCADE"),
    ]
    .map(|crime| (crime, DENIED))
    .into()
}

/// Everybody who is not at home in a schema tries everything on each of its tables.
pub(crate) async fn from_elsewhere(world: &mut World) -> Vec<String> {
    let mut login = world.login().await;
    let mut failures = Vec::new();
    for victim in &world.homes {
        let before = victim.ledger(&mut world.superuser).await;
        for (who, scope) in world.strangers(victim) {
            for table in &victim.tables {
                let row = world.filling.draft(table, &victim.tenant, &victim.ids);
                let crimes = everything(&table.qualified(), row.insert(table));
                failures.extend(demand(&mut login, &scope, &who, &crimes).await);
            }
        }
        let after = victim.ledger(&mut world.superuser).await;
        failures.extend(changed(&before, &after));
    }
    failures
}

/// The schema's own role, without a tenant.
pub(crate) async fn without_a_tenant(world: &mut World) -> Vec<String> {
    let mut failures = Vec::new();
    for victim in &world.homes {
        let before = victim.ledger(&mut world.superuser).await;
        let own = world.scope(victim);
        let (mut fresh, mut used) = (world.login().await, world.login().await);
        attempt(&mut used, &own, "SELECT 1").await;
        let unset = Scope {
            tenant: None,
            ..own
        };
        for table in &victim.tables {
            let name = table.qualified();
            let row = world.filling.draft(table, &victim.tenant, &victim.ids);
            let crimes = [
                format!("SELECT count(*) FROM {name}"),
                format!("SELECT 1 FROM {name} FOR UPDATE"),
                row.insert(table),
                format!("UPDATE {name} SET id = id"),
                format!("DELETE FROM {name}"),
                format!("COPY {name} TO STDOUT"),
            ]
            .map(|crime| (crime, NO_TENANT));
            for login in [&mut fresh, &mut used] {
                failures.extend(demand(login, &unset, "without a tenant", &crimes).await);
            }
        }
        let after = victim.ledger(&mut world.superuser).await;
        failures.extend(changed(&before, &after));
    }
    failures
}

/// A tenant tries the platform's own tables.
pub(crate) async fn on_the_platform(world: &mut World) -> Vec<String> {
    let mut login = world.login().await;
    let mut failures = Vec::new();
    for table in platform_tables(&mut world.superuser).await {
        let crimes = [
            format!("SELECT count(*) FROM {table}"),
            format!("INSERT INTO {table} DEFAULT VALUES"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table} CASCADE"),
            format!("COPY {table} TO STDOUT"),
            format!("LOCK TABLE {table} IN ACCESS SHARE MODE"),
            format!("DROP TABLE {table} CASCADE"),
        ]
        .map(|crime| (crime, DENIED));
        for home in &world.homes {
            let (scope, who) = (world.scope(home), home.fixture.slug);
            failures.extend(demand(&mut login, &scope, who, &crimes).await);
        }
    }
    failures
}
