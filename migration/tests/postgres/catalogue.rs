//! The catalogue check: each rule is broken once, and named.

use migration::catalogue::{self, Finding};
use sqlx::Connection as _;

use crate::scratch::{Scratch, run};

#[tokio::test]
async fn a_fresh_installation_has_no_finding() {
    let (_clean, scratch) = Scratch::migrated(&["t_acme", "pool_0001", "public"]).await;
    assert_eq!(findings(&scratch).await, []);
}

#[tokio::test]
async fn the_migrator_may_check_too() {
    let (_clean, scratch) = Scratch::migrated(&["t_acme"]).await;
    let mut conn = scratch.connect(migration::install::Login::Migrator).await;
    assert_eq!(catalogue::check(&mut conn).await.unwrap(), []);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn every_broken_rule_of_a_table_is_named() {
    breaks(
        "SET search_path TO t_acme, extensions;",
        &[
            // The table itself
            (
                "CREATE TABLE notes (id uuid PRIMARY KEY)",
                "t_acme.notes: tenant_id is not",
            ),
            (
                "ALTER TABLE counters ALTER COLUMN tenant_id \
                 SET DEFAULT current_setting('app.tenant', true)::uuid",
                "t_acme.counters: tenant_id is not",
            ),
            (
                "ALTER TABLE counters ALTER COLUMN tenant_id DROP DEFAULT",
                "tenant_id is not",
            ),
            (
                "CREATE VIEW everyone AS SELECT * FROM employees",
                "t_acme.everyone: it is a view",
            ),
            (
                "ALTER TABLE counters OWNER TO postgres",
                "its owner is postgres",
            ),
            // What runs by itself
            (
                "CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
                 CREATE TRIGGER spy BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION spy()",
                "t_acme.users: it has a trigger, spy; DROP TRIGGER spy ON t_acme.users",
            ),
            (
                "ALTER TABLE users DISABLE TRIGGER ALL",
                "t_acme.users: its foreign keys are not upheld; ALTER TABLE t_acme.users ENABLE",
            ),
            (
                "CREATE RULE nothing AS ON DELETE TO users DO INSTEAD NOTHING",
                "t_acme.users: it has a rule, nothing; DROP RULE nothing ON t_acme.users",
            ),
            // Row security
            (
                "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
                "t_acme.users: row security is not enabled",
            ),
            (
                "ALTER TABLE users NO FORCE ROW LEVEL SECURITY",
                "t_acme.users: row security is not forced",
            ),
            (
                "DROP POLICY tenant_isolation ON users",
                "lacks the policy tenant_isolation",
            ),
            (
                "CREATE POLICY too ON users USING (true)",
                "t_acme.users: it has another policy, too; DROP POLICY too ON t_acme.users",
            ),
            (
                "ALTER POLICY tenant_isolation ON users \
                 USING (tenant_id = (SELECT current_setting('app.tenant')::uuid))",
                "lacks the policy tenant_isolation",
            ),
            (
                "ALTER POLICY tenant_isolation ON users \
                 USING (tenant_id = current_setting('app.tenant', true)::uuid)",
                "lacks the policy tenant_isolation",
            ),
            (
                "ALTER POLICY tenant_isolation ON users WITH CHECK (true)",
                "lacks the policy tenant_isolation",
            ),
            (
                "ALTER POLICY tenant_isolation ON users TO {p}t_acme",
                "lacks the policy tenant_isolation",
            ),
            // Keys and indexes
            (
                "ALTER TABLE counters DROP CONSTRAINT counters_pkey, ADD PRIMARY KEY (id)",
                "t_acme.counters: its primary key is not (tenant_id, id)",
            ),
            (
                "CREATE INDEX by_name ON counters (name)",
                "t_acme.counters: index by_name does not start with tenant_id",
            ),
            (
                "CREATE UNIQUE INDEX by_name ON counters (name, tenant_id)",
                "index by_name does not start with tenant_id",
            ),
            (
                r#"ALTER TABLE counters ADD COLUMN label_key text COLLATE "POSIX""#,
                "column label_key is compared and not of collation \"C\"",
            ),
            // Foreign keys
            (
                "ALTER TABLE departments ADD UNIQUE (id), ADD COLUMN head_id uuid, \
                 ADD CONSTRAINT plain FOREIGN KEY (head_id) REFERENCES departments (id)",
                "t_acme.departments: foreign key plain leaves the tenant",
            ),
            (
                "ALTER TABLE departments ADD COLUMN head_id uuid, \
                 ADD CONSTRAINT away FOREIGN KEY (tenant_id, head_id) \
                 REFERENCES pool_0001.employees (tenant_id, id) ON DELETE RESTRICT",
                "t_acme.departments: foreign key away leaves the tenant",
            ),
            (
                "ALTER TABLE departments ADD COLUMN head_id uuid, \
                 ADD CONSTRAINT sweeping FOREIGN KEY (tenant_id, head_id) \
                 REFERENCES employees (tenant_id, id) ON DELETE CASCADE",
                "t_acme.departments: foreign key sweeping may change rows",
            ),
            (
                "ALTER TABLE departments ADD COLUMN head_id uuid, \
                 ADD CONSTRAINT forgetful FOREIGN KEY (tenant_id, head_id) \
                 REFERENCES employees (tenant_id, id) ON DELETE SET NULL",
                "t_acme.departments: foreign key forgetful may change rows",
            ),
        ],
    )
    .await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn every_surplus_right_is_named() {
    breaks(
        "",
        &[
            (
                "GRANT SELECT ON t_acme.users TO PUBLIC",
                "t_acme.users: PUBLIC has SELECT",
            ),
            (
                "GRANT SELECT (email) ON t_acme.users TO PUBLIC",
                "t_acme.users: PUBLIC has SELECT",
            ),
            (
                "GRANT TRUNCATE ON t_acme.users TO {p}t_acme",
                "{p}t_acme has TRUNCATE",
            ),
            (
                "GRANT SELECT ON t_acme.users TO {p}pool_0001",
                "t_acme.users: {p}pool_0001 has SELECT",
            ),
            (
                "GRANT SELECT ON t_acme.users TO {p}app",
                "t_acme.users: {p}app has SELECT",
            ),
            (
                "GRANT DELETE ON t_acme.users TO {p}backup",
                "t_acme.users: {p}backup has DELETE",
            ),
            (
                "GRANT SELECT ON t_acme.seaql_migrations TO {p}t_acme",
                "{p}t_acme has SELECT",
            ),
            (
                "GRANT USAGE ON SCHEMA t_acme TO {p}app",
                "schema t_acme: {p}app has USAGE",
            ),
            (
                "GRANT CREATE ON SCHEMA t_acme TO {p}t_acme",
                "schema t_acme: {p}t_acme has CREATE",
            ),
            (
                "GRANT USAGE ON SCHEMA public TO PUBLIC",
                "schema public: PUBLIC has USAGE",
            ),
            (
                "GRANT USAGE ON SCHEMA platform TO {p}t_acme",
                "schema platform: {p}t_acme has USAGE",
            ),
            (
                "GRANT UPDATE ON platform.tenants TO {p}platform",
                "platform.tenants: {p}platform has UPDATE",
            ),
            (
                "GRANT SELECT ON platform.secrets TO {p}t_acme",
                "platform.secrets: {p}t_acme has SELECT",
            ),
            (
                "GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO PUBLIC",
                "set_config(text,text,boolean): PUBLIC has EXECUTE; \
                 REVOKE EXECUTE ON FUNCTION set_config(text,text,boolean) FROM PUBLIC",
            ),
            (
                "GRANT EXECUTE ON FUNCTION pg_catalog.lo_create(oid) TO {p}t_acme",
                "lo_create(oid): {p}t_acme has EXECUTE",
            ),
            (
                "GRANT EXECUTE ON FUNCTION platform.create_schema_role(name) TO {p}platform",
                "platform.create_schema_role(name): {p}platform has EXECUTE",
            ),
            (
                "GRANT EXECUTE ON FUNCTION platform.lock_tenant(uuid) TO {p}t_acme",
                "platform.lock_tenant(uuid): {p}t_acme has EXECUTE",
            ),
            (
                "GRANT EXECUTE ON FUNCTION platform.lock_tenant(uuid) TO {p}platform",
                "platform.lock_tenant(uuid): {p}platform has EXECUTE",
            ),
            (
                "GRANT EXECUTE ON FUNCTION platform.schema_role(name) TO {p}public",
                "platform.schema_role(name): {p}public has EXECUTE",
            ),
            (
                "GRANT SELECT ON platform.tenants TO {p}public",
                "platform.tenants: {p}public has SELECT",
            ),
            (
                "ALTER FUNCTION platform.suspend_tenant(uuid, text, timestamptz) RESET search_path",
                "it runs with its owner's rights and its caller's search_path",
            ),
            (
                "GRANT TEMPORARY ON DATABASE {d} TO PUBLIC",
                "database {d}: PUBLIC has TEMPORARY",
            ),
            (
                "GRANT TEMPORARY ON DATABASE {d} TO {p}app",
                "database {d}: {p}app has TEMPORARY",
            ),
            (
                "CREATE FUNCTION t_acme.all_users() RETURNS bigint LANGUAGE sql SECURITY DEFINER \
                 AS 'SELECT 1::bigint'",
                "t_acme.all_users(): it runs with its owner's rights",
            ),
            (
                "ALTER FUNCTION platform.create_schema_role(name) OWNER TO postgres",
                "does not belong to",
            ),
            (
                "ALTER SCHEMA t_acme OWNER TO postgres",
                "schema t_acme: its owner is postgres",
            ),
            (
                "ALTER EXTENSION btree_gist SET SCHEMA public",
                "extension btree_gist: it is not in",
            ),
            (
                "GRANT USAGE ON SCHEMA extensions TO PUBLIC",
                "schema extensions: PUBLIC has USAGE",
            ),
            (
                "CREATE FUNCTION extensions.peek() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
                "extensions.peek(): PUBLIC has EXECUTE",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_schema_that_nobody_here_makes_is_named_and_what_everybody_may_there() {
    breaks(
        "CREATE SCHEMA reports; CREATE TABLE reports.pay (amount bigint);",
        &[
            (
                "",
                "schema reports: neither the installation nor a migration makes it; \
                 DROP SCHEMA reports",
            ),
            (
                "GRANT USAGE ON SCHEMA reports TO PUBLIC",
                "schema reports: PUBLIC has USAGE; REVOKE USAGE ON SCHEMA reports FROM PUBLIC",
            ),
            (
                "GRANT SELECT ON reports.pay TO PUBLIC",
                "reports.pay: PUBLIC has SELECT",
            ),
            (
                "GRANT UPDATE (amount) ON reports.pay TO PUBLIC",
                "reports.pay: PUBLIC has UPDATE; REVOKE UPDATE (amount) ON TABLE reports.pay",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn rights_on_what_is_yet_to_be_made_are_named() {
    breaks(
        "",
        &[
            (
                "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
                "default privileges of postgres: what he makes there (TABLES) comes with",
            ),
            (
                "ALTER DEFAULT PRIVILEGES FOR ROLE {p}owner IN SCHEMA t_acme \
                 GRANT SELECT ON TABLES TO {p}pool_0001",
                "default privileges of {p}owner in schema t_acme: what he makes there (TABLES)",
            ),
            (
                "ALTER DEFAULT PRIVILEGES FOR ROLE {p}owner GRANT EXECUTE ON FUNCTIONS TO {p}app",
                "default privileges of {p}owner: what he makes there (FUNCTIONS) comes with",
            ),
            (
                "ALTER DEFAULT PRIVILEGES FOR ROLE {p}owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
                "default privileges of {p}owner: everybody may call the functions",
            ),
        ],
    )
    .await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn every_changed_role_is_named() {
    breaks(
        "",
        &[
            (
                "ALTER ROLE {p}app SUPERUSER",
                "role {p}app: it is a superuser; ALTER ROLE {p}app NOSUPERUSER",
            ),
            (
                "ALTER ROLE {p}app BYPASSRLS",
                "role {p}app: it bypasses row security",
            ),
            ("ALTER ROLE {p}app INHERIT", "role {p}app: it inherits"),
            (
                "ALTER ROLE {p}app CREATEROLE",
                "role {p}app: it makes roles",
            ),
            (
                "ALTER ROLE {p}app CREATEDB",
                "role {p}app: it makes databases",
            ),
            (
                "ALTER ROLE {p}app REPLICATION",
                "role {p}app: it replicates",
            ),
            (
                "ALTER ROLE {p}app RESET search_path",
                "role {p}app: its search_path is not empty",
            ),
            (
                "ALTER ROLE {p}migrator CREATEROLE",
                "role {p}migrator: it makes roles",
            ),
            (
                "ALTER ROLE {p}migrator NOBYPASSRLS",
                "role {p}migrator: it is bound by row security",
            ),
            ("ALTER ROLE {p}owner LOGIN", "role {p}owner: it can log in"),
            ("ALTER ROLE {p}roles LOGIN", "role {p}roles: it can log in"),
            (
                "ALTER ROLE {p}t_acme LOGIN",
                "role {p}t_acme: it can log in",
            ),
            (
                "ALTER ROLE {p}t_acme BYPASSRLS",
                "role {p}t_acme: it bypasses row security",
            ),
            (
                "CREATE ROLE {p}intruder",
                "role {p}intruder: its name is none",
            ),
            (
                "GRANT {p}owner TO {p}app",
                "role {p}app: it is a member of {p}owner",
            ),
            (
                "REVOKE {p}platform FROM {p}app",
                "role {p}app: it is not a member of {p}platform; GRANT {p}platform TO {p}app",
            ),
            (
                "REVOKE {p}owner FROM {p}migrator",
                "role {p}migrator: it is not a member of {p}owner",
            ),
            (
                "REVOKE {p}owner FROM {p}restore",
                "role {p}restore: it is not a member of {p}owner",
            ),
            (
                "REVOKE {p}t_acme FROM {p}app",
                "role {p}app: it is not a member of {p}t_acme",
            ),
            (
                "REVOKE {p}pool_0001 FROM {p}migrator",
                "role {p}migrator: it is not a member of {p}pool_0001",
            ),
            (
                "GRANT {p}pool_0001 TO {p}t_acme",
                "role {p}t_acme: it is a member of {p}pool_0001",
            ),
            (
                "GRANT {p}roles TO {p}migrator",
                "role {p}migrator: it is a member of {p}roles",
            ),
            (
                "GRANT pg_read_all_data TO {p}t_acme",
                "role {p}t_acme: it is a member of pg_read_all_data",
            ),
            (
                "GRANT {p}t_acme TO {p}app WITH ADMIN OPTION",
                "role {p}app: it is a member of {p}t_acme",
            ),
            (
                "CREATE TABLE extensions.mine (); ALTER TABLE extensions.mine OWNER TO {p}t_acme",
                "role {p}t_acme: it owns table extensions.mine",
            ),
            (
                "GRANT SELECT ON pool_0001.users TO {p}t_acme",
                "role {p}t_acme: it has rights on table pool_0001.users",
            ),
            (
                "CREATE TABLE extensions.t (); GRANT SELECT ON extensions.t TO {p}platform",
                "role {p}platform: it has rights on table extensions.t",
            ),
            (
                "ALTER ROLE {p}app SET app.tenant = '01890000-0000-7000-8000-000000000000'",
                "role {p}app: it sets a tenant",
            ),
            (
                "ALTER DATABASE {d} SET app.tenant = '01890000-0000-7000-8000-000000000000'",
                "database {d}: it sets a tenant",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_schema_without_its_role_is_named() {
    let (_clean, scratch) = Scratch::migrated(&["t_acme"]).await;
    let mut conn = scratch.superuser().await;
    let role = scratch.installation.schema_role("t_acme");
    run(
        &mut conn,
        &format!("DROP OWNED BY {role}; DROP ROLE {role}"),
    )
    .await
    .unwrap();
    let found = findings(&scratch).await;
    assert!(
        found[0]
            .to_string()
            .contains(&format!("it has tables and no role {role}")),
        "{found:?}"
    );
}

#[tokio::test]
async fn installing_again_gives_memberships_back() {
    let (_clean, scratch) = Scratch::migrated(&["t_acme", "public"]).await;
    let mut conn = scratch.superuser().await;
    let prefix = scratch.installation.schema_role("");
    let revoke = "REVOKE {p}platform, {p}t_acme, {p}public FROM {p}app; \
                  REVOKE {p}platform, {p}owner, {p}t_acme FROM {p}migrator; \
                  REVOKE {p}owner FROM {p}restore";
    run(&mut conn, &revoke.replace("{p}", &prefix))
        .await
        .unwrap();
    assert_eq!(findings(&scratch).await.len(), 7);
    let id = scratch.installation.id();
    migration::install::install(&mut conn, id).await.unwrap();
    assert_eq!(findings(&scratch).await, []);
}

/// Breaks one rule at a time, in a transaction that is rolled back, and expects to see it named.
async fn breaks(before: &str, crimes: &[(&str, &str)]) {
    let (_clean, scratch) = Scratch::migrated(&["t_acme", "pool_0001"]).await;
    let mut conn = scratch.superuser().await;
    let database = crate::scratch::one(&mut conn, "SELECT current_database()").await;
    let prefix = format!("hrms_{}_", scratch.installation.id());
    let fill = |text: &str| text.replace("{p}", &prefix).replace("{d}", &database);
    let mut unnamed = Vec::new();
    for (crime, expected) in crimes {
        let expected = fill(expected);
        let mut tx = conn.begin().await.unwrap();
        run(&mut tx, &fill(&format!("{before} {crime}")))
            .await
            .unwrap();
        let found = catalogue::check(&mut tx).await.unwrap();
        tx.rollback().await.unwrap();
        if !found
            .iter()
            .any(|finding| finding.to_string().contains(&expected))
        {
            unnamed.push(format!(
                "{crime}\n  expected {expected}\n  found {found:#?}"
            ));
        }
    }
    assert!(unnamed.is_empty(), "{}", unnamed.join("\n"));
}

async fn findings(scratch: &Scratch) -> Vec<Finding> {
    catalogue::check(&mut scratch.superuser().await)
        .await
        .unwrap()
}
