//! A database with tenants whose departments change, and somebody who wants to hear of it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use database::{Database, PlatformContext, TenantContext, TenantTx};
use kernel::{Ambient, TenantId};
use messaging::{
    Backoff, DomainEvent, Event, EventFeed, EventLog, EventSequencer, FeedQuery, Handlers,
    JobError, LocalBroker, Queue, Run, Stop, Subscriber, Subscribers, Tenants, TenantsUnknown,
    Worker, WorkerParts, WorkerSettings,
};
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use tenancy::{PostgresTenants, Registry};
use testkit::{Fixture, TestDatabase};
use tokio::{sync::Semaphore, task::JoinHandle};
use uuid::Uuid;

/// What whoever hears of an event does once he has noted it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Deed {
    #[default]
    Note,
    /// Fails until this try of its job.
    NoteAt(i16),
    /// Fails as long as the test says so.
    Break,
    /// Waits until the test says so.
    Wait,
    /// Lets a statement fail and says that all went well.
    Swallow,
}

/// A department changed for so many times.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Changed {
    #[serde(skip)]
    pub(crate) department: Uuid,
    pub(crate) number: i64,
    #[serde(default)]
    pub(crate) deed: Deed,
}

impl DomainEvent for Changed {
    const KIND: &'static str = "department.changed.v1";
    const SUBJECT: &'static str = "department";

    fn subject(&self) -> Uuid {
        self.department
    }
}

/// A department is gone.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Deleted {
    #[serde(skip)]
    pub(crate) department: Uuid,
}

impl DomainEvent for Deleted {
    const KIND: &'static str = "department.deleted.v1";
    const SUBJECT: &'static str = "department";

    fn subject(&self) -> Uuid {
        self.department
    }
}

/// The test's hand on whoever hears.
#[derive(Debug)]
pub(crate) struct Hand {
    pub(crate) is_broken: AtomicBool,
    pub(crate) begun: Semaphore,
    pub(crate) may_end: Semaphore,
}

impl Hand {
    pub(crate) async fn has_begun(&self) {
        self.begun.acquire().await.unwrap().forget();
    }
}

/// Counts in a department of its own how often another one changed, and refuses what it hears too early
/// or twice.
struct Counts(Arc<Hand>);

/// Where the changes of a department are counted.
pub(crate) fn counter(department: Uuid) -> Uuid {
    Uuid::from_u128(!department.as_u128())
}

#[async_trait]
impl Subscriber for Counts {
    const NAME: &'static str = "tests.counts";
    const KINDS: &'static [&'static str] = &[Changed::KIND];

    async fn handle(&self, tx: &TenantTx, event: &Event, run: &Run) -> Result<(), JobError> {
        const BEGIN: &str = "INSERT INTO departments \
             (id, code, name, name_key, created_at, updated_at, version) \
             VALUES ($1, $1::text, 'counter', 'counter', now(), now(), 0) ON CONFLICT DO NOTHING";
        const COUNT: &str =
            "UPDATE departments SET version = $2 WHERE id = $1 AND version = $2 - 1";
        let changed: Changed =
            serde_json::from_value(event.data.clone()).map_err(JobError::permanent)?;
        let mirror = counter(event.subject_id);
        tx.run(BEGIN, [mirror.into()]).await?;
        let touched = tx
            .run(COUNT, [mirror.into(), changed.number.into()])
            .await?;
        if touched != 1 {
            return Err(JobError::permanent("it came too early, or twice"));
        }
        match changed.deed {
            Deed::NoteAt(attempt) if run.attempt < attempt => Err(JobError::retry("not yet")),
            Deed::Break if self.0.is_broken.load(Ordering::Relaxed) => {
                Err(JobError::retry("it is broken"))
            }
            Deed::Note | Deed::NoteAt(_) | Deed::Break => Ok(()),
            Deed::Wait => {
                self.0.begun.add_permits(1);
                self.0.may_end.acquire().await.unwrap().forget();
                Ok(())
            }
            Deed::Swallow => {
                let failed = tx.run("INSERT INTO departments (id) VALUES (NULL)", []);
                assert!(failed.await.is_err());
                Ok(())
            }
        }
    }
}

