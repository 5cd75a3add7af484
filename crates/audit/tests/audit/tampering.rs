//! What a superuser can do to the audit, past every trigger, and how it is found.

use audit::{Fault, Finding, Verified};
use kernel::Ambient;
use uuid::Uuid;

use crate::scene::{FilledFolder, Scene};

/// Acme has done ten things, sealed by two seals and a checkpoint.
async fn sealed() -> (Scene, FilledFolder) {
    let scene = Scene::arrange().await;
    let folder = FilledFolder::new();
    let sealer = scene.sealer(&folder);
    for _ in 0..2 {
        scene.record(&scene.on.acme, 5).await;
        scene.record(&scene.on.initech, 2).await;
        sealer.look().await.unwrap();
    }
    assert!(sealer.checkpoint().await.unwrap());
    sealer.look().await.unwrap();
    scene.is_proven(&folder).await;
    (scene, folder)
}

/// The id of the event at a place of Acme's chain.
async fn event_at(scene: &Scene, position: i64) -> Uuid {
    let sql = format!("SELECT id FROM t_acme.audit_links WHERE position = {position}");
    scene.look(&sql).await
}

/// Faults with their places, in the order in which they were found.
fn faults(verified: &Verified) -> Vec<(Fault, Option<i64>)> {
    assert!(
        verified.findings.iter().all(|it| it.tenant == "acme"),
        "{:?}",
        verified.findings
    );
    verified
        .findings
        .iter()
        .map(|it| (it.fault, it.position))
        .collect()
}

fn only(verified: Verified) -> Finding {
    let [finding]: [Finding; 1] = verified.findings.try_into().unwrap();
    finding
}

const AT: &str = "(SELECT id FROM t_acme.audit_links WHERE position = 3)";

#[tokio::test]
async fn a_field_that_was_changed_is_found_with_its_event() {
    for change in [
        "action = 'department.deleted.v1'",
        "actor_id = gen_random_uuid()",
        "outcome = 'failure'",
        "details = '{\"number\":7}'",
        "address = '192.0.2.8'",
        "personal = 'x', subject_id = gen_random_uuid()",
    ] {
        let (scene, folder) = sealed().await;
        let event = event_at(&scene, 3).await;
        scene
            .attack(&format!(
                "UPDATE t_acme.audit_events SET {change} WHERE id = {AT}"
            ))
            .await;
        let finding = only(scene.verify(&folder).await);
        assert_eq!(
            (finding.fault, finding.event, finding.position),
            (Fault::EventChanged, Some(event), Some(3)),
            "{change}"
        );
        assert!(finding.at.is_some() && finding.action.is_some());
    }
}

#[tokio::test]
async fn a_time_that_was_changed_is_found_with_its_event() {
    let (scene, folder) = sealed().await;
    let event = event_at(&scene, 3).await;
    let change = "at = at - interval '1 microsecond'";
    scene
        .attack(&format!(
            "UPDATE t_acme.audit_events SET {change} WHERE id = {AT}"
        ))
        .await;
    let finding = only(scene.verify(&folder).await);
    assert_eq!(
        (finding.fault, finding.event),
        (Fault::EventChanged, Some(event))
    );
}

#[tokio::test]
async fn an_event_that_was_deleted_is_named() {
    let (scene, folder) = sealed().await;
    let event = event_at(&scene, 3).await;
    scene
        .attack(&format!("DELETE FROM t_acme.audit_events WHERE id = {AT}"))
        .await;
    let finding = only(scene.verify(&folder).await);
    assert_eq!(
        (finding.fault, finding.event, finding.position),
        (Fault::EventMissing, Some(event), Some(3))
    );
    // With its link as well nothing is left but its place.
    scene
        .attack("DELETE FROM t_acme.audit_links WHERE position = 3")
        .await;
    let found = scene.verify(&folder).await;
    assert_eq!(faults(&found), [(Fault::LinkMissing, Some(3))]);
}

#[tokio::test]
async fn a_tail_that_was_cut_off_is_found_from_its_first_event_on() {
    let (scene, folder) = sealed().await;
    let tail = "(SELECT id FROM t_acme.audit_links WHERE position > 7)";
    scene
        .attack(&format!(
            "DELETE FROM t_acme.audit_events WHERE id IN {tail}"
        ))
        .await;
    let found = scene.verify(&folder).await;
    let missing = [8, 9, 10].map(|it| (Fault::EventMissing, Some(it)));
    assert_eq!(faults(&found), missing);
    scene
        .attack("DELETE FROM t_acme.audit_links WHERE position > 7")
        .await;
    let found = scene.verify(&folder).await;
    let empty = [8, 9, 10].map(|it| (Fault::LinkMissing, Some(it)));
    assert_eq!(faults(&found), empty);
    // And with the seal over it.
    scene
        .attack("DELETE FROM t_acme.audit_seals WHERE number = 2")
        .await;
    let found = faults(&scene.verify(&folder).await);
    assert_eq!(found[0], (Fault::SealMissing, Some(6)));
    assert_eq!(found[1..], empty);
}

