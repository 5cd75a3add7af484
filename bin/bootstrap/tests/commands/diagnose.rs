//! `diagnose`: what is wrong, and what to do.

use serde_json::Value;

use crate::scratch::Scratch;

/// The checks that failed.
fn failed(scratch: &Scratch) -> Vec<String> {
    let done = scratch.run(&["diagnose", "--phase", "startup"]);
    let checks = done
        .json
        .pointer("/error/checks")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    assert_eq!(done.code, i32::from(!checks.is_empty()), "{}", done.json);
    let text = |check: &Value, name| check.get(name).and_then(Value::as_str).unwrap().to_owned();
    for check in &checks {
        assert!(!text(check, "remedy").is_empty(), "{check}");
    }
    checks.iter().map(|check| text(check, "name")).collect()
}

#[tokio::test]
async fn a_database_in_which_nothing_is_installed_is_told() {
    assert_eq!(failed(&Scratch::empty().await), ["installation"]);
}

#[tokio::test]
async fn everything_that_is_missing_is_told_and_up_makes_it() {
    let scratch = Scratch::ready().await;
    assert!(failed(&scratch).is_empty());
    scratch
        .change(
            "DELETE FROM platform.signing_keys; \
             UPDATE platform.tenants SET status = 'creating'",
        )
        .await;
    std::fs::remove_file(scratch.credentials().join("database-url")).unwrap();
    assert_eq!(
        failed(&scratch),
        ["application_login", "public_tenant", "signing_key"]
    );
    let up = scratch.run(&["up", "--new-application-password"]);
    assert_eq!(up.code, 0, "{}", up.json);
    assert!(failed(&scratch).is_empty());
}

#[tokio::test]
async fn a_wall_that_was_taken_down_is_told() {
    let scratch = Scratch::ready().await;
    scratch
        .change("ALTER TABLE public.employees NO FORCE ROW LEVEL SECURITY")
        .await;
    assert_eq!(failed(&scratch), ["catalogue"]);
}

#[tokio::test]
async fn a_migration_that_was_another_one_is_told_and_up_refuses() {
    let scratch = Scratch::ready().await;
    scratch
        .change(
            "UPDATE platform.schema_migrations SET sha256 = repeat('0', 64) \
             WHERE schema_name = 'public'",
        )
        .await;
    assert_eq!(failed(&scratch), ["migrations"]);
    let up = scratch.run(&["up"]);
    assert_eq!((up.code, up.error()), (1, "migration"));
}
