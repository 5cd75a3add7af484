//! Nothing is left behind by a failed or cancelled opening, query or transaction.

use std::{sync::Arc, time::Duration};

use database::{DatabaseSettings, StoreError};
use sea_orm::Value;
use testkit::{ACME, FIXTURES, GLOBEX, TestDatabase};

use crate::entities::{codes, job, store};

/// Whoever the session is between two transactions: the bare login, without tenant or path.
async fn is_clean(database: &database::Database, tenant: &database::TenantContext) {
    #[derive(Debug, sea_orm::FromQueryResult)]
    struct Who {
        role: String,
        path: String,
        tenant: String,
    }
    let tx = database.begin_tenant_read(tenant).await.unwrap();
    let who = tx
        .row::<Who>(
            "SELECT current_user::text AS role, current_setting('search_path') AS path, \
             current_setting('app.tenant') AS tenant",
            [],
        )
        .await
        .unwrap()
        .unwrap();
    tx.commit().await.unwrap();
    assert!(who.role.ends_with(tenant.schema().as_str()), "{who:?}");
    assert!(who.path.starts_with(tenant.schema().as_str()), "{who:?}");
    assert_eq!(who.tenant, tenant.id().to_string());
}

#[tokio::test]
async fn an_opening_that_failed_leaves_no_aborted_connection_behind() {
    let test = TestDatabase::create().await;
    let (database, authority) = test
        .connect(DatabaseSettings {
            pool_size: 1,
            ..test.settings()
        })
        .await;
    let acme = authority.tenant(ACME.record());
    // A schema that nobody made has no role: the batch fails after its BEGIN.
    let mut record = ACME.record();
    record.schema = "t_nowhere".parse().unwrap();
    let nowhere = authority.tenant(record);
    for _ in 0..3 {
        assert!(database.begin_tenant(&nowhere).await.is_err());
        is_clean(&database, &acme).await;
    }
    assert_eq!(database.status().in_use, 0);
}

#[tokio::test]
async fn an_opening_that_was_cancelled_leaves_no_scoped_connection_behind() {
    let test = TestDatabase::create().await;
    let (database, authority) = test
        .connect(DatabaseSettings {
            pool_size: 1,
            ..test.settings()
        })
        .await;
    let (acme, globex) = (
        authority.tenant(ACME.record()),
        authority.tenant(GLOBEX.record()),
    );
    store(&database, &globex, "theirs").await.unwrap();
    for micros in (0..3_000).step_by(60) {
        let opening = database.begin_tenant(&acme);
        // Cut off at another point each time.
        if let Ok(Ok(tx)) = tokio::time::timeout(Duration::from_micros(micros), opening).await {
            tx.rollback().await.unwrap();
        }
        assert_eq!(codes(&database, &globex).await.unwrap(), ["theirs"]);
    }
    is_clean(&database, &globex).await;
}

#[tokio::test]
async fn a_query_that_was_cancelled_takes_its_transaction_with_it() {
    let test = TestDatabase::create().await;
    let (database, authority) = test
        .connect(DatabaseSettings {
            pool_size: 1,
            ..test.settings()
        })
        .await;
    let (acme, globex) = (
        authority.tenant(ACME.record()),
        authority.tenant(GLOBEX.record()),
    );
    for millis in [1, 5, 20] {
        let tx = database.begin_tenant(&acme).await.unwrap();
        tx.insert(job(&format!("half {millis}"))).await.unwrap();
        let slow = tx.run("SELECT pg_sleep($1)", [Value::from(5.0)]);
        assert!(
            tokio::time::timeout(Duration::from_millis(millis), slow)
                .await
                .is_err()
        );
        assert!(matches!(
            tx.commit().await.unwrap_err(),
            StoreError::Poisoned
        ));
        is_clean(&database, &globex).await;
    }
    assert!(codes(&database, &acme).await.unwrap().is_empty());
    assert_eq!(database.status().in_use, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_clients_over_five_tenants_with_cancellations_meet_no_foreign_row() {
    let test = TestDatabase::create().await;
    let (database, authority) = test.connect(test.settings()).await;
    let tenants: Arc<Vec<_>> = Arc::new(
        FIXTURES
            .iter()
            .map(|fixture| authority.tenant(fixture.record()))
            .collect(),
    );
    for tenant in tenants.iter() {
        store(&database, tenant, tenant.slug().as_str())
            .await
            .unwrap();
    }
    let clients = (0..64_usize).map(|client| {
        let (database, tenants) = (database.clone(), Arc::clone(&tenants));
        telemetry::spawn(async move {
            let mut answered = 0;
            for round in 0..40_usize {
                let tenant = &tenants[(client * 7 + round * 3) % tenants.len()];
                let patience =
                    Duration::from_micros(((client * 31 + round * 97) % 40) as u64 * 5_000);
                let reading = codes(&database, tenant);
                if let Ok(found) = tokio::time::timeout(patience, reading).await {
                    assert_eq!(found.unwrap(), [tenant.slug().as_str()]);
                    answered += 1;
                }
            }
            answered
        })
    });
    let mut answered = 0;
    for client in clients.collect::<Vec<_>>() {
        answered += client.await.unwrap();
    }
    assert!(
        answered > 100,
        "the test must see answers, not only cancellations: {answered}"
    );
    for tenant in tenants.iter() {
        assert_eq!(
            codes(&database, tenant).await.unwrap(),
            [tenant.slug().as_str()]
        );
    }
    assert_eq!(database.status().in_use, 0);
}
