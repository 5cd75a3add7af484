//! What is recorded is there with its change, and says what it may.

use database::{DatabaseSettings, Login, StoreError};
use kernel::audit::{AuditCategory, AuditEntry};
use serde_json::json;
use testkit::audit_log;
use uuid::Uuid;

use crate::scene::{Scene, updated};

const PERSON: Uuid = Uuid::from_u128(100);

fn looked_at() -> AuditEntry {
    AuditEntry::new("department.updated.v1", AuditCategory::DataWrite)
        .on("department", Uuid::from_u128(1))
        .on("department", Uuid::from_u128(2))
}

#[tokio::test]
async fn a_record_says_who_did_what_to_what_and_where_from() {
    let scene = Scene::arrange().await;
    let tx = scene.begin(&scene.on.acme).await;
    tx.record(looked_at().detail("count", 2));
    tx.commit().await.unwrap();
    let events = scene.events("t_acme").await;
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    for (name, expected) in [
        ("actor_type", json!("user")),
        ("actor_id", json!(Uuid::from_u128(7))),
        ("session_id", json!(Uuid::from_u128(8))),
        ("action", json!("department.updated.v1")),
        ("category", json!("data_write")),
        ("outcome", json!("success")),
        ("request_id", json!("r-1")),
        ("address", json!("192.0.2.7")),
        ("user_agent", json!("curl/8")),
        ("details", json!({"count": 2})),
        (
            "targets",
            json!([{"type": "department", "id": Uuid::from_u128(1)},
                {"type": "department", "id": Uuid::from_u128(2)}]),
        ),
    ] {
        assert_eq!(event[name], expected, "{name}");
    }
    let found: i64 = scene
        .look(
            "SELECT count(*) FROM t_acme.audit_targets t JOIN t_acme.audit_events e \
               ON e.id = t.event_id AND e.at = t.at",
        )
        .await;
    assert_eq!(found, 2);
    let waiting: i64 = scene
        .look("SELECT count(*) FROM platform.audit_unsealed")
        .await;
    assert_eq!(waiting, 1);
}

#[tokio::test]
async fn the_platform_records_in_its_own_table() {
    let scene = Scene::arrange().await;
    let tx = scene
        .database()
        .begin_platform(&scene.on.platform)
        .await
        .unwrap();
    tx.record(looked_at());
    tx.commit().await.unwrap();
    let events = scene.events("platform").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["actor_type"], "system");
    assert!(scene.events("public").await.is_empty());
}

