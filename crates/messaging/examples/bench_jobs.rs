//! Measures jobs that do nothing, on the server of `HRMS_TEST_DATABASE_URL`: how many a second from the
//! table through the broker to `done`, how long one waits when nothing else does, how many are put down
//! a second; beside the same statements sent by hand. `./just bench jobs` runs it for release.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measurement that cannot be made ends"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use database::{Database, DatabaseSettings, PlatformContext, Tenant, TenantContext, TenantTx};
use kernel::{Ambient, TenantId};
use messaging::{
    Broker, Enqueuer, Handlers, JobError, LocalBroker, Order, Origin, Queue, RabbitBroker,
    RabbitSettings, Run, TenantJob, Tenants, TenantsUnknown, Work, Worker, WorkerParts,
    WorkerSettings,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use testkit::{ACME, FIXTURES, TestDatabase};

/// How many jobs a worker does at a time, and how many connections send the same by hand.
const SLOTS: usize = 12;
const JOBS: usize = 20_000;

#[derive(Serialize, Deserialize)]
struct Nothing {}

impl Work for Nothing {
    type Scope = Tenant;
    const KIND: &'static str = "bench.nothing";
}

struct DoesNothing;

#[async_trait]
impl TenantJob for DoesNothing {
    type Work = Nothing;

    async fn run(&self, _: &TenantTx, _: Nothing, _: &Run) -> Result<Value, JobError> {
        Ok(Value::Null)
    }
}

/// The fixtures, at hand.
struct AtHand(Vec<TenantContext>);

#[async_trait]
impl Tenants for AtHand {
    async fn find(&self, id: TenantId) -> Result<Option<TenantContext>, TenantsUnknown> {
        Ok(self.0.iter().find(|it| it.id() == id).cloned())
    }

    async fn catch_up(&self) {}
}

struct Bench {
    clone: TestDatabase,
    database: Database,
    platform: PlatformContext,
    tenants: Arc<AtHand>,
}

impl Bench {
    async fn arrange() -> Self {
        let clone = TestDatabase::create().await;
        let settings = DatabaseSettings {
            pool_size: u32::try_from(SLOTS + 4).unwrap(),
            ..clone.settings()
        };
        let (database, authority) = clone.connect(settings).await;
        let doors = FIXTURES.iter().map(|it| authority.tenant(it.record()));
        Self {
            tenants: Arc::new(AtHand(doors.collect())),
            platform: authority.platform(),
            database,
            clone,
        }
    }

    async fn sql(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql)
            .execute(&mut self.clone.superuser().await)
            .await
            .unwrap();
    }

    /// Returns when nothing is left. Asked seldom and cheaply: it is measured as well.
    async fn until_done(&self) {
        let mut superuser = self.clone.superuser().await;
        let left = "SELECT EXISTS (SELECT FROM platform.jobs \
             WHERE state IN ('ready', 'running', 'retry'))";
        while sqlx::query_scalar(left)
            .fetch_one(&mut superuser)
            .await
            .unwrap()
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Fills the table anew, the tenants in turn.
    async fn fill(&self, jobs: usize) {
        let ids: Vec<_> = FIXTURES.iter().map(|it| format!("'{}'", it.id)).collect();
        self.sql(&format!(
            "TRUNCATE platform.jobs; \
             INSERT INTO platform.jobs (id, tenant_id, kind, payload_version, payload, queue, \
                 max_attempts, run_at, created_at) \
             SELECT gen_random_uuid(), ((ARRAY[{}])[1 + n % 5])::uuid, 'bench.nothing', 1, '{{}}', \
                 'default', 8, now(), now() FROM generate_series(1, {jobs}) n; \
             ANALYZE platform.jobs; CHECKPOINT",
            ids.join(", ")
        ))
        .await;
    }

    /// The statements of a claim and of an end, for each job, over as many connections.
    async fn by_hand(&self) -> f64 {
        self.fill(JOBS).await;
        let rows: Vec<(uuid::Uuid, uuid::Uuid)> =
            sqlx::query_as("SELECT id, tenant_id FROM platform.jobs")
                .fetch_all(&mut self.clone.superuser().await)
                .await
                .unwrap();
        let began = Instant::now();
        let mut hands = tokio::task::JoinSet::new();
        for rows in rows.chunks(JOBS.div_ceil(SLOTS)) {
            let (rows, url) = (rows.to_vec(), self.clone.app_url());
            let platform = self.clone.role("platform");
            let roles: Vec<_> = FIXTURES
                .iter()
                .map(|it| (it.id, it.schema, self.clone.role(it.schema)))
                .collect();
            hands.spawn(async move {
                let mut connection = PgConnection::connect(&url).await.unwrap();
                for (id, tenant) in rows {
                    let nil = uuid::Uuid::nil();
                    open(&mut connection, &platform, "platform", nil).await;
                    sqlx::query(
                        "UPDATE jobs SET state = 'running', attempt = attempt + 1, \
                         lease_token = id, lease_until = now() + interval '30 s', worker_id = id, \
                         started_at = clock_timestamp() WHERE id = $1",
                    )
                    .bind(id)
                    .execute(&mut connection)
                    .await
                    .unwrap();
                    connection.execute("COMMIT").await.unwrap();
                    let (_, schema, role) = roles.iter().find(|it| it.0 == tenant).unwrap();
                    open(&mut connection, role, schema, tenant).await;
                    sqlx::query("SELECT platform.finish_job($1, $1, NULL)")
                        .bind(id)
                        .execute(&mut connection)
                        .await
                        .unwrap();
                    connection.execute("COMMIT").await.unwrap();
                }
            });
        }
        hands.join_all().await;
        rate(JOBS, began.elapsed())
    }

    fn worker(&self, broker: Arc<dyn Broker>) -> (Worker, messaging::Stop) {
        let parts = WorkerParts {
            database: self.database.clone(),
            platform: self.platform.clone(),
            tenants: Arc::clone(&self.tenants) as _,
            handlers: Arc::new(handlers()),
            broker,
            observer: Arc::new(()),
            ambient: Ambient::system(),
        };
        let settings = WorkerSettings {
            slots: [(Queue::Default, SLOTS)].into(),
            ..WorkerSettings::default()
        };
        Worker::new(parts, settings)
    }

    /// Jobs a second from the table to `done`, and the wait of one among none.
    async fn through(&self, broker: Arc<dyn Broker>) -> Value {
        self.fill(JOBS).await;
        let (worker, stop) = self.worker(broker);
        let began = Instant::now();
        let working = telemetry::spawn(worker.run());
        self.until_done().await;
        let rate = rate(JOBS, began.elapsed());

        self.sql("TRUNCATE platform.jobs").await;
        for _ in 0..300 {
            self.order().await;
            tokio::time::sleep(Duration::from_millis(37)).await;
        }
        self.until_done().await;
        let query = "SELECT extract(epoch FROM started_at - created_at)::float8 \
             FROM platform.jobs ORDER BY 1";
        let waits: Vec<f64> = sqlx::query_scalar(query)
            .fetch_all(&mut self.clone.superuser().await)
            .await
            .unwrap();
        stop.stop();
        working.await.unwrap().unwrap();
        let ms = |share: usize| (waits.get(waits.len() * share / 100).unwrap() * 1_000.0).round();
        json!({"jobs_per_second": rate.round(), "wait_p50_ms": ms(50), "wait_p99_ms": ms(99)})
    }

    async fn order(&self) {
        let acme = self.tenants.find(TenantId::new(ACME.id)).await.unwrap();
        let enqueuer = Enqueuer::new(handlers().kinds(), Ambient::system());
        let tx = self.database.begin_tenant(&acme.unwrap()).await.unwrap();
        let order = Order::now(Nothing {}, Origin::default());
        enqueuer.enqueue(&tx, &order).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Orders a second of eight clients, each in a transaction of its own.
    async fn orders(self: &Arc<Self>) -> f64 {
        const EACH: usize = 1_000;
        self.sql("TRUNCATE platform.jobs").await;
        let began = Instant::now();
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let bench = Arc::clone(self);
            clients.spawn(async move {
                for _ in 0..EACH {
                    bench.order().await;
                }
            });
        }
        clients.join_all().await;
        rate(8 * EACH, began.elapsed())
    }
}

fn handlers() -> Handlers {
    Handlers::new().tenant(DoesNothing)
}

#[expect(clippy::cast_precision_loss, reason = "a rate is no count")]
fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

async fn open(connection: &mut PgConnection, role: &str, schema: &str, tenant: uuid::Uuid) {
    let batch = format!(
        "BEGIN; SET LOCAL ROLE {role}; SET LOCAL search_path TO {schema}, extensions; \
         SET LOCAL app.tenant = '{tenant}'; SET LOCAL statement_timeout = 10000"
    );
    connection.execute(AssertSqlSafe(batch)).await.unwrap();
}

#[tokio::main]
async fn main() {
    let bench = Arc::new(Bench::arrange().await);
    println!(
        "by hand      {}",
        json!({"jobs_per_second": bench.by_hand().await.round()})
    );
    let local = Arc::new(LocalBroker::new([(Queue::Default, 2 * SLOTS)]));
    println!("no broker    {}", bench.through(local).await);
    if let Ok(url) = std::env::var("HRMS_TEST_RABBITMQ_URL") {
        let settings = RabbitSettings::new(url.into(), format!("bench-{}", std::process::id()));
        let rabbit = RabbitBroker::start(&settings, &Ambient::system()).unwrap();
        let rabbit = Arc::new(rabbit);
        println!(
            "RabbitMQ     {}",
            bench.through(Arc::clone(&rabbit) as _).await
        );
        rabbit.close().await;
    }
    println!(
        "put down     {}",
        json!({"orders_per_second": bench.orders().await.round()})
    );
}
