//! Attacks with plain SQL: as the other's role, without a tenant, as a neighbour in a pool.

use sqlx::Row as _;

use crate::scratch::{Scratch, one};

const ANNA: &str = "01890000-0000-7000-8000-00000000000a";
const BERT: &str = "01890000-0000-7000-8000-00000000000b";

/// Two tenants in one pool and one in a schema of its own, each with a department and an employee
/// (whose ids end in the tenant's letter, and in 1 and 2).
async fn three_tenants() -> (testkit::EmptyDatabase, Scratch) {
    let (clean, scratch) = Scratch::migrated(&["t_acme", "pool_0001"]).await;
    for (schema, tenant) in [("t_acme", ANNA), ("pool_0001", ANNA), ("pool_0001", BERT)] {
        let people = format!(
            "INSERT INTO departments (id, code, name, name_key, created_at, updated_at) \
             VALUES ('{}', 'D', 'D', 'd', now(), now()); \
             INSERT INTO job_titles (id, code, name, name_key, created_at, updated_at) \
             VALUES ('{}', 'J', 'J', 'j', now(), now()); \
             INSERT INTO locations (id, code, name, name_key, country, created_at, updated_at) \
             VALUES ('{}', 'L', 'L', 'l', 'DE', now(), now()); \
             INSERT INTO employees (id, employee_number, first_name, last_name, first_name_key, \
             last_name_key, original_hire_date, hire_date, created_at, updated_at) VALUES \
             ('{}', '1', 'A', 'B', 'a', 'b', '2020-01-01', '2020-01-01', now(), now())",
            id(tenant, 1),
            id(tenant, 3),
            id(tenant, 4),
            id(tenant, 2)
        );
        scratch.run_as(schema, Some(tenant), &people).await.unwrap();
    }
    (clean, scratch)
}

fn id(tenant: &str, number: u8) -> String {
    format!("0189000{number}{}", &tenant[8..])
}

fn employment(of: &str, department: &str, from: &str, to: &str) -> String {
    format!(
        "INSERT INTO employments (id, employee_id, valid_from, valid_to, department_id, \
         job_title_id, location_id, employment_type, created_at, updated_at) \
         VALUES (gen_random_uuid(), '{}', '{from}', {to}, '{}', '{}', '{}', 'full_time', now(), \
         now())",
        id(of, 2),
        id(department, 1),
        id(of, 3),
        id(of, 4)
    )
}

#[tokio::test]
async fn a_tenant_sees_its_own_rows_only() {
    let (_clean, scratch) = three_tenants().await;
    for (schema, tenant) in [("t_acme", ANNA), ("pool_0001", ANNA), ("pool_0001", BERT)] {
        let rows = scratch
            .run_as(schema, Some(tenant), "SELECT id::text FROM employees")
            .await;
        let ids: Vec<String> = rows.unwrap().iter().map(|row| row.get(0)).collect();
        assert_eq!(ids, [id(tenant, 2)]);
    }
    let none = scratch
        .run_as("t_acme", Some(BERT), "SELECT * FROM employees")
        .await
        .unwrap();
    assert!(none.is_empty());
}

#[tokio::test]
async fn without_a_tenant_every_statement_fails() {
    let (_clean, scratch) = three_tenants().await;
    for crime in [
        "SELECT * FROM employees",
        "UPDATE employees SET first_name = 'x'",
        "DELETE FROM employees",
        "INSERT INTO counters (id, name, value) VALUES (gen_random_uuid(), 'x', 1)",
        "SET LOCAL app.tenant = ''; SELECT * FROM employees",
    ] {
        let refused = scratch.run_as("t_acme", None, crime).await.unwrap_err();
        let unset = [
            "unrecognized configuration parameter",
            "invalid input syntax for type uuid",
        ];
        assert!(
            unset.iter().any(|why| refused.contains(why)),
            "{crime}: {refused}"
        );
    }
}

