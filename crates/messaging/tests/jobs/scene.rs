//! A database with tenants, handlers that do as they are told, and workers over it.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use database::{Database, Platform, PlatformContext, PlatformTx, Tenant, TenantContext, TenantTx};
use kernel::{Ambient, JobId, TenantId};
use messaging::{
    Backoff, Broker, Enqueuer, Handlers, JobError, JobState, Jobs, LocalBroker, Order, Origin,
    PlatformJob, Queue, Run, Stop, TenantJob, Tenants, TenantsUnknown, Work, Worker, WorkerParts,
    WorkerSettings,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use tenancy::{PostgresTenants, Registry};
use testkit::{ACME, Fixture, GLOBEX, INITECH, TestDatabase, UMBRELLA};
use tokio::{sync::Semaphore, task::JoinHandle};
use uuid::Uuid;

/// What a handler is told to do once it has written its note.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) enum Deed {
    #[default]
    Work,
    /// Fails until this try.
    WorkAt(i16),
    FailForEver,
    FailForGood,
    AskForSomebody,
    Panic,
    /// Lets a statement fail and says that all went well.
    Swallow,
    /// Waits until the test says so.
    Wait,
    /// Waits until the test says so, and fails.
    WaitAndFail,
    /// Tells of its progress, and waits.
    Progress,
    /// Blocks its thread for so many seconds.
    Block(u64),
}

/// Writes a note, as a department, into its tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) deed: Deed,
}

impl Work for Note {
    type Scope = Tenant;
    const KIND: &'static str = "tests.note";
    const MAX_ATTEMPTS: i16 = 3;
}

/// As [`Note`], of which a worker has heard that there is a second version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NewerNote(pub(crate) Note);

impl Work for NewerNote {
    type Scope = Tenant;
    const KIND: &'static str = Note::KIND;
    const VERSION: i16 = 2;
}

/// What may take a quarter of a second.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Hurry(pub(crate) Note);

impl Work for Hurry {
    type Scope = Tenant;
    const KIND: &'static str = "tests.hurry";
    const MAX_ATTEMPTS: i16 = 1;
    const TIMEOUT: Duration = Duration::from_millis(250);
}

/// Counts the platform's tenants.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Census {}

impl Work for Census {
    type Scope = Platform;
    const KIND: &'static str = "tests.census";
}

/// The test's hand on the handlers.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) begun: Arc<Semaphore>,
    pub(crate) may_end: Arc<Semaphore>,
}

impl Gate {
    fn new() -> Self {
        Self {
            begun: Arc::new(Semaphore::new(0)),
            may_end: Arc::new(Semaphore::new(0)),
        }
    }

    /// Returns when one more handler waits.
    pub(crate) async fn has_begun(&self) {
        self.begun.acquire().await.unwrap().forget();
    }

    /// Lets one handler go on.
    pub(crate) fn let_end(&self) {
        self.may_end.add_permits(1);
    }

    async fn pass(&self) {
        self.begun.add_permits(1);
        self.may_end.acquire().await.unwrap().forget();
    }
}

struct WritesNotes(Gate);

impl WritesNotes {
    async fn write(&self, tx: &TenantTx, note: Note, run: &Run) -> Result<Value, JobError> {
        const WRITE: &str = "INSERT INTO departments \
             (id, code, name, name_key, created_at, updated_at) \
             VALUES (gen_random_uuid(), gen_random_uuid()::text, $1, $1, now(), now())";
        tx.run(WRITE, [note.text.as_str().into()]).await?;
        match note.deed {
            Deed::WorkAt(attempt) if run.attempt < attempt => {
                return Err(JobError::retry("not yet"));
            }
            Deed::Work | Deed::WorkAt(_) => {}
            Deed::FailForEver => return Err(JobError::retry("it does not work")),
            Deed::FailForGood => return Err(JobError::permanent("it will never work")),
            Deed::AskForSomebody => return Err(JobError::park("somebody must see to it")),
            #[expect(clippy::panic, reason = "that is what it is told to do")]
            Deed::Panic => panic!("as it was told"),
            Deed::Swallow => {
                let failed = tx
                    .run("INSERT INTO departments (id) VALUES (NULL)", [])
                    .await;
                assert!(failed.is_err());
            }
            Deed::Wait => self.0.pass().await,
            Deed::WaitAndFail => {
                self.0.pass().await;
                return Err(JobError::permanent("it will never work"));
            }
            Deed::Progress => {
                run.progress(3, 10);
                self.0.pass().await;
            }
            Deed::Block(seconds) => {
                self.0.begun.add_permits(1);
                std::thread::sleep(Duration::from_secs(seconds));
            }
        }
        Ok(json!({"attempt": run.attempt}))
    }
}

