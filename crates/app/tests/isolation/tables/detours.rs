//! Ways to another tenant that go by no table: settings, and functions with their owner's rights.

use super::{
    attempt::{Crime, DENIED, Scope, attempt, demand},
    world::World,
};
use crate::{
    catalogue::{definers, rows},
    known,
    ledger::changed,
};

/// `{theirs}` is the other tenant, `{role}` the role of its schema.
const DETOURS: [&str; 12] = [
    "SELECT set_config('app.tenant', '{theirs}', true)",
    "SELECT set_config('app.tenant', '{theirs}', false)",
    "SELECT set_config('role', '{role}', true)",
    "UPDATE pg_settings SET setting = '{theirs}' WHERE name = 'app.tenant'",
    "SELECT query_to_xml('SET LOCAL app.tenant = ''{theirs}''', true, false, '')",
    "SELECT query_to_xml('SELECT set_config(''app.tenant'', ''{theirs}'', true)', true, false, '')",
    "SELECT ts_stat('SET LOCAL app.tenant = ''{theirs}''')",
    "ALTER DATABASE {database} SET app.tenant = '{theirs}'",
    "ALTER ROLE {role} SET app.tenant = '{theirs}'",
    "ALTER SYSTEM SET app.tenant = '{theirs}'",
    "CREATE FUNCTION pg_temp.loot() RETURNS int LANGUAGE sql SET app.tenant = '{theirs}' AS 'SELECT 1'",
    "COPY (SELECT 1) TO PROGRAM 'id'",
];

/// Each tenant tries to become each other inside a statement, and to stay so after it.
pub(crate) async fn settings(world: &mut World) -> Vec<String> {
    let mut login = world.login().await;
    let mut failures = Vec::new();
    for attacker in &world.homes {
        for victim in &world.homes {
            if attacker.tenant == victim.tenant {
                continue;
            }
            let scope = world.scope(attacker);
            for detour in DETOURS {
                let crime = detour
                    .replace("{theirs}", &victim.tenant)
                    .replace("{role}", &world.test.role(victim.fixture.schema))
                    .replace("{database}", world.test.name());
                // Whatever refuses it, it must not go through.
                let ended = attempt(&mut login, &scope, &crime).await;
                let left: Vec<(String,)> = rows(
                    &mut login,
                    "SELECT coalesce(current_setting('app.tenant', true), '')",
                    &[],
                )
                .await;
                if ended.ends_with(" rows") || left != [(String::new(),)] {
                    failures.push(format!("{crime}: {ended}, and then {left:?}"));
                }
            }
        }
    }
    failures
}

/// Everybody calls every function that has its owner's rights, for every other tenant.
///
/// # Panics
/// When somebody may call one of which it is not known how it is attacked.
pub(crate) async fn functions(world: &mut World) -> Vec<String> {
    let mut login = world.login().await;
    let mut failures = Vec::new();
    let functions = definers(&mut world.superuser).await;
    assert!(functions.len() >= 2, "{functions:?}");
    let mut callers: Vec<(&str, Option<String>)> = world
        .homes
        .iter()
        .map(|home| {
            (
                home.fixture.slug,
                Some(world.test.role(home.fixture.schema)),
            )
        })
        .collect();
    callers.push(("the platform", Some(world.test.role("platform"))));
    callers.push(("nobody", None));
    for function in &functions {
        let signature = function.signature();
        for (who, role) in &callers {
            let grantee = role.clone().unwrap_or_else(|| world.test.role("app"));
            let may: Vec<(bool,)> = rows(
                &mut world.superuser,
                "SELECT has_function_privilege($1, $2, 'EXECUTE')",
                &[&grantee, &signature],
            )
            .await;
            let known: Vec<_> = known::CALLS
                .iter()
                .filter(|it| it.function == signature)
                .collect();
            let may = may == [(true,)];
            assert!(
                !may || !known.is_empty(),
                "{who} may call {signature}, with its owner's rights: how is it attacked?"
            );
            let unknown = function.arguments.iter();
            let unknown: Vec<_> = unknown.map(|kind| format!("NULL::{kind}")).collect();
            let unknown = format!("SELECT {}({})", function.name, unknown.join(", "));
            let own = world.homes.iter().find(|home| home.fixture.slug == *who);
            for victim in world.homes.iter().filter(|home| home.fixture.slug != *who) {
                let call = |it: &known::Call| {
                    let host = format!("{}.test", victim.fixture.slug);
                    it.statement
                        .replace("{theirs}", &victim.tenant)
                        .replace("{host}", &host)
                };
                let mut as_itself: Vec<Crime> = Vec::new();
                let mut forged: Vec<Crime> = Vec::new();
                if may {
                    let schema = own.map(|own| own.fixture.schema);
                    let is_neighbour = schema == Some(victim.fixture.schema);
                    let crimes = known.iter();
                    let crimes = crimes.filter(|it| !(is_neighbour && it.serves_neighbours));
                    forged.extend(crimes.map(|it| (call(it), it.forged)));
                    let bounded = known.iter().filter_map(|it| Some((call(it), it.own?)));
                    as_itself.extend(bounded);
                } else {
                    as_itself.push((unknown.clone(), DENIED));
                }
                let mut scope = Scope {
                    role: role.clone(),
                    schema: own.map_or("platform", |own| own.fixture.schema).to_owned(),
                    tenant: own.map(|own| own.tenant.clone()),
                };
                let before = victim.ledger(&mut world.superuser).await;
                failures.extend(demand(&mut login, &scope, who, &as_itself).await);
                scope.tenant = Some(victim.tenant.clone());
                failures.extend(demand(&mut login, &scope, who, &forged).await);
                let after = victim.ledger(&mut world.superuser).await;
                failures.extend(changed(&before, &after));
            }
        }
    }
    failures
}
