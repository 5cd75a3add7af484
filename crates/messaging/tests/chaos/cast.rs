//! What the processes do that are killed.

use std::{io::Write as _, sync::Arc, time::Duration};

use async_trait::async_trait;
use database::{Database, DatabaseSettings, Login, Tenant, TenantContext, TenantTx};
use kernel::{Ambient, TenantId};
use messaging::{
    Backoff, Broker, Enqueuer, Handlers, JobError, LocalBroker, Order, Origin, Queue, RabbitBroker,
    RabbitSettings, Run, TenantJob, Tenants, TenantsUnknown, Work, Worker, WorkerParts,
    WorkerSettings,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenancy::{PostgresTenants, Registry};

/// Which part a process plays: `order` or `work`.
pub(crate) const PART: &str = "HRMS_TEST_CHAOS_PART";
/// As whom.
pub(crate) const URL: &str = "HRMS_TEST_CHAOS_URL";
/// Which RabbitMQ carries the messages, and with which names; empty for none.
pub(crate) const BROKER: &str = "HRMS_TEST_CHAOS_BROKER";
pub(crate) const PREFIX: &str = "HRMS_TEST_CHAOS_PREFIX";

/// Leaves a mark in its tenant.
#[derive(Serialize, Deserialize)]
struct Mark {}

impl Work for Mark {
    type Scope = Tenant;
    const KIND: &'static str = "tests.mark";
    // Every process that dies costs the jobs in its hands a try.
    const MAX_ATTEMPTS: i16 = 1_000;
}

struct Marks;

const MARK: &str = "INSERT INTO departments (id, code, name, name_key, created_at, updated_at) \
     VALUES (gen_random_uuid(), gen_random_uuid()::text, $1, $1, now(), now())";

#[async_trait]
impl TenantJob for Marks {
    type Work = Mark;

    async fn run(&self, tx: &TenantTx, _: Mark, run: &Run) -> Result<Value, JobError> {
        tx.run(MARK, [format!("done:{}", run.job).into()]).await?;
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok(Value::Null)
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

fn handlers() -> Handlers {
    Handlers::new().tenant(Marks)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a process of the test is told its part by the one that starts it"
)]
fn told(name: &str) -> String {
    std::env::var(name).unwrap()
}

pub(crate) async fn play() {
    let settings = DatabaseSettings {
        pool_size: 8,
        ..DatabaseSettings::new(told(URL).into())
    };
    let (database, authority) = Database::connect(settings, Login::Application)
        .await
        .unwrap();
    let database = database.recorded_by(std::sync::Arc::new(testkit::audit_log()));
    let tenants = Arc::new(PostgresTenants);
    let registry = Arc::new(Registry::new(database.clone(), authority, tenants));
    if told(PART) == "order" {
        order(database, registry).await;
    } else {
        work(database, registry).await;
    }
}

/// Orders, tenant by tenant, and says so of each order once it is committed.
async fn order(database: Database, registry: Arc<Registry>) {
    let enqueuer = Enqueuer::new(handlers().kinds(), Ambient::system());
    let tenants = registry.all().await.unwrap();
    let tenants: Vec<_> = tenants.into_iter().map(Result::unwrap).collect();
    loop {
        for tenant in &tenants {
            // An outage is part of the play.
            if let Ok(job) = order_one(&database, &enqueuer, &tenant.context).await {
                println!("\nacknowledged {job}");
                std::io::stdout().flush().unwrap();
            }
        }
    }
}

async fn order_one(
    database: &Database,
    enqueuer: &Enqueuer,
    tenant: &TenantContext,
) -> Result<kernel::JobId, Box<dyn std::error::Error>> {
    let tx = database.begin_tenant(tenant).await?;
    let order = Order::now(Mark {}, Origin::default());
    let job = enqueuer.enqueue(&tx, &order).await?;
    tx.run(MARK, [format!("order:{job}").into()]).await?;
    tx.commit().await?;
    Ok(job)
}

async fn work(database: Database, registry: Arc<Registry>) {
    let platform = registry.platform().clone();
    let broker: Arc<dyn Broker> = match told(BROKER) {
        none if none.is_empty() => Arc::new(LocalBroker::new([(Queue::Default, 12)])),
        url => {
            let settings = RabbitSettings {
                backoff: Backoff {
                    base: Duration::from_millis(100),
                    cap: Duration::from_secs(1),
                },
                ..RabbitSettings::new(url.into(), told(PREFIX))
            };
            Arc::new(RabbitBroker::start(&settings, &Ambient::system()).unwrap())
        }
    };
    let parts = WorkerParts {
        database,
        platform,
        tenants: Arc::new(Asked(registry)),
        handlers: Arc::new(handlers()),
        broker,
        observer: Arc::new(()),
        ambient: Ambient::system(),
    };
    let settings = WorkerSettings {
        slots: [(Queue::Default, 6)].into(),
        poll_interval: Duration::from_millis(50),
        lease: Duration::from_secs(2),
        hand_over_patience: Duration::from_secs(2),
        backoff: Backoff {
            base: Duration::from_millis(50),
            cap: Duration::from_millis(500),
        },
        ..WorkerSettings::default()
    };
    let (worker, _stop) = Worker::new(parts, settings);
    worker.run().await.unwrap();
}