#[async_trait]
impl TenantJob for WritesNotes {
    type Work = Note;

    async fn run(&self, tx: &TenantTx, work: Note, run: &Run) -> Result<Value, JobError> {
        self.write(tx, work, run).await
    }
}

struct Hurries(WritesNotes);

#[async_trait]
impl TenantJob for Hurries {
    type Work = Hurry;

    async fn run(&self, tx: &TenantTx, work: Hurry, run: &Run) -> Result<Value, JobError> {
        self.0.write(tx, work.0, run).await
    }
}

struct Counts;

#[async_trait]
impl PlatformJob for Counts {
    type Work = Census;

    async fn run(&self, tx: &PlatformTx, _: Census, _: &Run) -> Result<Value, JobError> {
        #[derive(sea_orm::FromQueryResult)]
        struct Count {
            count: i64,
        }
        let row: Option<Count> = tx.row("SELECT count(*) FROM tenants", []).await?;
        Ok(json!(row.map(|row| row.count)))
    }
}

/// The registry, asked each time.
pub(crate) struct Asked(pub(crate) Arc<Registry>);

#[async_trait]
impl Tenants for Asked {
    async fn find(&self, id: TenantId) -> Result<Option<TenantContext>, TenantsUnknown> {
        let found = self.0.by_id(id).await;
        let found = found.map_err(|error| TenantsUnknown(Box::new(error)))?;
        Ok(found.map(|it| it.context))
    }

    async fn catch_up(&self) {}
}

pub(crate) struct Scene {
    pub(crate) clone: TestDatabase,
    pub(crate) database: Database,
    pub(crate) registry: Arc<Registry>,
    pub(crate) platform: PlatformContext,
    pub(crate) enqueuer: Enqueuer,
    pub(crate) jobs: Jobs,
    pub(crate) gate: Gate,
}

/// A worker that runs in the test's own process.
pub(crate) struct Working<B = LocalBroker> {
    pub(crate) broker: Arc<B>,
    pub(crate) stop: Stop,
    task: JoinHandle<messaging::Drained>,
}

impl<B> Working<B> {
    /// Tells it to stop, and waits until it has.
    pub(crate) async fn end(self) -> messaging::Drained {
        self.stop.stop();
        self.task.await.unwrap()
    }
}

pub(crate) fn handlers(gate: &Gate) -> Handlers {
    Handlers::new()
        .tenant(WritesNotes(gate.clone()))
        .tenant(Hurries(WritesNotes(gate.clone())))
        .platform(Counts)
}

/// Everything at once: nothing is worth waiting for.
pub(crate) fn quick() -> WorkerSettings {
    WorkerSettings {
        slots: BTreeMap::from([(Queue::Default, 4)]),
        poll_interval: Duration::from_millis(20),
        backoff: Backoff {
            base: Duration::from_millis(20),
            cap: Duration::from_millis(40),
        },
        drain: Duration::from_secs(5),
        ..WorkerSettings::default()
    }
}

impl Scene {
    pub(crate) async fn arrange() -> Self {
        let clone = TestDatabase::create().await;
        let settings = database::DatabaseSettings {
            pool_size: 12,
            ..clone.settings()
        };
        let (database, authority) = clone.connect(settings).await;
        let tenants = Arc::new(PostgresTenants);
        let registry = Arc::new(Registry::new(database.clone(), authority, tenants));
        let platform = registry.platform().clone();
        let gate = Gate::new();
        Self {
            jobs: Jobs::new(database.clone(), platform.clone()),
            enqueuer: Enqueuer::new(handlers(&gate).kinds(), Ambient::system()),
            clone,
            database,
            registry,
            platform,
            gate,
        }
    }

    pub(crate) async fn tenant(&self, fixture: Fixture) -> TenantContext {
        let found = self.registry.by_id(TenantId::new(fixture.id)).await;
        found.unwrap().unwrap().context
    }

