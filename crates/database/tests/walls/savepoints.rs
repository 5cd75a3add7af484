//! Failures that are expected, also within one another.

use database::{StoreError, TenantTx};
use testkit::{DedicatedAndPooled, TestDatabase};

use crate::entities::{codes, job};

async fn begin(on: &DedicatedAndPooled) -> TenantTx {
    on.database.begin_tenant(&on.acme).await.unwrap()
}

async fn add(tx: &TenantTx, code: &str) {
    tx.insert(job(code)).await.unwrap();
}

/// Fails: the code is taken.
async fn add_again(tx: &TenantTx, code: &str) {
    let error = tx.insert(job(code)).await.unwrap_err();
    assert!(matches!(error, StoreError::Duplicate { .. }), "{error:?}");
}

#[tokio::test]
async fn a_savepoint_undoes_an_expected_failure() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let tx = begin(&on).await;
    add(&tx, "first").await;
    let savepoint = tx.savepoint().await.unwrap();
    add_again(&tx, "first").await;
    savepoint.undo().await.unwrap();
    let savepoint = tx.savepoint().await.unwrap();
    add(&tx, "second").await;
    savepoint.release().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        codes(&on.database, &on.acme).await.unwrap(),
        ["first", "second"]
    );
}

#[tokio::test]
async fn a_failure_in_an_inner_savepoint_that_is_undone_leaves_the_outer_one_usable() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let tx = begin(&on).await;
    add(&tx, "a").await;
    let outer = tx.savepoint().await.unwrap();
    add(&tx, "b").await;
    let inner = tx.savepoint().await.unwrap();
    add(&tx, "lost").await;
    add_again(&tx, "b").await;
    // Within the failure nothing goes on, and no savepoint is opened.
    assert!(matches!(
        tx.savepoint().await.map(drop).unwrap_err(),
        StoreError::Poisoned
    ));
    inner.undo().await.unwrap();
    add(&tx, "c").await;
    let inner = tx.savepoint().await.unwrap();
    add(&tx, "d").await;
    inner.release().await.unwrap();
    outer.release().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        codes(&on.database, &on.acme).await.unwrap(),
        ["a", "b", "c", "d"]
    );
}

#[tokio::test]
async fn undoing_the_outer_savepoint_undoes_what_the_inner_one_kept() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let tx = begin(&on).await;
    add(&tx, "a").await;
    let outer = tx.savepoint().await.unwrap();
    let inner = tx.savepoint().await.unwrap();
    add(&tx, "b").await;
    inner.release().await.unwrap();
    outer.undo().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(codes(&on.database, &on.acme).await.unwrap(), ["a"]);
}

/// As when a function opens a savepoint and leaves by `?`.
#[tokio::test]
async fn a_savepoint_that_was_dropped_is_undone_with_the_one_around_it() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let tx = begin(&on).await;
    add(&tx, "a").await;
    for fails in [false, true] {
        let outer = tx.savepoint().await.unwrap();
        add(&tx, "b").await;
        let inner = tx.savepoint().await.unwrap();
        add(&tx, "c").await;
        if fails {
            add_again(&tx, "a").await;
        }
        drop(inner);
        outer.undo().await.unwrap();
    }
    add(&tx, "d").await;
    tx.commit().await.unwrap();
    assert_eq!(codes(&on.database, &on.acme).await.unwrap(), ["a", "d"]);
}

#[tokio::test]
async fn a_failure_that_no_savepoint_undid_stays_one() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let tx = begin(&on).await;
    add(&tx, "a").await;
    let outer = tx.savepoint().await.unwrap();
    let inner = tx.savepoint().await.unwrap();
    add_again(&tx, "a").await;
    assert!(matches!(
        inner.release().await.unwrap_err(),
        StoreError::Poisoned
    ));
    assert!(matches!(
        outer.release().await.unwrap_err(),
        StoreError::Poisoned
    ));
    assert!(matches!(
        tx.commit().await.unwrap_err(),
        StoreError::Poisoned
    ));
    assert!(codes(&on.database, &on.acme).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_statement_that_was_cut_off_cannot_be_undone_by_any_savepoint() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let tx = begin(&on).await;
    let outer = tx.savepoint().await.unwrap();
    let inner = tx.savepoint().await.unwrap();
    // Polled once: it is on its way.
    let slow = tx.run("SELECT pg_sleep(10)", []);
    assert!(futures_util::poll!(std::pin::pin!(slow)).is_pending());
    for savepoint in [inner, outer] {
        assert!(matches!(
            savepoint.undo().await.unwrap_err(),
            StoreError::Poisoned
        ));
    }
    assert!(matches!(
        tx.commit().await.unwrap_err(),
        StoreError::Poisoned
    ));
}
