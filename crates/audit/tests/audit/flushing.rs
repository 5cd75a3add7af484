//! Writing what was recorded before the end.

use kernel::audit::{AuditCategory, AuditEntry};
use serde_json::{Value, json};

use crate::scene::Scene;

fn step(number: u8) -> AuditEntry {
    AuditEntry::new("employees.imported.v1", AuditCategory::DataWrite).detail("step", number)
}

async fn steps(scene: &Scene) -> Vec<Value> {
    let events = scene.events("t_acme").await;
    let steps = events
        .into_iter()
        .filter_map(|it| it.pointer("/details/step").cloned());
    steps.collect()
}

#[tokio::test]
async fn what_is_written_on_the_way_is_there_once_and_with_the_commit_alone() {
    let scene = Scene::arrange().await;
    let tx = scene.begin(&scene.on.acme).await;
    tx.record(step(1));
    tx.flush_record().await.unwrap();
    assert_eq!(tx.recorded(), 0, "nothing of it is kept in memory");
    tx.flush_record().await.unwrap();
    tx.record(step(2));
    assert_eq!(steps(&scene).await, Vec::<Value>::new());
    tx.commit().await.unwrap();
    assert_eq!(steps(&scene).await, [json!(1), json!(2)]);

    let tx = scene.begin(&scene.on.acme).await;
    tx.record(step(3));
    tx.flush_record().await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(steps(&scene).await.len(), 2);
}

#[tokio::test]
async fn within_a_savepoint_nothing_is_written_that_its_undoing_would_lose() {
    let scene = Scene::arrange().await;
    let tx = scene.begin(&scene.on.acme).await;
    tx.record(step(1));
    let savepoint = tx.savepoint().await.unwrap();
    tx.record(step(2));
    tx.flush_record().await.unwrap();
    assert_eq!(tx.recorded(), 2);
    savepoint.undo().await.unwrap();
    let kept = tx.savepoint().await.unwrap();
    tx.record(step(3));
    kept.release().await.unwrap();
    tx.flush_record().await.unwrap();
    assert_eq!(tx.recorded(), 0);
    tx.commit().await.unwrap();
    assert_eq!(steps(&scene).await, [json!(1), json!(3)]);
}
