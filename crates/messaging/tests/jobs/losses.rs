//! Workers that die, leases that run out, messages that get lost.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use database::DatabaseSettings;
use messaging::{JobState, LocalBroker, Queue, Worker, WorkerParts, WorkerSettings};
use testkit::{ACME, GLOBEX};

use crate::scene::{Deed, Scene, quick};

/// With leases that run out soon.
fn mortal() -> WorkerSettings {
    WorkerSettings {
        lease: Duration::from_millis(600),
        hand_over_patience: Duration::from_millis(600),
        ..quick()
    }
}

#[tokio::test]
async fn what_a_worker_leaves_behind_when_it_dies_another_does_and_its_effects_are_there_once() {
    let scene = Scene::arrange().await;
    let job = scene.order(ACME, "orphan", Deed::Wait).await;
    // A runtime that ends in the middle of everything: nothing of it is told to anybody.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let broker = Arc::new(LocalBroker::new([(Queue::Default, 8)]));
    let (database, authority) = scene.clone.connect(scene.clone.settings()).await;
    let mut parts = scene.parts(&broker);
    parts.database = database;
    parts.platform = authority.platform();
    let (worker, stop) = Worker::new(parts, mortal());
    runtime.spawn(worker.run());
    scene.gate.has_begun().await;
    runtime.shutdown_background();
    drop(stop);

    let worker = scene.work(mortal());
    scene.gate.has_begun().await;
    scene.gate.let_end();
    let record = scene.until(job, JobState::Done).await;
    assert_eq!(record.attempt, 2);
    let error = record.last_error.unwrap();
    assert!(
        error.contains("was lost while it did this, in try 1 of 3"),
        "{error}"
    );
    assert_eq!(scene.notes("orphan").await, [1, 0, 0, 0]);
    worker.end().await;
}

#[tokio::test]
async fn a_job_that_takes_its_worker_with_it_each_time_is_dead_in_the_end() {
    let scene = Scene::arrange().await;
    let job = scene.order(ACME, "killer", Deed::Work).await;
    let last_try = format!(
        "UPDATE platform.jobs SET state = 'running', attempt = 3, worker_id = gen_random_uuid(), \
         lease_token = gen_random_uuid(), lease_until = now() - interval '1 s' WHERE id = '{job}'"
    );
    scene.sql(&last_try).await;
    let worker = scene.work(quick());
    let record = scene.until(job, JobState::Dead).await;
    assert!(record.last_error.unwrap().contains("in try 3 of 3"));
    assert_eq!(scene.notes("killer").await, [0; 4]);
    worker.end().await;
}

#[tokio::test]
async fn who_has_lost_his_lease_is_stopped_and_undone() {
    let scene = Scene::arrange().await;
    let first = scene.work(quick());
    let job = scene.order(ACME, "stolen", Deed::Wait).await;
    scene.gate.has_begun().await;
    // Somebody else has it, as after a pause that was longer than the lease.
    let steal = format!(
        "UPDATE platform.jobs SET lease_token = gen_random_uuid(), \
         lease_until = now() + interval '1 s' WHERE id = '{job}'"
    );
    scene.sql(&steal).await;
    scene.gate.let_end();
    // Its handler says that all went well; the job is tried once more when the thief's lease ends.
    scene.gate.has_begun().await;
    assert_eq!(scene.notes("stolen").await, [0; 4]);
    scene.gate.let_end();
    let record = scene.until(job, JobState::Done).await;
    assert_eq!(record.attempt, 2);
    assert_eq!(scene.notes("stolen").await, [1, 0, 0, 0]);
    first.end().await;
}

#[tokio::test]
async fn who_has_lost_his_lease_does_not_say_what_becomes_of_the_job() {
    let scene = Scene::arrange().await;
    let worker = scene.work(quick());
    let job = scene.order(ACME, "lost", Deed::WaitAndFail).await;
    scene.gate.has_begun().await;
    let taken_over = "UPDATE platform.jobs SET lease_token = gen_random_uuid(), \
         worker_id = gen_random_uuid()";
    scene.sql(taken_over).await;
    scene.gate.let_end();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let record = scene.jobs.find(job).await.unwrap().unwrap();
    assert_eq!((record.state, record.last_error), (JobState::Running, None));
    worker.end().await;
}

