//! Measures jobs that do nothing, on the server of `HRMS_TEST_DATABASE_URL`: how many a second from the
//! table through the broker to `done`, of five tenants and of one alone, how long one waits when nothing
//! else does, and how long those of ten tenants wait beside one that has very many; how many are put down
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
use testkit::{ACME, FIXTURES, Fixture, TestDatabase};

/// How many jobs a worker does at a time, and how many connections send the same by hand.
const SLOTS: usize = 12;
const JOBS: usize = 20_000;

/// How many tenants have a few jobs each beside one that has very many, and how many.
const OTHERS: usize = 10;
const OF_EACH: usize = 20;

/// How often that is measured.
const ROUNDS: usize = 10;

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
        let mut superuser = clone.superuser().await;
        for Fixture { slug, schema, id } in more() {
            let register = format!(
                "INSERT INTO platform.tenants (id, slug, name, name_key, schema_name, placement, \
                     status, created_at, updated_at) \
                 VALUES ('{id}', '{slug}', '{slug}', '{slug}', '{schema}', 'pooled', 'active', \
                     now(), now())"
            );
            let register = AssertSqlSafe(register);
            superuser.execute(register).await.unwrap();
        }
        let all = FIXTURES.iter().copied().chain(more());
        let doors = all.map(|it| authority.tenant(it.record()));
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

    /// Fills the table anew, these tenants in turn.
    async fn fill(&self, tenants: &[Fixture], jobs: usize) {
        self.sql("TRUNCATE platform.jobs").await;
        self.add(tenants, jobs).await;
        self.sql("ANALYZE platform.jobs; CHECKPOINT").await;
    }

    async fn add(&self, tenants: &[Fixture], jobs: usize) {
        let ids: Vec<_> = tenants.iter().map(|it| format!("'{}'", it.id)).collect();
        self.sql(&format!(
            "INSERT INTO platform.jobs (id, tenant_id, kind, payload_version, payload, queue, \
                 max_attempts, run_at, created_at) \
             SELECT gen_random_uuid(), ((ARRAY[{}])[1 + n % {}])::uuid, 'bench.nothing', 1, '{{}}', \
                 'default', 8, now(), now() FROM generate_series(1, {jobs}) n",
            ids.join(", "),
            ids.len()
        ))
        .await;
    }

    /// The statements of a claim and of an end, for each job, over as many connections.
    async fn by_hand(&self) -> f64 {
        self.fill(&FIXTURES, JOBS).await;
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

    /// Jobs a second from the table to `done`, the wait of one among none, and that of ten tenants
    /// alone and beside one that has very many.
    async fn through(&self, broker: Arc<dyn Broker>) -> Value {
        self.fill(&FIXTURES, JOBS).await;
        let (worker, stop) = self.worker(broker);
        let began = Instant::now();
        let working = telemetry::spawn(worker.run());
        self.until_done().await;
        let of_five = rate(JOBS, began.elapsed());

        self.fill(&[ACME], JOBS / 4).await;
        let began = Instant::now();
        self.until_done().await;
        let of_one = rate(JOBS / 4, began.elapsed());

        self.sql("TRUNCATE platform.jobs").await;
        for _ in 0..300 {
            self.order().await;
            tokio::time::sleep(Duration::from_millis(37)).await;
        }
        self.until_done().await;
        let (p50, p99) = (self.wait(50).await, self.wait(99).await);

        self.sql("TRUNCATE platform.jobs").await;
        self.others().await;
        let alone = self.wait(95).await;
        self.fill(&[ACME], JOBS).await;
        self.others().await;
        let beside = self.wait(95).await;
        let left = "SELECT count(*) FROM platform.jobs WHERE state = 'ready'";
        let left: i64 = sqlx::query_scalar(left)
            .fetch_one(&mut self.clone.superuser().await)
            .await
            .unwrap();
        stop.stop();
        working.await.unwrap().unwrap();
        json!({
            "jobs_per_second": of_five.round(), "of_one_tenant": of_one.round(),
            "wait_p50_ms": p50, "wait_p99_ms": p99,
            "others": {"alone_p95_ms": alone, "beside_p95_ms": beside,
                "times": (beside / alone * 100.0).round() / 100.0, "left_of_the_one": left},
        })
    }

    /// Ten tenants put twenty jobs down each, all at once; some times over.
    async fn others(&self) {
        let others: Vec<_> = FIXTURES.into_iter().chain(more()).collect();
        let others: Vec<_> = others.into_iter().filter(|it| *it != ACME).collect();
        assert_eq!(others.len(), OTHERS);
        let left = format!(
            "SELECT EXISTS (SELECT FROM platform.jobs \
             WHERE state IN ('ready', 'running', 'retry') AND tenant_id <> '{}')",
            ACME.id
        );
        let mut superuser = self.clone.superuser().await;
        for round in 0..ROUNDS {
            // At another place of the poll each time.
            let pause = 100 + 17 * u64::try_from(round).unwrap();
            tokio::time::sleep(Duration::from_millis(pause)).await;
            self.add(&others, OTHERS * OF_EACH).await;
            let left = || AssertSqlSafe(left.clone());
            while sqlx::query_scalar(left())
                .fetch_one(&mut superuser)
                .await
                .unwrap()
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// How many milliseconds so many of a hundred jobs waited at most, those of a flood left out.
    async fn wait(&self, share: usize) -> f64 {
        let query = "SELECT extract(epoch FROM started_at - created_at)::float8 \
             FROM platform.jobs WHERE started_at IS NOT NULL AND (tenant_id <> $1 \
                 OR NOT EXISTS (SELECT FROM platform.jobs WHERE tenant_id <> $1)) ORDER BY 1";
        let waits: Vec<f64> = sqlx::query_scalar(query)
            .bind(ACME.id)
            .fetch_all(&mut self.clone.superuser().await)
            .await
            .unwrap();
        (waits.get(waits.len() * share / 100).unwrap() * 1_000.0).round()
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

/// Tenants of the pool beside those that every test finds.
fn more() -> impl Iterator<Item = Fixture> {
    const SLUGS: [&str; 6] = ["one", "two", "three", "four", "five", "six"];
    SLUGS
        .into_iter()
        .zip(101_u128..)
        .map(|(slug, number)| Fixture {
            slug,
            schema: "pool_0001",
            id: uuid::Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + number),
        })
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
