//! A worker: hands jobs over, does them, keeps what it does alive, and gives events their places.

mod consume;
mod hand_over;
mod keep;
mod perform;
mod running;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use database::{Database, PlatformContext, StoreError};
use kernel::{Ambient, WorkerId};
use tokio::sync::{Notify, watch};

use crate::{
    Backoff, Broker, EventSequencer, Handlers, Queue, ScheduleError, Scheduler, Schedules, Tenants,
    postgres::{Presence, Store},
};
use running::Running;

pub use perform::{JobOutcome, Observer};

/// How long what was not done in time has to end when it is told to: a handler does so at its next
/// await, and one that blocks its thread not at all.
const ABORT: Duration = Duration::from_secs(3);

/// How a worker works.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// The name of the machine, to be shown.
    pub host: String,
    /// How many jobs of each queue it does at a time; queues that are not among them, others do.
    pub slots: BTreeMap<Queue, usize>,
    /// How often it looks for work while there is none.
    pub poll_interval: Duration,
    /// How long a job is a worker's without a sign of life.
    pub lease: Duration,
    /// How long a job that was handed over has to be taken over.
    pub hand_over_patience: Duration,
    /// How long a failed job waits.
    pub backoff: Backoff,
    /// How long what was begun may take when the worker is told to stop.
    pub drain: Duration,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            slots: BTreeMap::from([(Queue::Critical, 2), (Queue::Default, 4), (Queue::Bulk, 2)]),
            poll_interval: Duration::from_millis(150),
            lease: Duration::from_secs(30),
            hand_over_patience: Duration::from_secs(30),
            backoff: Backoff::default(),
            drain: Duration::from_secs(25),
        }
    }
}

/// Does jobs until it is told to stop.
pub struct Worker {
    parts: Arc<Parts>,
    scheduler: Option<Scheduler>,
}

/// What all the tasks of a worker share.
struct Parts {
    id: WorkerId,
    store: Store,
    tenants: Arc<dyn Tenants>,
    handlers: Arc<Handlers>,
    broker: Arc<dyn Broker>,
    observer: Arc<dyn Observer>,
    settings: WorkerSettings,
    ambient: Ambient,
    running: Arc<Running>,
    /// A slot of the queue became free, or there may be work.
    wanted: BTreeMap<Queue, Notify>,
    stopping: watch::Receiver<bool>,
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Jobs that were not done in time, and are given to others.
    pub released: u64,
}

/// Tells a worker to stop. Dropped, it tells it too.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// Begins nothing more, and ends what was begun.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// What a worker is made of.
#[expect(missing_debug_implementations, reason = "parts without a form")]
pub struct WorkerParts {
    /// The way to PostgreSQL. A connection for each slot and two more are in use at a time.
    pub database: Database,
    /// The right to look into the platform's tables.
    pub platform: PlatformContext,
    /// The registry.
    pub tenants: Arc<dyn Tenants>,
    /// Who does what.
    pub handlers: Arc<Handlers>,
    /// What carries messages.
    pub broker: Arc<dyn Broker>,
    /// Who is told what became of jobs.
    pub observer: Arc<dyn Observer>,
    /// Clock and randomness.
    pub ambient: Ambient,
}

impl Worker {
    /// A worker that does nothing before [`Self::run`], and how it is told to stop.
    pub fn new(parts: WorkerParts, settings: WorkerSettings) -> (Self, Stop) {
        let (stop, stopping) = watch::channel(false);
        let queues = settings.slots.keys();
        let parts = Parts {
            id: parts.ambient.id(),
            store: Store::new(parts.database, parts.platform),
            tenants: parts.tenants,
            handlers: parts.handlers,
            broker: parts.broker,
            observer: parts.observer,
            ambient: parts.ambient,
            running: Arc::default(),
            wanted: queues.map(|queue| (*queue, Notify::new())).collect(),
            stopping,
            settings,
        };
        let worker = Self {
            parts: Arc::new(parts),
            scheduler: None,
        };
        (worker, Stop(stop))
    }