#[tokio::test]
async fn nobody_renews_the_lease_of_another() {
    let scene = Scene::arrange().await;
    let worker = scene.work(mortal());
    let job = scene.order(ACME, "lost", Deed::Wait).await;
    scene.gate.has_begun().await;
    let taken_over = "UPDATE platform.jobs SET lease_token = gen_random_uuid(), \
         worker_id = gen_random_uuid(), lease_until = now() + interval '1 hour'";
    scene.sql(taken_over).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let is_as_it_was = "(lease_until > now() + interval '50 minutes')";
    let is_as_it_was = scene.value(job, is_as_it_was).await;
    assert_eq!(is_as_it_was.as_deref(), Some("true"));
    worker.end().await;
}

#[tokio::test]
async fn a_handler_that_waits_is_ended_when_its_lease_is_lost() {
    let scene = Scene::arrange().await;
    let worker = scene.work(WorkerSettings {
        slots: [(Queue::Default, 1)].into(),
        ..mortal()
    });
    let job = scene.order(ACME, "waits", Deed::Wait).await;
    scene.gate.has_begun().await;
    let cancelled = scene.jobs.cancel(job).await.unwrap();
    assert!(cancelled);
    // Its place is free again although nobody let it go on.
    let next = scene.order(GLOBEX, "next", Deed::Work).await;
    scene.until(next, JobState::Done).await;
    scene.until(job, JobState::Cancelled).await;
    assert_eq!(scene.notes("waits").await, [0; 4]);
    worker.end().await;
}

#[tokio::test]
async fn a_lease_is_renewed_as_long_as_the_worker_lives() {
    let scene = Scene::arrange().await;
    let first = scene.work(mortal());
    let job = scene.order(ACME, "long", Deed::Wait).await;
    scene.gate.has_begun().await;
    let second = scene.work(mortal());
    tokio::time::sleep(Duration::from_secs(2)).await;
    scene.gate.let_end();
    let record = scene.until(job, JobState::Done).await;
    assert_eq!(record.attempt, 1);
    first.end().await;
    second.end().await;
}

#[tokio::test]
async fn a_job_that_somebody_has_locked_keeps_no_other_lease_from_being_renewed() {
    let scene = Scene::arrange().await;
    let worker = scene.work(mortal());
    let locked = scene.order(ACME, "locked", Deed::Wait).await;
    let other = scene.order(GLOBEX, "other", Deed::Wait).await;
    scene.gate.has_begun().await;
    scene.gate.has_begun().await;
    let mut superuser = scene.clone.superuser().await;
    let lock = format!("BEGIN; SELECT FROM platform.jobs WHERE id = '{locked}' FOR UPDATE");
    crate::scene::run(&mut superuser, &lock).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let record = scene.until(other, JobState::Running).await;
    assert_eq!(record.attempt, 1);
    let is_held = scene.value(other, "(lease_until > now())").await;
    assert_eq!(is_held.as_deref(), Some("true"));
    crate::scene::run(&mut superuser, "ROLLBACK").await;
    scene.gate.may_end.add_permits(4);
    scene.until_count(JobState::Done, 2).await;
    worker.end().await;
}

#[tokio::test]
async fn what_was_handed_over_and_got_lost_is_handed_over_again() {
    let scene = Scene::arrange().await;
    let job = scene.order(ACME, "strayed", Deed::Work).await;
    let stray = format!(
        "UPDATE platform.jobs SET handed_over_until = now() - interval '1 s' WHERE id = '{job}'"
    );
    scene.sql(&stray).await;
    let worker = scene.work(quick());
    let record = scene.until(job, JobState::Done).await;
    assert_eq!(record.attempt, 1);
    worker.end().await;
}

