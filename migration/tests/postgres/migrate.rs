//! Running the migrations.

use migration::{
    MigrationError, Migrator, TenantTable,
    fit::{Misfit, SUSPECTS, expected},
    install::Login,
};
use sea_orm_migration::SchemaManager;
use sqlx::PgConnection;

use crate::scratch::{Scratch, one, run};

#[tokio::test]
async fn a_schema_is_migrated_once_and_recorded() {
    let (_clean, scratch) = Scratch::installed().await;
    let migrator = scratch.migrator().await;
    assert!(!migrator.pending("platform").await.unwrap().is_empty());
    assert!(!migrator.misfits().await.unwrap().is_empty());
    let platform = migrator.migrate_platform().await.unwrap();
    let tenant = migrator.migrate_schema("t_acme").await.unwrap();
    assert!(migrator.migrate_platform().await.unwrap().is_empty());
    assert!(migrator.migrate_schema("t_acme").await.unwrap().is_empty());
    assert!(migrator.pending("t_acme").await.unwrap().is_empty());
    assert_eq!(migrator.pending("t_beta").await.unwrap(), tenant);
    assert_eq!(migrator.misfits().await.unwrap(), []);
    let status = migrator.status().await.unwrap();
    let summary: Vec<(&str, usize)> = status
        .iter()
        .map(|it| (it.schema.as_str(), it.applied))
        .collect();
    assert_eq!(
        summary,
        [("platform", platform.len()), ("t_acme", tenant.len())]
    );
}

