//! Signing in.

use std::time::Duration;
use telemetry::Origin;

use auth::{Argon2Settings, AuthError, AuthSettings, Password};
use kernel::DomainError as _;

use crate::scene::{JANE, Scene, access_token, password_in, settings};

#[tokio::test]
async fn whoever_knows_the_password_signs_in() {
    let scene = Scene::new().await;
    for tenant in scene.tenants() {
        let signed_in = scene.jane(tenant).await;
        assert_eq!(signed_in.access_token.expires_in, 600);
        assert_eq!(access_token(&signed_in).split('.').count(), 3);

        let actor = scene.actor(tenant, &signed_in).await.unwrap();
        assert_eq!(actor.tenant_id, tenant.id());
        assert_eq!(actor.user_id, signed_in.user.id);
        assert!(!actor.is_platform);
        let roles: Vec<_> = actor.roles.iter().map(kernel::RoleName::as_str).collect();
        assert_eq!(roles, ["employee", "hr_manager"]);
    }
}

#[tokio::test]
async fn an_address_is_the_same_in_capitals() {
    let scene = Scene::new().await;
    let password = password_in(&scene.on.acme);
    for email in ["jane.doe@EXAMPLE.com", " JANE.DOE@example.COM "] {
        let origin = Origin::default();
        let login = scene
            .auth
            .sessions
            .login(&scene.on.acme, &origin, email, &password);
        assert!(login.await.is_ok(), "{email}");
    }
}

#[tokio::test]
async fn the_same_address_in_two_tenants_is_two_people() {
    let scene = Scene::new().await;
    let mut ids = Vec::new();
    for tenant in scene.tenants() {
        ids.push(scene.jane(tenant).await.user.id);
        for other in scene.tenants() {
            let outcome = scene.login(tenant, &password_in(other)).await;
            assert_eq!(outcome.is_ok(), tenant.id() == other.id());
        }
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn failing_to_sign_in_tells_nothing() {
    let scene = Scene::new().await;
    let (acme, globex) = (&scene.on.acme, &scene.on.globex);
    scene
        .change(globex, "UPDATE users SET status = 'deactivated'")
        .await;
    scene
        .change(&scene.on.initech, "UPDATE users SET password_hash = NULL")
        .await;
    let wrong = Password::presented("a wrong password");
    let sessions = &scene.auth.sessions;
    let outcomes = [
        (
            "wrong password",
            sessions.login(acme, &Origin::default(), JANE, &wrong).await,
        ),
        (
            "empty password",
            sessions
                .login(acme, &Origin::default(), JANE, &Password::presented(""))
                .await,
        ),
        (
            "unknown user",
            sessions
                .login(
                    acme,
                    &Origin::default(),
                    "john@example.com",
                    &password_in(acme),
                )
                .await,
        ),
        (
            "no address at all",
            sessions
                .login(acme, &Origin::default(), "' OR true --", &password_in(acme))
                .await,
        ),
        (
            "deactivated user",
            sessions
                .login(globex, &Origin::default(), JANE, &password_in(globex))
                .await,
        ),
        (
            "user without a password",
            sessions
                .login(
                    &scene.on.initech,
                    &Origin::default(),
                    JANE,
                    &password_in(&scene.on.initech),
                )
                .await,
        ),
    ];
    for (crime, outcome) in outcomes {
        let error = outcome.unwrap_err();
        assert!(
            matches!(error, AuthError::InvalidCredentials),
            "{crime}: {error}"
        );
        assert_eq!(error.kind().as_str(), "invalid_credentials", "{crime}");
        assert_eq!(
            error.detail(),
            "The e-mail address or the password is wrong."
        );
    }
}

#[tokio::test]
async fn every_way_of_failing_costs_one_hash() {
    let scene = Scene::new().await;
    let acme = &scene.on.acme;
    let page = "\u{fdfa}".repeat(340_000);
    for (email, password) in [
        (JANE, "a wrong password"),
        (JANE, &page),
        ("john@example.com", "a wrong password"),
        ("john@example.com", &page),
        ("no address", ""),
    ] {
        let before = scene.auth.hasher.calculated();
        let password = Password::presented(password);
        let outcome = scene
            .auth
            .sessions
            .login(acme, &Origin::default(), email, &password)
            .await;
        assert!(matches!(outcome, Err(AuthError::InvalidCredentials)));
        assert_eq!(scene.auth.hasher.calculated() - before, 1, "{email}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_is_held_while_a_password_is_compared() {
    let scene = Scene::with(AuthSettings {
        argon2: Argon2Settings {
            memory_kib: 64 * 1024,
            ..Argon2Settings::default()
        },
        ..settings()
    })
    .await;
    let login = scene.jane(&scene.on.acme);
    tokio::pin!(login);
    let mut connections_in_use = Vec::new();
    loop {
        tokio::select! {
            _signed_in = &mut login => break,
            () = tokio::time::sleep(Duration::from_millis(1)) => {
                connections_in_use.push(scene.on.database.status().in_use);
            }
        }
    }
    let held = connections_in_use
        .iter()
        .filter(|count| **count > 0)
        .count();
    assert!(
        connections_in_use.len() > 10,
        "the hash was too fast to watch"
    );
    assert!(
        held * 2 < connections_in_use.len(),
        "{connections_in_use:?}"
    );
}
