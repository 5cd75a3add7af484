//! The catalogue check: each rule is broken once, and named.

mod rights;
mod roles;

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
