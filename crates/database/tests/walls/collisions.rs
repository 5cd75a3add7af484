//! What two transactions, or a transaction and a migration, do to each other.

use database::{DatabaseSettings, StoreError, TenantTx};
use kernel::{DomainError as _, ErrorKind};
use sqlx::{AssertSqlSafe, PgConnection};
use testkit::{ACME, TestDatabase};

use crate::entities::{job, job_title};

/// What one tenant may hold of the tests' pool of four.
const SHARE: usize = 3;

const CODES: &str = "SELECT code FROM job_titles ORDER BY code";

#[derive(Debug, PartialEq, Eq, sea_orm::FromQueryResult)]
struct Code {
    code: String,
}

/// A migration that changes what a prepared statement answers.
async fn migrate(superuser: &mut PgConnection, kind: &str) {
    let alter = format!("ALTER TABLE t_acme.job_titles ALTER COLUMN code TYPE {kind}");
    sqlx::raw_sql(AssertSqlSafe(alter))
        .execute(superuser)
        .await
        .unwrap();
}

fn is_transient(error: &StoreError) {
    assert!(matches!(error, StoreError::Collision(_)), "{error:?}");
    assert!(error.is_transient());
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.detail().contains("Try again"));
}

#[tokio::test]
async fn a_read_does_not_notice_that_a_migration_outdated_its_plan() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let tx = on.database.begin_tenant(&on.acme).await.unwrap();
    tx.insert(job("one")).await.unwrap();
    tx.commit().await.unwrap();
    let mut superuser = test.superuser().await;
    // Every connection has the plan.
    let mut open = Vec::new();
    for _ in 0..SHARE {
        let tx = on.database.begin_tenant_read(&on.acme).await.unwrap();
        tx.rows::<Code>(CODES, []).await.unwrap();
        open.push(tx);
    }
    for tx in open {
        tx.commit().await.unwrap();
    }
    migrate(&mut superuser, "varchar(50)").await;
    let mut open = Vec::new();
    for _ in 0..SHARE {
        let tx = on.database.begin_tenant_read(&on.acme).await.unwrap();
        // It has read something already.
        tx.rows::<Code>("SELECT name AS code FROM counters", [])
            .await
            .unwrap();
        let found = tx.rows::<Code>(CODES, []).await.unwrap();
        assert_eq!(found.len(), 1);
        // Still in the same scope, and still only reading.
        let who = tx
            .row::<Code>(
                "SELECT concat_ws(' ', right(current_user, 7), current_setting('search_path'), \
                 current_setting('app.tenant'), current_setting('transaction_read_only')) AS code",
                [],
            )
            .await
            .unwrap()
            .unwrap();
        let expected = format!("_t_acme t_acme, extensions {} on", ACME.id);
        assert_eq!(who.code, expected);
        open.push(tx);
    }
    for tx in open {
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_read_inside_a_savepoint_is_not_begun_anew() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let mut superuser = test.superuser().await;
    let tx = on.database.begin_tenant_read(&on.acme).await.unwrap();
    tx.rows::<Code>(CODES, []).await.unwrap();
    tx.commit().await.unwrap();
    migrate(&mut superuser, "varchar(50)").await;
    let tx = on.database.begin_tenant_read(&on.acme).await.unwrap();
    let savepoint = tx.savepoint().await.unwrap();
    is_transient(&tx.rows::<Code>(CODES, []).await.unwrap_err());
    savepoint.undo().await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_write_whose_plan_is_outdated_fails_once_however_many_connections_have_it() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let mut superuser = test.superuser().await;
    let read = async |tx: &TenantTx| tx.rows::<Code>(CODES, []).await;
    let mut open = Vec::new();
    for _ in 0..SHARE {
        let tx = on.database.begin_tenant(&on.acme).await.unwrap();
        read(&tx).await.unwrap();
        open.push(tx);
    }
    // One is in use while the others wait in the pool.
    let working = open.pop().unwrap();
    for tx in open {
        tx.commit().await.unwrap();
    }
    working.commit().await.unwrap();
    let working = on.database.begin_tenant(&on.globex).await.unwrap();
    migrate(&mut superuser, "varchar(50)").await;
    let tx = on.database.begin_tenant(&on.acme).await.unwrap();
    tx.insert(job("half")).await.unwrap();
    is_transient(&read(&tx).await.unwrap_err());
    assert!(matches!(
        tx.commit().await.unwrap_err(),
        StoreError::Poisoned
    ));
    working.commit().await.unwrap();
    let mut open = Vec::new();
    for _ in 0..SHARE {
        let tx = on.database.begin_tenant(&on.acme).await.unwrap();
        assert_eq!(read(&tx).await.unwrap(), []);
        open.push(tx);
    }
}

#[tokio::test]
async fn a_deadlock_ends_one_of_two_and_tells_it_to_try_again() {
    let test = TestDatabase::create().await;
    let settings = DatabaseSettings {
        lock_timeout: std::time::Duration::from_secs(9),
        ..test.settings()
    };
    let (database, authority) = test.connect(settings).await;
    let acme = authority.tenant(ACME.record());
    let tx = database.begin_tenant(&acme).await.unwrap();
    tx.insert_many(vec![job("one"), job("two")]).await.unwrap();
    tx.commit().await.unwrap();
    let (one, other) = (
        database.begin_tenant(&acme).await.unwrap(),
        database.begin_tenant(&acme).await.unwrap(),
    );
    let touch = async |tx: &TenantTx, code: &str| {
        tx.run(
            "UPDATE job_titles SET version = version + 1 WHERE code = $1",
            [code.into()],
        )
        .await
    };
    touch(&one, "one").await.unwrap();
    touch(&other, "two").await.unwrap();
    let crossed = tokio::join!(touch(&one, "two"), touch(&other, "one"));
    let (lost, won) = match crossed {
        (Err(error), Ok(1)) => (error, other),
        (Ok(1), Err(error)) => (error, one),
        both => panic!("one of two is ended: {both:?}"),
    };
    is_transient(&lost);
    assert_eq!(lost.sqlstate().as_deref(), Some("40P01"));
    won.commit().await.unwrap();
    let tx = database.begin_tenant_read(&acme).await.unwrap();
    let touched = tx.find::<job_title::Entity>().all().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(touched.len(), 2);
}
