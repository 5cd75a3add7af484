//! Nothing is left behind by a failed opening, nor by clients who go away in the middle. That an
//! opening, a statement or an end may be cut off at any point is tested in `src/pool/cut_off.rs`,
//! where the bare connection can be looked at.

use std::{sync::Arc, time::Duration};

use database::DatabaseSettings;
use testkit::{ACME, FIXTURES, TestDatabase};

use crate::entities::{codes, store};

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
                // One in four waits as long as it takes, however busy the machine is.
                let patience = match (client * 31 + round * 97) % 40 {
                    patient if patient % 4 == 0 => Duration::from_mins(2),
                    other => Duration::from_micros(other as u64 * 5_000),
                };
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
        answered >= 500,
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
