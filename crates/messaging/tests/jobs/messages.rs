//! Messages that are not what they seem: the registry and the job's row decide.

use std::time::Duration;

use kernel::{JobId, TenantId};
use messaging::{Broker as _, Envelope, JobState, Queue};
use testkit::{ACME, Fixture, GLOBEX};

use crate::scene::{Deed, Scene, Working, nobody, quick};

fn envelope(job: JobId, whose: Fixture) -> Envelope {
    Envelope {
        job_id: job,
        tenant_id: TenantId::new(whose.id),
        tenant_slug: whose.slug.to_owned(),
        schema_name: whose.schema.to_owned(),
        placement_epoch: 1,
        kind: "tests.note".to_owned(),
        attempt: 0,
        request_id: None,
        traceparent: None,
        tracestate: None,
    }
}

/// A job of Acme's that nobody hands over, and a worker that could do it.
async fn aside(scene: &Scene) -> (JobId, Working) {
    let job = scene.order(ACME, "message", Deed::Work).await;
    scene
        .sql("INSERT INTO platform.paused_queues (queue) VALUES ('default')")
        .await;
    (job, scene.work(quick()))
}

async fn send(worker: &Working, message: Envelope) {
    worker.broker.publish(Queue::Default, vec![message]).await;
}

#[tokio::test]
async fn a_message_that_is_right_is_followed_and_one_that_comes_again_is_not() {
    let scene = Scene::arrange().await;
    let (job, worker) = aside(&scene).await;
    for _ in 0..3 {
        send(&worker, envelope(job, ACME)).await;
    }
    scene.until(job, JobState::Done).await;
    send(&worker, envelope(job, ACME)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let record = scene.until(job, JobState::Done).await;
    assert_eq!(record.attempt, 1);
    assert_eq!(scene.notes("message").await, [1, 0, 0, 0]);
    worker.end().await;
}

#[tokio::test]
async fn a_message_that_contradicts_the_registry_or_the_job_is_not_followed() {
    let scene = Scene::arrange().await;
    let (job, worker) = aside(&scene).await;
    let right = || envelope(job, ACME);
    let wrong = [
        ("another tenant", envelope(job, GLOBEX)),
        (
            "a tenant that is none",
            Envelope {
                tenant_id: TenantId::new(nobody()),
                ..right()
            },
        ),
        (
            "the platform",
            Envelope {
                tenant_id: TenantId::new(uuid::Uuid::nil()),
                tenant_slug: "platform".to_owned(),
                schema_name: "platform".to_owned(),
                ..right()
            },
        ),
        (
            "another slug",
            Envelope {
                tenant_slug: "globex".to_owned(),
                ..right()
            },
        ),
        (
            "another schema",
            Envelope {
                schema_name: "t_globex".to_owned(),
                ..right()
            },
        ),
        (
            "an epoch that is yet to come",
            Envelope {
                placement_epoch: 2,
                ..right()
            },
        ),
        (
            "another kind",
            Envelope {
                kind: "tests.hurry".to_owned(),
                ..right()
            },
        ),
        (
            "a job that is none",
            Envelope {
                job_id: JobId::new(nobody()),
                ..right()
            },
        ),
    ];
    for (what, message) in wrong {
        send(&worker, message).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let record = scene.jobs.find(job).await.unwrap().unwrap();
        assert_eq!(
            (record.state, record.attempt),
            (JobState::Ready, 0),
            "{what}"
        );
    }
    assert_eq!(scene.notes("message").await, [0; 4]);
    send(&worker, right()).await;
    scene.until(job, JobState::Done).await;
    worker.end().await;
}

#[tokio::test]
async fn a_message_of_before_a_move_is_followed_where_the_tenant_lives_now() {
    let scene = Scene::arrange().await;
    scene
        .sql("UPDATE platform.tenants SET placement_epoch = 2 WHERE slug = 'acme'")
        .await;
    let (job, worker) = aside(&scene).await;
    let stale = Envelope {
        schema_name: "pool_0001".to_owned(),
        ..envelope(job, ACME)
    };
    send(&worker, stale).await;
    scene.until(job, JobState::Done).await;
    assert_eq!(scene.notes("message").await, [1, 0, 0, 0]);
    worker.end().await;
}

#[tokio::test]
async fn a_message_of_a_job_whose_time_has_yet_to_come_is_not_followed() {
    let scene = Scene::arrange().await;
    let (job, worker) = aside(&scene).await;
    let later =
        format!("UPDATE platform.jobs SET run_at = now() + interval '1 hour' WHERE id = '{job}'");
    scene.sql(&later).await;
    send(&worker, envelope(job, ACME)).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let record = scene.jobs.find(job).await.unwrap().unwrap();
    assert_eq!(record.attempt, 0);
    worker.end().await;
}
