//! What was recorded gets into the chain, the chain is signed, and what was signed lies in files.

use std::sync::Arc;

use kernel::Ambient;

use crate::scene::{FilledFolder, Scene};

#[tokio::test]
async fn what_was_recorded_is_sealed_in_its_order_and_filed() {
    let scene = Scene::arrange().await;
    for tenant in [&scene.on.acme, &scene.on.initech, &scene.on.umbrella] {
        scene.record(tenant, 3).await;
    }
    scene.record_in_platform(1).await;
    let folder = FilledFolder::new();
    let sealer = scene.sealer(&folder);
    let done = sealer.look().await.unwrap();
    assert_eq!((done.events, done.seals, done.filed), (10, 4, 4));
    assert_eq!(sealer.backlog().await.unwrap().unsealed, 0);
    assert_eq!(sealer.look().await.unwrap(), audit::Sealed::default());
    scene.record(&scene.on.acme, 2).await;
    assert_eq!(sealer.look().await.unwrap().events, 2);
    let positions: Vec<i64> = scene
        .column("SELECT position FROM t_acme.audit_links l JOIN t_acme.audit_events e USING (tenant_id, id) ORDER BY e.at")
        .await;
    assert_eq!(positions, [1, 2, 3, 4, 5]);
    assert_eq!(folder.lines().len(), 5);
    scene.is_proven(&folder).await;
}

#[tokio::test]
async fn more_than_a_batch_is_sealed_batch_by_batch() {
    let scene = Scene::arrange().await;
    scene.record(&scene.on.acme, 2_300).await;
    let folder = FilledFolder::new();
    let sealer = scene.sealer(&folder);
    let mut batches = Vec::new();
    loop {
        let done = sealer.look().await.unwrap();
        batches.push(done.events);
        if !done.is_more {
            break;
        }
    }
    assert_eq!(batches, [1_000, 1_000, 300]);
    scene.is_proven(&folder).await;
}

#[tokio::test]
async fn of_sealers_that_race_each_event_is_sealed_once() {
    let scene = Scene::arrange().await;
    let (one, other) = (FilledFolder::new(), FilledFolder::new());
    let sealers = [scene.sealer(&one), scene.sealer(&other)].map(Arc::new);
    let writing = async {
        for _ in 0..40 {
            scene.record(&scene.on.acme, 5).await;
        }
    };
    let sealing = sealers.iter().map(|sealer| async {
        for _ in 0..60 {
            sealer.look().await.unwrap();
        }
    });
    tokio::join!(writing, futures_util::future::join_all(sealing));
    sealers[0].look().await.unwrap();
    let links: i64 = scene.look("SELECT count(*) FROM t_acme.audit_links").await;
    assert_eq!(links, 200);
    // Either wrote what it found: together they have every seal.
    one.take_over(&other);
    scene.is_proven(&one).await;
}

#[tokio::test]
async fn what_a_crash_kept_from_the_files_is_written_at_the_next_look() {
    let scene = Scene::arrange().await;
    scene.record(&scene.on.acme, 3).await;
    // A folder that cannot be made stands for a process that ends behind the commit.
    let file = tempfile::NamedTempFile::new().unwrap();
    let cut_off = scene.sealer_into(&file.path().join("seals"));
    let failed = cut_off.look().await;
    assert!(
        matches!(failed, Err(audit::SealError::Files(_))),
        "{failed:?}"
    );
    let folder = FilledFolder::new();
    let sealer = scene.sealer(&folder);
    let backlog = sealer.backlog().await.unwrap();
    assert_eq!((backlog.unsealed, backlog.unfiled), (0, 1));
    let done = sealer.look().await.unwrap();
    assert_eq!((done.seals, done.filed), (0, 1));
    scene.is_proven(&folder).await;
}

#[tokio::test]
async fn a_line_that_was_written_twice_is_no_finding() {
    let scene = Scene::arrange().await;
    scene.record(&scene.on.acme, 3).await;
    let folder = FilledFolder::new();
    scene.sealer(&folder).look().await.unwrap();
    folder.write(&[folder.lines(), folder.lines()].concat());
    scene.is_proven(&folder).await;
}

#[tokio::test]
async fn nothing_is_signed_on_top_of_what_somebody_else_put_there() {
    let scene = Scene::arrange().await;
    let folder = FilledFolder::new();
    let sealer = scene.sealer(&folder);
    for (number, attack) in [
        "DELETE FROM t_acme.audit_links WHERE position = 3",
        "DELETE FROM t_acme.audit_seals WHERE number = 1",
        "UPDATE t_acme.audit_links SET link = sha256('x') WHERE position = 3",
        "UPDATE t_acme.audit_seals SET sealed_at = now() + interval '1 s'",
    ]
    .into_iter()
    .enumerate()
    {
        let scene = Scene::arrange().await;
        let folder = FilledFolder::new();
        scene.record(&scene.on.acme, 3).await;
        let sealer = scene.sealer(&folder);
        sealer.look().await.unwrap();
        scene.attack(attack).await;
        scene.record(&scene.on.acme, 1).await;
        scene.record(&scene.on.globex, 1).await;
        // Nobody else waits for that.
        assert_eq!(sealer.look().await.unwrap().events, 1, "{number}");
        assert_eq!(sealer.backlog().await.unwrap().unsealed, 1, "{number}");
    }
    scene.record(&scene.on.acme, 3).await;
    assert_eq!(sealer.look().await.unwrap().events, 3);
}

#[tokio::test]
async fn tenants_take_turns_however_much_one_of_them_does() {
    let scene = Scene::arrange().await;
    scene.record(&scene.on.acme, 1_500).await;
    scene.record(&scene.on.umbrella, 1).await;
    let folder = FilledFolder::new();
    let sealed = scene.sealer(&folder).look().await.unwrap();
    assert_eq!((sealed.events, sealed.seals), (1_001, 2));
    assert!(sealed.is_more);
}

#[tokio::test]
async fn every_hour_all_chains_that_grew_are_signed_together() {
    let scene = Scene::arrange().await;
    let folder = FilledFolder::new();
    let clock = kernel::FixedClock::at(Ambient::system().now());
    let ambient = Ambient::new(Arc::new(clock.clone()), Arc::new(kernel::SystemEntropy));
    let sealer = scene.sealer_at(&folder, ambient.clone());
    let other = scene.sealer_at(&folder, ambient);
    assert!(!sealer.checkpoint().await.unwrap());
    clock.advance(time::Duration::minutes(2));
    for (hour, tenants) in [
        (1, vec![&scene.on.acme, &scene.on.initech]),
        (2, vec![&scene.on.acme]),
        (
            3,
            vec![&scene.on.umbrella, &scene.on.globex, &scene.on.acme],
        ),
    ] {
        for tenant in tenants {
            scene.record(tenant, 2).await;
        }
        sealer.look().await.unwrap();
        let both = tokio::join!(sealer.checkpoint(), other.checkpoint());
        let signed = [both.0.unwrap(), both.1.unwrap()];
        assert!(signed[0] != signed[1], "{hour}: {signed:?}");
        assert!(!sealer.checkpoint().await.unwrap());
        clock.advance(time::Duration::minutes(61));
    }
    let size: i64 = scene
        .look("SELECT max(size) FROM platform.audit_checkpoints")
        .await;
    assert_eq!(size, 6);
    sealer.look().await.unwrap();
    scene.is_proven(&folder).await;
}
