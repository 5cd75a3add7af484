//! The feed, read again and again.

use messaging::{DomainEvent as _, FeedQuery};
use testkit::ACME;

use crate::scene::{Changed, Deed, Deleted, Scene};

async fn ten_events() -> (Scene, Vec<uuid::Uuid>) {
    let scene = Scene::arrange().await;
    let departments = scene.departments(ACME, 2).await;
    for number in 0..8 {
        scene
            .change(ACME, departments[number % 2], Deed::Note)
            .await;
    }
    let acme = scene.tenant(ACME).await;
    let tx = scene.database.begin_tenant(&acme).await.unwrap();
    for department in &departments {
        let deleted = Deleted {
            department: *department,
        };
        scene.log.record(&tx, &[deleted]).await.unwrap();
    }
    tx.commit().await.unwrap();
    scene.sequence().await;
    (scene, departments)
}

#[tokio::test]
async fn whoever_goes_on_behind_the_last_event_misses_none() {
    let (scene, _) = ten_events().await;
    let whole = scene.feed(ACME).await;
    assert_eq!(whole.len(), 10);
    let mut paged = Vec::new();
    let mut query = FeedQuery::default();
    loop {
        let page = scene.read(ACME, &query, 3).await;
        let Some(last) = page.last() else { break };
        query.after = last.position;
        paged.extend(page);
    }
    assert_eq!(paged, whole);
    // And again: nothing changes any more.
    assert_eq!(scene.feed(ACME).await, whole);
}

#[tokio::test]
async fn a_subject_and_a_kind_can_be_asked_for() {
    let (scene, departments) = ten_events().await;
    let places = async |query: FeedQuery| {
        let events = scene.read(ACME, &query, 100).await;
        events.iter().map(|it| it.position).collect::<Vec<_>>()
    };
    let of_first = FeedQuery {
        subject: Some(departments[0]),
        ..FeedQuery::default()
    };
    assert_eq!(places(of_first.clone()).await, [1, 3, 5, 7, 9]);
    let deleted = FeedQuery {
        kind: Some(Deleted::KIND.to_owned()),
        ..FeedQuery::default()
    };
    assert_eq!(places(deleted).await, [9, 10]);
    let changed_later = FeedQuery {
        after: 4,
        kind: Some(Changed::KIND.to_owned()),
        ..of_first
    };
    assert_eq!(places(changed_later).await, [5, 7]);
}
