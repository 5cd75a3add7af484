//! `diagnose`: what is wrong, and what to do.

use serde_json::Value;

use crate::scratch::{Scratch, create};

/// The checks that failed, to start.
fn failed(scratch: &Scratch) -> Vec<String> {
    failed_of(scratch, &["diagnose", "--phase", "startup"])
}

/// The checks that failed, to run on.
fn failed_running(scratch: &Scratch) -> Vec<String> {
    failed_of(scratch, &["diagnose", "--phase", "running"])
}

fn failed_of(scratch: &Scratch, command: &[&str]) -> Vec<String> {
    let done = scratch.run(command);
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

#[tokio::test]
async fn a_healthy_platform_says_what_was_seen_of_everything() {
    let scratch = Scratch::ready().await;
    for (phase, names) in [
        (
            "startup",
            "database clock installation migrations catalogue registry application_login \
             search_path public_tenant signing_key cursor_key",
        ),
        (
            "running",
            "database clock installation migrations catalogue registry drift orphans disk jobs audit mail \
             application_login search_path public_tenant signing_key cursor_key",
        ),
    ] {
        let done = scratch.run(&["diagnose", "--phase", phase]);
        assert_eq!(done.code, 0, "{}", done.json);
        let checks = done.json["checks"].as_array().unwrap();
        let told: Vec<&str> = checks
            .iter()
            .map(|check| check["name"].as_str().unwrap())
            .collect();
        assert_eq!(told.join(" "), names);
        for check in checks {
            assert!(!check["detail"].as_str().unwrap().is_empty(), "{check}");
        }
    }
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_told_without_its_password() {
    let scratch = Scratch::ready().await;
    // Nobody listens on port 1.
    let url = "smtp://hrms:hunter2@127.0.0.1:1";
    let mut diagnose = scratch.command(&["diagnose", "--phase", "running"]);
    diagnose.env("HRMS_MAIL__URL", url);
    diagnose.env("HRMS_MAIL__SENDER", "no-reply@hrms.example");
    let output = diagnose.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(told.contains("the mail server cannot be reached"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

/// Each by hand, found by the check that is for it, and gone when it is undone.
#[tokio::test]
async fn what_goes_wrong_with_time_is_told_and_what_to_do() {
    let scratch = Scratch::ready().await;
    let create = create("acme", "Acme");
    assert_eq!(scratch.run(&create).code, 0);
    let id = scratch.ask("SELECT id FROM platform.installation").await;
    let app = format!("hrms_{id}_app");
    let here = scratch.ask("SELECT current_database()").await;
    for (damage, check, undo) in [
        (
            "DROP INDEX t_acme.employees_leaving_idx",
            "drift",
            "CREATE INDEX employees_leaving_idx ON t_acme.employees (tenant_id, last_name_key, id) \
             WHERE employed_until IS NOT NULL OR original_hire_date < hire_date",
        ),
        ("CREATE SCHEMA t_nobody", "orphans", "DROP SCHEMA t_nobody"),
        (
            &format!("CREATE ROLE hrms_{id}_t_gone"),
            "orphans",
            &format!("DROP ROLE hrms_{id}_t_gone"),
        ),
        (
            "INSERT INTO platform.schema_migrations (schema_name, name, sha256) \
             SELECT 't_gone', name, sha256 FROM platform.schema_migrations \
             WHERE schema_name = 'public'",
            "orphans",
            "DELETE FROM platform.schema_migrations WHERE schema_name = 't_gone'",
        ),
        (
            "UPDATE platform.tenants SET schema_name = 't_acme_2' WHERE slug = 'acme'",
            "registry",
            "UPDATE platform.tenants SET schema_name = 't_acme' WHERE slug = 'acme'",
        ),
        (
            "UPDATE platform.tenants SET time_zone = 'Atlantis/Poseidonis' WHERE slug = 'acme'",
            "registry",
            "UPDATE platform.tenants SET time_zone = 'Europe/Berlin' WHERE slug = 'acme'",
        ),
        (
            "INSERT INTO platform.pools (schema_name, tenant_count) VALUES ('pool_0007', 1)",
            "registry",
            "DELETE FROM platform.pools WHERE schema_name = 'pool_0007'",
        ),
        (
            &format!("ALTER ROLE {app} IN DATABASE {here} SET search_path = t_acme"),
            "search_path",
            &format!("ALTER ROLE {app} IN DATABASE {here} RESET search_path"),
        ),
        (
            "UPDATE platform.signing_keys SET private_key = 'AAAA'",
            "signing_key",
            "DELETE FROM platform.signing_keys",
        ),
        (
            "UPDATE platform.secrets SET value = 'AAAA' WHERE name = 'cursor_key'",
            "cursor_key",
            "DELETE FROM platform.secrets WHERE name = 'cursor_key'",
        ),
    ] {
        scratch.change(damage).await;
        let failed = failed_running(&scratch);
        assert!(failed.contains(&check.to_owned()), "{damage}: {failed:?}");
        scratch.change(undo).await;
        if check.ends_with("_key") {
            // Drawn anew.
            assert_eq!(scratch.run(&["up"]).code, 0);
        }
        assert_eq!(failed_running(&scratch), [""; 0], "{undo}");
    }
}

#[tokio::test]
async fn what_no_migration_made_is_told_by_the_command_that_looks_for_it() {
    let scratch = Scratch::ready().await;
    let whole = scratch.run(&["validate-migrations"]);
    assert_eq!(whole.code, 0, "{}", whole.json);
    let failed = |scratch: &Scratch| failed_of(scratch, &["validate-migrations"]);
    for (damage, checks) in [
        (
            "DELETE FROM platform.schema_migrations WHERE schema_name = 'public' \
             AND name = (SELECT max(name COLLATE \"C\") FROM platform.schema_migrations \
                 WHERE schema_name = 'public')",
            &["applied"] as &[&str],
        ),
        (
            "DELETE FROM platform.schema_migrations WHERE schema_name = 'public' \
             AND name = (SELECT min(name COLLATE \"C\") FROM platform.schema_migrations \
                 WHERE schema_name = 'public')",
            &["applied", "order"],
        ),
        (
            "ALTER TABLE public.departments ADD COLUMN colour text",
            &["drift"],
        ),
    ] {
        scratch
            .change("CREATE TABLE extensions.kept AS SELECT * FROM platform.schema_migrations")
            .await;
        scratch.change(damage).await;
        assert_eq!(failed(&scratch), checks, "{damage}");
        scratch
            .change(
                "DELETE FROM platform.schema_migrations; \
                 INSERT INTO platform.schema_migrations SELECT * FROM extensions.kept; DROP TABLE extensions.kept; \
                 ALTER TABLE public.departments DROP COLUMN IF EXISTS colour",
            )
            .await;
    }
    assert_eq!(failed(&scratch), [""; 0]);
}
