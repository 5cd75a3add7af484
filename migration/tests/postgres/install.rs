//! The installation.

use migration::{MigrationError, install};

use crate::scratch::{Scratch, one, run};

#[tokio::test]
async fn installing_again_keeps_the_id() {
    let (clean, id) = Scratch::empty().await;
    let mut conn = clean.superuser().await;
    let first = install::install(&mut conn, &id).await.unwrap();
    let second = install::install(&mut conn, "ffffffff").await.unwrap();
    assert_eq!(first, second);
    assert_eq!(first.id(), id);
}

#[tokio::test]
async fn who_waits_in_vain_to_install_is_told_who_installs() {
    let (clean, id) = Scratch::empty().await;
    let mut holder = clean.superuser().await;
    run(
        &mut holder,
        "SELECT pg_advisory_lock(hashtextextended('hrms install', 0))",
    )
    .await
    .unwrap();
    let pid = one(&mut holder, "SELECT pg_backend_pid()").await;
    let mut hasty = clean.superuser().await;
    run(&mut hasty, "SET lock_timeout = '200ms'").await.unwrap();
    let told = install::install(&mut hasty, &id).await.unwrap_err();
    assert!(
        told.to_string().starts_with(&format!(
            "waited in vain for the turn `hrms install`: process {pid} ("
        )),
        "{told}"
    );
    drop(holder);
    install::install(&mut clean.superuser().await, &id)
        .await
        .unwrap();
}

#[tokio::test]
async fn ten_installations_at_once_are_one() {
    let (clean, id) = Scratch::empty().await;
    let mut installing = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (mut conn, id) = (clean.superuser().await, id.clone());
        installing.spawn(async move { install::install(&mut conn, &id).await.unwrap() });
    }
    for installation in installing.join_all().await {
        assert_eq!(installation.id(), id);
    }
}

#[tokio::test]
async fn an_id_whose_roles_exist_is_refused() {
    let (_clean, scratch) = Scratch::installed().await;
    let (other, _) = Scratch::empty().await;
    let refused = install::install(&mut other.superuser().await, scratch.installation.id()).await;
    assert!(
        matches!(refused, Err(MigrationError::IdTaken(_))),
        "{refused:?}"
    );
    let malformed = install::install(&mut other.superuser().await, "x'; drop").await;
    assert!(
        matches!(malformed, Err(MigrationError::MalformedId(_))),
        "{malformed:?}"
    );
}

#[tokio::test]
async fn a_clone_shares_the_roles_and_gets_its_own_grants() {
    let (clean, scratch) = Scratch::migrated(&["t_acme"]).await;
    let mut conn = clean.copy("clone").await;
    let app = scratch.installation.login(install::Login::App);
    let may_connect = format!("has_database_privilege('{app}', current_database(), 'CONNECT')");
    let public_may = "has_database_privilege('pg_monitor', current_database(), 'CONNECT')";
    assert_eq!(one(&mut conn, public_may).await, "true");
    for _ in 0..2 {
        assert_eq!(
            install::grant_database(&mut conn).await.unwrap(),
            scratch.installation
        );
        assert_eq!(one(&mut conn, &may_connect).await, "true");
        assert_eq!(one(&mut conn, public_may).await, "false");
    }
}

#[tokio::test]
async fn two_databases_may_make_a_schema_role_at_once() {
    let (clean, scratch) = Scratch::installed().await;
    let mut making = tokio::task::JoinSet::new();
    for clone in 0..6 {
        let mut conn = clean.copy(&clone.to_string()).await;
        making.spawn(async move {
            for schema in 0..20 {
                let make = format!("SELECT platform.create_schema_role('t_{schema}')");
                run(&mut conn, &make).await.unwrap();
            }
        });
    }
    making.join_all().await;
    let id = scratch.installation.id();
    let mut conn = clean.superuser().await;
    let made = format!("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'hrms\\_{id}\\_t\\_%'");
    assert_eq!(one(&mut conn, &made).await, "20");
}

