//! Every table of the catalogue, attacked with plain SQL. A new table is attacked from its first day.

mod attempt;
mod detours;
mod neighbours;
mod strangers;
mod world;

use testkit::{ACME, FIXTURES, GLOBEX, INITECH, UMBRELLA};

use self::{
    attempt::{attempt, run},
    world::World,
};

fn assert_none(failures: &[String]) {
    let some: Vec<_> = failures.iter().take(20).map(String::as_str).collect();
    assert!(
        failures.is_empty(),
        "{} holes:\n{}",
        failures.len(),
        some.join("\n")
    );
}

/// Whoever is refused below is refused for who he is: the statements themselves are sound.
#[tokio::test]
async fn every_table_can_be_filled_and_is_its_tenants_own() {
    let mut world = World::new().await;
    let mut login = world.login().await;
    for home in &world.homes {
        let scope = world.scope(home);
        for table in &home.tables {
            let rows = home.ids[&table.name].len();
            let all = format!("SELECT id FROM {}", table.qualified());
            assert_eq!(
                attempt(&mut login, &scope, &all).await,
                format!("{rows} rows"),
                "{all}"
            );
            let draft = world.filling.draft(table, &home.tenant, &home.ids);
            let insert = draft.insert(table);
            assert_eq!(
                attempt(&mut login, &scope, &insert).await,
                "1 rows",
                "{insert}"
            );
        }
    }
    let counts: Vec<_> = world.homes.iter().map(|home| home.tables.len()).collect();
    assert_eq!(
        counts,
        [counts[0]; FIXTURES.len()],
        "every schema has the same tables"
    );
}

#[tokio::test]
async fn who_has_no_right_in_a_schema_gets_nowhere_in_it() {
    assert_none(&strangers::from_elsewhere(&mut World::new().await).await);
}

#[tokio::test]
async fn without_a_tenant_a_schemas_own_role_gets_nowhere() {
    assert_none(&strangers::without_a_tenant(&mut World::new().await).await);
}

#[tokio::test]
async fn a_tenant_has_no_right_on_the_platforms_tables() {
    assert_none(&strangers::on_the_platform(&mut World::new().await).await);
}

#[tokio::test]
async fn a_tenant_reaches_no_row_of_another_in_the_tables_of_its_own_schema() {
    assert_none(&neighbours::attacks(&mut World::new().await).await);
}

#[tokio::test]
async fn no_setting_leads_to_another_tenant() {
    assert_none(&detours::settings(&mut World::new().await).await);
}

#[tokio::test]
async fn a_function_with_its_owners_rights_serves_its_caller_alone() {
    assert_none(&detours::functions(&mut World::new().await).await);
}

/// A suite that sees nothing proves nothing: each wall is broken in one place, and the attack on it
/// must go through.
#[tokio::test]
async fn a_hole_in_any_wall_is_found() {
    for hole in [
        "GRANT USAGE ON SCHEMA t_acme TO {globex}; GRANT SELECT ON t_acme.users TO {globex}",
        "GRANT USAGE ON SCHEMA t_acme TO PUBLIC; GRANT DELETE ON t_acme.counters TO PUBLIC",
    ] {
        let mut world = World::of(&[ACME, GLOBEX]).await;
        let hole = hole.replace("{globex}", &world.test.role(GLOBEX.schema));
        run(&mut world.superuser, &hole).await.unwrap();
        let found = strangers::from_elsewhere(&mut world).await;
        assert!(!found.is_empty(), "{hole}");
    }
    for hole in [
        "ALTER TABLE pool_0001.sessions DISABLE ROW LEVEL SECURITY",
        "ALTER POLICY tenant_isolation ON pool_0001.employees USING (true)",
        "ALTER POLICY tenant_isolation ON pool_0001.employees USING (true) \
         WITH CHECK (tenant_id = current_setting('app.tenant')::uuid)",
        "ALTER TABLE pool_0001.departments DROP CONSTRAINT departments_parent_id_fkey",
        "GRANT EXECUTE ON FUNCTION set_config(text, text, boolean) TO PUBLIC",
    ] {
        let mut world = World::of(&[INITECH, UMBRELLA]).await;
        run(&mut world.superuser, hole).await.unwrap();
        let found = neighbours::attacks(&mut world).await;
        assert!(!found.is_empty(), "{hole}");
    }
    let hole = "ALTER POLICY tenant_isolation ON t_acme.locations USING (true)";
    let mut world = World::of(&[ACME]).await;
    run(&mut world.superuser, hole).await.unwrap();
    assert!(
        !strangers::without_a_tenant(&mut world).await.is_empty(),
        "{hole}"
    );
}
