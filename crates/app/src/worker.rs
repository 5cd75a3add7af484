//! From settings to a process that does jobs.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use audit::AuditLog;
use auth::Purge;
use database::{PostgresFiles, StoreError, TenantContext, Watch};
use employees::{ImportService, postgres::Postgres};
use kernel::{Ambient, TenantId};
use messaging::{
    Backoff, Broker, Drained, EnvelopeFault, EventSequencer, JobOutcome, Jobs, LocalBroker,
    Observer, Queue, RabbitBroker, RabbitSettings, Stop, Tenants, TenantsUnknown, Worker,
    WorkerParts,
};
use telemetry::{JobMetrics, Metrics, Origin};
use tenancy::Directory;

use crate::{
    StartError,
    foundation::Foundation,
    jobs::{self, Post, Tools},
    metrics,
    operate::{self, Provisioner},
    sealing::Sealing,
    settings::{Settings, WorkerSettings},
};

/// Everything that a process which does jobs works with.
pub struct WorkerComponents {
    worker: Worker,
    rabbit: Option<Arc<RabbitBroker>>,
    stop: Stop,
    jobs: Jobs,
    events: EventSequencer,
    backlog: Arc<Backlog>,
    sealing: Sealing,
    watch: Watch,
    database: database::Database,
    metrics: Metrics,
}

impl WorkerComponents {
    /// Connects, refuses a database that does not fit, and composes the rest.
    ///
    /// # Errors
    /// [`StartError`]: the process must not work.
    pub async fn connect(settings: &Settings, ambient: Ambient) -> Result<Self, StartError> {
        let Foundation {
            database,
            platform,
            directory,
            registry,
            watch,
            audit,
            ..
        } = Box::pin(Foundation::lay(settings, &ambient)).await?;
        let slots = slots(&settings.worker);
        let needed: usize = slots.values().sum::<usize>() + 2;
        let pool_size = database.status().size;
        if needed > usize::try_from(pool_size).unwrap_or(usize::MAX) {
            return Err(StartError::Slots { needed, pool_size });
        }
        if slots.is_empty() {
            return Err(StartError::NoSlots);
        }
        let provisioner = if slots.contains_key(&Queue::Provisioning) {
            Some(Box::pin(provisioner(settings, audit.clone(), &ambient)).await?)
        } else {
            None
        };
        let jobs = Jobs::new(database.clone(), platform.clone());
        let tools = Tools {
            purge: Purge::start(database.clone(), ambient.clone()),
            jobs: jobs.clone(),
            keep_done: settings.worker.keep_done,
            post: Post::new(&settings.mail, ambient.clone())?,
            ambient: ambient.clone(),
            imports: ImportService::new(
                database.clone(),
                ambient.clone(),
                Postgres,
                settings.imports.limits(),
            ),
            files: Arc::new(PostgresFiles::new(ambient.clone())),
            provisioner,
        };
        let handlers = jobs::handlers(tools);
        if !jobs::kinds().include_all(&handlers.kinds()) {
            return Err(StartError::Kinds);
        }
        let mut metrics = metrics::of_database(&database);
        let sealing = Sealing::compose(
            &settings.audit,
            database.clone(),
            (registry, Arc::clone(&directory)),
            &ambient,
            &mut metrics,
        )?;
        let backlog = Arc::new(Backlog::default());
        Arc::clone(&backlog).show(&mut metrics);
        let (broker, rabbit) = broker(settings, &slots, &ambient)?;
        let handlers = Arc::new(handlers);
        let events = EventSequencer::new(
            database.clone(),
            platform.clone(),
            &handlers,
            ambient.clone(),
        );
        let parts = WorkerParts {
            broker,
            tenants: Arc::new(Known(directory)),
            handlers,
            observer: Arc::new(Counted(JobMetrics::register(&mut metrics))),
            database: database.clone(),
            platform,
            ambient,
        };
        let settings = worker_settings(&settings.worker, slots, rabbit.is_some());
        let (worker, stop) = Worker::new(parts, settings);
        Ok(Self {
            worker: worker.with_schedules(jobs::schedules()?)?,
            rabbit,
            stop,
            jobs,
            events,
            backlog,
            sealing,
            watch,
            database,
            metrics,
        })
    }

    /// What is counted and measured, to show it with what else the process knows.
    pub fn take_metrics(&mut self) -> Metrics {
        std::mem::take(&mut self.metrics)
    }

    /// Shows itself and starts to work; and what tells it to stop.
    ///
    /// # Errors
    /// When PostgreSQL cannot be told that it is there.
    pub async fn start(
        self,
    ) -> Result<(impl Future<Output = Result<Drained, StoreError>>, Stop), StoreError> {
        let Self {
            worker,
            rabbit,
            stop,
            jobs,
            events,
            backlog,
            sealing,
            watch,
            database,
            metrics: _,
        } = self;
        worker.appear().await?;
        let working = async move {
            let counting = telemetry::spawn_named("backlog", async move {
                backlog.count_on(&jobs, &events).await;
            });
            let sealing = sealing.start();
            let drained = worker.run().await;
            counting.abort();
            sealing.stop().await;
            if let Some(rabbit) = rabbit {
                rabbit.close().await;
            }
            drop(watch);
            database.close().await;
            drained
        };
        Ok((working, stop))
    }
}

impl std::fmt::Debug for WorkerComponents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WorkerComponents")
    }
}

/// What makes tenants: with the operator's login, which no other worker has.
async fn provisioner(
    settings: &Settings,
    audit: AuditLog,
    ambient: &Ambient,
) -> Result<Provisioner, StartError> {
    let admin_url = settings.database.admin_url.as_ref();
    let admin_url = admin_url.ok_or(StartError::NoAdminUrl)?;
    let options = operate::connect_options(settings, admin_url, "hrms-worker");
    let (audit, nobody) = (Some(audit), Origin::default());
    let opened = Provisioner::open(settings, admin_url, options?, audit, ambient, &nobody);
    Ok(opened.await?)
}

