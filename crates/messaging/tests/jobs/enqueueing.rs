//! What is put down, and what is not.

use database::StoreError;
use kernel::JobId;
use messaging::{EnqueueError, JobState, Order, Origin};
use testkit::{ACME, GLOBEX, INITECH, UMBRELLA};

use crate::scene::{Census, Deed, NewerNote, Note, Scene, quick};

fn note(text: &str) -> Order<Note> {
    let note = Note {
        text: text.to_owned(),
        deed: Deed::Work,
    };
    Order::now(note, Origin::default())
}

#[tokio::test]
async fn what_is_ordered_is_done_in_its_own_tenant_and_in_no_other() {
    let scene = Scene::arrange().await;
    let mut jobs = Vec::new();
    for (whose, text) in [(ACME, "a"), (GLOBEX, "g"), (INITECH, "i"), (UMBRELLA, "u")] {
        jobs.push(scene.order(whose, text, Deed::Work).await);
    }
    let worker = scene.work(quick());
    for job in jobs {
        scene.until(job, JobState::Done).await;
    }
    assert_eq!(scene.notes("a").await, [1, 0, 0, 0]);
    assert_eq!(scene.notes("g").await, [0, 1, 0, 0]);
    assert_eq!(scene.notes("i").await, [0, 0, 1, 0]);
    assert_eq!(scene.notes("u").await, [0, 0, 0, 1]);
    worker.end().await;
}

#[tokio::test]
async fn the_platforms_own_work_is_done_in_the_platforms_schema() {
    let scene = Scene::arrange().await;
    let tx = scene
        .database
        .begin_platform(&scene.platform)
        .await
        .unwrap();
    let order = Order::now(Census {}, Origin::default());
    let job = scene.enqueuer.enqueue(&tx, &order).await.unwrap();
    tx.commit().await.unwrap();
    let worker = scene.work(quick());
    let record = scene.until(job, JobState::Done).await;
    assert!(record.tenant.uuid().is_nil());
    assert_eq!(scene.value(job, "result").await.as_deref(), Some("5"));
    worker.end().await;
}

#[tokio::test]
async fn what_is_ordered_in_a_transaction_that_is_not_committed_never_was() {
    let scene = Scene::arrange().await;
    let acme = scene.tenant(ACME).await;
    let tx = scene.database.begin_tenant(&acme).await.unwrap();
    let job = scene.enqueuer.enqueue(&tx, &note("never")).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(scene.jobs.find(job).await.unwrap(), None);
}

