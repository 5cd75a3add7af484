//! What has been kept for long enough is moved into an archive, and stays proven.

use std::{collections::BTreeMap, fs, sync::Arc, time::Duration};

use audit::{Archives, Fault, Hold, Retirer, SealError};
use kernel::{
    Ambient, FixedClock, SystemEntropy,
    audit::{AuditCategory, AuditEntry},
};
use uuid::Uuid;

use crate::scene::{FilledFolder, Scene, key, updated};

const PERSON: Uuid = Uuid::from_u128(100);

/// Ninety days later.
fn later() -> Ambient {
    let now = Ambient::system().now() + time::Duration::days(90);
    Ambient::new(Arc::new(FixedClock::at(now)), Arc::new(SystemEntropy))
}

/// What was done to data is kept for a month, anything else for ever.
fn retirer(scene: &Scene, folder: &FilledFolder) -> Retirer {
    let month = Duration::from_hours(30 * 24);
    Retirer::new(
        scene.database().clone(),
        scene.on.platform.clone(),
        Arc::new(scene.known()),
        key(),
        Archives::new(folder.archives()),
        BTreeMap::from([(AuditCategory::DataWrite, month)]),
        later(),
    )
}

/// Acme has done six things to data, one of them to a person, and signed in between.
async fn sealed() -> (Scene, FilledFolder) {
    let scene = Scene::arrange().await;
    let folder = FilledFolder::new();
    scene.record(&scene.on.acme, 3).await;
    let tx = scene.begin(&scene.on.acme).await;
    tx.record(AuditEntry::new("session.started.v1", AuditCategory::Auth));
    tx.record(updated(PERSON));
    tx.commit().await.unwrap();
    scene.record(&scene.on.acme, 2).await;
    scene.sealer(&folder).look().await.unwrap();
    (scene, folder)
}

async fn events(scene: &Scene) -> i64 {
    scene.look("SELECT count(*) FROM t_acme.audit_events").await
}

#[tokio::test]
async fn what_is_old_enough_goes_into_an_archive_and_nothing_is_found_missing() {
    let (scene, folder) = sealed().await;
    let acme = scene.on.acme.id().uuid();
    let retirer = retirer(&scene, &folder);
    assert_eq!(retirer.retire(acme).await.unwrap(), 6);
    assert_eq!(retirer.retire(acme).await.unwrap(), 0);
    // Signing in, and that something was retired.
    assert_eq!(events(&scene).await, 2);
    let left: i64 = scene
        .look("SELECT count(*) FROM t_acme.audit_targets")
        .await;
    assert_eq!(left, 0);
    scene.sealer(&folder).look().await.unwrap();
    let verified = scene.verify(&folder).await;
    assert_eq!(verified.findings, []);
    assert_eq!((verified.events, verified.archived), (2, 6));
    let archive = only_file(&folder.archives().join(acme.to_string()));
    assert_eq!(fs::read_to_string(&archive).unwrap().lines().count(), 6);
    // Somewhere else it can be verified there.
    fs::remove_file(archive).unwrap();
    let verified = scene.verify(&folder).await;
    assert_eq!(verified.findings, []);
    assert_eq!((verified.archived, verified.archives_elsewhere), (0, 1));
}

#[tokio::test]
async fn what_somebody_holds_stays_until_it_is_released() {
    let (scene, folder) = sealed().await;
    let acme = scene.on.acme.id().uuid();
    let ambient = Ambient::system();
    let place = async |target| {
        let tx = scene.begin(&scene.on.acme).await;
        let hold = Hold::place(&tx, &ambient, target, "a law suit")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        hold
    };
    let release = async |hold: &Hold| {
        let platform = &scene.on.platform;
        let tx = scene.database().begin_platform(platform).await.unwrap();
        Hold::permit_release(&tx, acme, hold.id).await.unwrap();
        tx.commit().await.unwrap();
        let tx = scene.begin(&scene.on.acme).await;
        hold.release(&tx, &ambient).await.unwrap();
        tx.commit().await.unwrap();
    };
    let all = place(None).await;
    let person = place(Some(PERSON)).await;
    let retirer = retirer(&scene, &folder);
    assert_eq!(retirer.retire(acme).await.unwrap(), 0);
    release(&all).await;
    assert_eq!(retirer.retire(acme).await.unwrap(), 5);
    release(&person).await;
    assert_eq!(retirer.retire(acme).await.unwrap(), 1);
    let recorded: Vec<String> = scene
        .column("SELECT action FROM t_acme.audit_events WHERE category = 'admin' ORDER BY at")
        .await;
    let (placed, released) = ("audit.hold_placed.v1", "audit.hold_released.v1");
    assert_eq!(recorded, [placed, placed, released, released]);
    scene.sealer(&folder).look().await.unwrap();
    let verified = scene.verify(&folder).await;
    assert_eq!((verified.findings, verified.archived), (vec![], 6));
}

#[tokio::test]
async fn what_waits_for_its_seal_or_is_not_what_was_sealed_is_not_moved_away() {
    let (scene, folder) = sealed().await;
    let acme = scene.on.acme.id().uuid();
    scene.record(&scene.on.acme, 1).await;
    scene
        .attack(
            "UPDATE t_acme.audit_events SET outcome = 'denied' WHERE id = \
             (SELECT id FROM t_acme.audit_links WHERE position = 2)",
        )
        .await;
    let refused = retirer(&scene, &folder).retire(acme).await;
    assert!(
        matches!(refused, Err(SealError::Altered { .. })),
        "{refused:?}"
    );
    assert_eq!(events(&scene).await, 8);
    let back = "UPDATE t_acme.audit_events SET outcome = 'success' WHERE outcome = 'denied'";
    scene.attack(back).await;
    assert_eq!(retirer(&scene, &folder).retire(acme).await.unwrap(), 6);
    assert_eq!(events(&scene).await, 3);
}

#[tokio::test]
async fn an_archive_or_a_retirement_that_was_changed_is_found() {
    let (scene, folder) = sealed().await;
    let acme = scene.on.acme.id().uuid();
    retirer(&scene, &folder).retire(acme).await.unwrap();
    scene.sealer(&folder).look().await.unwrap();
    let archive = only_file(&folder.archives().join(acme.to_string()));
    let text = fs::read_to_string(&archive).unwrap();
    fs::write(&archive, text.replacen("success", "failure", 1)).unwrap();
    let faults = async || {
        let found = scene.verify(&folder).await.findings;
        found.into_iter().map(|it| it.fault).collect::<Vec<_>>()
    };
    assert_eq!(faults().await, [Fault::ArchiveChanged]);
    fs::write(&archive, text).unwrap();
    // One more event goes under the name of an earlier retirement.
    scene
        .attack(
            "UPDATE t_acme.audit_retirements SET positions = '1-7'; \
         DELETE FROM t_acme.audit_events WHERE category = 'auth'",
        )
        .await;
    assert_eq!(
        faults().await,
        [Fault::RetirementForged, Fault::EventMissing]
    );
    scene.attack("DELETE FROM t_acme.audit_retirements").await;
    assert_eq!(
        faults().await,
        [Fault::RetirementMissing, Fault::EventMissing]
    );
}

/// The one file in a folder.
fn only_file(folder: &std::path::Path) -> std::path::PathBuf {
    let mut files = fs::read_dir(folder).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    file
}