struct Asked(Arc<Registry>);

#[async_trait]
impl Tenants for Asked {
    async fn find(&self, id: TenantId) -> Result<Option<TenantContext>, TenantsUnknown> {
        let found = self.0.by_id(id).await;
        let found = found.map_err(|error| TenantsUnknown(Box::new(error)))?;
        Ok(found.map(|it| it.context))
    }

    async fn catch_up(&self) {}
}

#[derive(FromQueryResult)]
struct Version {
    id: Uuid,
    version: i64,
}

pub(crate) struct Scene {
    pub(crate) clone: TestDatabase,
    pub(crate) database: Database,
    pub(crate) platform: PlatformContext,
    pub(crate) log: EventLog,
    pub(crate) hand: Arc<Hand>,
    registry: Arc<Registry>,
}

/// A worker that runs in the test's own process.
pub(crate) struct Working {
    stop: Stop,
    task: JoinHandle<messaging::Drained>,
}

impl Working {
    pub(crate) async fn end(self) {
        self.stop.stop();
        self.task.await.unwrap();
    }
}

impl Scene {
    pub(crate) async fn arrange() -> Self {
        let clone = TestDatabase::create().await;
        let settings = database::DatabaseSettings {
            pool_size: 20,
            ..clone.settings()
        };
        let (database, authority) = clone.connect(settings).await;
        let tenants = Arc::new(PostgresTenants);
        let registry = Arc::new(Registry::new(database.clone(), authority, tenants));
        Self {
            platform: registry.platform().clone(),
            log: EventLog::new(Ambient::system()),
            hand: Arc::new(Hand {
                is_broken: AtomicBool::new(true),
                begun: Semaphore::new(0),
                may_end: Semaphore::new(0),
            }),
            clone,
            database,
            registry,
        }
    }

    pub(crate) async fn tenant(&self, fixture: Fixture) -> TenantContext {
        let found = self.registry.by_id(TenantId::new(fixture.id)).await;
        found.unwrap().unwrap().context
    }

    /// Departments that never changed.
    pub(crate) async fn departments(&self, whose: Fixture, count: usize) -> Vec<Uuid> {
        const CREATE: &str = "INSERT INTO departments \
             (id, code, name, name_key, created_at, updated_at, version) \
             SELECT id, id::text, 'it', 'it', now(), now(), 0 FROM unnest($1) AS id";
        let ambient = Ambient::system();
        let ids = (0..count).map(|_| ambient.id::<kernel::DepartmentId>().uuid());
        let ids: Vec<Uuid> = ids.collect();
        let tenant = self.tenant(whose).await;
        let tx = self.database.begin_tenant(&tenant).await.unwrap();
        tx.run(CREATE, [ids.clone().into()]).await.unwrap();
        tx.commit().await.unwrap();
        ids
    }

    /// Changes departments once each, in one transaction that is yet to be committed.
    pub(crate) async fn change_in(&self, tx: &TenantTx, departments: &[Uuid], deed: Deed) {
        const CHANGE: &str = "UPDATE departments SET version = version + 1 \
             WHERE id = ANY (ARRAY(SELECT id FROM departments WHERE id = ANY ($1) \
                 ORDER BY id FOR UPDATE)) RETURNING id, version";
        let rows: Vec<Version> = tx
            .rows(CHANGE, [departments.to_vec().into()])
            .await
            .unwrap();
        let events = rows.into_iter().map(|row| Changed {
            department: row.id,
            number: row.version,
            deed,
        });
        let events: Vec<Changed> = events.collect();
        self.log.record(tx, &events).await.unwrap();
    }

