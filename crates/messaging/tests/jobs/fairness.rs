//! No tenant keeps another one waiting.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use messaging::{JobState, LocalBroker, Queue, WorkerSettings};
use testkit::{ACME, GLOBEX, INITECH, UMBRELLA};

use crate::scene::{Deed, Scene, quick};

/// So many that Acme's come in one statement.
async fn flood(scene: &Scene, count: usize) {
    let template = scene.order(ACME, "flood", Deed::Work).await;
    let copy = format!(
        "INSERT INTO platform.jobs (id, tenant_id, kind, payload_version, payload, queue, \
             max_attempts, run_at, created_at) \
         SELECT gen_random_uuid(), tenant_id, kind, payload_version, payload, queue, \
             max_attempts, run_at, created_at \
         FROM platform.jobs, generate_series(2, {count}) WHERE id = '{template}'"
    );
    scene.sql(&copy).await;
}

#[tokio::test]
async fn a_tenant_with_very_many_jobs_keeps_no_other_waiting() {
    let scene = Scene::arrange().await;
    flood(&scene, 2_000).await;
    let mut others = Vec::new();
    for whose in [GLOBEX, INITECH, UMBRELLA] {
        for number in 0..10 {
            others.push(scene.order(whose, &format!("o{number}"), Deed::Work).await);
        }
    }
    let worker = scene.work(quick());
    for job in others {
        scene.until(job, JobState::Done).await;
    }
    // In turn: about as many of the flood as of each of the others.
    let query = "SELECT count(*) FROM platform.jobs WHERE state = 'done' AND tenant_id = $1 \
         AND ended_at <= (SELECT max(ended_at) FROM platform.jobs WHERE tenant_id <> $1)";
    let done: i64 = sqlx::query_scalar(query)
        .bind(ACME.id)
        .fetch_one(&mut scene.clone.superuser().await)
        .await
        .unwrap();
    assert!((5..=60).contains(&done), "{done} of Acme's were done first");
    worker.end().await;
}

fn with_places(places: usize) -> WorkerSettings {
    WorkerSettings {
        slots: [(Queue::Default, places)].into(),
        ..quick()
    }
}

async fn under_way(scene: &Scene) -> i64 {
    let query = "SELECT count(*) FROM platform.jobs \
         WHERE state = 'running' OR handed_over_until IS NOT NULL";
    let mut superuser = scene.clone.superuser().await;
    sqlx::query_scalar(query)
        .fetch_one(&mut superuser)
        .await
        .unwrap()
}

