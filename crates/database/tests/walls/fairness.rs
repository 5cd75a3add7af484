//! A tenant that wants everything gets its share, and the others theirs.

use std::time::Duration;

use database::{DatabaseSettings, StoreError, TenantTx};
use futures_util::{FutureExt as _, future};
use kernel::{DomainError as _, ErrorKind};
use testkit::{ACME, GLOBEX, TestDatabase};

/// A pool of four in which a tenant may hold three and line up two.
fn four(test: &TestDatabase) -> DatabaseSettings {
    DatabaseSettings {
        pool_size: 4,
        max_waiting_per_tenant: 2,
        ..test.settings()
    }
}

async fn hold(
    database: &database::Database,
    tenant: &database::TenantContext,
    how_many: usize,
) -> Vec<TenantTx> {
    let opening = (0..how_many).map(|_| database.begin_tenant(tenant));
    future::try_join_all(opening).await.unwrap()
}

#[tokio::test]
async fn a_tenant_that_holds_its_share_keeps_no_other_from_a_connection() {
    let test = TestDatabase::create().await;
    let (database, authority) = test.connect(four(&test)).await;
    let (acme, globex) = (
        authority.tenant(ACME.record()),
        authority.tenant(GLOBEX.record()),
    );
    let held = hold(&database, &acme, 3).await;
    let mut next = Box::pin(database.begin_tenant(&acme));
    assert!(next.as_mut().now_or_never().is_none(), "acme has its share");
    for _ in 0..3 {
        let tx = database.begin_tenant(&globex).await.unwrap();
        tx.commit().await.unwrap();
        let tx = database.begin_platform_read(&authority.platform()).await;
        tx.unwrap().commit().await.unwrap();
    }
    drop(held);
    next.await.unwrap().commit().await.unwrap();
}

#[tokio::test]
async fn a_tenant_for_which_too_many_wait_is_refused_at_once_and_no_other_is() {
    let test = TestDatabase::create().await;
    let (database, authority) = test.connect(four(&test)).await;
    let (acme, globex) = (
        authority.tenant(ACME.record()),
        authority.tenant(GLOBEX.record()),
    );
    let held = hold(&database, &acme, 3).await;
    let mut waiting: Vec<_> = (0..2)
        .map(|_| Box::pin(database.begin_tenant(&acme)))
        .collect();
    for one in &mut waiting {
        assert!(one.as_mut().now_or_never().is_none(), "two may wait");
    }
    assert_eq!(
        (database.status().in_use, database.status().waiting),
        (3, 2)
    );

    let refused = database.begin_tenant(&acme).now_or_never();
    let error = refused.expect("nobody waits for a refusal").map(drop);
    let error = error.unwrap_err();
    assert!(matches!(error, StoreError::TenantBusy), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Unavailable);

    // The rest of the pool is globex's, and globex has a line of its own.
    let theirs = database.begin_tenant(&globex).await.unwrap();
    let mut line = Box::pin(database.begin_tenant(&globex));
    assert!(line.as_mut().now_or_never().is_none());
    theirs.commit().await.unwrap();
    line.await.unwrap().commit().await.unwrap();
    drop(held);
    for served in future::join_all(waiting).await {
        served.unwrap().commit().await.unwrap();
    }
}

#[tokio::test]
async fn whoever_stops_waiting_for_a_connection_leaves_nothing_behind() {
    let test = TestDatabase::create().await;
    let (database, authority) = test.connect(four(&test)).await;
    let (acme, platform) = (authority.tenant(ACME.record()), authority.platform());
    for micros in (0..2_000).step_by(100) {
        let held = hold(&database, &acme, 3).await;
        let patience = Duration::from_micros(micros);
        let impatient =
            (0..2).map(|_| tokio::time::timeout(patience, database.begin_tenant(&acme)));
        let impatient = future::join_all(impatient);
        let lookups =
            (0..5).map(|_| tokio::time::timeout(patience, database.begin_platform_read(&platform)));
        let lookups = future::join_all(lookups);
        // The connections come free while they give up.
        let freed = async {
            tokio::time::sleep(patience).await;
            drop(held);
        };
        drop(future::join3(impatient, lookups, freed).await);
        while database.status().in_use > 0 {
            // What was dropped inside a transaction rolls back in the background.
            tokio::task::yield_now().await;
        }
        // Each place in the line and in the share can be taken again.
        let again = hold(&database, &acme, 3).await;
        let mut line: Vec<_> = (0..2)
            .map(|_| Box::pin(database.begin_tenant(&acme)))
            .collect();
        assert!(
            line.iter_mut()
                .all(|one| one.as_mut().now_or_never().is_none())
        );
        drop(line);
        assert_eq!(database.status().waiting, 0);
        future::try_join_all(again.into_iter().map(TenantTx::commit))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn who_holds_all_the_connections_there_are_still_gets_a_leaf() {
    let test = TestDatabase::create().await;
    let (database, authority) = test.connect(four(&test)).await;
    let (acme, globex) = (
        authority.tenant(ACME.record()),
        authority.tenant(GLOBEX.record()),
    );
    let mut held = hold(&database, &acme, 3).await;
    held.extend(hold(&database, &globex, 1).await);
    for _ in 0..20 {
        let leaves = held.iter().map(async |tx| {
            let leaf = database.begin_leaf(tx.tenant()).await?;
            leaf.run("SELECT 1", []).await?;
            leaf.commit().await
        });
        let leaves: Result<Vec<()>, StoreError> = future::try_join_all(leaves).await;
        leaves.unwrap();
    }
}

#[tokio::test]
async fn a_tenant_whose_leaves_do_not_end_keeps_no_other_from_one() {
    let test = TestDatabase::create().await;
    let (database, authority) = test.connect(four(&test)).await;
    let (acme, globex) = (
        authority.tenant(ACME.record()),
        authority.tenant(GLOBEX.record()),
    );
    let _held = [
        database.begin_leaf(&acme).await.unwrap(),
        database.begin_leaf(&acme).await.unwrap(),
    ];
    assert!(database.begin_leaf(&acme).now_or_never().is_none());
    let leaf = database.begin_leaf(&globex).await.unwrap();
    leaf.commit().await.unwrap();
}

#[tokio::test]
async fn beside_a_full_pool_there_is_a_connection_that_is_replaced_when_it_breaks() {
    let test = TestDatabase::create().await;
    let (database, authority) = test
        .connect(DatabaseSettings {
            pool_size: 1,
            acquire_timeout: Duration::from_millis(50),
            ..test.settings()
        })
        .await;
    let (acme, platform) = (authority.tenant(ACME.record()), authority.platform());
    let held = database.begin_tenant(&acme).await.unwrap();
    let full = database.begin_platform_read(&platform).await;
    assert!(matches!(full.map(drop), Err(StoreError::PoolTimeout)));

    let aside = database.aside();
    let mut superuser = test.superuser().await;
    let count = "SELECT count(*) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for _ in 0..3 {
        for _ in 0..3 {
            let tx = aside.begin_platform_read(&platform).await;
            tx.unwrap().commit().await.unwrap();
        }
        let open: i64 = sqlx::query_scalar(count)
            .fetch_one(&mut superuser)
            .await
            .unwrap();
        assert_eq!(open, 2, "the one of the pool and the one beside it");
        sqlx::query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'",
        )
        .execute(&mut superuser)
        .await
        .unwrap();
    }
    held.commit().await.unwrap();
    database.close().await;
    assert!(aside.begin_platform_read(&platform).await.is_err());
}
