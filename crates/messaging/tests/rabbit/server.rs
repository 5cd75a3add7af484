//! The RabbitMQ that tests run on, and a corner of it for each test.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use kernel::{Ambient, JobId, TenantId};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    message::BasicGetMessage,
    options::{
        BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeleteOptions,
        QueueDeleteOptions,
    },
    types::{AMQPValue, FieldTable, ShortString},
};
use messaging::{
    Backoff, Broker as _, BrokerStatus, Deliveries, Delivery, Envelope, Queue, RabbitBroker,
    RabbitSettings,
};
use testkit::{ACME, Fixture};
use uuid::Uuid;

/// The URL of `HRMS_TEST_RABBITMQ_URL`. There is no default: tests make and delete queues, and may
/// do so only on a server that somebody named for it.
#[expect(
    clippy::disallowed_methods,
    reason = "tests take their server from the environment"
)]
#[expect(clippy::expect_used, reason = "no test can run without a server")]
pub(crate) fn url() -> String {
    std::env::var("HRMS_TEST_RABBITMQ_URL").expect(
        "HRMS_TEST_RABBITMQ_URL names the RabbitMQ to test on: run `./just test`, or start one \
         with `./just services` and `source .local/services.env`",
    )
}

/// The queues of one test.
pub(crate) struct Corner {
    pub(crate) prefix: String,
    url: String,
}

impl Corner {
    pub(crate) fn new() -> Self {
        Self::on(url())
    }

    pub(crate) fn on(url: String) -> Self {
        let id: JobId = Ambient::system().id();
        Self {
            prefix: format!("test-{}", id.uuid().simple()),
            url,
        }
    }

    pub(crate) fn settings(&self) -> RabbitSettings {
        self.settings_at(&self.url)
    }

    pub(crate) fn settings_at(&self, url: &str) -> RabbitSettings {
        RabbitSettings {
            backoff: Backoff {
                base: Duration::from_millis(100),
                cap: Duration::from_millis(500),
            },
            ..RabbitSettings::new(url.to_owned().into(), self.prefix.as_str())
        }
    }

    /// One that is not waited for.
    pub(crate) fn start(settings: &RabbitSettings) -> Arc<RabbitBroker> {
        Arc::new(RabbitBroker::start(settings, &Ambient::system()).unwrap())
    }

    /// One that is connected.
    pub(crate) async fn broker(&self) -> Arc<RabbitBroker> {
        let broker = Self::start(&self.settings());
        until_ok(&broker).await;
        broker
    }

    /// A client of our own. The connection lasts as long as the channel.
    pub(crate) async fn channel(&self) -> Channel {
        let properties = ConnectionProperties::default();
        let connection = Connection::connect(&self.url, properties).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let confirms = ConfirmSelectOptions::default();
        channel.confirm_select(confirms).await.unwrap();
        channel
    }

    pub(crate) fn name(&self, what: &str) -> ShortString {
        format!("hrms.{}.{what}", self.prefix).into()
    }

    /// Publishes as somebody else would.
    pub(crate) async fn post(&self, queue: Queue, properties: BasicProperties, body: &[u8]) {
        let channel = self.channel().await;
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let key = queue.as_str().into();
        let posted = channel.basic_publish(self.name("jobs"), key, options, body, properties);
        let confirmed = posted.await.unwrap().await.unwrap();
        assert!(confirmed.is_ack() && confirmed.take_message().is_none());
    }

