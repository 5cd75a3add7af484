//! What a future that was dropped in the middle leaves behind: polled by hand, so that it is cut
//! off at every point where it can be, and looked at on the bare connection, which no transaction
//! has put its own role and path over.

use std::{cell::Cell, future::poll_fn, pin::pin, task::Poll, time::Duration};

use kernel::{Slug, Subscription, TenantId, TenantStatus, TimeZone};
use secrecy::SecretString;
use testkit::{ACME, Fixture, TestDatabase};

use sqlx::AssertSqlSafe;

use super::*;
use crate::{TenantRecord, TenantTx};

/// Polls so many times, and drops it if that was not enough: at once, or when it would go on, its
/// answer lying unread in the socket.
#[derive(Clone, Debug)]
struct Cut {
    polls: usize,
    is_answered: bool,
    polled: Cell<usize>,
}

impl Cut {
    /// Cut off after each number of polls, until one is enough; how often it was. What takes very
    /// many is proving to know a password and yields in between, which is left out.
    async fn everywhere(mut attempt: impl AsyncFnMut(&Self) -> bool) -> usize {
        const ENDS: usize = 10;
        let after = |polls, is_answered| Self {
            polls,
            is_answered,
            polled: Cell::new(0),
        };
        let mut cuts = 0;
        for is_answered in [false, true] {
            let whole = after(usize::MAX, is_answered);
            assert!(attempt(&whole).await);
            let last = whole.polled.get().saturating_sub(ENDS);
            let mut polls = 1;
            while !attempt(&after(polls, is_answered)).await {
                cuts += 1;
                polls = if polls == ENDS { last.max(ENDS) } else { polls } + 1;
            }
        }
        cuts
    }

