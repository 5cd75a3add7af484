//! What was recorded is sealed by a worker that has the key, and by no other.

use testkit::{ACME, TestDatabase};

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