/// Waits until so many jobs of others than Acme, or of Acme, are done.
async fn until_done(scene: &Scene, of_acme: bool, count: i64) {
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut superuser = scene.clone.superuser().await;
    loop {
        let query = "SELECT count(*) FROM platform.jobs \
             WHERE state = 'done' AND (tenant_id = $1) = $2";
        let done: i64 = sqlx::query_scalar(query)
            .bind(ACME.id)
            .bind(of_acme)
            .fetch_one(&mut superuser)
            .await
            .unwrap();
        if done >= count {
            return;
        }
        assert!(Instant::now() < deadline, "{done} of {count} are done");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Looks that find nothing more to hand over have passed.
async fn some_looks() {
    tokio::time::sleep(Duration::from_millis(200)).await;
}

#[tokio::test]
async fn beside_others_a_tenant_has_half_of_the_places_at_most() {
    let scene = Scene::arrange().await;
    scene.order(GLOBEX, "first", Deed::Wait).await;
    let worker = scene.work(with_places(4));
    scene.gate.has_begun().await;
    for number in 0..8 {
        scene.order(ACME, &format!("w{number}"), Deed::Wait).await;
    }
    scene.gate.has_begun().await;
    scene.gate.has_begun().await;
    some_looks().await;
    assert_eq!(under_way(&scene).await, 3);
    let other = scene.order(INITECH, "other", Deed::Work).await;
    scene.until(other, JobState::Done).await;
    assert_eq!(under_way(&scene).await, 3);
    scene.gate.may_end.add_permits(9);
    scene.until_count(JobState::Done, 10).await;
    worker.end().await;
}

#[tokio::test]
async fn a_tenant_alone_has_all_places_but_one_and_whoever_comes_finds_that_one() {
    let scene = Scene::arrange().await;
    for number in 0..8 {
        scene.order(ACME, &format!("w{number}"), Deed::Wait).await;
    }
    let worker = scene.work(with_places(4));
    for _ in 0..3 {
        scene.gate.has_begun().await;
    }
    some_looks().await;
    assert_eq!(under_way(&scene).await, 3);
    let other = scene.order(GLOBEX, "other", Deed::Work).await;
    scene.until(other, JobState::Done).await;
    scene.gate.may_end.add_permits(8);
    scene.until_count(JobState::Done, 9).await;
    worker.end().await;
}

#[tokio::test]
async fn half_of_three_places_is_one() {
    let scene = Scene::arrange().await;
    scene.order(GLOBEX, "first", Deed::Wait).await;
    let worker = scene.work(with_places(3));
    scene.gate.has_begun().await;
    for number in 0..4 {
        scene.order(ACME, &format!("w{number}"), Deed::Wait).await;
    }
    scene.gate.has_begun().await;
    some_looks().await;
    assert_eq!(under_way(&scene).await, 2);
    scene.gate.may_end.add_permits(5);
    scene.until_count(JobState::Done, 5).await;
    worker.end().await;
}

/// A flood and then, behind it, a few of each of the others: the last of the few has begun before a
/// number of the flood's that does not depend on how large the flood is.
#[tokio::test]
async fn those_who_come_behind_a_flood_wait_for_their_turn_and_not_for_the_flood() {
    let scene = Scene::arrange().await;
    flood(&scene, 3_000).await;
    let worker = scene.work(with_places(4));
    until_done(&scene, true, 20).await;
    let few = format!(
        "INSERT INTO platform.jobs (id, tenant_id, kind, payload_version, payload, queue, \
             max_attempts, run_at, created_at) \
         SELECT gen_random_uuid(), whose::uuid, kind, payload_version, payload, queue, \
             max_attempts, clock_timestamp(), clock_timestamp() \
         FROM (SELECT * FROM platform.jobs LIMIT 1) AS template, generate_series(1, 20), \
             unnest(ARRAY['{}', '{}', '{}']) AS whose",
        GLOBEX.id, INITECH.id, UMBRELLA.id
    );
    scene.sql(&few).await;
    until_done(&scene, false, 60).await;
    // In turn each of the four has a quarter; alone for a moment, and on its way, Acme has some more.
    let query = "WITH few AS (SELECT min(created_at) AS came, max(started_at) AS last \
             FROM platform.jobs WHERE tenant_id <> $1) \
         SELECT count(*) FROM platform.jobs, few \
         WHERE tenant_id = $1 AND started_at BETWEEN came AND last";
    let begun: i64 = sqlx::query_scalar(query)
        .bind(ACME.id)
        .fetch_one(&mut scene.clone.superuser().await)
        .await
        .unwrap();
    assert!(
        begun <= 80,
        "{begun} of the flood's were begun before the last of the few"
    );
    worker.end().await;
}

/// While every place is taken, whoever looks finds nothing; the turn is not the first ones' for that.
#[tokio::test]
async fn the_turn_stays_where_it_was_while_every_place_is_taken() {
    let scene = Scene::arrange().await;
    let mut tenants = [ACME, GLOBEX, INITECH, UMBRELLA];
    tenants.sort_by_key(|it| it.id);
    let [first, second, third, last] = tenants;
    for number in 0..30 {
        for whose in [first, second, third] {
            scene.order(whose, &format!("w{number}"), Deed::Wait).await;
        }
    }
    let job = scene.order(last, "last", Deed::Wait).await;
    // As a broker of its own has: room for everything.
    let broker = Arc::new(LocalBroker::new([(Queue::Default, 1_000)]));
    let settings = WorkerSettings {
        slots: [(Queue::Default, 1)].into(),
        ..quick()
    };
    let worker = scene.work_over(broker, settings);
    for _ in 0..10 {
        scene.gate.has_begun().await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        scene.gate.let_end();
    }
    scene.until(job, JobState::Done).await;
    let record = "SELECT count(*) FROM platform.jobs WHERE state = 'done'";
    let done: i64 = sqlx::query_scalar(record)
        .fetch_one(&mut scene.clone.superuser().await)
        .await
        .unwrap();
    assert!(done <= 11, "{done} were done first");
    scene.gate.may_end.add_permits(100);
    worker.end().await;
}

#[tokio::test]
async fn tenants_whose_jobs_wait_for_their_time_keep_no_other_waiting() {
    let scene = Scene::arrange().await;
    let job = scene.order(ACME, "due", Deed::Work).await;
    // More tenants than have their turn in one look, all of them before Acme.
    let later = format!(
        "INSERT INTO platform.jobs (id, tenant_id, kind, payload_version, payload, queue, \
             max_attempts, run_at, created_at) \
         SELECT gen_random_uuid(), lpad(to_hex(n), 32, '0')::uuid, kind, payload_version, payload, \
             queue, max_attempts, now() + interval '1 day', created_at \
         FROM platform.jobs, generate_series(1, 3000) AS n WHERE id = '{job}'"
    );
    scene.sql(&later).await;
    let worker = scene.work(quick());
    scene.until(job, JobState::Done).await;
    worker.end().await;
}

/// However much was done before, and waits behind: what is read of the table is what is handed over,
/// taken over and done. The statistics are those of an empty table, as they are in the morning.
#[tokio::test]
async fn a_table_with_very_many_jobs_is_never_read_whole() {
    const READ: &str = "SELECT seq_tup_read FROM pg_stat_all_tables \
         WHERE schemaname = 'platform' AND relname = 'jobs'";
    let scene = Scene::arrange().await;
    scene.sql("ANALYZE platform.jobs").await;
    flood(&scene, 20_000).await;
    scene
        .sql(
            "ALTER TABLE platform.jobs SET (autovacuum_enabled = false); \
             UPDATE platform.jobs SET state = 'done', ended_at = now() \
             WHERE id IN (SELECT id FROM platform.jobs LIMIT 15000)",
        )
        .await;
    let last = scene.order(GLOBEX, "last", Deed::Work).await;
    // A backend tells of what it has read when it ends.
    let told = || tokio::time::sleep(Duration::from_millis(500));
    let read = async || {
        told().await;
        let mut superuser = scene.clone.superuser().await;
        let read: i64 = sqlx::query_scalar(READ)
            .fetch_one(&mut superuser)
            .await
            .unwrap();
        read
    };
    let before = read().await;
    let worker = scene.work(quick());
    scene.until(last, JobState::Done).await;
    worker.end().await;
    scene.database.close().await;
    let read = read().await - before;
    assert!(read < 20_000, "{read} rows were read one after the other");
}
