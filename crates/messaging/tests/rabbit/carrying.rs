//! What becomes of messages when all goes well, and when somebody does not answer.

use std::{collections::BTreeSet, time::Duration};

use messaging::{Broker as _, Handed, JobState, Order, Origin, Queue};
use telemetry::TraceContext;
use testkit::{ACME, GLOBEX, INITECH};

use crate::{
    scene::{Deed, Note, Scene, quick},
    server::{Corner, envelope, envelopes, job, next},
};

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_several_tenants_are_done_through_rabbitmq() {
    let (scene, corner) = (Scene::arrange().await, Corner::new());
    let worker = scene.work_over(corner.broker().await, quick());
    for number in 0..30 {
        for whose in [ACME, GLOBEX, INITECH] {
            scene.order(whose, &format!("n{number}"), Deed::Work).await;
        }
    }
    scene.until_count(JobState::Done, 90).await;
    for number in 0..30 {
        assert_eq!(scene.notes(&format!("n{number}")).await, [1, 1, 1, 0]);
    }
    let broker = std::sync::Arc::clone(&worker.broker);
    worker.end().await;
    broker.close().await;
    assert_eq!(corner.count("default").await, 0);
    assert_eq!(corner.count("dead").await, 0);
    corner.tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_comes_again_until_it_works() {
    let (scene, corner) = (Scene::arrange().await, Corner::new());
    let worker = scene.work_over(corner.broker().await, quick());
    let job = scene.order(ACME, "third", Deed::WorkAt(3)).await;
    let record = scene.until(job, JobState::Done).await;
    assert_eq!(record.attempt, 3);
    assert_eq!(scene.notes("third").await, [1, 0, 0, 0]);
    worker.end().await;
    corner.tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_says_all_that_it_was_given() {
    let corner = Corner::new();
    let broker = corner.broker().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut message = envelopes(1).remove(0);
    message.attempt = 2;
    message.placement_epoch = i64::MAX;
    message.request_id = Some("r-1 ü".to_owned());
    message.traceparent = Some(trace.to_owned());
    message.tracestate = Some("vendor=1".to_owned());
    let handed = broker.publish(Queue::Bulk, vec![message.clone()]).await;
    assert_eq!(handed, [(message.job_id, Handed::Over)]);
    let mut deliveries = broker.consume(Queue::Bulk, 1).await.unwrap();
    let delivery = next(deliveries.as_mut()).await;
    assert_eq!(delivery.envelope, Ok(message));
    delivery.receipt.acknowledge().await;
    corner.tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_belongs_to_the_trace_that_wanted_it() {
    let (scene, corner) = (Scene::arrange().await, Corner::new());
    let broker = corner.broker().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let origin = Origin {
        request_id: Some("r-9".to_owned()),
        trace: TraceContext::parse(trace),
        ..Origin::default()
    };
    let note = Note {
        text: "traced".to_owned(),
        deed: Deed::Work,
    };
    let wanted = scene.order_work(ACME, Order::now(note, origin)).await;
    // A worker that hands over, and takes nothing: the broker's other end is ours.
    let mut deliveries = broker.consume(Queue::Default, 1).await.unwrap();
    let worker = scene.work_over(std::sync::Arc::clone(&broker), quick());
    let mut ours = None;
    while ours.is_none() {
        tokio::select! {
            delivery = next(deliveries.as_mut()) => ours = Some(delivery),
            record = scene.until(wanted, JobState::Done) => {
                assert_eq!(record.attempt, 1);
                break;
            }
        }
    }
    if let Some(delivery) = ours {
        let message = delivery.envelope.as_ref().unwrap();
        assert_eq!(message.request_id.as_deref(), Some("r-9"));
        assert_eq!(message.traceparent.as_deref(), Some(trace));
        drop(delivery);
        drop(deliveries);
        scene.until(wanted, JobState::Done).await;
    }
    worker.end().await;
    corner.tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_again_is_done_once() {
    let (scene, corner) = (Scene::arrange().await, Corner::new());
    let broker = corner.broker().await;
    let wanted = scene.order(ACME, "again", Deed::Work).await;
    scene
        .sql("INSERT INTO platform.paused_queues (queue) VALUES ('default')")
        .await;
    let messages = vec![envelope(wanted, ACME); 3];
    let handed = broker.publish(Queue::Default, messages.clone()).await;
    assert!(handed.iter().all(|(_, it)| *it == Handed::Over));
    // Taken once, and not answered.
    let mut deliveries = broker.consume(Queue::Default, 3).await.unwrap();
    for _ in 0..3 {
        drop(next(deliveries.as_mut()).await);
    }
    drop(deliveries);
    let worker = scene.work_over(std::sync::Arc::clone(&broker), quick());
    scene.until(wanted, JobState::Done).await;
    broker.publish(Queue::Default, messages).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(scene.until(wanted, JobState::Done).await.attempt, 1);
    assert_eq!(scene.notes("again").await, [1, 0, 0, 0]);
    worker.end().await;
    broker.close().await;
    assert_eq!(corner.count("default").await, 0);
    assert_eq!(corner.count("dead").await, 0);
    corner.tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_nobody_answered_come_again_and_keep_none_waiting() {
    let corner = Corner::new();
    let broker = corner.broker().await;
    broker.publish(Queue::Default, envelopes(6)).await;
    let mut deliveries = broker.consume(Queue::Default, 2).await.unwrap();
    // Twice as many as may be under way.
    for _ in 0..4 {
        drop(next(deliveries.as_mut()).await);
    }
    let mut seen = BTreeSet::new();
    while seen.len() < 6 {
        let delivery = next(deliveries.as_mut()).await;
        seen.insert(job(&delivery));
        delivery.receipt.acknowledge().await;
    }
    drop(deliveries);
    broker.close().await;
    assert_eq!(corner.count("default").await, 0);
    corner.tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_consumer_leaves_behind_another_one_gets_and_what_it_began_it_may_end() {
    let corner = Corner::new();
    let broker = corner.broker().await;
    broker.publish(Queue::Default, envelopes(5)).await;
    let mut first = broker.consume(Queue::Default, 5).await.unwrap();
    let begun = next(first.as_mut()).await;
    drop(next(first.as_mut()).await);
    drop(first);
    let mut second = broker.consume(Queue::Default, 5).await.unwrap();
    let mut seen = BTreeSet::from([job(&begun)]);
    while seen.len() < 5 {
        let delivery = next(second.as_mut()).await;
        assert!(seen.insert(job(&delivery)), "it came although it was begun");
        delivery.receipt.acknowledge().await;
    }
    begun.receipt.acknowledge().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(second.next_now().is_none());
    drop(second);
    broker.close().await;
    assert_eq!(corner.count("default").await, 0);
    corner.tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_closes_gets_no_more_and_hands_no_more_over() {
    let corner = Corner::new();
    let broker = corner.broker().await;
    broker.publish(Queue::Default, envelopes(1)).await;
    let mut deliveries = broker.consume(Queue::Default, 5).await.unwrap();
    let begun = next(deliveries.as_mut()).await;
    broker.close().await;
    assert!(deliveries.next().await.is_none());
    assert!(deliveries.next().await.is_none());
    begun.receipt.acknowledge().await;
    assert!(broker.consume(Queue::Default, 5).await.is_none());
    let handed = broker.publish(Queue::Default, envelopes(2)).await;
    assert!(handed.iter().all(|(_, it)| *it == Handed::Back));
    assert_eq!(broker.status().to_string(), "away: it is closed");
    // Unanswered, it is there for others.
    assert_eq!(corner.count("default").await, 1);
    corner.tidy().await;
}
