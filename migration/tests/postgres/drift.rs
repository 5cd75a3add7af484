//! Drift: every kind of damage is done once, and named with its schema and what to do.

use migration::Difference;

use crate::scratch::{Scratch, one, run};

const SCHEMAS: [&str; 5] = ["platform", "public", "t_acme", "pool_0001", "t_whole"];

async fn drift(scratch: &Scratch) -> migration::Drift {
    let migrator = scratch.migrator().await;
    let schemas = SCHEMAS.map(str::to_owned);
    let drift = migrator.drift(&schemas).await.unwrap();
    migrator.close().await.unwrap();
    drift
}

#[tokio::test]
async fn schemas_that_were_migrated_do_not_differ_whatever_their_names() {
    let (_clean, scratch) = Scratch::migrated(&["public", "t_acme", "pool_0001"]).await;
    let found = drift(&scratch).await;
    assert_eq!(found.differences, []);
    assert_eq!((found.compared, found.schemas.len()), (4, 0));
}

#[tokio::test]
async fn comparing_leaves_no_schema_and_no_role_behind() {
    const THERE: &str = "SELECT (SELECT count(*) FROM pg_namespace) + (SELECT count(*) FROM \
                         pg_roles WHERE starts_with(rolname, replace(pg_get_userbyid(( \
                         SELECT nspowner FROM pg_namespace WHERE nspname = 'platform')), 'owner', \
                         '')))";
    let (_clean, scratch) = Scratch::migrated(&["t_acme"]).await;
    let mut conn = scratch.superuser().await;
    let before = one(&mut conn, THERE).await;
    drift(&scratch).await;
    assert_eq!(one(&mut conn, THERE).await, before);
}

