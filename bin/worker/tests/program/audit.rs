//! What was recorded is sealed by a worker that has the key, and by no other.

use std::{path::Path, sync::Arc};

use audit::{Period, PublicKeys, SealFiles, SigningKey, Verifier, Whose};
use kernel::{
    Ambient,
    audit::{AuditCategory, AuditEntry},
};
use testkit::{ACME, TestDatabase, scaled};
use tokio::task::JoinSet;

use crate::{Program, run, until};

const KEY: &str = "dGhlIGtleSB0aGF0IHNpZ25zIGluIGV2ZXJ5IHRlc3Q=";

/// Something was done in Acme.
async fn recorded(database: &TestDatabase) {
    let id = ACME.id;
    let sql = format!(
        "INSERT INTO t_acme.audit_events (tenant_id, id, actor_type, action, category, outcome, \
             targets, changes, details) \
         VALUES ('{id}', gen_random_uuid(), 'system', 'user.created.v1', 'admin', 'success', '[]', \
             '{{}}', '{{}}')"
    );
    run(database, &sql).await;
}

#[tokio::test]
async fn a_worker_with_the_key_seals_what_was_recorded_and_files_what_it_signed() {
    let database = TestDatabase::create().await;
    let folder = tempfile::tempdir().unwrap();
    let seals = folder.path().join("seals");
    recorded(&database).await;
    let settings = [
        ("HRMS_AUDIT__SIGNING_KEY", KEY),
        ("HRMS_AUDIT__SEALS", seals.to_str().unwrap()),
    ];
    let worker = Program::start(&database.app_url(), &settings);
    until(&database, "t_acme.audit_links", 1).await;
    // Whatever the tenant is going through.
    let suspend = "UPDATE platform.tenants SET status = 'suspended' WHERE slug = 'acme'";
    run(&database, suspend).await;
    recorded(&database).await;
    until(&database, "t_acme.audit_seals", 2).await;
    until(&database, "platform.audit_checkpoints", 1).await;
    until(&database, "platform.audit_unfiled", 0).await;
    worker.signal("TERM");
    let (status, log) = worker.end();
    assert!(status.success(), "{log}");
    assert!(!log.contains("seals nothing"), "{log}");
    let mut lines = 0;
    for file in std::fs::read_dir(seals).unwrap() {
        lines += std::fs::read_to_string(file.unwrap().path())
            .unwrap()
            .lines()
            .count();
    }
    assert_eq!(lines, 3);
}

#[tokio::test]
async fn a_worker_without_the_key_says_what_it_does_not_do() {
    let database = TestDatabase::create().await;
    recorded(&database).await;
    let worker = Program::start(&database.app_url(), &[]);
    until(&database, "platform.workers", 1).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    worker.signal("TERM");
    let (status, log) = worker.end();
    assert!(status.success(), "{log}");
    assert!(
        log.contains("seals nothing") && log.contains("audit.signing_key"),
        "{log}"
    );
    assert_eq!(crate::count(&database, "t_acme.audit_links").await, 0);
}

#[tokio::test]
async fn a_key_without_a_folder_is_refused() {
    let database = TestDatabase::create().await;
    let worker = Program::start(&database.app_url(), &[("HRMS_AUDIT__SIGNING_KEY", KEY)]);
    let (status, log) = worker.end();
    assert!(!status.success() && log.contains("[audit] seals"), "{log}");
    let wrong = [
        ("HRMS_AUDIT__SIGNING_KEY", "abc"),
        ("HRMS_AUDIT__SEALS", "/tmp/seals"),
    ];
    let worker = Program::start(&database.app_url(), &wrong);
    let (status, log) = worker.end();
    assert!(!status.success() && log.contains("audit"), "{log}");
}

/// How many events: `HRMS_TEST_AUDIT_EVENTS` asks for more.
const EVENTS: (&str, usize) = ("HRMS_TEST_AUDIT_EVENTS", 2_000);
const WRITERS: usize = 16;
/// How many events a transaction records.
const AT_ONCE: usize = 5;

/// Puts what one wrote behind what the other wrote, as whoever copies both into one folder does.
fn put_together(one: &Path, other: &Path) {
    for file in std::fs::read_dir(other).unwrap() {
        let file = file.unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        let into = one.join(file.file_name());
        let there = std::fs::read_to_string(&into).unwrap_or_default();
        std::fs::write(into, there + &text).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixteen_writers_and_two_processes_that_seal_nothing_is_forked_and_nothing_is_found() {
    let database = Arc::new(TestDatabase::create().await);
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let workers = folders.each_ref().map(|folder| {
        let settings = [
            ("HRMS_AUDIT__SIGNING_KEY", KEY),
            ("HRMS_AUDIT__SEALS", folder.path().to_str().unwrap()),
            ("HRMS_AUDIT__SEAL_INTERVAL", "100ms"),
        ];
        Program::start(&database.app_url(), &settings)
    });
    let on = Arc::new(database.tenants().await);
    let wanted = scaled(EVENTS.0, EVENTS.1);
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let on = Arc::clone(&on);
        writers.spawn(async move {
            let tenants = [&on.acme, &on.globex, &on.initech, &on.umbrella];
            for _ in 0..wanted / WRITERS / AT_ONCE {
                let tx = on.database.begin_tenant(tenants[writer % 4]).await.unwrap();
                for _ in 0..AT_ONCE {
                    let entry = AuditEntry::new("desk.moved.v1", AuditCategory::DataWrite);
                    tx.record(entry.on("desk", ACME.id));
                }
                tx.commit().await.unwrap();
            }
        });
    }
    writers.join_all().await;
    let recorded = u64::try_from(wanted / WRITERS / AT_ONCE * AT_ONCE * WRITERS).unwrap();
    let sealing = std::time::Instant::now();
    while crate::count(&database, "platform.audit_unsealed").await > 0 {
        assert!(sealing.elapsed() < std::time::Duration::from_mins(10));
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    until(&database, "platform.audit_unfiled", 0).await;
    for worker in &workers {
        worker.signal("TERM");
    }
    for worker in workers {
        let (status, log) = worker.end();
        assert!(
            status.success() && !log.contains("cannot be sealed"),
            "{log}"
        );
    }
    put_together(folders[0].path(), folders[1].path());
    let key = SigningKey::read(&KEY.into()).unwrap();
    let verifier = Verifier::new(
        on.database.clone(),
        on.platform.clone(),
        PublicKeys::read(&key.public_half()).unwrap(),
        SealFiles::new(folders[0].path()),
        None,
        Ambient::system(),
        |_, _| {},
    );
    let tenants = [&on.acme, &on.globex, &on.initech, &on.umbrella];
    let mut chains: Vec<Whose> = tenants.map(|it| Whose::Tenant(it.clone())).into();
    chains.push(Whose::Platform);
    let proof = verifier
        .verify(&chains, true, Period::default())
        .await
        .unwrap();
    assert_eq!(proof.findings, []);
    assert_eq!(proof.events, recorded);
    println!("{recorded} events, {} seals of two processes", proof.seals);
}
