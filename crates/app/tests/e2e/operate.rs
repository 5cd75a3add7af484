//! Installing, looking after and starting the platform.

use std::os::unix::fs::PermissionsExt as _;

use app::{
    Components, StartError,
    operate::{Check, Diagnosis, Phase},
};
use futures_util::future::join_all;
use kernel::Ambient;
use testkit::{Api, TestDatabase, api_settings};

use crate::platform::{Platform, change};

const INSTALLED: &str = "SELECT json_build_array( \
     (SELECT count(*) FROM platform.installation), \
     (SELECT count(*) FROM platform.signing_keys), \
     (SELECT count(*) FROM platform.secrets), \
     (SELECT count(*) FROM platform.tenants), \
     (SELECT count(*) FROM public.users), \
     (SELECT count(*) FROM public.role_assignments))";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_who_install_at_once_make_one_platform_that_is_entered_with_the_kept_password() {
    let platform = Platform::empty().await;
    for report in join_all((0..10).map(|_| platform.up())).await {
        assert!(report.unwrap().diagnosis.ok);
    }
    let installed = platform.ask(INSTALLED).await;
    assert_eq!(installed, "[1, 1, 1, 1, 1, 1]");
    for file in std::fs::read_dir(platform.credentials()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
    }

    let password = platform.secret("public-administrator-password");
    let api = Api::over(platform, |_settings| {}).await;
    let signed_in = api.log_in("public", "admin@localhost.example", &password);
    let signed_in = signed_in.await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);

    let platform = api.stop().await;
    let again = platform.up().await.unwrap();
    assert_eq!((again.migrated, again.diagnosis.ok), (0, true));
    assert_eq!(platform.ask(INSTALLED).await, installed);
    assert_eq!(platform.secret("public-administrator-password"), password);
}

/// What is wrong: the check's name, its problem and what to do.
async fn complaints(platform: &Platform) -> Vec<(&'static str, String)> {
    let Diagnosis { ok, checks } = platform
        .operator(&[])
        .diagnose(Phase::Running)
        .await
        .unwrap();
    let failed: Vec<Check> = checks.into_iter().filter(|check| !check.ok).collect();
    assert_eq!(ok, failed.is_empty());
    let told = |check: Check| {
        let remedy = check.remedy.unwrap();
        assert!(!remedy.is_empty());
        (check.name, format!("{} {remedy}", check.problem.unwrap()))
    };
    failed.into_iter().map(told).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_named() {
    let platform = Platform::ready().await;
    assert_eq!(complaints(&platform).await, []);
    let app = platform
        .ask(
            "SELECT rolname FROM pg_roles WHERE rolname = ( \
              SELECT replace(pg_get_userbyid(nspowner), '_owner', '_app') \
              FROM pg_namespace WHERE nspname = 'platform')",
        )
        .await;
    let mighty = format!("ALTER ROLE {app} BYPASSRLS");
    let meek = format!("ALTER ROLE {app} NOBYPASSRLS");
    let newest = "WHERE schema_name = 'public' AND name = (SELECT max(name) \
                  FROM platform.schema_migrations WHERE schema_name = 'public')";
    let migration = platform
        .ask("SELECT max(name) FROM platform.schema_migrations WHERE schema_name = 'public'")
        .await;
    let forgotten = format!("DELETE FROM platform.schema_migrations {newest}");
    let remembered = platform
        .ask(&format!(
            "SELECT format('INSERT INTO platform.schema_migrations VALUES (%L, %L, %L, %L)', \
             schema_name, name, sha256, applied_at) FROM platform.schema_migrations {newest}"
        ))
        .await;
    let altered = "UPDATE platform.schema_migrations SET sha256 = reverse(sha256) \
                   WHERE schema_name = 'public'";
    for (injury, cure, check, named) in [
        (altered, altered, "migrations", "`public`"),
        (&forgotten, &remembered, "migrations", &migration),
        (
            "ALTER TABLE public.users DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE public.users ENABLE ROW LEVEL SECURITY",
            "catalogue",
            "public.users",
        ),
        (
            "CREATE TABLE public.notes (id uuid PRIMARY KEY)",
            "DROP TABLE public.notes",
            "catalogue",
            "public.notes",
        ),
        (
            "UPDATE platform.tenants SET slug = 'other'",
            "UPDATE platform.tenants SET slug = 'public'",
            "public_tenant",
            "hrms-bootstrap ensure-public-tenant",
        ),
        (&mighty, &meek, "application_login", &app),
    ] {
        platform.change(injury).await;
        let told = complaints(&platform).await;
        let found = told
            .iter()
            .find(|(name, _)| *name == check)
            .unwrap_or_else(|| panic!("after {injury}: {told:?}"));
        assert!(found.1.contains(named), "after {injury}: {found:?}");
        platform.change(cure).await;
        assert_eq!(complaints(&platform).await, [], "after {cure}");
    }
}

/// Why the API does not start, with every cause.
async fn refusal(url: &str) -> String {
    let settings = api_settings(url);
    let refused = Box::pin(Components::connect(&settings, Ambient::system())).await;
    let error: StartError = refused.unwrap_err();
    let mut told = error.to_string();
    let mut next = std::error::Error::source(&error);
    while let Some(cause) = next {
        told = format!("{told}: {cause}");
        next = cause.source();
    }
    told
}

#[tokio::test]
async fn the_api_refuses_a_database_whose_migrations_are_not_its_own() {
    let acme = "schema_name = 't_acme' AND name = \
                (SELECT max(name) FROM platform.schema_migrations WHERE schema_name = 't_acme')";
    for (injury, told) in [
        (
            format!("DELETE FROM platform.schema_migrations WHERE {acme}"),
            "schema `t_acme` lacks migration `",
        ),
        (
            format!("UPDATE platform.schema_migrations SET sha256 = reverse(sha256) WHERE {acme}"),
            "of schema `t_acme` was another one when it ran",
        ),
        (
            "INSERT INTO platform.schema_migrations \
             VALUES ('pool_0001', 'm20991231_000001_tomorrow', repeat('a', 64), now())"
                .to_owned(),
            "schema `pool_0001` has migration `m20991231_000001_tomorrow`, which this program does \
             not know",
        ),
    ] {
        let clone = TestDatabase::create().await;
        change(&mut clone.superuser().await, &injury).await;
        let refused = refusal(&clone.app_url()).await;
        assert!(refused.contains(told), "{refused}");
    }
}

#[tokio::test]
async fn the_api_refuses_a_login_that_may_do_too_much() {
    let clone = TestDatabase::create().await;
    for url in [clone.superuser_url(), clone.migrator_url()] {
        let refused = refusal(&url).await;
        assert!(refused.contains("may do too much"), "{refused}");
        assert!(refused.contains("hrms-bootstrap up"), "{refused}");
    }
}

#[tokio::test]
async fn the_api_refuses_a_database_in_which_nothing_is_installed() {
    let clone = TestDatabase::create().await;
    change(&mut clone.superuser().await, "DROP SCHEMA platform CASCADE").await;
    let refused = refusal(&clone.app_url()).await;
    assert!(refused.contains("hrms-bootstrap up"), "{refused}");
}
