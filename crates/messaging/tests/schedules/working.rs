//! The scheduler as a task of a worker.

use std::sync::Arc;

use kernel::FixedClock;
use messaging::{
    JobState, LocalBroker, Misfire, Queue, Schedule, Schedules, Stop, Work, Worker, Zone,
};
use serde::{Deserialize, Serialize};
use time::Duration;
use tokio::task::JoinHandle;

use crate::{
    plan::{ambient, census, clock, note},
    scene::{Scene, quick},
};

fn work(scene: &Scene, schedules: Schedules, clock: &FixedClock) -> (JoinHandle<()>, Stop) {
    let broker = Arc::new(LocalBroker::new([(Queue::Default, 8)]));
    let mut parts = scene.parts(&broker);
    parts.ambient = ambient(clock);
    let (worker, stop) = Worker::new(parts, quick());
    let worker = worker.with_schedules(schedules).unwrap();
    let task = telemetry::spawn(async move {
        worker.run().await.unwrap();
    });
    (task, stop)
}

#[tokio::test]
async fn two_workers_do_at_set_times_what_is_declared() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let schedules = Schedules::new()
        .platform(census("tests.census", "* * * * *", Misfire::Once))
        .and_then(|it| it.each_tenant(note("tests.all", "* * * * *", Zone::OfTenant)))
        .unwrap();
    let (first, stop_first) = work(&scene, schedules.clone(), &clock);
    let (second, stop_second) = work(&scene, schedules, &clock);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while scene
        .look("SELECT count(*) FROM platform.schedules WHERE is_on")
        .await
        != "2"
    {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    clock.advance(Duration::MINUTE);
    scene.until_count(JobState::Done, 6).await;
    assert_eq!(scene.notes("tests.all").await, [1, 1, 1, 1]);
    // The first one is gone, and the second one goes on.
    stop_first.stop();
    first.await.unwrap();
    clock.advance(Duration::MINUTE);
    scene.until_count(JobState::Done, 12).await;
    assert_eq!(scene.notes("tests.all").await, [2, 2, 2, 2]);
    stop_second.stop();
    second.await.unwrap();
}

#[derive(Serialize, Deserialize)]
struct Unheard {}

impl Work for Unheard {
    type Scope = database::Platform;
    const KIND: &'static str = "tests.unheard";
}

#[tokio::test]
async fn a_worker_does_not_start_with_a_schedule_of_work_that_nobody_does() {
    let scene = Scene::arrange().await;
    let broker = Arc::new(LocalBroker::new([(Queue::Default, 8)]));
    let (worker, _stop) = Worker::new(scene.parts(&broker), quick());
    let unheard = Schedule {
        name: "tests.unheard",
        cron: "@daily",
        zone: Zone::Named("UTC"),
        misfire: Misfire::Skip,
        work: Unheard {},
    };
    let schedules = Schedules::new().platform(unheard).unwrap();
    let refused = worker.with_schedules(schedules).unwrap_err();
    assert!(refused.to_string().contains("nobody does"), "{refused}");
}
