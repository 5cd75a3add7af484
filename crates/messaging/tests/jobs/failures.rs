//! Work that does not work.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use messaging::{
    EnvelopeFault, JobOutcome, JobState, LocalBroker, Observer, Order, Origin, Queue, Worker,
    WorkerParts,
};
use testkit::{ACME, GLOBEX};

use crate::scene::{Deed, Hurry, Note, Scene, quick};

#[tokio::test]
async fn a_job_that_fails_is_tried_again_and_only_the_last_try_has_effects() {
    let scene = Scene::arrange().await;
    let worker = scene.work(quick());
    let job = scene.order(ACME, "third time", Deed::WorkAt(3)).await;
    let record = scene.until(job, JobState::Done).await;
    assert_eq!(record.attempt, 3);
    assert_eq!(record.last_error.as_deref(), Some("not yet"));
    assert_eq!(scene.notes("third time").await, [1, 0, 0, 0]);
    let result = scene.value(job, "result").await;
    assert_eq!(result.as_deref(), Some(r#"{"attempt": 3}"#));
    worker.end().await;
}

#[tokio::test]
async fn a_job_that_never_works_is_dead_after_its_last_try_and_left_no_trace() {
    let scene = Scene::arrange().await;
    let worker = scene.work(quick());
    let job = scene.order(ACME, "poison", Deed::FailForEver).await;
    let record = scene.until(job, JobState::Dead).await;
    assert_eq!((record.attempt, record.max_attempts), (3, 3));
    assert_eq!(record.last_error.as_deref(), Some("it does not work"));
    assert!(record.ended_at.is_some());
    assert_eq!(scene.notes("poison").await, [0; 4]);
    // Others are done all the same.
    let other = scene.order(ACME, "other", Deed::Work).await;
    scene.until(other, JobState::Done).await;
    worker.end().await;
}

#[tokio::test]
async fn what_will_never_work_is_dead_at_once() {
    let scene = Scene::arrange().await;
    let worker = scene.work(quick());
    let job = scene.order(ACME, "never", Deed::FailForGood).await;
    let record = scene.until(job, JobState::Dead).await;
    assert_eq!(record.attempt, 1);
    assert_eq!(scene.notes("never").await, [0; 4]);
    worker.end().await;
}

#[tokio::test]
async fn a_payload_that_cannot_be_read_is_dead_at_once() {
    let scene = Scene::arrange().await;
    let job = scene.order(ACME, "x", Deed::Work).await;
    let spoil = format!("UPDATE platform.jobs SET payload = '[]' WHERE id = '{job}'");
    scene.sql(&spoil).await;
    let worker = scene.work(quick());
    let record = scene.until(job, JobState::Dead).await;
    let error = record.last_error.unwrap();
    assert!(error.contains("invalid length 0"), "{error}");
    worker.end().await;
}

#[tokio::test]
async fn a_panic_is_a_failure_like_another() {
    let scene = Scene::arrange().await;
    let worker = scene.work(quick());
    let job = scene.order(ACME, "panic", Deed::Panic).await;
    let record = scene.until(job, JobState::Dead).await;
    assert_eq!(record.attempt, 3);
    let error = record.last_error.unwrap();
    assert_eq!(error, "it panicked; the log says where");
    assert_eq!(scene.notes("panic").await, [0; 4]);
    let next = scene.order(ACME, "next", Deed::Work).await;
    scene.until(next, JobState::Done).await;
    worker.end().await;
}

#[tokio::test]
async fn a_handler_that_hangs_is_given_up_and_undone() {
    let scene = Scene::arrange().await;
    let worker = scene.work(quick());
    let hang = Hurry(Note {
        text: "hang".to_owned(),
        deed: Deed::Wait,
    });
    let order = Order::now(hang, Origin::default());
    let job = scene.order_work(ACME, order).await;
    let record = scene.until(job, JobState::Dead).await;
    assert_eq!(
        record.last_error.as_deref(),
        Some("it took longer than 0 s")
    );
    assert_eq!(scene.notes("hang").await, [0; 4]);
    worker.end().await;
}

/// PostgreSQL answers the COMMIT of a failed transaction with success, and everything is lost.
#[tokio::test]
async fn a_handler_that_overlooks_an_error_has_not_done_its_job() {
    let scene = Scene::arrange().await;
    let worker = scene.work(quick());
    let job = scene.order(ACME, "swallowed", Deed::Swallow).await;
    let record = scene.until(job, JobState::Dead).await;
    assert_eq!(record.attempt, 3);
    assert_eq!(scene.notes("swallowed").await, [0; 4]);
    worker.end().await;
}

#[tokio::test]
async fn what_asks_for_somebody_waits_for_him_and_goes_on_when_he_says_so() {
    let scene = Scene::arrange().await;
    let worker = scene.work(quick());
    let job = scene.order(ACME, "help", Deed::AskForSomebody).await;
    let record = scene.until(job, JobState::Parked).await;
    assert_eq!(
        record.last_error.as_deref(),
        Some("somebody must see to it")
    );
    // It does not come back by itself, as that of a tenant does.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    scene.until(job, JobState::Parked).await;
    let mend = format!(
        "UPDATE platform.jobs SET payload = payload || '{{\"deed\": \"Work\"}}' WHERE id = '{job}'"
    );
    scene.sql(&mend).await;
    assert!(scene.jobs.retry(job).await.unwrap());
    let record = scene.until(job, JobState::Done).await;
    assert_eq!(record.attempt, 1);
    worker.end().await;
}

#[tokio::test]
async fn what_a_worker_does_not_know_is_left_for_another_and_costs_no_try() {
    let scene = Scene::arrange().await;
    let newer = scene.order(ACME, "newer", Deed::Work).await;
    let unknown = scene.order(GLOBEX, "unknown", Deed::Work).await;
    let disguise = format!(
        "UPDATE platform.jobs SET payload_version = 2 WHERE id = '{newer}'; \
         UPDATE platform.jobs SET kind = 'tests.unknown' WHERE id = '{unknown}'"
    );
    scene.sql(&disguise).await;
    let worker = scene.work(quick());
    for (job, told) in [
        (newer, "does `tests.note` up to version 1, and this is 2"),
        (unknown, "does no `tests.unknown`"),
    ] {
        let record = scene.until(job, JobState::Retry).await;
        assert_eq!(record.attempt, 0);
        let error = record.last_error.unwrap();
        assert!(error.ends_with(told), "{error}");
    }
    worker.end().await;
}

/// Writes down under which kind a try is counted.
#[derive(Default)]
struct Tally(Mutex<Vec<String>>);

impl Observer for Tally {
    fn ended(&self, kind: &str, _: Queue, _: JobOutcome, _: Duration) {
        self.0.lock().unwrap().push(kind.to_owned());
    }

    fn refused(&self, _: &EnvelopeFault) {}
}

#[tokio::test]
async fn kinds_that_nobody_does_are_counted_as_one() {
    let scene = Scene::arrange().await;
    let job = scene.order(ACME, "unknown", Deed::Work).await;
    let disguise = format!("UPDATE platform.jobs SET kind = 'tests.unknown' WHERE id = '{job}'");
    scene.sql(&disguise).await;
    let tally = Arc::new(Tally::default());
    let parts = WorkerParts {
        observer: Arc::clone(&tally) as _,
        ..scene.parts(&Arc::new(LocalBroker::new([(Queue::Default, 8)])))
    };
    let (worker, stop) = Worker::new(parts, quick());
    let working = telemetry::spawn(async move { worker.run().await.unwrap() });
    scene.until(job, JobState::Retry).await;
    stop.stop();
    working.await.unwrap();
    assert_eq!(*tally.0.lock().unwrap(), ["unknown"]);
}