    /// Puts a note down for a tenant.
    pub(crate) async fn order(&self, whose: Fixture, text: &str, deed: Deed) -> JobId {
        let note = Note {
            text: text.to_owned(),
            deed,
        };
        self.order_work(whose, Order::now(note, Origin::default()))
            .await
    }

    pub(crate) async fn order_work<W: Work<Scope = Tenant>>(
        &self,
        whose: Fixture,
        order: Order<W>,
    ) -> JobId {
        let tenant = self.tenant(whose).await;
        let tx = self.database.begin_tenant(&tenant).await.unwrap();
        let job = self.enqueuer.enqueue(&tx, &order).await.unwrap();
        tx.commit().await.unwrap();
        job
    }

    pub(crate) fn parts<B: Broker + 'static>(&self, broker: &Arc<B>) -> WorkerParts {
        WorkerParts {
            database: self.database.clone(),
            platform: self.platform.clone(),
            tenants: Arc::new(Asked(Arc::clone(&self.registry))),
            handlers: Arc::new(handlers(&self.gate)),
            broker: Arc::clone(broker) as _,
            observer: Arc::new(()),
            ambient: Ambient::system(),
        }
    }

    /// Starts a worker.
    pub(crate) fn work(&self, settings: WorkerSettings) -> Working {
        let rooms = settings
            .slots
            .iter()
            .map(|(queue, slots)| (*queue, 2 * slots));
        let broker = Arc::new(LocalBroker::new(rooms));
        self.work_over(broker, settings)
    }

    /// Starts a worker that others give its messages to.
    pub(crate) fn work_over<B: Broker + 'static>(
        &self,
        broker: Arc<B>,
        settings: WorkerSettings,
    ) -> Working<B> {
        let (worker, stop) = Worker::new(self.parts(&broker), settings);
        let task = telemetry::spawn(async move { worker.run().await.unwrap() });
        Working { broker, stop, task }
    }

    /// Waits until a job stands like this.
    pub(crate) async fn until(&self, job: JobId, state: JobState) -> messaging::JobRecord {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let record = self.jobs.find(job).await.unwrap().unwrap();
            if record.state == state {
                return record;
            }
            assert!(
                Instant::now() < deadline && !record.state.has_ended(),
                "{state} was expected of {record:?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until so many jobs stand like this.
    pub(crate) async fn until_count(&self, state: JobState, count: i64) {
        let deadline = Instant::now() + Duration::from_mins(1);
        let mut superuser = self.clone.superuser().await;
        loop {
            let query = "SELECT count(*) FROM platform.jobs WHERE state = $1";
            let there: i64 = sqlx::query_scalar(query)
                .bind(state.as_str())
                .fetch_one(&mut superuser)
                .await
                .unwrap();
            if there == count {
                return;
            }
            assert!(Instant::now() < deadline, "{there} of {count} are {state}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// How often a note stands in each of the four tenants: Acme, Globex, Initech, Umbrella.
    pub(crate) async fn notes(&self, text: &str) -> [i64; 4] {
        let mut superuser = self.clone.superuser().await;
        let mut counts = [0; 4];
        for (count, fixture) in counts.iter_mut().zip([ACME, GLOBEX, INITECH, UMBRELLA]) {
            let query = format!(
                "SELECT count(*) FROM {}.departments WHERE tenant_id = '{}' AND name = '{text}'",
                fixture.schema, fixture.id
            );
            *count = sqlx::query_scalar(AssertSqlSafe(query))
                .fetch_one(&mut superuser)
                .await
                .unwrap();
        }
        counts
    }

    pub(crate) async fn sql(&self, sql: &str) {
        run(&mut self.clone.superuser().await, sql).await;
    }

    /// One value that is looked up behind the walls.
    pub(crate) async fn value(&self, job: JobId, column: &str) -> Option<String> {
        let query = format!("SELECT {column}::text FROM platform.jobs WHERE id = '{job}'");
        sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_one(&mut self.clone.superuser().await)
            .await
            .unwrap()
    }
}

pub(crate) async fn run(connection: &mut PgConnection, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

/// An id of nothing.
pub(crate) fn nobody() -> Uuid {
    Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_ffff)
}
