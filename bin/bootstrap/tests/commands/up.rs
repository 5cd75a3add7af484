//! `up`: from nothing to a platform.

use crate::scratch::{Done, Scratch, create};

#[tokio::test]
async fn an_empty_database_becomes_a_platform_and_stays_one() {
    let scratch = Scratch::empty().await;
    let first = scratch.run(&["up"]);
    assert_eq!(first.code, 0, "{}", first.told);
    assert_eq!(first.json["diagnosis"]["ok"], true);
    let (url, password) = (
        scratch.secret("database-url"),
        scratch.secret("public-administrator-password"),
    );
    assert!(!first.told.contains(password.trim()) && !first.told.contains(url.trim()));

    let again = scratch.run(&["up"]);
    assert_eq!(
        (again.code, &again.json["migrated"]),
        (0, &0.into()),
        "{}",
        again.told
    );
    assert_eq!(scratch.secret("database-url"), url);
    assert_eq!(scratch.secret("public-administrator-password"), password);
    assert_eq!(
        scratch.ask("SELECT count(*) FROM platform.tenants").await,
        "1"
    );
    assert_eq!(scratch.ask("SELECT count(*) FROM public.users").await, "1");
    assert_eq!(
        scratch
            .ask("SELECT count(*) FROM platform.signing_keys")
            .await,
        "1"
    );
    let hosts = scratch.run(&["tenant", "show", "public"]);
    assert_eq!(hosts.json["hosts"], serde_json::json!(["localhost"]));
}

#[tokio::test]
async fn ten_at_once_agree() {
    let scratch = Scratch::empty().await;
    for done in scratch.run_at_once(10, &["up"]) {
        assert_eq!(done.code, 0, "{}", done.json);
    }
    assert_eq!(
        scratch.ask("SELECT count(*) FROM platform.tenants").await,
        "1"
    );
    assert_eq!(scratch.ask("SELECT count(*) FROM public.users").await, "1");
    assert_eq!(
        scratch
            .ask("SELECT count(*) FROM platform.signing_keys")
            .await,
        "1"
    );
    assert_eq!(std::fs::read_dir(scratch.credentials()).unwrap().count(), 5);
}

#[tokio::test]
async fn a_public_tenant_that_was_cut_off_is_completed() {
    let scratch = Scratch::ready().await;
    scratch
        .change(
            "UPDATE platform.tenants SET status = 'creating'; DELETE FROM platform.domains; \
             DELETE FROM platform.signing_keys",
        )
        .await;
    assert_eq!(scratch.run(&["up"]).code, 0);
    assert_eq!(
        scratch.ask("SELECT status FROM platform.tenants").await,
        "active"
    );
    assert_eq!(
        scratch.ask("SELECT host FROM platform.domains").await,
        "localhost"
    );
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_waited_for_and_then_given_up() {
    let scratch = Scratch::empty().await;
    let mut command = scratch.command(&["up", "--wait", "1s"]);
    // Nothing listens on the discard port.
    command.env(
        "HRMS_DATABASE__ADMIN_URL",
        "postgres://nobody@127.0.0.1:9/nothing",
    );
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}

#[tokio::test]
async fn wrong_settings_are_all_named() {
    let scratch = Scratch::empty().await;
    let mut command = scratch.command(&["up"]);
    command
        .env("HRMS_TENANCY__POOL_CAPACITY", "0")
        .env("HRMS_NONSENSE", "1");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.contains("pool_capacity") && told.contains("HRMS_NONSENSE"),
        "{told}"
    );
}

#[tokio::test]
async fn who_waits_in_vain_for_another_command_is_told_which_process_that_is() {
    let scratch = Scratch::empty().await;
    let mut holder = scratch.superuser().await;
    let turn = "SELECT pg_advisory_lock(hashtextextended('hrms application login', 0))";
    sqlx::query(turn).execute(&mut holder).await.unwrap();
    let mut command = scratch.command(&["up"]);
    command.env("HRMS_DATABASE__TURN_TIMEOUT", "1s");
    let done = Done::from(command.output().unwrap());
    assert_eq!((done.code, done.error()), (1, "busy"), "{}", done.json);
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut holder)
        .await
        .unwrap();
    let message = done.json["error"]["message"].as_str().unwrap();
    assert!(message.contains(&format!("process {pid} (")), "{message}");
    drop(holder);
    assert_eq!(scratch.run(&["up"]).code, 0);
}

#[tokio::test]
async fn a_schema_that_another_one_migrates_is_told_by_every_command_that_needs_it() {
    let scratch = Scratch::ready().await;
    let mut holder = scratch.superuser().await;
    for schema in ["platform", "t_acme"] {
        sqlx::query("SELECT pg_advisory_lock(hashtextextended('hrms migrate ' || $1, 0))")
            .bind(schema)
            .execute(&mut holder)
            .await
            .unwrap();
    }
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut holder)
        .await
        .unwrap();
    let create = create("acme", "Acme");
    for (command, code) in [
        (&["migrate"] as &[&str], "busy"),
        (&create, "busy"),
        (&["diagnose", "--phase", "running"], "unhealthy"),
    ] {
        let mut command_line = scratch.command(command);
        command_line.env("HRMS_DATABASE__TURN_TIMEOUT", "1s");
        let done = Done::from(command_line.output().unwrap());
        assert_eq!((done.code, done.error()), (1, code), "{}", done.json);
        assert!(
            done.json.to_string().contains(&format!("process {pid} (")),
            "{}",
            done.json
        );
    }
    drop(holder);
    // What was refused left nothing behind.
    assert_eq!(scratch.run(&create).code, 0);
    assert_eq!(scratch.run(&["diagnose", "--phase", "running"]).code, 0);
}