#[tokio::test]
async fn a_schema_role_has_no_rights_elsewhere() {
    let (_clean, scratch) = three_tenants().await;
    for crime in [
        "SELECT * FROM pool_0001.employees",
        "INSERT INTO pool_0001.counters (id, name, value) VALUES (gen_random_uuid(), 'x', 1)",
        "SELECT * FROM platform.tenants",
        "SELECT * FROM platform.secrets",
        "SELECT platform.schema_role('t_acme')",
        "SELECT platform.create_schema_role('t_mine')",
        "SELECT * FROM seaql_migrations",
        "TRUNCATE employees",
        "ALTER TABLE employees DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON employees USING (true)",
        "CREATE TABLE mine ()",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ] {
        let refused = scratch
            .run_as("t_acme", Some(ANNA), crime)
            .await
            .unwrap_err();
        let denied = ["permission denied", "must be owner"]
            .iter()
            .any(|why| refused.contains(why));
        assert!(denied, "{crime}: {refused}");
    }
}

#[tokio::test]
async fn a_neighbour_in_a_pool_can_neither_be_read_nor_written() {
    let (_clean, scratch) = three_tenants().await;
    let as_anna = |sql: String| {
        let scratch = &scratch;
        async move { scratch.run_as("pool_0001", Some(ANNA), &sql).await }
    };
    // By its id, its tenant id, or a setting inside the query
    for search in [
        format!("SELECT * FROM employees WHERE id = '{}'", id(BERT, 2)),
        format!("SELECT * FROM employees WHERE tenant_id = '{BERT}'"),
        format!(
            "UPDATE employees SET first_name = 'x' WHERE id = '{}' RETURNING 1",
            id(BERT, 2)
        ),
        format!("DELETE FROM employees WHERE tenant_id = '{BERT}' RETURNING 1"),
    ] {
        assert!(
            as_anna(search.clone()).await.unwrap().is_empty(),
            "{search}"
        );
    }
    for crime in [
        format!("SELECT pg_catalog.set_config('app.tenant', '{BERT}', true), * FROM employees"),
        format!("UPDATE pg_catalog.pg_settings SET setting = '{BERT}' WHERE name = 'app.tenant'"),
        format!("UPDATE employees SET tenant_id = '{BERT}'"),
        format!(
            "INSERT INTO counters (tenant_id, id, name, value) \
             VALUES ('{BERT}', gen_random_uuid(), 'x', 1)"
        ),
    ] {
        let refused = as_anna(crime.clone()).await.unwrap_err();
        let denied = ["permission denied", "violates row-level security policy"];
        assert!(
            denied.iter().any(|why| refused.contains(why)),
            "{crime}: {refused}"
        );
    }
}

#[tokio::test]
async fn a_foreign_key_cannot_reach_a_neighbour() {
    let (_clean, scratch) = three_tenants().await;
    let own = employment(ANNA, ANNA, "2020-01-01", "'2021-01-01'");
    scratch.run_as("pool_0001", Some(ANNA), &own).await.unwrap();
    let foreign = employment(ANNA, BERT, "2021-01-01", "NULL");
    let refused = scratch
        .run_as("pool_0001", Some(ANNA), &foreign)
        .await
        .unwrap_err();
    assert!(
        refused.contains("employments_department_id_fkey"),
        "{refused}"
    );
    let manager = format!(
        "UPDATE departments SET manager_id = '{}', parent_id = '{}'",
        id(BERT, 2),
        id(BERT, 1)
    );
    let refused = scratch
        .run_as("pool_0001", Some(ANNA), &manager)
        .await
        .unwrap_err();
    assert!(
        refused.contains("violates foreign key constraint"),
        "{refused}"
    );
}