#[tokio::test]
async fn work_that_nobody_does_is_refused_when_it_is_ordered() {
    let scene = Scene::arrange().await;
    let acme = scene.tenant(ACME).await;
    let tx = scene.database.begin_tenant(&acme).await.unwrap();
    let newer = NewerNote(Note {
        text: "newer".to_owned(),
        deed: Deed::Work,
    });
    let order = Order::now(newer, Origin::default());
    let refused = scene.enqueuer.enqueue(&tx, &order).await.unwrap_err();
    assert_eq!(refused.to_string(), "nobody does `tests.note` in version 2");
    let large = note(&"x".repeat(70_000));
    let refused = scene.enqueuer.enqueue(&tx, &large).await.unwrap_err();
    assert!(
        matches!(refused, EnqueueError::TooLarge { .. }),
        "{refused}"
    );
    // The transaction goes on.
    scene.enqueuer.enqueue(&tx, &note("known")).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_is_ordered_once_is_there_once_until_it_has_ended() {
    let scene = Scene::arrange().await;
    let order = || note("once").once("key");
    let (first, second) = tokio::join!(
        scene.order_work(ACME, order()),
        scene.order_work(ACME, order())
    );
    assert_eq!(first, second);
    // Another tenant's key is another key.
    let neighbour = scene.order_work(GLOBEX, order()).await;
    assert_ne!(first, neighbour);
    let worker = scene.work(quick());
    scene.until(first, JobState::Done).await;
    let again = scene.order_work(ACME, order()).await;
    assert_ne!(first, again);
    scene.until(again, JobState::Done).await;
    assert_eq!(scene.notes("once").await, [2, 1, 0, 0]);
    worker.end().await;
}

#[tokio::test]
async fn what_is_ordered_for_later_is_not_done_before() {
    let scene = Scene::arrange().await;
    let tomorrow = kernel::Ambient::system().now() + time::Duration::DAY;
    let later = scene
        .order_work(ACME, note("later").not_before(tomorrow))
        .await;
    let now = scene.order(ACME, "now", Deed::Work).await;
    let worker = scene.work(quick());
    scene.until(now, JobState::Done).await;
    scene.until(later, JobState::Ready).await;
    let earlier = format!("UPDATE platform.jobs SET run_at = now() WHERE id = '{later}'");
    scene.sql(&earlier).await;
    scene.until(later, JobState::Done).await;
    worker.end().await;
}

/// Calls the function as somebody who has taken a role and named a tenant.
async fn enqueue_as(scene: &Scene, role: &str, tenant: uuid::Uuid) -> Result<JobId, StoreError> {
    let mut superuser = scene.clone.superuser().await;
    let scope = format!(
        "BEGIN; SET LOCAL ROLE {}; SET LOCAL app.tenant = '{tenant}'",
        scene.clone.role(role)
    );
    crate::scene::run(&mut superuser, &scope).await;
    let call = "SELECT platform.enqueue_job(gen_random_uuid(), 'tests.note', 1::smallint, '{}', \
                'default', 1::smallint, now(), NULL, NULL, NULL, NULL, NULL, now())";
    let id: Result<uuid::Uuid, _> = sqlx::query_scalar(call).fetch_one(&mut superuser).await;
    Ok(JobId::new(id?))
}

#[tokio::test]
async fn nobody_orders_in_anothers_name() {
    let scene = Scene::arrange().await;
    for (role, tenant, may) in [
        ("t_acme", ACME.id, true),
        ("pool_0001", INITECH.id, true),
        ("pool_0001", UMBRELLA.id, true),
        ("platform", uuid::Uuid::nil(), true),
        ("t_acme", GLOBEX.id, false),
        ("t_acme", INITECH.id, false),
        ("pool_0001", ACME.id, false),
        ("t_acme", uuid::Uuid::nil(), false),
        ("platform", ACME.id, false),
        ("app", ACME.id, false),
        ("app", uuid::Uuid::nil(), false),
        ("backup", uuid::Uuid::nil(), false),
        ("t_acme", crate::scene::nobody(), false),
    ] {
        let enqueued = enqueue_as(&scene, role, tenant).await;
        let refused = enqueued.as_ref().err().and_then(StoreError::sqlstate);
        let expected = (!may).then(|| "42501".to_owned());
        assert_eq!(refused, expected, "{role} {tenant}: {enqueued:?}");
    }
}

#[tokio::test]
async fn a_tenant_sees_no_job_and_ends_none_of_anothers() {
    let scene = Scene::arrange().await;
    let job = scene.order(GLOBEX, "g", Deed::Work).await;
    let token = crate::scene::nobody();
    let take = format!(
        "UPDATE platform.jobs SET state = 'running', lease_token = '{token}', \
         lease_until = now() + interval '1 hour', worker_id = '{token}' WHERE id = '{job}'"
    );
    scene.sql(&take).await;
    let acme = scene.tenant(ACME).await;
    for attack in [
        "SELECT id FROM platform.jobs",
        "UPDATE platform.jobs SET state = 'ready'",
        "DELETE FROM platform.jobs",
        "INSERT INTO platform.workers (id) VALUES (gen_random_uuid())",
    ] {
        let tx = scene.database.begin_tenant(&acme).await.unwrap();
        let refused = tx.run(attack, []).await.unwrap_err();
        assert_eq!(refused.sqlstate().as_deref(), Some("42501"), "{attack}");
    }
    // Not even who knows its token.
    let finish = "SELECT platform.finish_job($1, $2, NULL)";
    let tx = scene.database.begin_tenant(&acme).await.unwrap();
    tx.run(finish, [job.uuid().into(), token.into()])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    scene.until(job, JobState::Running).await;
}