    /// Changes a department.
    pub(crate) async fn change(&self, whose: Fixture, department: Uuid, deed: Deed) {
        let tenant = self.tenant(whose).await;
        let tx = self.database.begin_tenant(&tenant).await.unwrap();
        self.change_in(&tx, &[department], deed).await;
        tx.commit().await.unwrap();
    }

    pub(crate) fn handlers(&self) -> Handlers {
        let subscribers = Subscribers::new().with(Counts(Arc::clone(&self.hand)));
        Handlers::new().subscribers(subscribers, Ambient::system())
    }

    /// Gives places, without telling anybody.
    pub(crate) fn sequencer(&self) -> EventSequencer {
        EventSequencer::new(
            self.database.clone(),
            self.platform.clone(),
            &Handlers::new(),
            Ambient::system(),
        )
    }

    /// Gives places until there is nothing left.
    pub(crate) async fn sequence(&self) {
        while self.sequencer().sequence().await.unwrap().events > 0 {}
    }

    pub(crate) async fn read(&self, whose: Fixture, query: &FeedQuery, limit: u16) -> Vec<Event> {
        let tenant = self.tenant(whose).await;
        let tx = self.database.begin_tenant_read(&tenant).await.unwrap();
        let events = EventFeed::read(&tx, query, limit).await.unwrap();
        tx.commit().await.unwrap();
        events
    }

    pub(crate) async fn feed(&self, whose: Fixture) -> Vec<Event> {
        self.read(whose, &FeedQuery::default(), 1_000).await
    }

    pub(crate) fn parts(&self) -> WorkerParts {
        WorkerParts {
            database: self.database.clone(),
            platform: self.platform.clone(),
            tenants: Arc::new(Asked(Arc::clone(&self.registry))),
            handlers: Arc::new(self.handlers()),
            broker: Arc::new(LocalBroker::new([(Queue::Default, 8)])),
            observer: Arc::new(()),
            ambient: Ambient::system(),
        }
    }

    /// Starts a worker, who gives places and lets hear.
    pub(crate) fn work(&self) -> Working {
        let (worker, stop) = Worker::new(self.parts(), quick());
        let task = telemetry::spawn(async move { worker.run().await.unwrap() });
        Working { stop, task }
    }

    pub(crate) async fn sql(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        let mut superuser = self.clone.superuser().await;
        sqlx::raw_sql(sql).execute(&mut superuser).await.unwrap();
    }

    /// A number that is looked up behind the walls.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let mut superuser = self.clone.superuser().await;
        let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        query.fetch_one(&mut superuser).await.unwrap()
    }

    /// Waits until a number is this one.
    pub(crate) async fn until(&self, sql: &str, expected: i64) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let number = self.number(sql).await;
            if number == expected {
                return;
            }
            assert!(Instant::now() < deadline, "{number}, not {expected}: {sql}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until so many changes of a department were counted.
    pub(crate) async fn until_counted(&self, whose: Fixture, department: Uuid, changes: i64) {
        self.until(&counted(whose, department), changes).await;
    }
}

/// How many changes of a department were counted.
pub(crate) fn counted(whose: Fixture, department: Uuid) -> String {
    format!(
        "SELECT coalesce((SELECT version FROM {}.departments WHERE id = '{}'), 0)",
        whose.schema,
        counter(department)
    )
}

/// Everything at once: nothing is worth waiting for.
pub(crate) fn quick() -> WorkerSettings {
    WorkerSettings {
        slots: BTreeMap::from([(Queue::Default, 4)]),
        poll_interval: Duration::from_millis(20),
        lease: Duration::from_millis(900),
        hand_over_patience: Duration::from_millis(900),
        backoff: Backoff {
            base: Duration::from_millis(20),
            cap: Duration::from_millis(200),
        },
        drain: Duration::from_secs(5),
        ..WorkerSettings::default()
    }
}