#[tokio::test]
async fn a_worker_that_stops_ends_what_it_began_and_begins_nothing_more() {
    let scene = Scene::arrange().await;
    let worker = scene.work(WorkerSettings {
        slots: [(Queue::Default, 2)].into(),
        ..quick()
    });
    let begun = scene.order(ACME, "begun", Deed::Wait).await;
    scene.gate.has_begun().await;
    worker.stop.stop();
    let later = scene.order(GLOBEX, "later", Deed::Work).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    scene.gate.let_end();
    let drained = worker.end().await;
    assert_eq!(drained.released, 0);
    scene.until(begun, JobState::Done).await;
    scene.until(later, JobState::Ready).await;
    let mark = scene.value(later, "handed_over_until").await;
    assert_eq!(mark, None);
    let workers: i64 = sqlx::query_scalar("SELECT count(*) FROM platform.workers")
        .fetch_one(&mut scene.clone.superuser().await)
        .await
        .unwrap();
    assert_eq!(workers, 0);
}

#[tokio::test]
async fn what_takes_too_long_when_a_worker_stops_is_given_to_others_and_costs_no_try() {
    let scene = Scene::arrange().await;
    let worker = scene.work(WorkerSettings {
        drain: Duration::from_millis(200),
        ..quick()
    });
    let job = scene.order(ACME, "slow", Deed::Wait).await;
    scene.gate.has_begun().await;
    let drained = worker.end().await;
    assert_eq!(drained.released, 1);
    let record = scene.until(job, JobState::Ready).await;
    assert_eq!(record.attempt, 0);
    assert_eq!(scene.notes("slow").await, [0; 4]);
    let next = scene.work(quick());
    scene.gate.has_begun().await;
    scene.gate.let_end();
    scene.until(job, JobState::Done).await;
    assert_eq!(scene.notes("slow").await, [1, 0, 0, 0]);
    next.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_handler_that_blocks_its_thread_keeps_no_worker_from_stopping() {
    let scene = Scene::arrange().await;
    let worker = scene.work(WorkerSettings {
        drain: Duration::from_millis(200),
        ..quick()
    });
    let job = scene.order(ACME, "stuck", Deed::Block(8)).await;
    scene.gate.has_begun().await;
    let began = Instant::now();
    let drained = worker.end().await;
    assert!(began.elapsed() < Duration::from_secs(6));
    assert_eq!(drained.released, 1);
    scene.until(job, JobState::Ready).await;
}

#[tokio::test]
async fn an_outage_of_postgresql_is_waited_for() {
    let scene = Scene::arrange().await;
    let worker = scene.work(mortal());
    for number in 0..40 {
        scene.order(ACME, &format!("n{number}"), Deed::Work).await;
    }
    for _ in 0..5 {
        // Every connection of the application, wherever it stands.
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = '{}' AND pid <> pg_backend_pid() AND usename = '{}'",
            scene.clone.name(),
            scene.clone.role("app")
        );
        scene.sql(&end).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    scene.until_count(JobState::Done, 40).await;
    for number in 0..40 {
        assert_eq!(scene.notes(&format!("n{number}")).await, [1, 0, 0, 0]);
    }
    worker.end().await;
}

/// What is asked of somebody outside takes its time, and the transaction is idle meanwhile.
#[tokio::test]
async fn a_handler_may_leave_its_transaction_idle_for_as_long_as_it_has_time() {
    let scene = Scene::arrange().await;
    let settings = DatabaseSettings {
        pool_size: 12,
        idle_in_transaction_timeout: Duration::from_secs(1),
        ..scene.clone.settings()
    };
    let (database, _authority) = scene.clone.connect(settings).await;
    let parts = WorkerParts {
        database,
        ..scene.parts(&Arc::new(LocalBroker::new([(Queue::Default, 8)])))
    };
    let (worker, _stop) = Worker::new(parts, quick());
    telemetry::spawn(async move { worker.run().await });
    let job = scene.order(ACME, "slow", Deed::Wait).await;
    scene.gate.has_begun().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    scene.gate.let_end();
    assert_eq!(scene.until(job, JobState::Done).await.attempt, 1);
}