const COPY: &str = "\
    INSERT INTO t_acme.audit_events \
    SELECT (e).* FROM (SELECT jsonb_populate_record(e, jsonb_build_object( \
        'id', '01920000-0000-7000-8000-000000000001')) AS e FROM t_acme.audit_events e \
        JOIN t_acme.audit_links l USING (tenant_id, id) WHERE l.position = 3) copied";

#[tokio::test]
async fn an_event_that_was_put_in_is_named_in_the_chain_and_outside_it() {
    let (scene, folder) = sealed().await;
    scene.attack(COPY).await;
    let stranger = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);
    let finding = only(scene.verify(&folder).await);
    assert_eq!(
        (finding.fault, finding.event),
        (Fault::EventAdded, Some(stranger))
    );
    assert_eq!(finding.action.as_deref(), Some("department.updated.v1"));
    let append = "\
        INSERT INTO t_acme.audit_links (tenant_id, id, position, hash, previous, link) \
        SELECT tenant_id, '01920000-0000-7000-8000-000000000001', position + 1, hash, link, \
            sha256('\\x01'::bytea || link || hash) \
        FROM t_acme.audit_links ORDER BY position DESC LIMIT 1";
    scene.attack(append).await;
    let finding = only(scene.verify(&folder).await);
    assert_eq!(
        (finding.fault, finding.event),
        (Fault::EventAdded, Some(stranger))
    );
    assert_eq!(finding.position, Some(11));
}

#[tokio::test]
async fn events_that_changed_places_are_both_named() {
    for swap in [
        // The rows of the chain.
        "UPDATE t_acme.audit_links SET position = CASE position WHEN 3 THEN 1008 ELSE 1003 END \
             WHERE position IN (3, 8); \
         UPDATE t_acme.audit_links SET position = position - 1000 WHERE position > 1000",
        "UPDATE t_acme.audit_links SET position = CASE position WHEN 3 THEN 1004 ELSE 1003 END \
             WHERE position IN (3, 4); \
         UPDATE t_acme.audit_links SET position = position - 1000 WHERE position > 1000",
        // What they link.
        "CREATE TEMP TABLE old AS SELECT * FROM t_acme.audit_links; \
         DELETE FROM t_acme.audit_links WHERE position IN (2, 4); \
         INSERT INTO t_acme.audit_links (tenant_id, id, position, hash, previous, link) \
         SELECT one.tenant_id, other.id, one.position, other.hash, one.previous, one.link \
         FROM old one JOIN old other ON one.position + other.position = 6 \
             AND one.position IN (2, 4)",
    ] {
        let (scene, folder) = sealed().await;
        scene.attack(swap).await;
        let found = scene.verify(&folder).await;
        let moved: Vec<_> = found
            .findings
            .iter()
            .filter(|it| it.fault == Fault::EventMoved)
            .collect();
        assert_eq!(moved.len(), 2, "{swap}: {:?}", found.findings);
        assert_eq!(found.findings.len(), 2, "{swap}: {:?}", found.findings);
    }
}

#[tokio::test]
async fn contents_that_changed_places_are_both_named() {
    let (scene, folder) = sealed().await;
    let swap = "\
        UPDATE t_acme.audit_events e SET details = other.details, at = other.at \
        FROM t_acme.audit_events other, t_acme.audit_links l, t_acme.audit_links m \
        WHERE l.id = e.id AND m.id = other.id AND l.position + m.position = 6 \
            AND l.position IN (2, 4)";
    scene.attack(swap).await;
    let found = scene.verify(&folder).await;
    let changed = [2, 4].map(|it| (Fault::EventChanged, Some(it)));
    assert_eq!(faults(&found), changed);
}