    /// The next message of a queue, which is taken out of it.
    pub(crate) async fn get(&self, what: &str) -> BasicGetMessage {
        let channel = self.channel().await;
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let options = BasicGetOptions { no_ack: true };
            if let Some(message) = channel.basic_get(self.name(what), options).await.unwrap() {
                return message;
            }
            assert!(Instant::now() < deadline, "nothing came to {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How many messages wait.
    pub(crate) async fn count(&self, what: &str) -> u32 {
        let channel = self.channel().await;
        let options = lapin::options::QueueDeclareOptions {
            passive: true,
            ..Default::default()
        };
        let queue = channel.queue_declare(self.name(what), options, FieldTable::default());
        queue.await.unwrap().message_count()
    }

    pub(crate) async fn delete_queue(&self, what: &str) {
        let channel = self.channel().await;
        let options = QueueDeleteOptions::default();
        channel
            .queue_delete(self.name(what), options)
            .await
            .unwrap();
    }

    /// Leaves nothing behind.
    pub(crate) async fn tidy(&self) {
        let queues = Queue::ALL.iter().map(|it| it.as_str()).chain(["dead"]);
        for queue in queues {
            self.delete_queue(queue).await;
        }
        let channel = self.channel().await;
        for exchange in ["jobs", "dead"] {
            let options = ExchangeDeleteOptions::default();
            let deleted = channel.exchange_delete(self.name(exchange), options);
            deleted.await.unwrap();
        }
    }
}

/// Waits until it carries.
pub(crate) async fn until_ok(broker: &RabbitBroker) {
    until(
        || broker.status() == BrokerStatus::Ok,
        || format!("{broker:?}"),
    )
    .await;
}

/// Waits until it does not.
pub(crate) async fn until_away(broker: &RabbitBroker) {
    let is_away = || matches!(broker.status(), BrokerStatus::Away(_));
    until(is_away, || format!("{broker:?}")).await;
}

pub(crate) async fn until(holds: impl Fn() -> bool, told: impl Fn() -> String) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < deadline, "{}", told());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A message about a job of Acme's.
pub(crate) fn envelope(job: JobId, whose: Fixture) -> Envelope {
    Envelope {
        job_id: job,
        tenant_id: TenantId::new(whose.id),
        tenant_slug: whose.slug.to_owned(),
        schema_name: whose.schema.to_owned(),
        placement_epoch: 1,
        kind: "tests.note".to_owned(),
        attempt: 0,
        request_id: None,
        traceparent: None,
        tracestate: None,
    }
}

/// Messages about jobs that there are not.
pub(crate) fn envelopes(count: u128) -> Vec<Envelope> {
    let jobs = (1..=count).map(|it| JobId::new(Uuid::from_u128(it)));
    jobs.map(|job| envelope(job, ACME)).collect()
}

/// The same message, as it is on the way.
pub(crate) fn headers(envelope: &Envelope) -> BTreeMap<&'static str, AMQPValue> {
    let text = |it: &str| AMQPValue::LongString(it.into());
    BTreeMap::from([
        ("job_id", text(&envelope.job_id.to_string())),
        ("tenant_id", text(&envelope.tenant_id.to_string())),
        ("tenant_slug", text(&envelope.tenant_slug)),
        ("schema_name", text(&envelope.schema_name)),
        (
            "placement_epoch",
            AMQPValue::LongLongInt(envelope.placement_epoch),
        ),
        ("kind", text(&envelope.kind)),
        ("attempt", AMQPValue::LongInt(envelope.attempt.into())),
    ])
}

pub(crate) fn properties(id: &str, headers: &BTreeMap<&'static str, AMQPValue>) -> BasicProperties {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert((*name).into(), value.clone());
    }
    BasicProperties::default()
        .with_message_id(id.into())
        .with_headers(table)
}

pub(crate) fn header(message: &BasicGetMessage, name: &str) -> Option<String> {
    let headers = message.properties.headers().as_ref()?;
    match headers.inner().get(name)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        _ => None,
    }
}

/// The next message, if one comes soon.
pub(crate) async fn next(deliveries: &mut dyn Deliveries) -> Delivery {
    let next = tokio::time::timeout(Duration::from_secs(20), deliveries.next());
    next.await.unwrap().unwrap()
}

pub(crate) fn job(delivery: &Delivery) -> JobId {
    delivery.envelope.as_ref().unwrap().job_id
}