fn slots(settings: &WorkerSettings) -> BTreeMap<Queue, usize> {
    let slots = [
        (Queue::Critical, settings.critical),
        (Queue::Default, settings.default),
        (Queue::Bulk, settings.bulk),
        (Queue::Provisioning, settings.provisioning),
    ];
    slots.into_iter().filter(|(_, slots)| *slots > 0).collect()
}

fn worker_settings(
    settings: &WorkerSettings,
    slots: BTreeMap<Queue, usize>,
    has_broker: bool,
) -> messaging::WorkerSettings {
    let host = rustix::system::uname();
    messaging::WorkerSettings {
        host: host.nodename().to_string_lossy().into_owned(),
        slots,
        poll_interval: settings.poll_interval,
        lease: settings.lease,
        // In a broker a message waits for as long as every place is taken; one that the process
        // carries itself is lost with it.
        hand_over_patience: settings.lease * if has_broker { 4 } else { 1 },
        backoff: Backoff {
            base: settings.first_wait,
            cap: settings.longest_wait,
        },
        drain: settings.drain,
    }
}

type Carrier = (Arc<dyn Broker>, Option<Arc<RabbitBroker>>);

/// RabbitMQ, if there is one; else the process carries its own messages.
fn broker(
    settings: &Settings,
    slots: &BTreeMap<Queue, usize>,
    ambient: &Ambient,
) -> Result<Carrier, StartError> {
    let Some(url) = &settings.broker.url else {
        let rooms = slots.iter().map(|(queue, slots)| (*queue, 2 * slots));
        return Ok((Arc::new(LocalBroker::new(rooms)), None));
    };
    let rabbit = RabbitSettings {
        patience: settings.broker.timeout,
        confirm_patience: settings.broker.timeout,
        ..RabbitSettings::new(url.clone(), settings.broker.prefix.as_str())
    };
    let rabbit = Arc::new(RabbitBroker::start(&rabbit, ambient)?);
    Ok((Arc::clone(&rabbit) as _, Some(rabbit)))
}

/// The registry, as this process knows it.
struct Known(Arc<Directory>);

#[async_trait]
impl Tenants for Known {
    async fn find(&self, id: TenantId) -> Result<Option<TenantContext>, TenantsUnknown> {
        let found = self.0.by_id(id).await;
        let found = found.map_err(|error| TenantsUnknown(Box::new(error)))?;
        Ok(found.map(|it| it.context.clone()))
    }

    async fn catch_up(&self) {
        self.0.catch_up().await;
    }
}

struct Counted(JobMetrics);

impl Observer for Counted {
    fn ended(&self, kind: &str, queue: Queue, outcome: JobOutcome, took: Duration) {
        let outcome = outcome.as_str();
        self.0.ended(kind, queue.as_str(), outcome, took);
    }

    fn refused(&self, _: &EnvelopeFault) {
        self.0.refused();
    }
}

/// How much waits, as it was a few seconds ago.
#[derive(Debug, Default)]
struct Backlog {
    /// In the order of [`Queue::ALL`].
    waiting: [AtomicU64; Queue::ALL.len()],
    dead: AtomicU64,
    unsequenced: AtomicU64,
    unknown: AtomicU64,
}

impl Backlog {
    async fn count_on(&self, jobs: &Jobs, events: &EventSequencer) {
        let mut tick = tokio::time::interval(Duration::from_secs(10));
        loop {
            tick.tick().await;
            // An outage is told of by those who work.
            let Ok(counted) = jobs.backlog().await else {
                continue;
            };
            for (waiting, queue) in self.waiting.iter().zip(Queue::ALL) {
                let count = counted.waiting.get(queue).copied().unwrap_or_default();
                waiting.store(count, Ordering::Relaxed);
            }
            self.dead.store(counted.dead, Ordering::Relaxed);
            if let Ok(unsequenced) = events.waiting().await {
                self.unsequenced.store(unsequenced, Ordering::Relaxed);
            }
            self.unknown.store(counted.unknown, Ordering::Relaxed);
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a count loses nothing below nine thousand billions"
    )]
    fn show(self: Arc<Self>, metrics: &mut Metrics) {
        let backlog = Arc::clone(&self);
        metrics.watch(
            "hrms_jobs_waiting",
            "Jobs that are due and wait, by queue; ten thousand stand for all that are more.",
            move || {
                let queues = backlog.waiting.iter().zip(Queue::ALL);
                let counted = queues.map(|(waiting, queue)| {
                    let count = waiting.load(Ordering::Relaxed) as f64;
                    (vec![("queue", queue.to_string())], count)
                });
                counted.collect()
            },
        );
        let backlog = Arc::clone(&self);
        metrics.watch(
            "hrms_jobs_unknown",
            "Jobs that no worker which runs can do; ten thousand stand for all that are more.",
            move || vec![(Vec::new(), backlog.unknown.load(Ordering::Relaxed) as f64)],
        );
        let backlog = Arc::clone(&self);
        metrics.watch(
            "hrms_jobs_dead",
            "Jobs that somebody must look at; ten thousand stand for all that are more.",
            move || vec![(Vec::new(), backlog.dead.load(Ordering::Relaxed) as f64)],
        );
        metrics.watch(
            "hrms_events_unsequenced",
            "Events that wait for their place in the feed; ten thousand stand for all that are more.",
            move || vec![(Vec::new(), self.unsequenced.load(Ordering::Relaxed) as f64)],
        );
    }
}
