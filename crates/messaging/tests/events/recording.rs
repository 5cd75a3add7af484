//! What is recorded, and what is not.

use kernel::UserId;
use messaging::{DomainEvent as _, Origin};
use serde::Serialize;
use testkit::{ACME, GLOBEX, INITECH, UMBRELLA};
use uuid::Uuid;

use crate::scene::{Changed, Deed, Deleted, Scene};

#[tokio::test]
async fn what_is_not_committed_never_happened_and_leaves_no_gap() {
    let scene = Scene::arrange().await;
    let it = scene.departments(ACME, 1).await;
    let acme = scene.tenant(ACME).await;
    scene.change(ACME, it[0], Deed::Note).await;
    let tx = scene.database.begin_tenant(&acme).await.unwrap();
    scene.change_in(&tx, &it, Deed::Note).await;
    tx.rollback().await.unwrap();
    scene.change(ACME, it[0], Deed::Note).await;
    scene.sequence().await;
    let feed = scene.feed(ACME).await;
    let places: Vec<_> = feed
        .iter()
        .map(|it| (it.position, it.data["number"].as_i64().unwrap()))
        .collect();
    assert_eq!(places, [(1, 1), (2, 2)]);
}

#[tokio::test]
async fn an_event_says_what_happened_to_what_and_on_whose_behalf() {
    let scene = Scene::arrange().await;
    let it = scene.departments(ACME, 1).await;
    let acme = scene.tenant(ACME).await;
    let user = UserId::new(Uuid::from_u128(7));
    let tx = scene.database.begin_tenant(&acme).await.unwrap();
    let tx = tx.initiated_by(Origin {
        user: Some(user),
        request_id: Some("r-1".to_owned()),
        ..Origin::default()
    });
    scene.change_in(&tx, &it, Deed::Note).await;
    let deleted = Deleted { department: it[0] };
    scene.log.record(&tx, &[deleted]).await.unwrap();
    tx.commit().await.unwrap();
    scene.sequence().await;
    let feed = scene.feed(ACME).await;
    let kinds: Vec<_> = feed.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(kinds, [Changed::KIND, Deleted::KIND]);
    for event in feed {
        assert_eq!(event.subject_kind, "department");
        assert_eq!(event.subject_id, it[0]);
        assert_eq!(event.actor, Some(user));
        assert_eq!(event.request_id.as_deref(), Some("r-1"));
    }
}

#[tokio::test]
async fn an_event_that_is_none_is_refused_with_the_change() {
    #[derive(Serialize)]
    struct Novel(String);

    impl messaging::DomainEvent for Novel {
        const KIND: &'static str = "novel.written.v1";
        const SUBJECT: &'static str = "novel";

        fn subject(&self) -> Uuid {
            Uuid::nil()
        }
    }

    #[derive(Serialize)]
    struct Unversioned {}

    impl messaging::DomainEvent for Unversioned {
        const KIND: &'static str = "novel.written";
        const SUBJECT: &'static str = "novel";

        fn subject(&self) -> Uuid {
            Uuid::nil()
        }
    }

    let scene = Scene::arrange().await;
    let acme = scene.tenant(ACME).await;
    for text in ["no object", &"x".repeat(20_000)] {
        let tx = scene.database.begin_tenant(&acme).await.unwrap();
        let refused = scene.log.record(&tx, &[Novel(text.to_owned())]).await;
        let error = refused.unwrap_err();
        assert_eq!(error.sqlstate().as_deref(), Some("23514"), "{error}");
        assert!(tx.commit().await.is_err());
    }
    let tx = scene.database.begin_tenant(&acme).await.unwrap();
    let refused = scene.log.record(&tx, &[Unversioned {}]).await.unwrap_err();
    assert_eq!(refused.sqlstate().as_deref(), Some("23514"), "{refused}");
}

#[tokio::test]
async fn each_tenant_has_a_feed_of_its_own_and_nobody_elses() {
    let scene = Scene::arrange().await;
    let whose = [ACME, GLOBEX, INITECH, UMBRELLA];
    for (count, fixture) in whose.into_iter().enumerate() {
        let it = scene.departments(fixture, 1).await;
        for _ in 0..=count {
            scene.change(fixture, it[0], Deed::Note).await;
        }
    }
    scene.sequence().await;
    for (count, fixture) in whose.into_iter().enumerate() {
        let feed = scene.feed(fixture).await;
        let places: Vec<_> = feed.iter().map(|it| it.position).collect();
        let expected: Vec<_> = (1..=i64::try_from(count).unwrap() + 1).collect();
        assert_eq!(places, expected, "{}", fixture.slug);
    }
    let acme = scene.tenant(ACME).await;
    for attack in [
        "SELECT id FROM platform.events",
        "SELECT id FROM platform.recorded_events",
        "SELECT last_position FROM platform.event_feeds",
        "DELETE FROM platform.events",
        "DELETE FROM platform.event_deliveries",
        "INSERT INTO platform.events (tenant_id) VALUES (gen_random_uuid())",
    ] {
        let tx = scene.database.begin_tenant(&acme).await.unwrap();
        let refused = tx.run(attack, []).await.unwrap_err();
        assert_eq!(refused.sqlstate().as_deref(), Some("42501"), "{attack}");
    }
}
