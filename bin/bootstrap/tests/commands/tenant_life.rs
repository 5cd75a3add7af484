//! `tenant suspend`, `resume` and `domain`.

use serde_json::json;

use crate::scratch::{Done, Scratch, create};

/// A platform with the tenants `alpha` and `beta`.
async fn two_tenants() -> Scratch {
    let scratch = Scratch::ready().await;
    for slug in ["alpha", "beta"] {
        let mut create = create(slug, slug);
        create.extend(["--placement", "pooled"]);
        let created = scratch.run(&create);
        assert_eq!(created.code, 0, "{}", created.json);
    }
    scratch
}

fn suspend(scratch: &Scratch, slug: &str, reason: &str) -> Done {
    scratch.run(&["tenant", "suspend", slug, "--reason", reason])
}

fn domain(scratch: &Scratch, verb: &str, slug: &str, domain: &str) -> Done {
    scratch.run(&["tenant", "domain", verb, slug, domain])
}

/// A failure that changed nothing, and says what to do.
fn assert_refused(done: &Done, code: &str) {
    assert_eq!((done.code, done.error()), (4, code), "{}", done.json);
    let next = done.json.pointer("/error/next").unwrap();
    assert_ne!(next, "");
}

#[tokio::test]
async fn a_tenant_is_suspended_and_resumed_however_often_that_is_asked_for() {
    let scratch = two_tenants().await;
    let epochs = "SELECT json_build_array(placement_epoch, auth_epoch, version) \
                  FROM platform.tenants WHERE slug = 'alpha'";
    let first = suspend(&scratch, "alpha", "Unpaid");
    assert_eq!(first.code, 0, "{}", first.json);
    assert_eq!(
        [&first.json["status"], &first.json["suspension_reason"]],
        ["suspended", "Unpaid"]
    );
    let so_far = scratch.ask(epochs).await;
    let again = suspend(&scratch, "alpha", "Another reason");
    assert_eq!((again.code, &again.json), (0, &first.json));
    assert_eq!(scratch.ask(epochs).await, so_far);
    assert_eq!(
        scratch.run(&["tenant", "show", "alpha"]).json["suspended_at"],
        first.json["suspended_at"]
    );

    for _ in 0..2 {
        let resumed = scratch.run(&["tenant", "resume", "alpha"]);
        assert_eq!(
            (resumed.code, &resumed.json["status"]),
            (0, &json!("active"))
        );
        assert_eq!(resumed.json.get("suspension_reason"), None);
    }
    assert_refused(&suspend(&scratch, "public", "x"), "state_conflict");
    assert_refused(&suspend(&scratch, "gamma", "x"), "tenant_not_found");
    assert_eq!(suspend(&scratch, "alpha", "").code, 2);
    let moving = "UPDATE platform.tenants SET status = 'moving' WHERE slug = 'beta'";
    scratch.change(moving).await;
    assert_refused(&suspend(&scratch, "beta", "x"), "state_conflict");
    assert_refused(
        &scratch.run(&["tenant", "resume", "beta"]),
        "state_conflict",
    );
}

#[tokio::test]
async fn a_domain_is_registered_and_taken_away_however_often_that_is_asked_for() {
    let scratch = two_tenants().await;
    for _ in 0..2 {
        let added = domain(&scratch, "add", "alpha", "People.Bücher.example.");
        assert_eq!(added.code, 0, "{}", added.json);
        assert_eq!(added.json["hosts"], json!(["people.xn--bcher-kva.example"]));
    }
    for verb in ["add", "remove"] {
        let elsewhere = domain(&scratch, verb, "beta", "people.bücher.example");
        assert_refused(&elsewhere, "conflict");
        let next = elsewhere.json["error"]["next"].as_str().unwrap();
        let remedy = "tenant domain remove alpha people.xn--bcher-kva.example";
        assert!(next.contains(remedy), "{next}");
    }
    for _ in 0..2 {
        let removed = domain(&scratch, "remove", "alpha", "people.bücher.example");
        assert_eq!((removed.code, &removed.json["hosts"]), (0, &json!([])));
    }
    let added = domain(&scratch, "add", "beta", "people.bücher.example");
    assert_eq!(added.code, 0, "{}", added.json);

    for reserved in ["localhost", "alpha.localhost", "10.0.0.7", "intranet"] {
        assert_refused(
            &domain(&scratch, "add", "alpha", reserved),
            "validation_failed",
        );
    }
    let base = scratch
        .command(&["tenant", "domain", "add", "alpha", "x.hr.example.com"])
        .env("HRMS_HTTP__BASE_DOMAINS", "hr.example.com")
        .output()
        .unwrap();
    assert_refused(&base.into(), "validation_failed");
    assert_eq!(domain(&scratch, "add", "alpha", "a b").code, 2);
    assert_refused(
        &domain(&scratch, "add", "gamma", "g.example"),
        "tenant_not_found",
    );
}

#[tokio::test]
async fn of_ten_operators_at_once_none_is_in_anothers_way() {
    let scratch = two_tenants().await;
    let suspended = scratch.run_at_once(10, &["tenant", "suspend", "alpha"]);
    assert!(suspended.iter().all(|done| done.code == 0));
    let added = scratch.run_at_once(10, &["tenant", "domain", "add", "alpha", "p.example"]);
    assert!(added.iter().all(|done| done.code == 0));
    let version = "SELECT version FROM platform.tenants WHERE slug = 'alpha'";
    // In service, suspended, with a domain: each once.
    assert_eq!(scratch.ask(version).await, "4");
}

#[test]
fn every_command_explains_itself() {
    for command in [
        &["tenant", "suspend"] as &[&str],
        &["tenant", "resume"],
        &["tenant", "domain", "add"],
        &["tenant", "domain", "remove"],
    ] {
        let mut help = std::process::Command::new(env!("CARGO_BIN_EXE_hrms-bootstrap"));
        let help = help.args(command).arg("--help").output().unwrap();
        let text = String::from_utf8(help.stdout).unwrap();
        assert!(
            help.status.success() && text.contains("Exit codes:"),
            "{text}"
        );
    }
}
