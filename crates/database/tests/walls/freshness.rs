//! What changes is told, once, and nothing is missed.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use database::{Change, Freshness, FreshnessSettings, PlatformReadTx, StoreError, Subscriber};
use kernel::Ambient;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use testkit::TestDatabase;

/// Notes what it is told.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Notes {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[async_trait]
impl Subscriber for Notes {
    async fn reload(&self, _tx: &PlatformReadTx) -> Result<(), StoreError> {
        self.0.lock().unwrap().push("everything".to_owned());
        Ok(())
    }

    async fn changed(&self, _tx: &PlatformReadTx, changes: &[Change]) -> Result<(), StoreError> {
        let told = changes
            .iter()
            .map(|it| format!("{} {}", it.subject, it.name));
        self.0.lock().unwrap().extend(told);
        Ok(())
    }
}

/// Only whoever catches up, or is told, takes a look.
const PATIENT: FreshnessSettings = FreshnessSettings {
    poll_interval: Duration::from_hours(1),
    refuse_after: Duration::from_hours(3),
};

async fn run(connection: &mut PgConnection, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

fn touch(slug: &str) -> String {
    format!("UPDATE platform.tenants SET version = version + 1 WHERE slug = '{slug}'")
}

/// Looks until something was told.
async fn told(notes: &Notes) -> Vec<String> {
    loop {
        let told = notes.take();
        if !told.is_empty() {
            return told;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Without the triggers that tell, changes are looked for.
const QUIET: &str = "DROP TRIGGER tell ON platform.tenants; DROP TRIGGER tell ON platform.domains";

#[tokio::test]
async fn a_change_is_told_once_in_whatever_order_transactions_end() {
    let test = TestDatabase::create().await;
    let (database, authority) = test.connect(test.settings()).await;
    let (mut early, mut late) = (test.superuser().await, test.superuser().await);
    run(&mut late, QUIET).await;
    let (freshness, notes) = (Freshness::new(PATIENT), Arc::new(Notes::default()));
    let subscribers = vec![Arc::clone(&notes) as _];
    let ambient = Ambient::system();
    let watch = freshness.watch(&database, authority.platform(), subscribers, ambient);
    let _watch = watch.await.unwrap();
    assert_eq!(notes.take(), ["everything"]);

    // The first to write is the last to commit.
    run(&mut early, &format!("BEGIN; {}", touch("acme"))).await;
    run(&mut late, &touch("globex")).await;
    freshness.catch_up().await;
    assert_eq!(notes.take(), ["tenant globex"]);
    run(
        &mut late,
        "DELETE FROM platform.domains WHERE host = 'globex.test'",
    )
    .await;
    freshness.catch_up().await;
    assert_eq!(notes.take(), ["host globex.test"]);
    run(&mut early, "COMMIT").await;
    freshness.catch_up().await;
    assert_eq!(notes.take(), ["tenant acme"]);

    // What was undone never happened, and what happened twice is told once.
    run(&mut early, &format!("BEGIN; {}; ROLLBACK", touch("acme"))).await;
    freshness.catch_up().await;
    assert_eq!(notes.take(), Vec::<String>::new());
    run(&mut early, &format!("{0}; {0}", touch("acme"))).await;
    freshness.catch_up().await;
    assert_eq!(notes.take(), ["tenant acme"]);
}

#[tokio::test]
async fn a_listener_that_lost_its_connection_listens_again() {
    let test = TestDatabase::create().await;
    let (database, authority) = test.connect(test.settings()).await;
    let mut superuser = test.superuser().await;
    let (freshness, notes) = (Freshness::new(PATIENT), Arc::new(Notes::default()));
    let subscribers = vec![Arc::clone(&notes) as _];
    let ambient = Ambient::system();
    let watch = freshness.watch(&database, authority.platform(), subscribers, ambient);
    let _watch = watch.await.unwrap();
    assert!(freshness.is_listening());
    notes.take();
    for _ in 0..3 {
        // Nobody looks by himself: what is told comes from PostgreSQL.
        run(&mut superuser, &touch("acme")).await;
        assert_eq!(told(&notes).await, ["tenant acme"]);
        // What happens while nobody listens is seen when somebody does again.
        run(
            &mut superuser,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = 'hrms listener'",
        )
        .await;
        run(&mut superuser, &touch("globex")).await;
        assert_eq!(told(&notes).await, ["tenant globex"]);
        // It looks before it says that it listens.
        for _ in 0..400 {
            if freshness.is_listening() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        assert!(freshness.is_listening());
    }
}

#[tokio::test]
async fn after_a_gap_that_was_too_long_everything_is_read_anew() {
    let test = TestDatabase::create().await;
    let (database, authority) = test.connect(test.settings()).await;
    let brief = FreshnessSettings {
        poll_interval: Duration::from_millis(20),
        refuse_after: Duration::from_secs(2),
    };
    let (freshness, notes) = (Freshness::new(brief), Arc::new(Notes::default()));
    let subscribers = vec![Arc::clone(&notes) as _];
    let ambient = Ambient::system();
    let watch = freshness.watch(&database, authority.platform(), subscribers, ambient);
    let _watch = watch.await.unwrap();
    notes.take();
    let name = test.name();
    let mut maintenance = test.server().maintenance().await.unwrap();
    let close = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false");
    run(&mut maintenance, &close).await;
    let end = format!(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
    );
    run(&mut maintenance, &end).await;
    // A look that began before it was too late may end after.
    while freshness.age() < Some(brief.refuse_after * 2) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!freshness.is_fresh());
    assert_eq!(notes.take(), Vec::<String>::new());
    let reopen = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true");
    run(&mut maintenance, &reopen).await;
    assert_eq!(told(&notes).await, ["everything"]);
    // A connection that is being made when its runtime ends keeps the database for a minute.
    while !(freshness.is_fresh() && freshness.is_listening()) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    maintenance.close().await.unwrap();
}
