//! Nothing is left behind by a failed or cancelled opening, query or transaction.

use std::{future::Future, sync::Arc, task::Poll, time::Duration};

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

/// Polls a future so many times, waiting each time until it is woken, and drops it there; its
/// output, if it was ready by then.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = times;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // The waker is ours: who wakes it gets the next poll, or the end.
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// What every session of the application is up to, as PostgreSQL has it, once those whose client
/// is gone have ended: none of them is inside a transaction.
async fn assert_nobody_is_inside(test: &TestDatabase) {
    let mut superuser = test.superuser().await;
    let mut inside = Vec::new();
    for _ in 0..200 {
        inside = sqlx::query_scalar::<_, String>(
            "SELECT concat_ws(' ', pid, state, query) FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = 'hrms' \
             AND (xact_start IS NOT NULL OR state LIKE 'idle in transaction%')",
        )
        .fetch_all(&mut superuser)
        .await
        .unwrap();
        if inside.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(inside.is_empty(), "left inside a transaction: {inside:#?}");
}

#[tokio::test]
async fn an_opening_that_was_cancelled_at_any_poll_leaves_no_scoped_connection_behind() {
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
    // Once with a connection that is open already, once with one that must be opened first.
    for warm in [true, false] {
        let (mut polls, mut points) = (0, 0);
        loop {
            if warm {
                is_clean(&database, &globex).await;
            } else {
                // What was idle is closed with the database that it was opened for.
                let gone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND application_name = 'hrms'";
                let mut superuser = test.superuser().await;
                sqlx::query(gone).execute(&mut superuser).await.unwrap();
            }
            let opened = polled(database.begin_tenant(&acme), polls).await;
            let done = opened.is_some();
            if let Some(tx) = opened {
                // Dropped between two statements instead.
                drop(tx.unwrap());
            }
            assert_nobody_is_inside(&test).await;
            assert_eq!(codes(&database, &globex).await.unwrap(), ["theirs"]);
            is_clean(&database, &globex).await;
            if done {
                break;
            }
            // Proving the password to PostgreSQL takes the driver hundreds of them.
            polls += 1 + polls / 8;
            points += 1;
            assert!(polls < 50_000, "an opening has an end");
        }
        let least = if warm { 1 } else { 3 };
        assert!(points >= least, "cut off at {points} points only");
    }
    assert_eq!(database.status().in_use, 0);
}

#[tokio::test]
async fn a_query_that_was_cancelled_at_any_poll_leaves_nobody_inside() {
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
    let mut polls = 0;
    loop {
        let tx = database.begin_tenant(&acme).await.unwrap();
        tx.insert(job(&format!("half {polls}"))).await.unwrap();
        let done = polled(tx.run("SELECT pg_sleep($1)", [Value::from(0.01)]), polls)
            .await
            .is_some();
        if polls > 0 && !done {
            assert!(matches!(tx.commit().await, Err(StoreError::Poisoned)));
        } else {
            drop(tx);
        }
        assert_nobody_is_inside(&test).await;
        is_clean(&database, &globex).await;
        if done {
            break;
        }
        polls += 1;
        assert!(polls < 200, "a query has an end");
    }
    assert!(polls >= 2, "cut off at {polls} points only");
    assert!(codes(&database, &acme).await.unwrap().is_empty());
    assert_eq!(database.status().in_use, 0);
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
