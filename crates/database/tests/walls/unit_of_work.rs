//! What a transaction promises.

use database::{DatabaseSettings, Login, StoreError, TenantTx, Terms};
use sea_orm::{ColumnTrait as _, QueryFilter as _, QuerySelect as _};
use secrecy::SecretString;
use testkit::TestDatabase;

use crate::entities::{codes, job, job_title, store};

#[tokio::test]
async fn what_is_committed_stays_and_what_is_dropped_never_was() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    store(&on.database, &on.acme, "kept").await.unwrap();
    let tx = on.database.begin_tenant(&on.acme).await.unwrap();
    tx.insert(job("dropped")).await.unwrap();
    drop(tx);
    let tx = on.database.begin_tenant(&on.acme).await.unwrap();
    tx.insert(job("rolled back")).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(codes(&on.database, &on.acme).await.unwrap(), ["kept"]);
}

#[tokio::test]
async fn after_an_error_nothing_can_be_committed() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let tx = on.database.begin_tenant(&on.acme).await.unwrap();
    tx.insert(job("same")).await.unwrap();
    let error = tx.insert(job("same")).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Duplicate { constraint } if constraint == "job_titles_code_key")
    );
    let later = tx.find::<job_title::Entity>().all().await.unwrap_err();
    assert!(matches!(later, StoreError::Poisoned), "{later:?}");
    assert!(matches!(
        tx.commit().await.unwrap_err(),
        StoreError::Poisoned
    ));
    assert!(codes(&on.database, &on.acme).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_value_that_is_taken_can_be_ignored() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let tx = on.database.begin_tenant(&on.acme).await.unwrap();
    assert!(tx.insert_or_ignore(job("one")).await.unwrap());
    assert!(!tx.insert_or_ignore(job("one")).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(codes(&on.database, &on.acme).await.unwrap(), ["one"]);
}

#[tokio::test]
async fn many_rows_go_in_and_a_limited_query_brings_some() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let tx = on.database.begin_tenant(&on.acme).await.unwrap();
    let rows = (0..2_500)
        .map(|number| job(&format!("j{number:04}")))
        .collect();
    tx.insert_many(rows).await.unwrap();
    let some = tx
        .find::<job_title::Entity>()
        .filter(job_title::Column::Code.gte("j1000"))
        .limit(3)
        .all()
        .await
        .unwrap();
    assert_eq!(some.len(), 3);
    assert_eq!(tx.find::<job_title::Entity>().count().await.unwrap(), 2_500);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn postgresql_refuses_a_write_in_a_read_transaction_too() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let tx = on.database.begin_tenant_read(&on.acme).await.unwrap();
    // A query by its form, a change by its effect.
    let written = tx
        .rows::<job_title::Model>("DELETE FROM job_titles RETURNING *", [])
        .await
        .unwrap_err();
    assert_eq!(written.sqlstate().as_deref(), Some("25006"));
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_ended() {
    let test = TestDatabase::create().await;
    let settings = DatabaseSettings {
        statement_timeout: std::time::Duration::from_millis(100),
        ..test.settings()
    };
    let (database, authority) = test.connect(settings).await;
    let acme = authority.tenant(testkit::ACME.record());
    let tx = database.begin_tenant(&acme).await.unwrap();
    let error = tx.run("SELECT pg_sleep(30)", []).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Timeout("statement_timeout")),
        "{error:?}"
    );
    drop(tx);
    assert!(codes(&database, &acme).await.unwrap().is_empty());
}

#[tokio::test]
async fn whoever_waits_too_long_for_a_connection_is_told() {
    let test = TestDatabase::create().await;
    let settings = DatabaseSettings {
        pool_size: 1,
        acquire_timeout: std::time::Duration::from_millis(50),
        ..test.settings()
    };
    let (database, authority) = test.connect(settings).await;
    let acme = authority.tenant(testkit::ACME.record());
    let holding = database.begin_tenant(&acme).await.unwrap();
    let error = database.begin_tenant(&acme).await.map(drop).unwrap_err();
    assert!(matches!(error, StoreError::PoolTimeout));
    holding.commit().await.unwrap();
    database
        .begin_tenant(&acme)
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_superuser_is_refused_as_the_application() {
    let test = TestDatabase::create().await;
    for url in [
        test.server().superuser_url(test.name()),
        test.migrator_url(),
    ] {
        let settings = DatabaseSettings::new(SecretString::from(url));
        let error = database::Database::connect(settings, Login::Application)
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::UnsafeLogin(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_connection_that_met_too_many_schemas_or_grew_old_is_closed() {
    let test = TestDatabase::create().await;
    let settings = DatabaseSettings {
        max_schemas_per_connection: 2,
        ..test.settings()
    };
    let (database, authority) = test.connect(settings).await;
    for fixture in [testkit::ACME, testkit::GLOBEX] {
        let tenant = authority.tenant(fixture.record());
        database
            .begin_tenant(&tenant)
            .await
            .unwrap()
            .commit()
            .await
            .unwrap();
    }
    assert_eq!(database.status().idle, 0);

    let settings = DatabaseSettings {
        max_connection_lifetime: std::time::Duration::ZERO,
        ..test.settings()
    };
    let (database, authority) = test.connect(settings).await;
    let acme = authority.tenant(testkit::ACME.record());
    database
        .begin_tenant(&acme)
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    assert_eq!(database.status().idle, 0);
}

#[tokio::test]
async fn a_server_that_came_back_is_used_again() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    store(&on.database, &on.acme, "before").await.unwrap();
    let mut superuser = test.superuser().await;
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'hrms'",
    )
    .execute(&mut superuser)
    .await
    .unwrap();
    store(&on.database, &on.acme, "after").await.unwrap();
    assert_eq!(
        codes(&on.database, &on.acme).await.unwrap(),
        ["after", "before"]
    );
}

#[derive(sea_orm::FromQueryResult)]
struct InForce {
    idle: String,
    commit: String,
}

/// The terms on which a transaction is opened, as PostgreSQL has them.
async fn in_force(tx: &TenantTx) -> (String, String) {
    let row: Option<InForce> = tx
        .row(
            "SELECT current_setting('idle_in_transaction_session_timeout') AS idle, \
             current_setting('synchronous_commit') AS commit",
            [],
        )
        .await
        .unwrap();
    let row = row.unwrap();
    (row.idle, row.commit)
}

#[tokio::test]
async fn terms_are_in_force_in_one_transaction_and_in_no_other() {
    let test = TestDatabase::create().await;
    let settings = DatabaseSettings {
        pool_size: 1,
        ..test.settings()
    };
    let (database, authority) = test.connect(settings).await;
    let acme = authority.tenant(testkit::ACME.record());
    let tx = database.begin_tenant(&acme).await.unwrap();
    let usual = in_force(&tx).await;
    tx.commit().await.unwrap();
    let terms = Terms {
        may_idle: Some(std::time::Duration::from_mins(7)),
        may_be_forgotten: true,
    };
    let tx = database.begin_tenant_on(&acme, terms).await.unwrap();
    let own = in_force(&tx).await;
    assert_eq!(own, ("7min".to_owned(), "off".to_owned()));
    tx.commit().await.unwrap();
    let tx = database.begin_tenant(&acme).await.unwrap();
    assert_eq!(in_force(&tx).await, usual);
    assert_ne!(own, usual);
}