    /// Which one it is.
    pub fn id(&self) -> WorkerId {
        self.parts.id
    }

    /// Shows itself: from now on it counts as there.
    ///
    /// # Errors
    /// When PostgreSQL cannot be told.
    pub async fn appear(&self) -> Result<(), StoreError> {
        self.parts.appear().await
    }

    /// Makes it put jobs down at set times too: these, and those of tenants.
    ///
    /// # Errors
    /// [`ScheduleError::Unknown`] when nobody does what is to be done.
    pub fn with_schedules(mut self, schedules: Schedules) -> Result<Self, ScheduleError> {
        let parts = &self.parts;
        schedules.check(&parts.handlers)?;
        let (store, ambient) = (parts.store.clone(), parts.ambient.clone());
        self.scheduler = Some(Scheduler::over(store, schedules, ambient));
        Ok(self)
    }

    /// Works until it is told to stop; then it begins nothing more, has `drain` to end what it
    /// began, and gives the rest to others.
    ///
    /// # Errors
    /// When PostgreSQL cannot be told that it is there. Later outages are waited for.
    pub async fn run(self) -> Result<Drained, StoreError> {
        let parts = self.parts;
        if let Some(scheduler) = &self.scheduler
            && !scheduler.declare().await?
        {
            tracing::info!("a newer program says what is done at set times");
        }
        parts.appear().await?;
        let mut tasks = Vec::new();
        if let Some(scheduler) = self.scheduler {
            let scheduling = Arc::clone(&parts);
            tasks.push(telemetry::spawn_named("schedule", async move {
                scheduler.run_until(scheduling.until_stopping()).await;
            }));
        }
        let sequencing = Arc::clone(&parts);
        tasks.push(telemetry::spawn_named("sequence", async move {
            let (store, ambient) = (sequencing.store.clone(), sequencing.ambient.clone());
            EventSequencer::over(store, &sequencing.handlers, ambient)
                .run_until(
                    sequencing.until_stopping(),
                    sequencing.settings.poll_interval,
                )
                .await;
        }));
        for (queue, slots) in parts.settings.slots.clone() {
            let (handing, consuming) = (Arc::clone(&parts), Arc::clone(&parts));
            tasks.push(telemetry::spawn_named("hand over", async move {
                handing.hand_over_on(queue).await;
            }));
            tasks.push(telemetry::spawn_named("consume", async move {
                consuming.consume_on(queue, slots).await;
            }));
        }
        let keeping = Arc::clone(&parts);
        let keeper = telemetry::spawn_named("keep", async move { keeping.keep_on().await });
        parts.until_stopping().await;
        for task in tasks {
            // A task that panicked has said so.
            let _ = task.await;
        }
        let in_time = tokio::time::timeout(parts.settings.drain, parts.running.is_empty()).await;
        if in_time.is_err() {
            let aborting = parts.running.abort_all();
            if tokio::time::timeout(ABORT, aborting).await.is_err() {
                // It has lost its lease once the job is released, and comes to nothing.
                tracing::error!("a handler does not end: it blocks its thread");
            }
        }
        keeper.abort();
        let released = parts.store.release(parts.id).await?;
        Ok(Drained { released })
    }
}

impl Parts {
    fn presence(&self) -> Presence {
        Presence {
            worker: self.id,
            host: self.settings.host.clone(),
            slots: self.settings.slots.clone(),
            kinds: self.handlers.kinds(),
        }
    }

    async fn appear(&self) -> Result<(), StoreError> {
        let broker = self.broker.status().to_string();
        self.store.appear(&self.presence(), &broker).await
    }

    async fn until_stopping(&self) {
        let mut stopping = self.stopping.clone();
        // Whoever could tell it is gone: that tells it too.
        let _ = stopping.wait_for(|it| *it).await;
    }

    fn want(&self, queue: Queue) {
        if let Some(wanted) = self.wanted.get(&queue) {
            wanted.notify_one();
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Worker({})", self.parts.id)
    }
}
