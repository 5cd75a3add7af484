//! RabbitMQ comes late, goes, says nothing, and comes back: no job is lost, and each is done once.

use std::{
    path::Path,
    process::Command,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use messaging::{Broker as _, BrokerStatus, Handed, JobState, Queue, RabbitBroker, WorkerSettings};
use testkit::{ACME, GLOBEX};

use crate::{
    proxy::Proxy,
    scene::{Deed, Scene, quick},
    server::{Corner, envelopes, next, until, until_away, until_ok},
};

/// What is lost on the way is handed over again soon.
fn impatient() -> WorkerSettings {
    WorkerSettings {
        hand_over_patience: Duration::from_secs(2),
        ..quick()
    }
}

async fn order(scene: &Scene, from: usize, count: usize) {
    for number in from..from + count {
        let whose = if number % 2 == 0 { ACME } else { GLOBEX };
        scene.order(whose, &format!("n{number}"), Deed::Work).await;
    }
}

/// Hands a message over as a worker does: what RabbitMQ has not, again.
async fn hand_over(broker: &RabbitBroker) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let handed = broker.publish(Queue::Default, envelopes(1)).await;
        if handed.iter().all(|(_, it)| *it == Handed::Over) {
            return;
        }
        assert!(Instant::now() < deadline, "{broker:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn all_done_once(scene: &Scene, count: usize) {
    scene
        .until_count(JobState::Done, i64::try_from(count).unwrap())
        .await;
    for number in 0..count {
        let expected = if number % 2 == 0 {
            [1, 0, 0, 0]
        } else {
            [0, 1, 0, 0]
        };
        assert_eq!(scene.notes(&format!("n{number}")).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_down_at_the_start_is_used_when_it_comes() {
    let (scene, corner, proxy) = (Scene::arrange().await, Corner::new(), Proxy::closed().await);
    let broker = Corner::start(&corner.settings_at(&proxy.url("")));
    assert!(matches!(broker.status(), BrokerStatus::Away(_)));
    let worker = scene.work_over(Arc::clone(&broker), impatient());
    order(&scene, 0, 10).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    scene.until_count(JobState::Ready, 10).await;
    let handed = broker.publish(Queue::Default, envelopes(1)).await;
    assert_eq!(handed[0].1, Handed::Back);
    proxy.open().await;
    all_done_once(&scene, 10).await;
    worker.end().await;
    broker.close().await;
    corner.tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_again_and_again_lose_nothing_and_double_nothing() {
    let (scene, corner, proxy) = (Scene::arrange().await, Corner::new(), Proxy::closed().await);
    proxy.open().await;
    let broker = Corner::start(&corner.settings_at(&proxy.url("")));
    let worker = scene.work_over(Arc::clone(&broker), impatient());
    for round in 0..6 {
        until_ok(&broker).await;
        order(&scene, round * 20, 20).await;
        proxy.close().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        proxy.open().await;
    }
    all_done_once(&scene, 120).await;
    worker.end().await;
    broker.close().await;
    assert_eq!(corner.count("dead").await, 0);
    corner.tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_says_nothing_is_not_waited_for_and_what_it_was_given_is_unknown() {
    let (corner, proxy) = (Corner::new(), Proxy::closed().await);
    proxy.open().await;
    let mut settings = corner.settings_at(&proxy.url("?heartbeat=1"));
    settings.patience = Duration::from_secs(2);
    settings.confirm_patience = Duration::from_secs(2);
    let broker = Corner::start(&settings);
    until_ok(&broker).await;
    let handed = broker.publish(Queue::Default, envelopes(2)).await;
    assert!(handed.iter().all(|(_, it)| *it == Handed::Over));
    let mut deliveries = broker.consume(Queue::Default, 2).await.unwrap();
    let begun = next(deliveries.as_mut()).await;
    proxy.hush(true);
    let handed = broker.publish(Queue::Default, envelopes(2)).await;
    assert!(
        handed.iter().all(|(_, it)| *it == Handed::Unknown),
        "{handed:?}"
    );
    // Heartbeats are missed.
    while deliveries.next().await.is_some() {}
    until_away(&broker).await;
    begun.receipt.acknowledge().await;
    proxy.hush(false);
    until_ok(&broker).await;
    hand_over(&broker).await;
    let mut deliveries = broker.consume(Queue::Default, 2).await.unwrap();
    for _ in 0..3 {
        next(deliveries.as_mut()).await.receipt.acknowledge().await;
    }
    broker.close().await;
    corner.tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_connections_and_says_nothing_is_hung_up_on_each_time() {
    let (corner, proxy) = (Corner::new(), Proxy::closed().await);
    proxy.hush(true);
    proxy.open().await;
    let mut settings = corner.settings_at(&proxy.url(""));
    settings.patience = Duration::from_millis(200);
    let broker = Corner::start(&settings);
    let came = || proxy.came.load(Ordering::SeqCst);
    until(|| came() >= 10, || came().to_string()).await;
    // One for each connection at a time, and perhaps its follower.
    let clients = proxy.clients.load(Ordering::SeqCst);
    assert!(clients <= 4, "{clients} of {} are left", came());
    let began = Instant::now();
    broker.close().await;
    assert!(began.elapsed() < Duration::from_secs(5));
    let clients = || proxy.clients.load(Ordering::SeqCst);
    until(|| clients() == 0, || clients().to_string()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_asked_for_tls_and_has_none_is_away() {
    let (corner, proxy) = (Corner::new(), Proxy::closed().await);
    proxy.open().await;
    let url = proxy.url("").replacen("amqp:", "amqps:", 1);
    let broker = Corner::start(&corner.settings_at(&url));
    let told = || broker.status().to_string();
    until(|| !told().contains("not connected yet"), told).await;
    assert!(matches!(broker.status(), BrokerStatus::Away(_)));
    broker.close().await;
}

/// A RabbitMQ that one test alone uses: it is stopped in the middle of everything.
struct Node(&'static str);

impl Node {
    fn run(arguments: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/local/rabbitmq");
        let output = Command::new(script).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn start(name: &'static str) -> (Self, String) {
        Self::run(&["start", name]);
        (Self(name), Self::run(&["url", name]))
    }

    async fn ctl(&self, command: &[&'static str]) {
        let arguments = [&["ctl", self.0], command].concat();
        telemetry::spawn_blocking(move || Self::run(&arguments))
            .await
            .unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            Self::run(&["stop", self.0]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_whose_memory_is_full_is_away_and_carries_again_when_it_is_not() {
    let (node, url) = Node::start("full");
    let corner = Corner::on(url);
    let mut settings = corner.settings();
    settings.confirm_patience = Duration::from_secs(2);
    let broker = Corner::start(&settings);
    until_ok(&broker).await;
    let handed = broker.publish(Queue::Default, envelopes(1)).await;
    assert_eq!(handed[0].1, Handed::Over);
    node.ctl(&["set_vm_memory_high_watermark", "0.00001"]).await;
    // RabbitMQ says so to whoever publishes, and may take the first that he does.
    broker.publish(Queue::Default, envelopes(2)).await;
    let told = || broker.status().to_string();
    until(|| told().contains("it takes no messages"), told).await;
    let handed = broker.publish(Queue::Default, envelopes(1)).await;
    assert_eq!(handed[0].1, Handed::Back);
    // What is there is brought, and answered.
    let mut deliveries = broker.consume(Queue::Default, 1).await.unwrap();
    next(deliveries.as_mut()).await.receipt.acknowledge().await;
    node.ctl(&["set_vm_memory_high_watermark", "0.6"]).await;
    until_ok(&broker).await;
    hand_over(&broker).await;
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_stopped_in_the_middle_and_comes_back_has_everything_done_once() {
    let (node, url) = Node::start("outage");
    let (scene, corner) = (Scene::arrange().await, Corner::on(url));
    let broker = corner.broker().await;
    let worker = scene.work_over(Arc::clone(&broker), impatient());
    let slow = scene.order(ACME, "slow", Deed::Wait).await;
    scene.gate.has_begun().await;
    order(&scene, 0, 40).await;
    node.ctl(&["stop_app"]).await;
    until_away(&broker).await;
    order(&scene, 40, 40).await;
    // What was begun is ended without it.
    scene.gate.let_end();
    scene.until(slow, JobState::Done).await;
    node.ctl(&["start_app"]).await;
    until_ok(&broker).await;
    scene.until_count(JobState::Done, 81).await;
    order(&scene, 80, 20).await;
    scene.until_count(JobState::Done, 101).await;
    for number in 0..100 {
        let expected = if number % 2 == 0 {
            [1, 0, 0, 0]
        } else {
            [0, 1, 0, 0]
        };
        assert_eq!(scene.notes(&format!("n{number}")).await, expected);
    }
    assert_eq!(scene.notes("slow").await, [1, 0, 0, 0]);
    worker.end().await;
    broker.close().await;
    assert_eq!(corner.count("dead").await, 0);
}