#[tokio::test]
async fn a_database_that_is_not_installed_is_refused() {
    let (_clean, scratch) = Scratch::installed().await;
    let mut conn = scratch.superuser().await;
    run(&mut conn, "DROP TABLE platform.schema_migrations")
        .await
        .unwrap();
    let migrator = scratch.migrator().await;
    let refused = migrator.migrate_platform().await;
    assert!(
        matches!(refused, Err(MigrationError::NotInstalled)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn ten_migrations_of_one_schema_at_once_are_one() {
    let (_clean, scratch) = Scratch::installed().await;
    let mut migrating = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let migrator = scratch.migrator().await;
        migrating.spawn(async move {
            migrator.migrate_platform().await.unwrap();
            migrator.migrate_schema("t_acme").await.unwrap().len()
        });
    }
    let applied = migrating.join_all().await;
    assert_eq!(applied.iter().filter(|applied| **applied > 0).count(), 1);
}

/// What health asks every second names a schema exactly when it has misfits.
#[tokio::test]
async fn schemas_that_do_not_fit_are_suspects_and_no_others_are() {
    let (_clean, scratch) = Scratch::migrated(&["public", "t_acme", "pool_0001"]).await;
    let mut conn = scratch.superuser().await;
    for (damage, named) in [
        ("SELECT", ""),
        (
            "DELETE FROM platform.schema_migrations WHERE schema_name = 't_acme' \
             AND name LIKE '%_identity'",
            "t_acme",
        ),
        (
            "UPDATE platform.schema_migrations SET sha256 = repeat('0', 64) \
             WHERE schema_name = 'pool_0001' AND name LIKE '%_identity'",
            "pool_0001",
        ),
        (
            "INSERT INTO platform.schema_migrations (schema_name, name, sha256) \
             VALUES ('platform', 'm2099_later', repeat('0', 64))",
            "platform",
        ),
        (
            "INSERT INTO platform.pools (schema_name, tenant_count) VALUES ('pool_0002', 0)",
            "pool_0002",
        ),
    ] {
        run(&mut conn, &format!("BEGIN; {damage}")).await.unwrap();
        let [platform, tenant] = expected();
        let suspects: Vec<String> = sqlx::query_scalar(SUSPECTS)
            .bind(platform)
            .bind(tenant)
            .fetch_all(&mut conn)
            .await
            .unwrap();
        assert_eq!(suspects.join(","), named, "{damage}");
        run(&mut conn, "ROLLBACK").await.unwrap();
    }
}

/// Who holds a schema's turn may hang: it is waited for as long as was said, and named.
#[tokio::test]
async fn who_waits_in_vain_for_a_schema_is_told_who_works_on_it() {
    let (_clean, scratch) = Scratch::migrated(&["t_acme"]).await;
    let mut holder = scratch.superuser().await;
    run(
        &mut holder,
        "SET application_name = 'a-debugger'; BEGIN; \
         SELECT pg_advisory_xact_lock(hashtextextended('hrms migrate t_acme', 0))",
    )
    .await
    .unwrap();
    let pid = one(&mut holder, "SELECT pg_backend_pid()").await;
    let hasty = scratch.login(Login::Migrator).await;
    let hasty = hasty.options([("lock_timeout", "200ms")]);
    // Who waits has the only connection.
    let migrator = Migrator::connect(hasty, 1).await.unwrap();
    let told = migrator.migrate_schema("t_acme").await.unwrap_err();
    let MigrationError::Busy { turn, holder: who } = &told else {
        panic!("{told:?}");
    };
    assert_eq!(turn, "hrms migrate t_acme");
    assert!(
        who.starts_with(&format!("process {pid} (a-debugger, login ")),
        "{who}"
    );
    let dropped = migrator.drop_schema("t_acme").await;
    assert!(
        matches!(dropped, Err(MigrationError::Busy { .. })),
        "{dropped:?}"
    );
    // Others are not in his way, and he is not in mine when he has ended.
    migrator.migrate_schema("pool_0001").await.unwrap();
    run(&mut holder, "ROLLBACK").await.unwrap();
    assert_eq!(
        migrator.migrate_schema("t_acme").await.unwrap(),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn schemas_are_migrated_side_by_side() {
    let (_clean, scratch) = Scratch::migrated(&[]).await;
    let migrator = std::sync::Arc::new(scratch.migrator().await);
    let mut migrating = tokio::task::JoinSet::new();
    for schema in 0..12 {
        let migrator = migrator.clone();
        migrating.spawn(async move {
            migrator
                .migrate_schema(&format!("pool_{schema:04}"))
                .await
                .unwrap();
        });
    }
    migrating.join_all().await;
    assert_eq!(migrator.misfits().await.unwrap(), []);
}

#[tokio::test]
async fn a_name_that_is_no_tenant_schema_is_refused() {
    let (_clean, scratch) = Scratch::installed().await;
    let migrator = scratch.migrator().await;
    for name in [
        "platform",
        "pg_catalog",
        "t_",
        "t_a; DROP SCHEMA platform",
        "pool_1",
        "T_A",
        "",
    ] {
        let refused = migrator.migrate_schema(name).await;
        assert!(
            matches!(refused, Err(MigrationError::SchemaName(_))),
            "{name}"
        );
        let refused = migrator.drop_schema(name).await;
        assert!(
            matches!(refused, Err(MigrationError::SchemaName(_))),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_and_runs_again() {
    let (_clean, scratch) = Scratch::migrated(&[]).await;
    let migrator = scratch.migrator().await;
    let mut conn = scratch.superuser().await;
    let owner = scratch.installation.owner();
    // In the way of the second migration
    run(
        &mut conn,
        &format!("CREATE SCHEMA t_acme AUTHORIZATION {owner}; CREATE TABLE t_acme.users ()"),
    )
    .await
    .unwrap();
    let failed = migrator.migrate_schema("t_acme").await;
    assert!(
        matches!(failed, Err(MigrationError::Migration { .. })),
        "{failed:?}"
    );
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 't_acme'";
    assert_eq!(one(&mut conn, tables).await, "1");
    let role = scratch.installation.schema_role("t_acme");
    assert_eq!(
        one(&mut conn, &format!("SELECT to_regrole('{role}') IS NULL")).await,
        "true"
    );
    run(&mut conn, "DROP TABLE t_acme.users").await.unwrap();
    migrator.migrate_schema("t_acme").await.unwrap();
    assert_eq!(migrator.misfits().await.unwrap(), []);
}

#[tokio::test]
async fn a_database_that_does_not_fit_is_refused_by_name() {
    let (_clean, scratch) = Scratch::migrated(&["t_acme", "t_beta"]).await;
    let migrator = scratch.migrator().await;
    let mut conn = scratch.superuser().await;
    let name = one(
        &mut conn,
        "SELECT max(name) FROM platform.schema_migrations WHERE schema_name = 't_acme'",
    )
    .await;
    let fix = "UPDATE platform.schema_migrations SET";
    for sql in [
        format!("{fix} sha256 = repeat('0', 64) WHERE schema_name = 't_acme' AND name = '{name}'"),
        "INSERT INTO platform.schema_migrations \
         VALUES ('t_acme', 'm99999999_000001_future', repeat('1', 64))"
            .to_owned(),
        format!(
            "DELETE FROM platform.schema_migrations WHERE schema_name = 't_beta' AND name = '{name}'"
        ),
        "INSERT INTO platform.pools (schema_name) VALUES ('pool_0007')".to_owned(),
    ] {
        run(&mut conn, &sql).await.unwrap();
    }
    let found = migrator.misfits().await.unwrap();
    let altered = Misfit::Altered {
        schema: "t_acme".to_owned(),
        name: name.clone(),
    };
    let unknown = Misfit::Unknown {
        schema: "t_acme".to_owned(),
        name: "m99999999_000001_future".to_owned(),
    };
    let missing = Misfit::Missing {
        schema: "t_beta".to_owned(),
        name,
    };
    for expected in [&altered, &unknown, &missing] {
        assert!(found.contains(expected), "{expected} in {found:?}");
    }
    assert!(found.iter().any(|misfit| misfit.schema() == "pool_0007"));
    let refused = migrator.migrate_schema("t_acme").await;
    assert!(matches!(refused, Err(MigrationError::Misfit(wrong)) if wrong == [altered, unknown]));
}

#[tokio::test]
async fn a_dropped_schema_leaves_nothing_behind() {
    let (clean, scratch) = Scratch::migrated(&["t_acme", "t_beta"]).await;
    let migrator = scratch.migrator().await;
    migrator.drop_schema("t_acme").await.unwrap();
    migrator.drop_schema("t_acme").await.unwrap();
    let mut conn = scratch.superuser().await;
    let left = "SELECT count(*) FROM platform.schema_migrations WHERE schema_name = 't_acme'";
    assert_eq!(one(&mut conn, left).await, "0");
    let role = |schema| {
        format!(
            "SELECT to_regrole('{}')",
            scratch.installation.schema_role(schema)
        )
    };
    let gone = format!("{} IS NULL", role("t_acme"));
    assert_eq!(one(&mut conn, &gone).await, "true");
    migrator.migrate_schema("t_acme").await.unwrap();

    // A clone still needs the role.
    migrator.close().await.unwrap();
    drop(conn);
    let clone = clean.copy("clone").await;
    let migrator = scratch.migrator().await;
    migrator.drop_schema("t_beta").await.unwrap();
    let mut conn = scratch.superuser().await;
    let kept = format!("{} IS NOT NULL", role("t_beta"));
    assert_eq!(one(&mut conn, &kept).await, "true");
    drop(clone);
}

/// What a later migration does to a schema that has rows of several tenants.
#[tokio::test]
async fn a_back_fill_reaches_the_rows_of_every_tenant() {
    let (_clean, scratch) = Scratch::migrated(&["pool_0001"]).await;
    for tenant in [
        "01890000-0000-7000-8000-00000000000a",
        "01890000-0000-7000-8000-00000000000b",
    ] {
        let insert = format!("INSERT INTO counters (id, name, value) VALUES ('{tenant}', 'x', 1)");
        scratch
            .run_as("pool_0001", Some(tenant), &insert)
            .await
            .unwrap();
    }
    let tx = scratch.migration_of("pool_0001").await;
    let manager = SchemaManager::new(&tx);
    migration::back_fill(&manager, "UPDATE counters SET value = 7")
        .await
        .unwrap();
    let table = TenantTable::new("draws")
        .column("counter_id", "uuid")
        .references("counter_id", "counters");
    migration::create_tables(&manager, &[table]).await.unwrap();
    tx.commit().await.unwrap();
    let mut conn = scratch.connect(Login::Migrator).await;
    assert_eq!(
        one(&mut conn, "SELECT sum(value) FROM pool_0001.counters").await,
        "14"
    );
    let owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'draws'";
    assert_eq!(one(&mut conn, owner).await, scratch.installation.owner());
    assert_eq!(migration::catalogue::check(&mut conn).await.unwrap(), []);
}

/// Takes a migration of the pool back, which nothing but a test does.
async fn undo(conn: &mut PgConnection, name: &str, sql: &str) {
    for sql in [
        sql.to_owned(),
        format!("DELETE FROM platform.schema_migrations WHERE name = '{name}'"),
        format!("DELETE FROM pool_0001.seaql_migrations WHERE version = '{name}'"),
    ] {
        run(conn, &sql).await.unwrap();
    }
}

const UNCHANGED: &str = "ALTER TABLE pool_0001.employees DROP COLUMN original_hire_date; \
    ALTER TABLE pool_0001.employments DROP COLUMN cause, DROP COLUMN end_reason; \
    CREATE INDEX employees_leaving_idx ON pool_0001.employees (tenant_id, last_name_key, id) \
    WHERE employed_until IS NOT NULL";

#[tokio::test]
async fn who_has_worked_here_before_is_known_from_what_is_stored_already() {
    const TENANT: &str = "01890000-0000-7000-8000-00000000000a";
    let (_clean, scratch) = Scratch::migrated(&["pool_0001"]).await;
    let mut conn = scratch.superuser().await;
    undo(&mut conn, "m20261126_000003_changes", UNCHANGED).await;
    for sql in [
        "INSERT INTO employees (id, employee_number, first_name, last_name, first_name_key, \
         last_name_key, hire_date, created_at, updated_at) \
         SELECT lpad(n::text, 32, '0')::uuid, n, 'A', 'B', 'a', 'b', '2020-01-01', now(), now() \
         FROM generate_series(1, 3) n",
        "INSERT INTO employments (id, employee_id, valid_from, valid_to, employment_type, \
         created_at, updated_at) \
         SELECT gen_random_uuid(), lpad(n::text, 32, '0')::uuid, since, till, 'contract', now(), now() \
         FROM (VALUES (1, date '2020-01-01', NULL), (2, '2010-03-01', date '2012-01-01'), \
         (2, '2020-01-01', NULL), (3, '2021-01-01', NULL)) past (n, since, till)",
    ] {
        scratch
            .run_as("pool_0001", Some(TENANT), sql)
            .await
            .unwrap();
    }
    let migrator = scratch.migrator().await;
    migrator.migrate_schema("pool_0001").await.unwrap();
    let first = "SELECT string_agg(original_hire_date::text, ' ' ORDER BY employee_number) \
                 FROM pool_0001.employees";
    assert_eq!(
        one(&mut conn, first).await,
        "2020-01-01 2010-03-01 2020-01-01"
    );
    let mut conn = scratch.connect(Login::Migrator).await;
    assert_eq!(migration::catalogue::check(&mut conn).await.unwrap(), []);
}

/// As the domain takes them from a name that is hired.
#[tokio::test]
async fn the_words_inside_names_that_are_stored_already_are_found() {
    let (_clean, scratch) = Scratch::migrated(&["pool_0001"]).await;
    let mut conn = scratch.superuser().await;
    undo(&mut conn, "m20261126_000003_changes", UNCHANGED).await;
    undo(
        &mut conn,
        "m20261126_000002_name_words",
        "DROP TABLE pool_0001.name_words",
    )
    .await;
    let people = [
        ("01890000-0000-7000-8000-00000000000a", "van der berg-lund"),
        (
            "01890000-0000-7000-8000-00000000000b",
            "o\u{2019}neil - smith jr.",
        ),
    ];
    for (tenant, last_name) in people {
        let insert = format!(
            "INSERT INTO employees (id, employee_number, first_name, last_name, first_name_key, \
             last_name_key, hire_date, created_at, updated_at) VALUES ('{tenant}', '1', \
             'Mary Ann', '{last_name}', 'mary ann', '{last_name}', '2020-01-01', now(), now())"
        );
        scratch
            .run_as("pool_0001", Some(tenant), &insert)
            .await
            .unwrap();
    }
    let migrator = scratch.migrator().await;
    migrator.migrate_schema("pool_0001").await.unwrap();
    for ((tenant, _), expected) in people
        .iter()
        .zip(["ann berg-lund der lund", "ann jr. neil smith"])
    {
        let words = format!(
            "SELECT string_agg(word_key, ' ' ORDER BY word_key) FROM pool_0001.name_words \
             WHERE tenant_id = '{tenant}' AND employee_id = '{tenant}'"
        );
        assert_eq!(one(&mut conn, &words).await, expected);
    }
}

#[tokio::test]
async fn what_does_not_connect_says_so() {
    let refused = Migrator::connect("postgres://nobody@127.0.0.1:1/none".parse().unwrap(), 1).await;
    assert!(matches!(refused, Err(MigrationError::Database(_))));
}
