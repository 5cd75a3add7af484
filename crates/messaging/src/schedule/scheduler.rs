//! The scheduler: looks about once a second for what is due, and keeps its tables in order.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use database::{Database, PlatformContext, PlatformTx, StoreError};
use kernel::Ambient;
use sea_orm::FromQueryResult;

use super::{
    Schedules, Ticked,
    fire::{IS_ANY_DUE, fire_some},
    rows::{LOCK, declare, follow_zones, is_newest},
};
use crate::postgres::Store;

/// How often it looks.
const TICK: Duration = Duration::from_secs(1);

/// How often it keeps its tables in order.
const UPKEEP: Duration = Duration::from_mins(1);

/// Waits for whoever writes schedules down or fires them.
const WAIT: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";

/// Goes away if somebody does so. This saves work and no more: the locks on rows and the key of
/// `schedule_fires` see to it that nothing fires twice. It ends with the transaction, so that it
/// holds behind a pooler of transactions too.
const TURN: &str = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS is_ours";

const FORGET: &str = "\
    DELETE FROM schedule_fires WHERE (schedule_id, fire_at) IN ( \
        SELECT schedule_id, fire_at FROM schedule_fires \
        WHERE fired_at < now() - interval '14 days' LIMIT 10000)";

const ORPHANED: &str = "\
    DELETE FROM schedules WHERE tenant_id <> '00000000-0000-0000-0000-000000000000' \
        AND NOT EXISTS (SELECT FROM tenants WHERE tenants.id = schedules.tenant_id)";

#[derive(FromQueryResult)]
struct Lock {
    is_ours: bool,
}

#[derive(FromQueryResult)]
struct Found {
    #[expect(dead_code, reason = "that it is there is all there is to know")]
    id: uuid::Uuid,
}

/// Puts jobs down at set times. Any number of them may be at work.
#[derive(Clone)]
pub struct Scheduler {
    store: Store,
    schedules: Arc<Schedules>,
    ambient: Ambient,
    /// What it declares is what counts.
    is_newest: Arc<AtomicBool>,
}

impl Scheduler {
    /// One for what is declared, and for what tenants want.
    pub fn new(
        database: Database,
        platform: PlatformContext,
        schedules: Schedules,
        ambient: Ambient,
    ) -> Self {
        Self::over(Store::new(database, platform), schedules, ambient)
    }

    pub(crate) fn over(store: Store, schedules: Schedules, ambient: Ambient) -> Self {
        Self {
            store,
            schedules: Arc::new(schedules),
            ambient,
            is_newest: Arc::default(),
        }
    }

    /// Writes down what is declared, and switches off what is no longer. What stays as it was keeps
    /// its next fire, and with it what was missed while nobody was there.
    ///
    /// While a newer program runs (see [`Schedules::of_generation`]), or did within the last ten
    /// minutes, all of it stays as that one wants it: `false`. [`Self::keep_up`] declares it when the
    /// newer one is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn declare(&self) -> Result<bool, StoreError> {
        let tx = self.store.begin().await?;
        tx.run(WAIT, [LOCK.into()]).await?;
        let is_newest = is_newest(&tx, self.schedules.generation).await?;
        if is_newest {
            declare(&tx, &self.schedules.entries, &self.ambient).await?;
        }
        tx.commit().await?;
        self.is_newest.store(is_newest, Ordering::Relaxed);
        Ok(is_newest)
    }

    /// Fires what is due, if anything is: that nothing is costs one query.
    ///
    /// # Errors
    /// [`StoreError`]: what was not committed is due at the next tick.
    pub async fn tick(&self) -> Result<Ticked, StoreError> {
        // One instant for all of a tick: what waits for the others is not late for that.
        let now = self.ambient.now();
        let mut ticked = Ticked::default();
        let database = self.store.database();
        let tx = database.begin_platform_read(self.store.platform()).await?;
        let due: Option<Found> = tx.row(IS_ANY_DUE, [now.into()]).await?;
        tx.commit().await?;
        let mut is_more = due.is_some();
        while is_more {
            let Some(tx) = self.turn().await? else {
                break;
            };
            let (some, more) = fire_some(&tx, now, &self.ambient).await?;
            tx.commit().await?;
            ticked.fires += some.fires;
            ticked.jobs += some.jobs;
            is_more = more;
        }
        Ok(ticked)
    }

    /// Follows tenants into time zones that are new, and forgets fires of two weeks ago and the
    /// schedules of tenants that are gone. What is declared is so again when the newer program is gone
    /// that kept it from counting.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_up(&self) -> Result<(), StoreError> {
        let Some(tx) = self.turn().await? else {
            return Ok(());
        };
        let was_newest = self.is_newest.load(Ordering::Relaxed);
        let is_newest = is_newest(&tx, self.schedules.generation).await?;
        if is_newest && !was_newest {
            declare(&tx, &self.schedules.entries, &self.ambient).await?;
        } else if is_newest {
            follow_zones(&tx, &self.schedules.entries, false, &self.ambient).await?;
        }
        tx.run(FORGET, []).await?;
        tx.run(ORPHANED, []).await?;
        tx.commit().await?;
        self.is_newest.store(is_newest, Ordering::Relaxed);
        Ok(())
    }

    async fn turn(&self) -> Result<Option<PlatformTx>, StoreError> {
        let tx = self.store.begin().await?;
        let lock: Option<Lock> = tx.row(TURN, [LOCK.into()]).await?;
        if lock.is_some_and(|lock| lock.is_ours) {
            return Ok(Some(tx));
        }
        tx.rollback().await?;
        Ok(None)
    }

    /// Ticks, until it is told to stop; what a tick has not committed by then, the next one does.
    pub(crate) async fn run_until(&self, stopping: impl Future<Output = ()>) {
        let mut stopping = std::pin::pin!(stopping);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut kept_up = Instant::now();
        let mut failing = false;
        loop {
            let ticked = async {
                tick.tick().await;
                self.tick_and_keep_up(&mut kept_up).await
            };
            let ticked = tokio::select! {
                () = &mut stopping => return,
                ticked = ticked => ticked,
            };
            match ticked {
                Ok(()) if std::mem::take(&mut failing) => {
                    tracing::info!("schedules fire again");
                }
                Ok(()) => {}
                Err(error) if !failing => {
                    failing = true;
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "schedules cannot fire");
                }
                Err(_again) => {}
            }
        }
    }

    async fn tick_and_keep_up(&self, kept_up: &mut Instant) -> Result<(), StoreError> {
        let ticked = self.tick().await?;
        if ticked != Ticked::default() {
            tracing::debug!(fires = ticked.fires, jobs = ticked.jobs, "schedules fired");
        }
        if kept_up.elapsed() >= UPKEEP {
            self.keep_up().await?;
            *kept_up = Instant::now();
        }
        Ok(())
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scheduler")
            .field(&self.schedules.names())
            .finish()
    }
}
