//! Messages that are not followed lie where somebody looks, with the reason.

use std::{collections::BTreeMap, time::Duration};

use kernel::JobId;
use lapin::{
    BasicProperties,
    options::{BasicGetOptions, BasicNackOptions},
    types::{AMQPValue, FieldTable},
};
use messaging::{Broker as _, Handed, JobState, Queue};
use testkit::{ACME, GLOBEX};
use uuid::Uuid;

use crate::{
    scene::{Deed, Scene, quick},
    server::{Corner, envelope, envelopes, header, headers, properties, until_ok},
};

type Headers = BTreeMap<&'static str, AMQPValue>;

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

/// What is wrong with a message, how it came about, and what is said of it then.
type Wrong = (&'static str, fn(&mut Headers), &'static str);

/// What cannot be read.
const UNREADABLE: &[Wrong] = &[
    (
        "a tenant that is a number",
        |it| drop(it.insert("tenant_id", AMQPValue::LongInt(7))),
        "the header `tenant_id` cannot be read",
    ),
    (
        "a tenant in braces",
        |it| drop(it.insert("tenant_id", text(&format!("{{{}}}", ACME.id)))),
        "the header `tenant_id` cannot be read",
    ),
    (
        "a slug that is none",
        |it| drop(it.insert("tenant_slug", text("../acme"))),
        "the header `tenant_slug` cannot be read",
    ),
    (
        "a schema that is a statement",
        |it| drop(it.insert("schema_name", text("x; DROP SCHEMA y"))),
        "the header `schema_name` cannot be read",
    ),
    (
        "an epoch that is a text",
        |it| drop(it.insert("placement_epoch", text("1"))),
        "the header `placement_epoch` cannot be read",
    ),
    (
        "an epoch before all",
        |it| drop(it.insert("placement_epoch", AMQPValue::LongLongInt(-1))),
        "the header `placement_epoch` cannot be read",
    ),
    (
        "too many attempts",
        |it| drop(it.insert("attempt", AMQPValue::LongInt(40_000))),
        "the header `attempt` cannot be read",
    ),
    (
        "a trace that is none",
        |it| drop(it.insert("traceparent", text("00-0-0-0"))),
        "the header `traceparent` cannot be read",
    ),
    (
        "a request that is no text",
        |it| drop(it.insert("request_id", AMQPValue::LongString(vec![0xff].into()))),
        "the header `request_id` cannot be read",
    ),
];

/// What can be read, and is not so.
const CONTRADICTORY: &[Wrong] = &[
    (
        "another job than its name says",
        |it| drop(it.insert("job_id", text(&Uuid::from_u128(8).to_string()))),
        "the header `message_id` cannot be read",
    ),
    (
        "another tenant's slug",
        |it| drop(it.insert("tenant_slug", text(GLOBEX.slug))),
        "the registry says otherwise of the tenant: his slug",
    ),
    (
        "another tenant's schema",
        |it| drop(it.insert("schema_name", text(GLOBEX.schema))),
        "the registry says otherwise of the tenant: his schema",
    ),
    (
        "an epoch that is yet to come",
        |it| drop(it.insert("placement_epoch", AMQPValue::LongLongInt(9))),
        "the registry says otherwise of the tenant: his epoch",
    ),
    (
        "another kind",
        |it| drop(it.insert("kind", text("tests.hurry"))),
        "the job is another one than the message says",
    ),
    (
        "a stranger",
        |it| drop(it.insert("tenant_id", text(&Uuid::from_u128(9).to_string()))),
        "the registry has no such tenant",
    ),
];

