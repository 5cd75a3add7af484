//! Direct attacks: the other's role, no scope, a neighbour in the pool.

use database::StoreError;
use sqlx::{AssertSqlSafe, Connection as _};
use testkit::{ACME, GLOBEX, INITECH, PUBLIC, TestDatabase, UMBRELLA};

use crate::entities::{codes, job_title, registered_tenant, store};

fn refused(error: &StoreError, sqlstate: &str) {
    assert_eq!(error.sqlstate().as_deref(), Some(sqlstate), "{error:?}");
}

#[tokio::test]
async fn each_tenant_sees_its_own_rows_in_either_placement() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let tenants = [&on.acme, &on.globex, &on.initech, &on.umbrella];
    for tenant in tenants {
        // The same code in each: uniqueness is per tenant as well.
        store(&on.database, tenant, "same").await.unwrap();
        store(&on.database, tenant, tenant.slug().as_str())
            .await
            .unwrap();
    }
    for tenant in tenants {
        let mut expected = vec!["same".to_owned(), tenant.slug().to_string()];
        expected.sort();
        assert_eq!(codes(&on.database, tenant).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn the_id_of_anothers_row_finds_nothing_and_changes_nothing() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    for (owner, thief) in [
        (&on.acme, &on.globex),
        (&on.initech, &on.umbrella),
        (&on.acme, &on.initech),
    ] {
        let id = store(&on.database, owner, "mine").await.unwrap();
        let tx = on.database.begin_tenant(thief).await.unwrap();
        let id = kernel::JobTitleId::new(id);
        assert!(
            tx.find_by_id::<job_title::Entity>(id)
                .await
                .unwrap()
                .is_none()
        );
        let id = sea_orm::Value::from(id.uuid());
        let changed = tx.run(
            "UPDATE job_titles SET name = 'stolen' WHERE id = $1",
            [id.clone()],
        );
        assert_eq!(changed.await.unwrap(), 0);
        let deleted = tx.run("DELETE FROM job_titles WHERE id = $1", [id]);
        assert_eq!(deleted.await.unwrap(), 0);
        tx.commit().await.unwrap();
        let tx = on.database.begin_tenant(owner).await.unwrap();
        tx.run("DELETE FROM job_titles", []).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_qualified_name_does_not_reach_another_schema() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    for sql in [
        "SELECT count(*) FROM t_globex.job_titles",
        "SELECT count(*) FROM pool_0001.job_titles",
        "SELECT count(*) FROM public.users",
        "SELECT count(*) FROM platform.tenants",
        "SELECT count(*) FROM platform.signing_keys",
        "CREATE TABLE t_acme.loot (id int)",
        "SET LOCAL ROLE NONE; SELECT count(*) FROM t_globex.job_titles",
    ] {
        let tx = on.database.begin_tenant(&on.acme).await.unwrap();
        let error = tx.run(sql, []).await.unwrap_err();
        // 42501 insufficient privilege; 42601 a second statement cannot be prepared.
        let state = error.sqlstate().unwrap_or_default();
        assert!(
            ["42501", "42601"].contains(&state.as_str()),
            "{sql}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_tenant_cannot_take_anothers_role_and_keep_it() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    // The login may take each schema's role, one at a time: that is what a transaction does. What
    // a statement inside one could do with it ends with the row: the tenant is still its own.
    let tx = on.database.begin_tenant(&on.initech).await.unwrap();
    store(&on.database, &on.umbrella, "theirs").await.unwrap();
    let error = tx
        .run(
            "SELECT set_config('app.tenant', $1, true)",
            [UMBRELLA.id.to_string().into()],
        )
        .await
        .unwrap_err();
    refused(&error, "42501");
}

#[tokio::test]
async fn a_row_cannot_be_written_into_a_neighbours_name() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let tx = on.database.begin_tenant(&on.initech).await.unwrap();
    let error = tx
        .run(
            "INSERT INTO job_titles (tenant_id, id, code, name, name_key, created_at, updated_at) \
             VALUES ($1, gen_random_uuid(), 'x', 'x', 'x', now(), now())",
            [UMBRELLA.id.into()],
        )
        .await
        .unwrap_err();
    refused(&error, "42501");
    let tx = on.database.begin_tenant(&on.initech).await.unwrap();
    tx.insert(crate::entities::job("mine")).await.unwrap();
    let error = tx
        .run("UPDATE job_titles SET tenant_id = $1", [UMBRELLA.id.into()])
        .await
        .unwrap_err();
    refused(&error, "42501");
}

#[tokio::test]
async fn a_foreign_key_does_not_reach_a_neighbours_row() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let department = "INSERT INTO departments (id, code, name, name_key, parent_id, created_at, \
                      updated_at) VALUES ($1, $2, 'd', 'd', $3, now(), now())";
    let (theirs, mine) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
    let tx = on.database.begin_tenant(&on.umbrella).await.unwrap();
    let none = sea_orm::Value::from(None::<uuid::Uuid>);
    tx.run(department, [theirs.into(), "theirs".into(), none])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let tx = on.database.begin_tenant(&on.initech).await.unwrap();
    let error = tx
        .run(department, [mine.into(), "mine".into(), theirs.into()])
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Reference { .. }), "{error:?}");
}