#[tokio::test]
async fn a_schema_role_of_another_pattern_is_refused() {
    let (_clean, scratch) = Scratch::installed().await;
    let mut conn = scratch.connect(install::Login::Migrator).await;
    for name in [
        "app",
        "owner",
        "t_",
        "t_A",
        "t_a-b",
        "pool_1",
        "pg_monitor",
        "t_a\n",
        "",
    ] {
        for function in ["create_schema_role", "drop_schema_role"] {
            let refused = run(&mut conn, &format!("SELECT platform.{function}('{name}')")).await;
            assert!(
                refused
                    .unwrap_err()
                    .contains("not the name of a tenant schema"),
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn the_migrator_makes_roles_by_the_function_only() {
    let (_clean, scratch) = Scratch::installed().await;
    let mut conn = scratch.connect(install::Login::Migrator).await;
    run(&mut conn, "SELECT platform.create_schema_role('t_acme')")
        .await
        .unwrap();
    let id = scratch.installation.id();
    for crime in [
        "CREATE ROLE hrms_intruder".to_owned(),
        format!("GRANT pg_execute_server_program TO hrms_{id}_migrator"),
        format!("ALTER ROLE hrms_{id}_app SUPERUSER"),
        format!("SET ROLE hrms_{id}_roles"),
        "UPDATE platform.installation SET id = '00000000'".to_owned(),
        format!("SET ROLE hrms_{id}_owner; SELECT platform.create_schema_role('t_other')"),
    ] {
        let refused = run(&mut conn, &crime).await.unwrap_err();
        let denied = ["permission denied", "must be", "must have"]
            .iter()
            .any(|why| refused.contains(why));
        assert!(denied, "{crime}: {refused}");
    }
}

#[tokio::test]
async fn replacing_what_a_definer_function_might_call_gains_nothing() {
    let (_clean, scratch) = Scratch::installed().await;
    let mut conn = scratch.connect(install::Login::Migrator).await;
    let owner = scratch.installation.owner();
    run(
        &mut conn,
        &format!(
            "SET ROLE {owner}; \
             DROP FUNCTION platform.schema_role(name); \
             CREATE FUNCTION platform.schema_role(name) RETURNS name LANGUAGE plpgsql AS $$ \
             BEGIN CREATE ROLE hrms_intruder SUPERUSER; RETURN $1; END $$; \
             DROP TABLE platform.installation; RESET ROLE"
        ),
    )
    .await
    .unwrap();
    run(&mut conn, "SELECT platform.create_schema_role('t_acme')")
        .await
        .unwrap();
    let intruders = "SELECT count(*) FROM pg_roles WHERE rolname = 'hrms_intruder'";
    assert_eq!(one(&mut conn, intruders).await, "0");
}

#[tokio::test]
async fn the_application_can_do_nothing_before_it_takes_a_role() {
    let (_clean, scratch) = Scratch::migrated(&["t_acme", "public"]).await;
    let mut conn = scratch.connect(install::Login::App).await;
    assert_eq!(
        one(&mut conn, "SELECT current_setting('search_path')").await,
        r#""""#
    );
    for crime in [
        "SELECT * FROM employees",
        "SELECT * FROM public.employees",
        "SELECT * FROM t_acme.employees",
        "SELECT * FROM platform.tenants",
        "SELECT * FROM platform.installation",
        "SELECT platform.create_schema_role('t_mine')",
        "CREATE TABLE public.mine ()",
        "CREATE TEMPORARY TABLE mine ()",
        "CREATE SCHEMA mine",
        "SELECT pg_catalog.set_config('app.tenant', '', true)",
        "SELECT pg_catalog.lo_create(0)",
        "SELECT pg_catalog.lo_creat(-1)",
        "SELECT pg_catalog.lo_from_bytea(0, 'mine')",
        "SET ROLE postgres",
    ] {
        let refused = run(&mut conn, crime).await.unwrap_err();
        let denied = ["permission denied", "does not exist"]
            .iter()
            .any(|it| refused.contains(it));
        assert!(denied, "{crime}: {refused}");
    }
}

#[tokio::test]
async fn a_password_logs_in_and_the_server_never_sees_it() {
    let (_clean, scratch) = Scratch::installed().await;
    let mut conn = scratch.connect(install::Login::App).await;
    let app = scratch.installation.login(install::Login::App);
    assert_eq!(one(&mut conn, "SELECT current_user").await, app);
    let mut conn = scratch.superuser().await;
    let stored = format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{app}'");
    assert!(
        one(&mut conn, &stored)
            .await
            .starts_with("SCRAM-SHA-256$4096:")
    );
    for password in ["short", "with a space in it", "with-an-ünicode-letter"] {
        let refused = install::set_login_password(
            &mut conn,
            &scratch.installation,
            install::Login::App,
            password,
        )
        .await;
        assert!(
            matches!(refused, Err(MigrationError::Password)),
            "{password}"
        );
    }
}