/// Sends a message that a worker takes, and sees where it lies then.
async fn is_kept_apart(corner: &Corner, wanted: JobId, headers: &Headers, what: &str, why: &str) {
    let properties = properties(&wanted.to_string(), headers);
    corner.post(Queue::Default, properties, b"").await;
    let dead = corner.get("dead").await;
    assert_eq!(
        header(&dead, "x-hrms-reason").as_deref(),
        Some(why),
        "{what}"
    );
    assert_eq!(
        header(&dead, "x-hrms-queue").as_deref(),
        Some("default"),
        "{what}"
    );
    let message_id = dead.properties.message_id().as_ref().unwrap();
    assert_eq!(message_id.as_str(), wanted.to_string(), "{what}");
    let kept = dead.properties.headers().as_ref().unwrap().inner();
    for (name, value) in headers {
        assert_eq!(kept.get(*name), Some(value), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_not_followed_and_lies_with_the_dead_letters_with_its_reason() {
    let (scene, corner) = (Scene::arrange().await, Corner::new());
    let wanted = scene.order(ACME, "wrong", Deed::Work).await;
    scene
        .sql("INSERT INTO platform.paused_queues (queue) VALUES ('default')")
        .await;
    let worker = scene.work_over(corner.broker().await, quick());
    let right = headers(&envelope(wanted, ACME));
    for name in right.keys() {
        let mut headers = right.clone();
        headers.remove(name);
        let why = format!("the header `{name}` is missing");
        is_kept_apart(&corner, wanted, &headers, name, &why).await;
    }
    for (what, change, why) in UNREADABLE.iter().chain(CONTRADICTORY) {
        let mut headers = right.clone();
        change(&mut headers);
        is_kept_apart(&corner, wanted, &headers, what, why).await;
    }
    scene.until(wanted, JobState::Ready).await;
    assert_eq!(scene.notes("wrong").await, [0; 4]);
    worker.end().await;
    assert_eq!(corner.count("default").await, 0);
    assert_eq!(corner.count("dead").await, 0);
    corner.tidy().await;
}

/// Takes the next message, which nobody can read.
async fn refuse(broker: &messaging::RabbitBroker) -> String {
    let mut deliveries = broker.consume(Queue::Default, 1).await.unwrap();
    let delivery = crate::server::next(deliveries.as_mut()).await;
    let fault = delivery.envelope.unwrap_err();
    delivery.receipt.reject(&fault).await;
    fault.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_nothing_of_a_message_lies_with_the_dead_letters_too() {
    let corner = Corner::new();
    let broker = corner.broker().await;
    let id = Uuid::from_u128(7).to_string();
    let right = headers(&envelope(JobId::new(Uuid::from_u128(7)), ACME));
    let nameless = {
        let mut table = FieldTable::default();
        for (name, value) in &right {
            table.insert((*name).into(), value.clone());
        }
        BasicProperties::default().with_headers(table)
    };
    // Headers of somebody else's: too long to be sent on, or a copy for another queue.
    let mut strange = FieldTable::default();
    strange.insert(
        "huge".into(),
        AMQPValue::LongString(vec![b'x'; 100_000].into()),
    );
    let elsewhere = AMQPValue::FieldArray(vec![text("bulk")].into());
    strange.insert("CC".into(), elsewhere);
    let strange = BasicProperties::default()
        .with_expiration("600000".into())
        .with_headers(strange);
    let cases = [
        (
            BasicProperties::default(),
            vec![],
            "the header `job_id` is missing",
        ),
        (nameless, vec![], "the header `message_id` is missing"),
        (
            properties(&id, &right),
            b"more".to_vec(),
            "the header `body` cannot be read",
        ),
        (
            strange,
            vec![b'x'; 200_000],
            "the header `job_id` is missing",
        ),
    ];
    for (properties, body, reason) in cases {
        corner.post(Queue::Default, properties, &body).await;
        assert_eq!(refuse(&broker).await, reason);
        let dead = corner.get("dead").await;
        assert_eq!(header(&dead, "x-hrms-reason").as_deref(), Some(reason));
        assert!(body.starts_with(&dead.data) && dead.data.len() <= 1024);
        assert_eq!(dead.properties.expiration(), &None);
    }
    // As its header wanted when it was posted; the copy has no such header.
    assert_eq!(corner.count("bulk").await, 1);
    assert_eq!(corner.count("default").await, 0);
    assert_eq!(corner.count("dead").await, 0);
    corner.tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_copy_can_be_made_of_rabbitmq_itself_keeps_apart() {
    let corner = Corner::new();
    let mut settings = corner.settings();
    // Nothing is confirmed in no time.
    settings.confirm_patience = Duration::ZERO;
    let broker = Corner::start(&settings);
    until_ok(&broker).await;
    corner
        .post(Queue::Default, BasicProperties::default(), b"")
        .await;
    assert_eq!(refuse(&broker).await, "the header `job_id` is missing");
    let dead = corner.get("dead").await;
    assert_eq!(header(&dead, "x-hrms-reason"), None);
    let headers = dead.properties.headers().as_ref().unwrap();
    assert!(headers.contains_key("x-death"));
    corner.tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_rejects_is_kept_apart() {
    let corner = Corner::new();
    let broker = corner.broker().await;
    let handed = broker.publish(Queue::Default, envelopes(1)).await;
    assert!(handed.iter().all(|(_, it)| *it == Handed::Over));
    let channel = corner.channel().await;
    let taken = channel.basic_get(corner.name("default"), BasicGetOptions::default());
    let taken = taken.await.unwrap().unwrap();
    let nack = taken.delivery.acker.nack(BasicNackOptions::default());
    assert!(nack.await.unwrap());
    let dead = corner.get("dead").await;
    assert_eq!(
        header(&dead, "job_id"),
        Some(Uuid::from_u128(1).to_string())
    );
    corner.tidy().await;
}
