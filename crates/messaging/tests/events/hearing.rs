//! Whoever wants to hear of events hears of them in order, and once.

use std::sync::atomic::Ordering;

use messaging::Worker;
use testkit::{ACME, GLOBEX, INITECH};

use crate::scene::{Deed, Scene, counted, quick};

#[tokio::test]
async fn events_are_heard_in_order_though_the_first_try_fails() {
    let scene = Scene::arrange().await;
    let it = scene.departments(ACME, 2).await;
    for deed in [
        Deed::NoteAt(2),
        Deed::Note,
        Deed::NoteAt(3),
        Deed::NoteAt(2),
        Deed::Note,
    ] {
        scene.change(ACME, it[0], deed).await;
        scene.change(ACME, it[1], Deed::Note).await;
    }
    let worker = scene.work();
    scene.until_counted(ACME, it[0], 5).await;
    scene.until_counted(ACME, it[1], 5).await;
    for deed in [Deed::NoteAt(2), Deed::Note] {
        scene.change(ACME, it[0], deed).await;
    }
    scene.until_counted(ACME, it[0], 7).await;
    worker.end().await;
    let left = "SELECT count(*) FROM platform.event_deliveries";
    assert_eq!(scene.number(left).await, 0);
    let dead = "SELECT count(*) FROM platform.jobs WHERE state = 'dead'";
    assert_eq!(scene.number(dead).await, 0);
}

#[tokio::test]
async fn an_event_that_cannot_be_taken_keeps_its_subject_waiting_and_no_other() {
    let scene = Scene::arrange().await;
    let it = scene.departments(ACME, 2).await;
    for deed in [Deed::Note, Deed::Note, Deed::Break, Deed::Note] {
        scene.change(ACME, it[0], deed).await;
        scene.change(ACME, it[1], Deed::Note).await;
    }
    let worker = scene.work();
    scene.until_counted(ACME, it[1], 4).await;
    // What was before it is kept.
    scene.until_counted(ACME, it[0], 2).await;
    scene.change(ACME, it[1], Deed::Note).await;
    scene.change(ACME, it[0], Deed::Note).await;
    scene.until_counted(ACME, it[1], 5).await;
    assert_eq!(scene.number(&counted(ACME, it[0])).await, 2);
    scene.hand.is_broken.store(false, Ordering::Relaxed);
    scene.until_counted(ACME, it[0], 5).await;
    worker.end().await;
}

#[tokio::test]
async fn more_than_one_job_takes_are_all_heard() {
    let scene = Scene::arrange().await;
    let it = scene.departments(INITECH, 1).await;
    let tenant = scene.tenant(INITECH).await;
    let tx = scene.database.begin_tenant(&tenant).await.unwrap();
    for _ in 0..230 {
        scene.change_in(&tx, &it, Deed::Note).await;
    }
    tx.commit().await.unwrap();
    let worker = scene.work();
    scene.until_counted(INITECH, it[0], 230).await;
    worker.end().await;
}

#[tokio::test]
async fn what_a_worker_that_dies_was_about_to_hear_another_hears_and_once() {
    let scene = Scene::arrange().await;
    let it = scene.departments(ACME, 1).await;
    for deed in [Deed::Note, Deed::Wait, Deed::Note] {
        scene.change(ACME, it[0], deed).await;
    }
    // A runtime that ends in the middle of everything: nothing of it is told to anybody.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (database, authority) = scene.clone.connect(scene.clone.settings()).await;
    let mut parts = scene.parts();
    parts.database = database;
    parts.platform = authority.platform();
    let (worker, stop) = Worker::new(parts, quick());
    runtime.spawn(worker.run());
    scene.hand.has_begun().await;
    runtime.shutdown_background();
    drop(stop);

    let worker = scene.work();
    scene.hand.has_begun().await;
    scene.hand.may_end.add_permits(1);
    scene.until_counted(ACME, it[0], 3).await;
    worker.end().await;
}

#[tokio::test]
async fn what_a_subscriber_says_to_have_heard_and_has_not_is_not_heard() {
    let scene = Scene::arrange().await;
    let it = scene.departments(ACME, 1).await;
    scene.change(ACME, it[0], Deed::Swallow).await;
    let worker = scene.work();
    let failed = "SELECT count(*) FROM platform.jobs WHERE last_error IS NOT NULL";
    scene.until(failed, 1).await;
    worker.end().await;
    let waits = "SELECT count(*) FROM platform.event_deliveries";
    assert_eq!(scene.number(waits).await, 1);
}

#[tokio::test]
async fn a_suspended_tenants_events_are_heard_when_it_is_served_again() {
    let scene = Scene::arrange().await;
    let acmes = scene.departments(ACME, 1).await;
    let globexes = scene.departments(GLOBEX, 1).await;
    scene.change(ACME, acmes[0], Deed::Note).await;
    scene.change(GLOBEX, globexes[0], Deed::Note).await;
    scene
        .sql("UPDATE platform.tenants SET status = 'suspended' WHERE slug = 'acme'")
        .await;
    let worker = scene.work();
    scene.until_counted(GLOBEX, globexes[0], 1).await;
    let parked = "SELECT count(*) FROM platform.jobs WHERE state = 'parked'";
    scene.until(parked, 1).await;
    scene
        .sql(
            "UPDATE platform.tenants SET status = 'active', \
             placement_epoch = placement_epoch + 1 WHERE slug = 'acme'",
        )
        .await;
    scene.until_counted(ACME, acmes[0], 1).await;
    worker.end().await;
}