/// What is done, the object that is named for it, and a part of what to do.
const DAMAGE: &[(&str, &str, &str)] = &[
    (
        "ALTER TABLE t_acme.employees DROP COLUMN phone",
        "column t_acme.employees.phone",
        "ALTER TABLE t_acme.employees ADD COLUMN phone text",
    ),
    (
        "ALTER TABLE t_acme.employees ADD COLUMN shoe_size integer",
        "column t_acme.employees.shoe_size",
        "ALTER TABLE t_acme.employees DROP COLUMN shoe_size",
    ),
    (
        "ALTER TABLE pool_0001.employees ALTER COLUMN version SET DEFAULT 7",
        "column pool_0001.employees.version",
        "until it is bigint NOT NULL DEFAULT 1",
    ),
    (
        "ALTER TABLE t_acme.employees ALTER COLUMN last_name DROP NOT NULL",
        "column t_acme.employees.last_name",
        "NOT NULL",
    ),
    (
        "ALTER TABLE t_acme.departments ALTER COLUMN name TYPE text COLLATE \"C\"",
        "column t_acme.departments.name",
        "until it is text NOT NULL",
    ),
    (
        "ALTER TABLE t_acme.locations ALTER COLUMN name TYPE varchar(20)",
        "column t_acme.locations.name",
        "until it is text NOT NULL",
    ),
    (
        "DROP INDEX t_acme.employees_hire_date_id_idx",
        "index t_acme.employees.employees_hire_date_id_idx",
        "CREATE INDEX employees_hire_date_id_idx ON employees USING btree \
         (tenant_id, hire_date, id), in schema t_acme",
    ),
    (
        "CREATE INDEX extra ON t_acme.employees (tenant_id, version)",
        "index t_acme.employees.extra",
        "DROP INDEX t_acme.extra",
    ),
    (
        "ALTER TABLE t_acme.counters DROP CONSTRAINT counters_pkey",
        "constraint t_acme.counters.counters_pkey",
        "ADD CONSTRAINT counters_pkey PRIMARY KEY (tenant_id, id)",
    ),
    (
        "ALTER TABLE t_acme.employees ADD CONSTRAINT young CHECK (version < 9) NOT VALID",
        "constraint t_acme.employees.young",
        "DROP CONSTRAINT young",
    ),
    (
        "ALTER TABLE t_acme.users DISABLE ROW LEVEL SECURITY",
        "row security t_acme.users",
        "ALTER TABLE t_acme.users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    ),
    (
        "ALTER TABLE pool_0001.users NO FORCE ROW LEVEL SECURITY",
        "row security pool_0001.users",
        "FORCE ROW LEVEL SECURITY",
    ),
    (
        "CREATE POLICY open ON t_acme.users USING (true)",
        "policy t_acme.users.open",
        "DROP POLICY open ON t_acme.users",
    ),
    (
        "ALTER POLICY tenant_isolation ON t_acme.users USING (true)",
        "policy t_acme.users.tenant_isolation",
        "make it as AS PERMISSIVE FOR ALL TO PUBLIC USING ((tenant_id = ",
    ),
    (
        "CREATE FUNCTION t_acme.spy() RETURNS trigger LANGUAGE plpgsql \
         AS 'BEGIN RETURN NULL; END'; \
         CREATE TRIGGER spy AFTER INSERT ON t_acme.users FOR EACH ROW \
         EXECUTE FUNCTION t_acme.spy()",
        "trigger t_acme.users.spy",
        "DROP TRIGGER spy ON t_acme.users",
    ),
    (
        "ALTER TABLE t_acme.users DISABLE TRIGGER ALL",
        "foreign keys t_acme.users",
        "ALTER TABLE t_acme.users ENABLE TRIGGER ALL",
    ),
    (
        "CREATE RULE nothing AS ON DELETE TO t_acme.users DO INSTEAD NOTHING",
        "rule t_acme.users.nothing",
        "DROP RULE nothing ON t_acme.users",
    ),
    (
        "GRANT TRUNCATE ON t_acme.users TO {p}t_acme",
        "grant on t_acme.users TO the role of the schema",
        "make it as DELETE, INSERT, SELECT, UPDATE",
    ),
    (
        "GRANT SELECT (email) ON t_acme.users TO {p}pool_0001",
        "grant on t_acme.users.email TO {p}pool_0001",
        "REVOKE",
    ),
    (
        "REVOKE INSERT ON t_acme.locations FROM {p}t_acme",
        "grant on t_acme.locations TO the role of the schema",
        "DELETE, INSERT, SELECT, UPDATE",
    ),
    (
        "GRANT CREATE ON SCHEMA t_acme TO {p}t_acme",
        "grant on t_acme.schema TO the role of the schema",
        "USAGE",
    ),
    (
        "DROP TABLE pool_0001.counters",
        "table pool_0001.counters",
        "restore it from a backup",
    ),
    (
        "CREATE TABLE public.notes (id uuid PRIMARY KEY)",
        "table public.notes",
        "DROP TABLE public.notes",
    ),
    (
        "DELETE FROM t_acme.seaql_migrations \
         WHERE version = (SELECT max(version) FROM t_acme.seaql_migrations)",
        "record of migrations t_acme.seaql_migrations",
        "platform.schema_migrations",
    ),
    (
        "ALTER TABLE platform.tenants DROP COLUMN suspension_reason",
        "column platform.tenants.suspension_reason",
        "ALTER TABLE platform.tenants ADD COLUMN suspension_reason text",
    ),
    (
        "ALTER TABLE platform.tenants DISABLE TRIGGER tell",
        "trigger platform.tenants.tell",
        "make it as CREATE TRIGGER tell",
    ),
    (
        "GRANT UPDATE ON platform.tenants TO {p}platform",
        "grant on platform.tenants TO the role of the schema",
        "SELECT",
    ),
];

#[tokio::test]
async fn every_kind_of_damage_is_named_with_its_schema_and_what_to_do_and_nothing_else_is() {
    let (_clean, scratch) = Scratch::migrated(&["public", "t_acme", "pool_0001", "t_whole"]).await;
    let prefix = scratch.installation.schema_role("");
    let mut conn = scratch.superuser().await;
    for (damage, ..) in DAMAGE {
        run(&mut conn, &damage.replace("{p}", &prefix))
            .await
            .unwrap();
    }
    let drift = drift(&scratch).await;
    assert_eq!(drift.schemas, ["platform", "pool_0001", "public", "t_acme"]);
    let mut differences = drift.differences;
    for (damage, object, remedy) in DAMAGE {
        let object = object.replace("{p}", &prefix);
        let is_it = |it: &Difference| it.object == object && object.contains(&it.schema);
        let Some(at) = differences.iter().position(is_it) else {
            panic!("after {damage}: {differences:#?}");
        };
        let difference = differences.swap_remove(at);
        assert!(difference.remedy.contains(remedy), "{difference}");
    }
    // The trigger's function came with the trigger.
    let rest: Vec<_> = differences.iter().map(|it| it.object.as_str()).collect();
    assert_eq!(
        rest,
        [
            "grant on t_acme.function spy() TO PUBLIC",
            "function t_acme.spy()"
        ]
    );
}