#[tokio::test]
async fn without_a_scope_the_login_can_do_nothing() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    store(&on.database, &on.acme, "secret").await.unwrap();
    for (sql, sqlstate) in [
        ("SELECT * FROM job_titles", "42P01"),
        ("SELECT * FROM t_acme.job_titles", "42501"),
        ("SELECT * FROM pool_0001.job_titles", "42501"),
        ("SELECT * FROM platform.tenants", "42501"),
        ("CREATE ROLE thief", "42501"),
        ("SET ROLE {owner}", "42501"),
        ("SET ROLE {migrator}", "42501"),
        ("SET ROLE {backup}", "42501"),
        ("SELECT platform.create_schema_role('t_x')", "42501"),
        ("SELECT set_config('app.tenant', 'x', false)", "42501"),
        ("COPY (SELECT 1) TO PROGRAM 'id'", "42501"),
    ] {
        let mut login = sqlx::PgConnection::connect(&test.app_url()).await.unwrap();
        let sql = ["owner", "migrator", "backup"]
            .iter()
            .fold(sql.to_owned(), |sql, role| {
                sql.replace(&format!("{{{role}}}"), &test.role(role))
            });
        let error = sqlx::query(AssertSqlSafe(sql.clone()))
            .execute(&mut login)
            .await
            .unwrap_err();
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .unwrap_or_default();
        assert_eq!(code, sqlstate, "{sql}: {error}");
    }
    // With a role and without a tenant: an error, not an empty result.
    let mut login = sqlx::PgConnection::connect(&test.app_url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!(
        "BEGIN; SET LOCAL ROLE {}",
        test.role("t_acme")
    )))
    .execute(&mut login)
    .await
    .unwrap();
    let error = sqlx::query("SELECT * FROM t_acme.job_titles")
        .execute(&mut login)
        .await
        .unwrap_err();
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .unwrap_or_default();
    assert!(["42704", "22P02"].contains(&code.as_ref()), "{error}");
}

#[tokio::test]
async fn the_platform_reads_the_registry_and_no_tenants_rows() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    store(&on.database, &on.acme, "secret").await.unwrap();
    let tx = on.database.begin_platform_read(&on.platform).await.unwrap();
    let slugs: Vec<String> = tx
        .find::<registered_tenant::Entity>()
        .all()
        .await
        .unwrap()
        .into_iter()
        .map(|tenant| tenant.slug)
        .collect();
    assert_eq!(slugs.len(), testkit::FIXTURES.len());
    for fixture in [ACME, GLOBEX, INITECH] {
        assert!(slugs.iter().any(|slug| slug == fixture.slug));
    }
    let error = tx
        .rows::<job_title::Model>("SELECT * FROM t_acme.job_titles", [])
        .await
        .unwrap_err();
    refused(&error, "42501");
}

/// Every way to change a tenant, tried on Acme.
const CHANGES: [&str; 6] = [
    "SELECT id FROM platform.lock_tenant($1)",
    "SELECT id FROM platform.change_tenant($1, 'Mine', 'mine', 'en', 'UTC', '{}', now())",
    "SELECT id FROM platform.suspend_tenant($1, NULL, now())",
    "SELECT id FROM platform.resume_tenant($1, now())",
    "SELECT platform.add_domain($1, 'mine.test', now())",
    "SELECT platform.remove_domain($1, 'acme.test', now())",
];

#[tokio::test]
async fn only_the_public_tenant_changes_tenants() {
    let test = TestDatabase::create().await;
    let (database, authority) = test.connect(test.settings()).await;
    let public = authority.tenant(PUBLIC.record());
    let acme = ACME.id;
    for change in CHANGES {
        for tenant in [ACME, GLOBEX, INITECH] {
            let tenant = authority.tenant(tenant.record());
            let tx = database.begin_tenant(&tenant).await.unwrap();
            let refusal = tx.run(change, [acme.into()]).await;
            refused(&refusal.unwrap_err(), "42501");
        }
        let tx = database
            .begin_platform(&authority.platform())
            .await
            .unwrap();
        let refusal = tx.run(change, [acme.into()]).await;
        refused(&refusal.unwrap_err(), "42501");

        // The role alone is not enough: it must be the public tenant's own transaction.
        let mut superuser = test.superuser().await;
        let role = test.role("public");
        for tenant in [ACME.id.to_string(), uuid::Uuid::nil().to_string()] {
            let scope = format!("BEGIN; SET LOCAL ROLE {role}; SET LOCAL app.tenant = '{tenant}'");
            let scope = AssertSqlSafe(scope);
            sqlx::raw_sql(scope).execute(&mut superuser).await.unwrap();
            let refusal = sqlx::query(change).bind(acme).execute(&mut superuser).await;
            let error = refusal.unwrap_err();
            let code = error.as_database_error().unwrap().code();
            assert_eq!(code.as_deref(), Some("42501"), "{change}");
            sqlx::raw_sql("ROLLBACK")
                .execute(&mut superuser)
                .await
                .unwrap();
        }

        let tx = database.begin_tenant(&public).await.unwrap();
        tx.run(change, [acme.into()]).await.unwrap();
        tx.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn the_public_tenant_itself_is_not_suspended_and_slugs_stay() {
    let test = TestDatabase::create().await;
    let (database, authority) = test.connect(test.settings()).await;
    let public = authority.tenant(PUBLIC.record());
    let tx = database.begin_tenant(&public).await.unwrap();
    let suspend = "SELECT id FROM platform.suspend_tenant($1, NULL, now())";
    assert_eq!(tx.run(suspend, [PUBLIC.id.into()]).await.unwrap(), 0);
    assert_eq!(tx.run(suspend, [ACME.id.into()]).await.unwrap(), 1);
    tx.rollback().await.unwrap();
    let tx = database.begin_tenant(&public).await.unwrap();
    let rename = tx
        .run("UPDATE platform.tenants SET slug = 'mine'", [])
        .await;
    refused(&rename.unwrap_err(), "42501");
}

#[tokio::test]
async fn the_application_cannot_change_the_registry() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let tx = on.database.begin_platform(&on.platform).await.unwrap();
    let error = tx
        .run("UPDATE tenants SET schema_name = 't_globex'", [])
        .await
        .unwrap_err();
    refused(&error, "42501");
}
