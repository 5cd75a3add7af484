//! `audit`: what was done is proven, and held.

use serde_json::{Value, json};

use crate::scratch::{Done, Scratch};

/// A platform on which something was done, and nothing is sealed yet.
async fn with_records() -> Scratch {
    let scratch = Scratch::ready().await;
    let tenant = scratch.run(&crate::scratch::create("alpha", "Alpha"));
    assert_eq!(tenant.code, 0, "{}", tenant.told);
    std::fs::create_dir(scratch.credentials().join("seals")).unwrap();
    scratch
}

fn audit(scratch: &Scratch, arguments: &[&str]) -> Done {
    scratch.run(&[&["audit"], arguments].concat())
}

fn verify(scratch: &Scratch, more: &[&str]) -> Done {
    let seals = scratch.credentials().join("seals");
    let arguments = [&["verify", "--seals", seals.to_str().unwrap()], more].concat();
    audit(scratch, &arguments)
}

#[tokio::test]
async fn up_makes_the_key_that_signs_and_its_public_half_once() {
    let scratch = Scratch::ready().await;
    let keys =
        || ["audit-key", "audit-signing-key", "audit-public-key"].map(|it| scratch.secret(it));
    let before = keys();
    assert_eq!(scratch.run(&["up"]).code, 0);
    assert_eq!(keys(), before);
    assert_ne!(before[0], before[1]);
    assert_ne!(before[1], before[2]);
}

#[tokio::test]
async fn verifying_says_what_is_wrong_and_is_recorded_itself() {
    let scratch = with_records().await;
    let verified = verify(&scratch, &["--tenant", "alpha"]);
    assert_eq!(verified.code, 0, "{}", verified.told);
    assert_eq!(verified.json["findings"], json!([]));
    let all = verify(&scratch, &[]);
    assert_eq!(all.code, 0, "{}{}", all.json, all.told);
    assert_eq!(all.json["chains"], 3);
    let recorded = "SELECT count(*) FROM platform.audit_events WHERE action = 'audit.verified.v1'";
    assert_eq!(scratch.ask(recorded).await, "2");
    // Nobody has recorded this.
    let forged = "\
        SET session_replication_role = replica; \
        INSERT INTO t_alpha.audit_events (tenant_id, id, at, actor_type, action, category, outcome, \
            targets, changes, details) \
        SELECT id, '01920000-0000-7000-8000-000000000001', '2024-09-17T00:00:00Z', 'system', \
            'data.forged.v1', 'system', 'success', '[]', '{}', '{}' \
        FROM platform.tenants WHERE slug = 'alpha'";
    scratch.change(forged).await;
    let found = verify(&scratch, &[]);
    assert_eq!(
        (found.code, found.error()),
        (1, "audit_findings"),
        "{}",
        found.json
    );
    let findings = found.json.pointer("/error/verified/findings").unwrap();
    let expected = json!([{
        "fault": "event_added", "tenant": "alpha",
        "event": "01920000-0000-7000-8000-000000000001",
        "at": "2024-09-17T00:00:00Z", "action": "data.forged.v1",
    }]);
    assert_eq!(findings, &expected);
    let told = found
        .json
        .pointer("/error/details/0")
        .and_then(Value::as_str)
        .unwrap();
    assert!(told.contains("alpha: an event was added"), "{told}");
    let before = verify(&scratch, &["--to", "2024-01-01T00:00:00Z"]);
    assert_eq!(before.code, 0, "{}", before.json);
}

#[tokio::test]
async fn what_verifying_needs_is_asked_for() {
    let scratch = with_records().await;
    let without = audit(&scratch, &["verify"]);
    assert_eq!((without.code, without.error()), (2, "argument"));
    let nowhere = audit(&scratch, &["verify", "--seals", "/nowhere"]);
    assert_eq!(
        (nowhere.code, nowhere.error()),
        (1, "verify"),
        "{}",
        nowhere.json
    );
    let key = scratch.credentials().join("seals/key");
    std::fs::write(&key, "no key").unwrap();
    let wrong = verify(&scratch, &["--public-key", key.to_str().unwrap()]);
    assert_eq!((wrong.code, wrong.error()), (2, "argument"));
    assert_eq!(verify(&scratch, &["--tenant", "nobody"]).code, 4);
    assert_eq!(verify(&scratch, &["--from", "yesterday"]).code, 2);
}

#[tokio::test]
async fn holds_are_placed_listed_released_and_recorded() {
    let scratch = with_records().await;
    for whose in [["--tenant", "alpha"].as_slice(), &["--platform"]] {
        let of = |arguments: &[&str]| audit(&scratch, &[&["hold"], arguments, whose].concat());
        let target = "01920000-0000-7000-8000-000000000007";
        let placed = of(&["add", "--reason", "case 17", "--target", target]);
        assert_eq!(placed.code, 0, "{}", placed.told);
        assert_eq!(placed.json["target"], target);
        let id = placed.json["id"].as_str().unwrap();
        for _ in 0..2 {
            let released = of(&["release", id]);
            assert_eq!(released.code, 0, "{}", released.told);
            assert!(released.json["released_at"].is_string());
        }
        let listed = of(&["list"]);
        assert_eq!(listed.json.as_array().unwrap().len(), 1);
        let nobody = of(&["release", target]);
        assert_eq!((nobody.code, nobody.error()), (4, "not_found"));
        assert_eq!(of(&["add", "--reason", " "]).code, 2);
    }
    let recorded = "\
        SELECT string_agg(action, ' ' ORDER BY at) FROM t_alpha.audit_events \
        WHERE action LIKE 'audit.%'";
    let both = "audit.hold_placed.v1 audit.hold_released.v1";
    assert_eq!(scratch.ask(recorded).await, both);
    assert_eq!(audit(&scratch, &["hold", "list"]).code, 2);
}