    async fn off<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        self.polled.set(0);
        poll_fn(|context| {
            if self.polled.get() == self.polls {
                return Poll::Ready(None);
            }
            self.polled.update(|polled| polled + 1);
            match future.as_mut().poll(context) {
                Poll::Ready(value) => Poll::Ready(Some(value)),
                Poll::Pending if self.polled.get() == self.polls && !self.is_answered => {
                    Poll::Ready(None)
                }
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

struct Scene {
    test: TestDatabase,
    database: Database,
    acme: TenantContext,
}

impl Scene {
    async fn new() -> Self {
        let test = TestDatabase::create().await;
        let settings = DatabaseSettings {
            pool_size: 1,
            ..DatabaseSettings::new(SecretString::from(test.app_url()))
        };
        let (database, authority) = Database::connect(settings, Login::Application)
            .await
            .unwrap();
        let acme = authority.tenant(record(ACME));
        Self {
            test,
            database,
            acme,
        }
    }

    async fn begin(&self) -> TenantTx {
        self.database.begin_tenant(&self.acme).await.unwrap()
    }

    async fn half_done(&self) -> TenantTx {
        let tx = self.begin().await;
        tx.run(
            "INSERT INTO counters (id, name, value) \
             SELECT id, id::text, 1 FROM gen_random_uuid() AS id",
            [],
        )
        .await
        .unwrap();
        tx
    }

    /// Nobody holds a connection, those in the pool are nobody's, and the server has no other.
    async fn nothing_is_left(&self, after: &Cut) {
        // What was dropped between two statements is rolled back in the background.
        until(async || self.database.status().in_use == 0).await;
        let mut idle = std::mem::take(&mut *self.database.pool.idle());
        let mut pids = Vec::new();
        for pooled in &mut idle {
            let connection = &mut pooled.connection;
            let outside = sqlx::raw_sql("SAVEPOINT probe")
                .execute(&mut *connection)
                .await
                .unwrap_err();
            let code = outside.as_database_error().unwrap().code();
            assert_eq!(code.as_deref(), Some("25P01"), "{after:?}: a transaction");
            let (is_itself, path, tenant, pid): (bool, String, String, i32) = sqlx::query_as(
                "SELECT current_user = session_user, current_setting('search_path'), \
                 coalesce(current_setting('app.tenant', true), ''), pg_backend_pid()",
            )
            .fetch_one(connection)
            .await
            .unwrap();
            assert!(is_itself, "{after:?}: a role");
            assert_eq!(
                (path.as_str(), tenant.as_str()),
                ("", ""),
                "{after:?}: path, tenant"
            );
            pids.push(pid);
        }
        self.database.pool.idle().extend(idle);
        let mut superuser = self.test.superuser().await;
        until(async || {
            let others: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name = 'hrms' AND pid <> ALL ($1)",
            )
            .bind(&pids)
            .fetch_one(&mut superuser)
            .await
            .unwrap();
            others == 0
        })
        .await;
    }

    async fn nothing_was_done(&self) {
        let mut superuser = self.test.superuser().await;
        let half: i64 = sqlx::query_scalar("SELECT count(*) FROM t_acme.counters")
            .fetch_one(&mut superuser)
            .await
            .unwrap();
        assert_eq!(half, 0);
    }
}

/// The fixture belongs to the tests' own build of this crate.
fn record(fixture: Fixture) -> TenantRecord {
    TenantRecord {
        id: TenantId::new(fixture.id),
        slug: Slug::existing(fixture.slug).unwrap(),
        name: fixture.slug.to_owned(),
        schema: fixture.schema.parse().unwrap(),
        status: TenantStatus::Active,
        time_zone: TimeZone::utc(),
        locale: "en".to_owned(),
        subscription: Subscription::Active,
        placement_epoch: 1,
        auth_epoch: 1,
    }
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let limit = Duration::from_secs(30);
    tokio::time::timeout(limit, waiting).await.unwrap();
}

#[tokio::test]
async fn an_opening_that_is_cut_off_anywhere_leaves_nothing_behind() {
    let scene = Scene::new().await;
    let mut cuts = 0;
    for is_warm in [false, true] {
        cuts += Cut::everywhere(async |cut| {
            if is_warm {
                scene.begin().await.rollback().await.unwrap();
            } else {
                scene.database.pool.idle().clear();
            }
            let opened = cut.off(scene.database.begin_tenant(&scene.acme)).await;
            let is_whole = opened.is_some();
            if let Some(opened) = opened {
                opened.unwrap().rollback().await.unwrap();
            }
            scene.nothing_is_left(cut).await;
            is_whole
        })
        .await;
    }
    assert!(cuts > 4, "connecting alone takes more round trips");
}

#[tokio::test]
async fn a_statement_that_is_cut_off_anywhere_takes_its_transaction_with_it() {
    let scene = Scene::new().await;
    let cuts = Cut::everywhere(async |cut| {
        let tx = scene.half_done().await;
        let answered = cut.off(tx.run("SELECT pg_sleep(0.01)", [])).await;
        let is_whole = answered.is_some();
        if is_whole {
            tx.rollback().await.unwrap();
        } else {
            assert!(matches!(
                tx.commit().await.unwrap_err(),
                StoreError::Poisoned
            ));
        }
        scene.nothing_is_left(cut).await;
        is_whole
    })
    .await;
    assert!(cuts > 0);
    scene.nothing_was_done().await;
}

#[tokio::test]
async fn an_end_that_is_cut_off_anywhere_leaves_nothing_behind() {
    let scene = Scene::new().await;
    Cut::everywhere(async |cut| {
        let ended = cut.off(scene.half_done().await.rollback()).await;
        scene.nothing_is_left(cut).await;
        ended.is_some()
    })
    .await;
    scene.nothing_was_done().await;
    // A commit that takes a while.
    let slow = "CREATE FUNCTION extensions.sleep() RETURNS trigger LANGUAGE plpgsql AS \
                $$ BEGIN PERFORM pg_sleep(0.01); RETURN NULL; END $$; \
                GRANT EXECUTE ON FUNCTION extensions.sleep() TO PUBLIC; \
                CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON t_acme.counters \
                DEFERRABLE INITIALLY DEFERRED \
                FOR EACH ROW EXECUTE FUNCTION extensions.sleep()";
    let mut superuser = scene.test.superuser().await;
    sqlx::raw_sql(slow).execute(&mut superuser).await.unwrap();
    let cuts = Cut::everywhere(async |cut| {
        let ended = cut.off(scene.half_done().await.commit()).await;
        scene.nothing_is_left(cut).await;
        ended.is_some()
    })
    .await;
    assert!(cuts > 0);
}

#[tokio::test]
async fn a_read_that_is_begun_anew_and_cut_off_anywhere_leaves_nothing_behind() {
    let scene = Scene::new().await;
    let mut superuser = scene.test.superuser().await;
    let read = "SELECT name FROM counters";
    let mut types = ["varchar(200)", "text"].iter().cycle();
    let cuts = Cut::everywhere(async |cut| {
        let begin = || scene.database.begin_tenant_read(&scene.acme);
        let tx = begin().await.unwrap();
        tx.rows::<Name>(read, []).await.unwrap();
        tx.commit().await.unwrap();
        let kind = types.next().unwrap();
        let alter = format!("ALTER TABLE t_acme.counters ALTER COLUMN name TYPE {kind}");
        sqlx::raw_sql(AssertSqlSafe(alter))
            .execute(&mut superuser)
            .await
            .unwrap();
        let tx = begin().await.unwrap();
        let answered = cut.off(tx.rows::<Name>(read, [])).await;
        let is_whole = answered.is_some();
        if let Some(answered) = answered {
            answered.unwrap();
            tx.commit().await.unwrap();
        } else {
            assert!(matches!(
                tx.commit().await.unwrap_err(),
                StoreError::Poisoned
            ));
        }
        scene.nothing_is_left(cut).await;
        is_whole
    })
    .await;
    assert!(cuts > 4, "connecting alone takes more round trips");
}

#[derive(sea_orm::FromQueryResult)]
struct Name {
    #[expect(dead_code, reason = "only its type matters")]
    name: String,
}
