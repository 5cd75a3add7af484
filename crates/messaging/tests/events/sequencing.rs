//! Places: given after the commit, one after the other.

use std::time::Duration;

use testkit::{ACME, GLOBEX};

use crate::scene::{Deed, Scene};

#[tokio::test]
async fn what_is_committed_later_comes_later_though_it_was_recorded_first() {
    let scene = Scene::arrange().await;
    let departments = scene.departments(ACME, 2).await;
    let acme = scene.tenant(ACME).await;
    let slow = scene.database.begin_tenant(&acme).await.unwrap();
    scene.change_in(&slow, &departments[..1], Deed::Note).await;
    scene.change(ACME, departments[1], Deed::Note).await;
    scene.sequence().await;
    // Whoever has read this far misses nothing.
    let read = scene.feed(ACME).await;
    assert_eq!(read.len(), 1);
    assert_eq!((read[0].position, read[0].subject_id), (1, departments[1]));
    slow.commit().await.unwrap();
    scene.sequence().await;
    let read = scene.feed(ACME).await;
    assert_eq!((read[1].position, read[1].subject_id), (2, departments[0]));
}

#[tokio::test]
async fn two_sequencers_at_once_give_each_place_once() {
    let scene = Scene::arrange().await;
    let acmes = scene.departments(ACME, 50).await;
    let globexes = scene.departments(GLOBEX, 50).await;
    for _ in 0..20 {
        for (whose, departments) in [(ACME, &acmes), (GLOBEX, &globexes)] {
            let tenant = scene.tenant(whose).await;
            let tx = scene.database.begin_tenant(&tenant).await.unwrap();
            scene.change_in(&tx, departments, Deed::Note).await;
            tx.commit().await.unwrap();
        }
        let (one, two) = (scene.sequencer(), scene.sequencer());
        let (one, two) = tokio::join!(one.sequence(), two.sequence());
        let given = one.unwrap().events + two.unwrap().events;
        assert!(given > 0);
    }
    scene.sequence().await;
    for whose in [ACME, GLOBEX] {
        let feed = scene.feed(whose).await;
        let places: Vec<_> = feed.iter().map(|it| it.position).collect();
        assert_eq!(places, (1..=1_000).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_sequencer_that_is_cut_off_has_given_no_place_or_all() {
    let scene = Scene::arrange().await;
    let departments = scene.departments(ACME, 100).await;
    let acme = scene.tenant(ACME).await;
    for patience in 0..40_u64 {
        let tx = scene.database.begin_tenant(&acme).await.unwrap();
        scene.change_in(&tx, &departments, Deed::Note).await;
        tx.commit().await.unwrap();
        let sequencer = scene.sequencer();
        let cut = Duration::from_micros(patience * 700);
        // Cut off or not: what remains comes later.
        let _ = tokio::time::timeout(cut, sequencer.sequence()).await;
    }
    // One that was cut off may hold its turn until PostgreSQL has noticed.
    while scene
        .number("SELECT count(*) FROM platform.recorded_events")
        .await
        > 0
    {
        scene.sequence().await;
    }
    assert_eq!(
        scene.number("SELECT count(*) FROM platform.events").await,
        4_000
    );
    assert_eq!(
        scene
            .number("SELECT max(position) FROM platform.events")
            .await,
        4_000
    );
}