#[tokio::test]
async fn an_event_that_was_played_again_is_named() {
    // Under a new id, past the triggers.
    let (scene, folder) = sealed().await;
    scene.attack(COPY).await;
    assert_eq!(only(scene.verify(&folder).await).fault, Fault::EventAdded);
    // Taken out and put in again, with the triggers on: it is sealed no second time, and what it
    // says now counts.
    let (scene, folder) = sealed().await;
    let event = event_at(&scene, 3).await;
    let again = format!(
        "CREATE TEMP TABLE old AS SELECT * FROM t_acme.audit_events WHERE id = '{event}'; \
         DELETE FROM t_acme.audit_events WHERE id = '{event}'; \
         UPDATE old SET outcome = 'denied'; SET session_replication_role = origin; \
         INSERT INTO t_acme.audit_events SELECT * FROM old"
    );
    scene.attack(&again).await;
    let sealer = scene.sealer(&folder);
    sealer.look().await.unwrap();
    assert_eq!(sealer.backlog().await.unwrap().unsealed, 0);
    let finding = only(scene.verify(&folder).await);
    assert_eq!(
        (finding.fault, finding.event, finding.position),
        (Fault::EventChanged, Some(event), Some(3))
    );
}

/// Changes an event and computes everything after it anew, as the sealer would.
async fn recompute(scene: &Scene) {
    let change = format!("UPDATE t_acme.audit_events SET outcome = 'denied' WHERE id = {AT}");
    scene.attack(&change).await;
    let database = scene.database();
    let tx = database.begin_tenant_read(&scene.on.acme).await.unwrap();
    let records = audit::read_all(&tx).await.unwrap();
    tx.commit().await.unwrap();
    let changed = event_at(scene, 3).await;
    let hash = records
        .iter()
        .find(|it| it.id == changed)
        .unwrap()
        .hash()
        .unwrap();
    let chain = format!(
        "UPDATE t_acme.audit_links SET hash = '\\x{hash}' WHERE position = 3; \
         DO $$ DECLARE it record; last bytea; BEGIN \
             SELECT previous INTO last FROM t_acme.audit_links WHERE position = 3; \
             FOR it IN SELECT * FROM t_acme.audit_links WHERE position >= 3 ORDER BY position LOOP \
                 UPDATE t_acme.audit_links SET previous = last, \
                     link = sha256('\\x01'::bytea || last || it.hash) WHERE id = it.id \
                     RETURNING link INTO last; \
             END LOOP; END $$; \
         UPDATE t_acme.audit_seals s SET link = l.link FROM t_acme.audit_links l \
             WHERE l.position = s.last_position"
    );
    scene.attack(&chain).await;
}

#[tokio::test]
async fn a_chain_that_was_computed_anew_without_the_key_is_found_where_it_was_changed() {
    let (scene, folder) = sealed().await;
    recompute(&scene).await;
    let found = scene.verify(&folder).await;
    let of = |fault| {
        let found = found.findings.iter().filter(|it| it.fault == fault);
        found
            .map(|it| (it.position, it.last_position, it.number))
            .collect::<Vec<_>>()
    };
    let forged = [(None, None, Some(1)), (None, None, Some(2))];
    assert_eq!(of(Fault::SealForged), forged);
    // The files say what was signed: of the part in which it was changed the events cannot be told
    // apart, and all others are proven.
    assert_eq!(of(Fault::ChainRewritten), [(Some(1), Some(5), Some(1))]);
    let links = of(Fault::LinkChanged);
    assert_eq!(links.len(), 5);
    assert_eq!(found.findings.len(), 8, "{:?}", found.findings);
}

#[tokio::test]
async fn seals_that_were_deleted_are_named_wherever_they_were_deleted() {
    let (scene, folder) = sealed().await;
    scene.attack("DELETE FROM t_acme.audit_seals").await;
    let found = faults(&scene.verify(&folder).await);
    let missing = [(Fault::SealMissing, Some(1)), (Fault::SealMissing, Some(6))];
    assert_eq!(found, missing);

    let (scene, folder) = sealed().await;
    let acme = scene.on.acme.id().to_string();
    let mut lines = folder.lines();
    lines.retain(|it| !it.contains(&acme));
    folder.write(&lines);
    let later = later();
    let found = scene
        .verify_within(&folder, audit::Period::default(), later.clone())
        .await;
    let unfiled = [(Fault::SealUnfiled, Some(1)), (Fault::SealUnfiled, Some(6))];
    assert_eq!(faults(&found), unfiled);
    // And in both: the log of all chains names the last, and nothing behind the chain is signed.
    scene.attack("DELETE FROM t_acme.audit_seals").await;
    let found = scene
        .verify_within(&folder, audit::Period::default(), later)
        .await;
    let lost = found
        .findings
        .iter()
        .filter(|it| it.fault == Fault::SealLost);
    assert_eq!(
        lost.map(|it| it.number).collect::<Vec<_>>(),
        [Some(1), Some(2)]
    );
    let added = found
        .findings
        .iter()
        .filter(|it| it.fault == Fault::EventAdded);
    assert_eq!(added.count(), 10);
}

