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
    losses::until_it_stumbles,
    plan::{ambient, census, clock, note},
    scene::{Scene, quick, run},
};

/// Whoever puts a job down waits for the test.
const STUMBLE_AT_ONCE: &str = "\
    CREATE FUNCTION platform.stumble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        PERFORM pg_advisory_xact_lock_shared(4242); RETURN NEW; END $$; \
    GRANT EXECUTE ON FUNCTION platform.stumble() TO PUBLIC; \
    CREATE TRIGGER stumble BEFORE INSERT ON platform.jobs \
        FOR EACH ROW EXECUTE FUNCTION platform.stumble()";

async fn leader(scene: &Scene, schedules: Schedules, clock: &FixedClock) -> Worker {
    let broker = Arc::new(LocalBroker::new([(Queue::Default, 8)]));
    let mut parts = scene.parts(&broker);
    let (database, authority) = scene.clone.connect(scene.clone.settings()).await;
    parts.database = database;
    parts.platform = authority.platform();
    parts.ambient = ambient(clock);
    let (worker, stop) = Worker::new(parts, quick());
    // Nobody tells it to stop.
    std::mem::forget(stop);
    worker.with_schedules(schedules).unwrap()
}

async fn until_declared(scene: &Scene) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let on = "SELECT EXISTS (SELECT FROM platform.schedules WHERE is_on)";
    while scene.look(on).await != "true" {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

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

/// The leader dies in the middle of a fire, by its connection or by its process; the fire and the next
/// one come at most ten seconds late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_leader_is_killed_the_next_fire_is_ten_seconds_late_at_most() {
    const LATE: std::time::Duration = std::time::Duration::from_secs(10);
    for kills_the_process in [false, true] {
        let scene = Scene::arrange().await;
        let clock = clock();
        let census = census("tests.census", "* * * * *", Misfire::Each(10));
        let schedules = Schedules::new().platform(census).unwrap();
        // The leader runs on a runtime of its own, over connections of its own.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let mut runtime = Some(runtime);
        let leader = leader(&scene, schedules.clone(), &clock).await;
        scene.sql(STUMBLE_AT_ONCE).await;
        let mut superuser = scene.clone.superuser().await;
        run(&mut superuser, "SELECT pg_advisory_lock(4242)").await;
        runtime.as_ref().unwrap().spawn(leader.run());
        until_declared(&scene).await;
        clock.advance(Duration::MINUTE);
        let pid = until_it_stumbles(&mut superuser).await;
        let (other, stop) = work(&scene, schedules, &clock);

        let killed = std::time::Instant::now();
        if kills_the_process {
            runtime.take().unwrap().shutdown_background();
        } else {
            let kill = format!("SELECT pg_terminate_backend({pid})");
            run(&mut superuser, &kill).await;
        }
        run(&mut superuser, "SELECT pg_advisory_unlock(4242)").await;
        scene.until_count(JobState::Done, 1).await;
        clock.advance(Duration::MINUTE);
        scene.until_count(JobState::Done, 2).await;
        assert!(killed.elapsed() < LATE, "{:?}", killed.elapsed());
        assert_eq!(scene.fires("tests.census").await, "30 10:31, 30 10:32");
        stop.stop();
        other.await.unwrap();
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
    }
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