#[tokio::test]
async fn neighbours_may_use_the_same_numbers_codes_and_ids() {
    let (_clean, scratch) = three_tenants().await;
    let counter = format!("INSERT INTO counters (id, name, value) VALUES ('{ANNA}', 'x', 1)");
    for tenant in [ANNA, BERT] {
        scratch
            .run_as("pool_0001", Some(tenant), &counter)
            .await
            .unwrap();
    }
    let refused = scratch
        .run_as("pool_0001", Some(ANNA), &counter)
        .await
        .unwrap_err();
    assert!(refused.contains("counters_"), "{refused}");
}

#[tokio::test]
async fn periods_of_one_employee_do_not_overlap() {
    let (_clean, scratch) = three_tenants().await;
    let hire = |from: &str, to: &str| employment(ANNA, ANNA, from, to);
    for (from, to) in [("2020-01-01", "'2021-01-01'"), ("2021-01-01", "NULL")] {
        scratch
            .run_as("t_acme", Some(ANNA), &hire(from, to))
            .await
            .unwrap();
    }
    for (from, to, constraint) in [
        ("2019-06-01", "'2020-06-01'", "employments_no_overlap"),
        ("2025-01-01", "NULL", "employments_no_overlap"),
        ("2019-01-01", "'2019-01-01'", "employments_period_check"),
        ("2019-01-01", "'2018-01-01'", "range lower bound"),
    ] {
        let refused = scratch
            .run_as("t_acme", Some(ANNA), &hire(from, to))
            .await
            .unwrap_err();
        let period = refused.contains("employments_period_check");
        assert!(
            refused.contains(constraint) || period,
            "{from} {to}: {refused}"
        );
    }
}

/// The planner would take the index of the exclusion for the cheaper one; a look-up in it costs
/// ten times as much.
#[tokio::test]
async fn the_index_of_the_exclusion_serves_no_query() {
    let (_clean, scratch) = three_tenants().await;
    let plan = scratch
        .run_as(
            "t_acme",
            Some(ANNA),
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; \
             EXPLAIN SELECT id FROM employments WHERE employee_id = '01890000-0000-7000-8000-000000000000' \
             AND valid_from <= '2020-01-01' ORDER BY valid_from DESC LIMIT 1",
        )
        .await
        .unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    assert!(
        plan.join("\n")
            .contains("Backward using employments_employee_id_valid_from_key"),
        "{plan:?}"
    );
}

#[tokio::test]
async fn the_platforms_role_reads_the_registry_and_changes_nothing() {
    let (_clean, scratch) = three_tenants().await;
    for table in [
        "tenants",
        "domains",
        "pools",
        "signing_keys",
        "secrets",
        "schema_migrations",
    ] {
        scratch
            .run_as("platform", None, &format!("SELECT * FROM {table}"))
            .await
            .unwrap();
        let crime = format!("DELETE FROM {table}");
        let refused = scratch.run_as("platform", None, &crime).await.unwrap_err();
        assert!(refused.contains("permission denied"), "{refused}");
    }
    let crime = "SELECT * FROM t_acme.employees";
    let refused = scratch
        .run_as("platform", Some(ANNA), crime)
        .await
        .unwrap_err();
    assert!(refused.contains("permission denied"), "{refused}");
}

#[tokio::test]
async fn the_backup_role_reads_every_row_and_writes_none() {
    let (_clean, scratch) = three_tenants().await;
    let mut conn = scratch.superuser().await;
    let backup = scratch.installation.backup_role();
    crate::scratch::run(&mut conn, &format!("SET ROLE {backup}"))
        .await
        .unwrap();
    assert_eq!(
        one(&mut conn, "SELECT count(*) FROM pool_0001.employees").await,
        "2"
    );
    let recorded = "SELECT count(DISTINCT schema_name) FROM platform.schema_migrations";
    assert_eq!(one(&mut conn, recorded).await, "3");
    let refused = crate::scratch::run(&mut conn, "DELETE FROM pool_0001.employees").await;
    assert!(refused.unwrap_err().contains("permission denied"));
}