/// A clock that is an hour ahead: nothing waits any more.
fn later() -> Ambient {
    let clock = kernel::FixedClock::at(Ambient::system().now() + time::Duration::hours(1));
    Ambient::new(
        std::sync::Arc::new(clock),
        std::sync::Arc::new(kernel::SystemEntropy),
    )
}

#[tokio::test]
async fn an_older_backup_is_found_by_what_the_files_know_beyond_it() {
    let (scene, folder) = sealed().await;
    // Everything of the last hour is gone, as when yesterday's backup is put back.
    let back = "\
        DELETE FROM t_acme.audit_events WHERE id IN \
            (SELECT id FROM t_acme.audit_links WHERE position > 5); \
        DELETE FROM t_acme.audit_links WHERE position > 5; \
        DELETE FROM t_acme.audit_seals WHERE number > 1; \
        DELETE FROM platform.audit_log; DELETE FROM platform.audit_checkpoints";
    scene.attack(back).await;
    let found = scene.verify(&folder).await;
    let of = |fault| found.findings.iter().filter(move |it| it.fault == fault);
    assert_eq!(of(Fault::CheckpointMissing).count(), 1);
    let missing: Vec<_> = of(Fault::SealMissing)
        .map(|it| (it.position, it.last_position))
        .collect();
    assert_eq!(missing, [(Some(6), Some(10))]);
    assert_eq!(of(Fault::LinkMissing).count(), 5);
    // Whoever goes on working on top of it signs other seals of the same numbers.
    scene.record(&scene.on.acme, 5).await;
    scene.sealer(&folder).look().await.unwrap();
    let found = scene.verify(&folder).await;
    assert!(
        found
            .findings
            .iter()
            .any(|it| it.fault == Fault::SealForked),
        "{:?}",
        found.findings
    );
}

#[tokio::test]
async fn the_log_of_all_chains_and_its_checkpoints_are_kept_as_well() {
    for (attack, fault) in [
        (
            "UPDATE platform.audit_log SET seal = seal + 1 WHERE position = 1",
            Fault::CheckpointDiffers,
        ),
        (
            "DELETE FROM platform.audit_log WHERE position = 1",
            Fault::CheckpointDiffers,
        ),
        (
            "DELETE FROM platform.audit_checkpoints",
            Fault::CheckpointMissing,
        ),
        (
            "UPDATE platform.audit_checkpoints SET size = 1",
            Fault::CheckpointForged,
        ),
    ] {
        let (scene, folder) = sealed().await;
        scene.attack(attack).await;
        let found = scene.verify(&folder).await;
        assert!(
            found.findings.iter().any(|it| it.fault == fault),
            "{attack}: {:?}",
            found.findings
        );
    }
}

#[tokio::test]
async fn what_is_lost_or_late_before_its_seal_is_named() {
    let (scene, folder) = sealed().await;
    scene.record(&scene.on.acme, 2).await;
    scene.is_proven(&folder).await;
    let newest = "(SELECT id FROM t_acme.audit_events ORDER BY at DESC LIMIT 1)";
    scene
        .attack(&format!(
            "DELETE FROM t_acme.audit_events WHERE id = {newest}"
        ))
        .await;
    let found = scene.verify(&folder).await;
    assert_eq!(only(found).fault, Fault::EventLostUnsealed);
    let found = scene
        .verify_within(&folder, audit::Period::default(), later())
        .await;
    let mut faults: Vec<_> = faults(&found).into_iter().map(|(it, _)| it).collect();
    faults.sort();
    assert_eq!(faults, [Fault::EventUnsealed, Fault::EventLostUnsealed]);
}

#[tokio::test]
async fn a_period_is_verified_by_itself() {
    let (scene, folder) = sealed().await;
    let now = Ambient::system().now();
    let before = audit::Period {
        from: None,
        to: Some(now - time::Duration::hours(1)),
    };
    let after = audit::Period {
        from: Some(now + time::Duration::hours(1)),
        to: None,
    };
    for period in [before, after] {
        let verified = scene
            .verify_within(&folder, period, Ambient::system())
            .await;
        assert!(verified.is_clean(), "{:?}", verified.findings);
        assert!(verified.events < 14, "{}", verified.events);
    }
    let between = audit::Period {
        from: Some(now - time::Duration::hours(1)),
        to: Some(now),
    };
    let verified = scene
        .verify_within(&folder, between, Ambient::system())
        .await;
    assert_eq!((verified.events, verified.findings.len()), (14, 0));
}
