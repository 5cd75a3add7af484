//! Queues: what they are, and what happens when they are not.

use lapin::{
    options::QueueDeclareOptions,
    types::{AMQPValue, FieldTable},
};
use messaging::{Broker as _, Handed, Queue};

use crate::server::{Corner, envelopes, next, until, until_away};

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

fn arguments(corner: &Corner, strategy: &str) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-overflow".into(), text("reject-publish"));
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(100_000));
    arguments.insert(
        "x-dead-letter-exchange".into(),
        text(corner.name("dead").as_str()),
    );
    arguments.insert("x-dead-letter-strategy".into(), text(strategy));
    arguments
}

/// RabbitMQ refuses to declare a queue otherwise than it is.
async fn is_so(corner: &Corner, what: &str, arguments: FieldTable) -> Result<(), String> {
    let options = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    let channel = corner.channel().await;
    let declared = channel
        .queue_declare(corner.name(what), options, arguments)
        .await;
    declared.map(|_| ()).map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_are_quorum_queues_that_lose_no_dead_letter_and_have_an_end() {
    let corner = Corner::new();
    let broker = corner.broker().await;
    for queue in Queue::ALL {
        let what = queue.as_str();
        assert_eq!(
            is_so(&corner, what, arguments(&corner, "at-least-once")).await,
            Ok(())
        );
        let otherwise = is_so(&corner, what, arguments(&corner, "at-most-once")).await;
        assert!(otherwise.unwrap_err().contains("x-dead-letter-strategy"));
    }
    let mut dead = FieldTable::default();
    dead.insert("x-queue-type".into(), text("quorum"));
    dead.insert("x-overflow".into(), text("reject-publish"));
    dead.insert("x-max-length".into(), AMQPValue::LongInt(100_000));
    assert_eq!(is_so(&corner, "dead", dead).await, Ok(()));
    broker.close().await;
    corner.tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_no_queue_wants_is_not_handed_over_and_the_next_one_is() {
    let corner = Corner::new();
    let broker = corner.broker().await;
    let handed = broker.publish(Queue::Default, envelopes(3)).await;
    assert!(handed.iter().all(|(_, it)| *it == Handed::Over));
    corner.delete_queue("default").await;
    let handed = broker.publish(Queue::Default, envelopes(3)).await;
    assert!(
        handed.iter().all(|(_, it)| *it == Handed::Back),
        "{handed:?}"
    );
    // What was deleted is made again.
    let handed = broker.publish(Queue::Default, envelopes(3)).await;
    assert!(
        handed.iter().all(|(_, it)| *it == Handed::Over),
        "{handed:?}"
    );
    assert_eq!(corner.count("default").await, 3);
    corner.tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_messages_of_a_queue_that_is_deleted_is_told_and_may_begin_again() {
    let corner = Corner::new();
    let broker = corner.broker().await;
    let mut deliveries = broker.consume(Queue::Default, 1).await.unwrap();
    corner.delete_queue("default").await;
    assert!(deliveries.next().await.is_none());
    let mut deliveries = broker.consume(Queue::Default, 1).await.unwrap();
    broker.publish(Queue::Default, envelopes(1)).await;
    next(deliveries.as_mut()).await.receipt.acknowledge().await;
    corner.tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_installations_share_a_server_and_no_message() {
    let (one, other) = (Corner::new(), Corner::new());
    let (ours, theirs) = (one.broker().await, other.broker().await);
    ours.publish(Queue::Default, envelopes(2)).await;
    let mut deliveries = theirs.consume(Queue::Default, 1).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(deliveries.next_now().is_none());
    assert_eq!(one.count("default").await, 2);
    one.tidy().await;
    other.tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_another_one_than_it_should_be_is_told_and_used_by_nobody() {
    let corner = Corner::new();
    assert_eq!(is_so(&corner, "bulk", FieldTable::default()).await, Ok(()));
    let broker = Corner::start(&corner.settings());
    until_away(&broker).await;
    let told = || broker.status().to_string();
    until(|| told().contains("inequivalent arg"), told).await;
    let handed = broker.publish(Queue::Bulk, envelopes(1)).await;
    assert_eq!(handed[0].1, Handed::Back);
    broker.close().await;
    corner.tidy().await;
}