#[tokio::test]
async fn nothing_is_recorded_of_what_is_rolled_back() {
    let scene = Scene::arrange().await;
    let tx = scene.begin(&scene.on.acme).await;
    tx.record(looked_at());
    tx.rollback().await.unwrap();
    let tx = scene.begin(&scene.on.acme).await;
    tx.record(looked_at());
    drop(tx);
    let tx = scene.begin(&scene.on.acme).await;
    let savepoint = tx.savepoint().await.unwrap();
    tx.record(looked_at());
    savepoint.undo().await.unwrap();
    let kept = tx.savepoint().await.unwrap();
    tx.record(looked_at().detail("kept", true));
    kept.release().await.unwrap();
    tx.commit().await.unwrap();
    let events = scene.events("t_acme").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["details"], json!({"kept": true}));
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_done() {
    let scene = Scene::arrange().await;
    let settings = DatabaseSettings {
        pool_size: 1,
        ..scene.data.settings()
    };
    let (deaf, authority) = database::Database::connect(settings, Login::Application)
        .await
        .unwrap();
    let acme = authority.tenant(testkit::ACME.record());
    let tx = deaf.begin_tenant(&acme).await.unwrap();
    tx.run(
        "INSERT INTO audit_subjects (id, key) VALUES ($1, 'x')",
        [PERSON.into()],
    )
    .await
    .unwrap();
    tx.record(looked_at());
    assert!(matches!(tx.commit().await, Err(StoreError::Unrecorded)));
    // Nor is what the database refuses: an action that is no name.
    let tx = scene.begin(&scene.on.acme).await;
    tx.run(
        "INSERT INTO audit_subjects (id, key) VALUES ($1, 'x')",
        [PERSON.into()],
    )
    .await
    .unwrap();
    tx.record(AuditEntry::new("Not a name", AuditCategory::System));
    assert!(tx.commit().await.is_err());
    let kept: i64 = scene
        .look("SELECT count(*) FROM t_acme.audit_subjects")
        .await;
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn nothing_personal_and_no_secret_stands_in_a_record_in_the_open() {
    let scene = Scene::arrange().await;
    for tenant in [&scene.on.acme, &scene.on.initech, &scene.on.umbrella] {
        let tx = scene.begin(tenant).await;
        tx.record(updated(PERSON));
        tx.record(updated(PERSON));
        tx.commit().await.unwrap();
    }
    for schema in ["t_acme", "pool_0001"] {
        let text: String = scene
            .look(&format!(
                "SELECT string_agg(e::text || encode(coalesce(personal, ''), 'escape'), ' ') \
                 FROM {schema}.audit_events e"
            ))
            .await;
        for canary in ["Canary", "Neena", "DE8937", "0532"] {
            assert!(!text.contains(canary), "{canary}: {text}");
        }
        assert!(
            text.contains("3000"),
            "the last four characters of a number: {text}"
        );
    }
    let tx = scene
        .database()
        .begin_tenant_read(&scene.on.acme)
        .await
        .unwrap();
    let records = audit::read_all(&tx).await.unwrap();
    let values = audit_log()
        .personal(&tx, &records[0])
        .await
        .unwrap()
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(values.0["first_name"].before, Some(json!("Canary Neena")));
    assert_eq!(values.0["first_name"].after, Some(json!("Canary Nina")));
    assert_eq!(values.0.len(), 1);
}

#[tokio::test]
async fn without_his_key_nothing_of_a_person_can_be_read_and_the_hashes_stay() {
    let scene = Scene::arrange().await;
    let tx = scene.begin(&scene.on.acme).await;
    tx.record(updated(PERSON));
    tx.commit().await.unwrap();
    let hashes = async || {
        let tx = scene
            .database()
            .begin_tenant_read(&scene.on.acme)
            .await
            .unwrap();
        let records = audit::read_all(&tx).await.unwrap();
        let values = audit_log().personal(&tx, &records[0]).await.unwrap();
        tx.commit().await.unwrap();
        (records[0].hash().unwrap(), values)
    };
    let (before, values) = hashes().await;
    assert!(values.is_some());
    let tx = scene.begin(&scene.on.acme).await;
    assert!(audit::AuditLog::forget(&tx, PERSON).await.unwrap());
    assert!(!audit::AuditLog::forget(&tx, PERSON).await.unwrap());
    tx.commit().await.unwrap();
    let (after, values) = hashes().await;
    assert_eq!(before, after);
    assert_eq!(values, None);
}

#[tokio::test]
async fn two_who_record_of_a_person_at_once_use_one_key() {
    let scene = Scene::arrange().await;
    let writing = (0..8).map(|_| async {
        let tx = scene.begin(&scene.on.acme).await;
        tx.record(updated(PERSON));
        tx.commit().await.unwrap();
    });
    futures_util::future::join_all(writing).await;
    let keys: i64 = scene
        .look("SELECT count(*) FROM t_acme.audit_subjects")
        .await;
    assert_eq!(keys, 1);
    let tx = scene
        .database()
        .begin_tenant_read(&scene.on.acme)
        .await
        .unwrap();
    let records = audit::read_all(&tx).await.unwrap();
    assert_eq!(records.len(), 8);
    for record in &records {
        assert!(audit_log().personal(&tx, record).await.unwrap().is_some());
    }
}
