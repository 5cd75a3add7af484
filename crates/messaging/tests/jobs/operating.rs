//! What an operator sees and does.

use std::time::Duration;

use kernel::{Ambient, TenantId};
use messaging::{JobFilter, JobState, Jobs, Queue};
use testkit::{ACME, GLOBEX};

use crate::scene::{Deed, Scene, quick};

#[tokio::test]
async fn a_paused_queue_waits_until_it_is_resumed() {
    let scene = Scene::arrange().await;
    assert!(scene.jobs.pause(Queue::Default).await.unwrap());
    assert!(!scene.jobs.pause(Queue::Default).await.unwrap());
    let job = scene.order(ACME, "paused", Deed::Work).await;
    let worker = scene.work(quick());
    tokio::time::sleep(Duration::from_millis(300)).await;
    scene.until(job, JobState::Ready).await;
    assert!(scene.jobs.resume(Queue::Default).await.unwrap());
    scene.until(job, JobState::Done).await;
    assert!(!scene.jobs.resume(Queue::Default).await.unwrap());
    worker.end().await;
}

#[tokio::test]
async fn a_job_that_is_cancelled_while_it_is_done_is_undone() {
    let scene = Scene::arrange().await;
    let worker = scene.work(quick());
    let job = scene.order(ACME, "cancelled", Deed::Wait).await;
    scene.gate.has_begun().await;
    assert!(scene.jobs.cancel(job).await.unwrap());
    scene.gate.let_end();
    let drained = worker.end().await;
    assert_eq!(drained.released, 0);
    scene.until(job, JobState::Cancelled).await;
    assert_eq!(scene.notes("cancelled").await, [0; 4]);
    assert!(!scene.jobs.cancel(job).await.unwrap());
}

#[tokio::test]
async fn progress_is_seen_while_a_job_is_done() {
    let scene = Scene::arrange().await;
    let worker = scene.work(quick());
    let job = scene.order(ACME, "progress", Deed::Progress).await;
    scene.gate.has_begun().await;
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while scene.jobs.find(job).await.unwrap().unwrap().progress != Some((3, 10)) {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.gate.let_end();
    scene.until(job, JobState::Done).await;
    worker.end().await;
}

/// What operators are told that nobody does: the kinds, and how many jobs.
async fn unknown(scene: &Scene) -> (Option<String>, u64) {
    let tx = scene.database.begin_platform_read(&scene.platform);
    let tx = tx.await.unwrap();
    let seen = Jobs::attendance(&tx).await.unwrap();
    tx.commit().await.unwrap();
    (seen.unknown, scene.jobs.backlog().await.unwrap().unknown)
}

#[tokio::test]
async fn work_that_none_of_the_workers_does_is_told_of() {
    let scene = Scene::arrange().await;
    let of_a_newer_kind = scene.order(ACME, "a", Deed::Work).await;
    let of_a_newer_version = scene.order(ACME, "b", Deed::Work).await;
    scene.order(GLOBEX, "c", Deed::FailForEver).await;
    scene
        .sql(&format!(
            "UPDATE platform.jobs SET kind = 'tests.newer' WHERE id = '{of_a_newer_kind}'; \
             UPDATE platform.jobs SET payload_version = 2 WHERE id = '{of_a_newer_version}'"
        ))
        .await;
    let worker = scene.work(quick());
    scene.until(of_a_newer_kind, JobState::Retry).await;
    scene.until(of_a_newer_version, JobState::Retry).await;
    scene.until_count(JobState::Dead, 1).await;
    // A newer worker may be about to start.
    assert_eq!(unknown(&scene).await, (None, 0));
    scene
        .sql("UPDATE platform.jobs SET created_at = created_at - interval '2 min'")
        .await;
    let kinds = "tests.newer, tests.note".to_owned();
    assert_eq!(unknown(&scene).await, (Some(kinds), 2));
    // One that says nothing of what it does may do all of it; one of another queue does not help.
    for (queue, told) in [("bulk", 2), ("default", 0)] {
        scene
            .sql(&format!(
                "INSERT INTO platform.workers (id, host, version, queues, broker) \
                 VALUES (gen_random_uuid(), 'h', '0', '{{\"{queue}\": 1}}', 'disabled')"
            ))
            .await;
        assert_eq!(unknown(&scene).await.1, told, "{queue}");
    }
    scene
        .sql("DELETE FROM platform.workers WHERE host = 'h'")
        .await;
    // And so does one that knows what came later.
    let kinds = "UPDATE platform.workers SET kinds = '{\"tests.newer\": 1, \"tests.note\": 2}'";
    scene.sql(kinds).await;
    assert_eq!(unknown(&scene).await, (None, 0));
    worker.end().await;
}

#[tokio::test]
async fn jobs_are_listed_by_tenant_state_and_kind_newest_first_and_in_pages() {
    let scene = Scene::arrange().await;
    let mut acmes = Vec::new();
    for number in 0..5 {
        acmes.push(scene.order(ACME, &format!("a{number}"), Deed::Work).await);
        scene.order(GLOBEX, "g", Deed::FailForGood).await;
    }
    acmes.reverse();
    let of_acme = JobFilter {
        tenant: Some(TenantId::new(ACME.id)),
        ..JobFilter::default()
    };
    let listed = scene.jobs.list(&of_acme, 100).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|it| it.id).collect();
    assert_eq!(ids, acmes);
    assert_eq!(listed[0].tenant_slug.as_deref(), Some("acme"));
    let page = scene.jobs.list(&of_acme, 2).await.unwrap();
    let next = JobFilter {
        before: Some(page[1].id),
        ..of_acme.clone()
    };
    assert_eq!(scene.jobs.list(&next, 2).await.unwrap()[0].id, acmes[2]);

    let worker = scene.work(quick());
    scene.until_count(JobState::Done, 5).await;
    scene.until_count(JobState::Dead, 5).await;
    worker.end().await;
    let dead = JobFilter {
        state: Some(JobState::Dead),
        ..JobFilter::default()
    };
    assert_eq!(scene.jobs.list(&dead, 100).await.unwrap().len(), 5);
    let dead_of_acme = JobFilter {
        state: Some(JobState::Dead),
        ..of_acme
    };
    assert_eq!(scene.jobs.list(&dead_of_acme, 100).await.unwrap(), []);
    let of_kind = JobFilter {
        kind: Some("tests.other".to_owned()),
        ..JobFilter::default()
    };
    assert_eq!(scene.jobs.list(&of_kind, 100).await.unwrap(), []);
}

#[tokio::test]
async fn what_was_done_is_purged_and_what_is_dead_stays() {
    let scene = Scene::arrange().await;
    let worker = scene.work(quick());
    let done = scene.order(ACME, "done", Deed::Work).await;
    let dead = scene.order(ACME, "dead", Deed::FailForGood).await;
    scene.until(done, JobState::Done).await;
    scene.until(dead, JobState::Dead).await;
    let now = Ambient::system().now();
    let before = now - time::Duration::HOUR;
    assert_eq!(scene.jobs.purge(before).await.unwrap(), 0);
    let after = now + time::Duration::HOUR;
    assert_eq!(scene.jobs.purge(after).await.unwrap(), 1);
    assert_eq!(scene.jobs.find(done).await.unwrap(), None);
    scene.until(dead, JobState::Dead).await;
    worker.end().await;
}
