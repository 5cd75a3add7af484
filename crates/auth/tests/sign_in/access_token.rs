//! What access tokens are bound to.

use auth::{AuthError, TokenError};
use database::{Database, DatabaseSettings, Login, TenantContext};
use secrecy::SecretString;
use telemetry::Origin;
use testkit::ACME;
use web::Authenticator as _;

use crate::scene::{Operator, Scene, access_token, settings, with_a_long_memory};

fn is(outcome: &Result<kernel::Actor, AuthError>, expected: TokenError) -> bool {
    matches!(outcome, Err(AuthError::Token(error)) if *error == expected)
}

#[tokio::test]
async fn an_access_token_opens_its_own_tenant_alone() {
    let scene = Scene::new().await;
    for tenant in scene.tenants() {
        let signed_in = scene.jane(tenant).await;
        for other in scene.tenants() {
            let outcome = scene.actor(other, &signed_in).await;
            if other.id() == tenant.id() {
                assert!(outcome.is_ok());
            } else {
                assert!(is(&outcome, TokenError::OtherTenant));
            }
        }
    }
}

#[tokio::test]
async fn the_pipeline_hears_which_kind_of_refusal_it_is() {
    let scene = Scene::new().await;
    let (acme, globex) = (&scene.on.acme, &scene.on.globex);
    let signed_in = scene.jane(acme).await;
    let token = access_token(&signed_in);
    let authenticator = &scene.auth.authenticator;
    assert!(authenticator.authenticate(acme, token).await.is_ok());
    let kind = async |tenant, token| {
        let problem = authenticator.authenticate(tenant, token).await.unwrap_err();
        problem.kind().as_str()
    };
    assert_eq!(kind(globex, token).await, "tenant_mismatch");
    assert_eq!(kind(acme, "nonsense").await, "unauthenticated");
    scene.clock.advance(time::Duration::minutes(10));
    assert_eq!(kind(acme, token).await, "token_expired");
}

/// Acme as the registry would know it after a change.
async fn changed(scene: &Scene, change: impl FnOnce(&mut database::TenantRecord)) -> TenantContext {
    let settings = DatabaseSettings::new(SecretString::from(scene.test.app_url()));
    let (_database, authority) = Database::connect(settings, Login::Application)
        .await
        .unwrap();
    let mut record = ACME.record();
    change(&mut record);
    authority.tenant(record)
}

#[tokio::test]
async fn a_token_is_stale_once_its_tenant_moved_or_its_epoch_was_raised() {
    let scene = Scene::new().await;
    let signed_in = scene.jane(&scene.on.acme).await;
    let moved = changed(&scene, |acme| acme.schema = "pool_0001".parse().unwrap()).await;
    assert!(is(
        &scene.actor(&moved, &signed_in).await,
        TokenError::Stale
    ));
    let raised = changed(&scene, |acme| acme.auth_epoch += 1).await;
    assert!(is(
        &scene.actor(&raised, &signed_in).await,
        TokenError::Stale
    ));

    let refreshed = scene.refresh(&raised, &signed_in).await.unwrap();
    assert!(scene.actor(&raised, &refreshed).await.is_ok());
}

#[tokio::test]
async fn a_remembered_token_expires_like_any_other() {
    let scene = Scene::with(with_a_long_memory()).await;
    let acme = &scene.on.acme;
    let signed_in = scene.jane(acme).await;
    assert!(scene.actor(acme, &signed_in).await.is_ok());
    scene.clock.advance(time::Duration::minutes(10));
    assert!(is(
        &scene.actor(acme, &signed_in).await,
        TokenError::Expired
    ));
}

#[tokio::test]
async fn a_role_that_is_withdrawn_counts_without_a_new_token() {
    let scene = Scene::new().await;
    let acme = &scene.on.acme;
    let signed_in = scene.jane(acme).await;
    assert_eq!(scene.actor(acme, &signed_in).await.unwrap().roles.len(), 2);
    scene
        .change(
            acme,
            "DELETE FROM role_assignments WHERE role = 'hr_manager'",
        )
        .await;
    let roles = scene.actor(acme, &signed_in).await.unwrap().roles;
    assert_eq!(roles.first().unwrap().as_str(), "employee");
    assert_eq!(roles.len(), 1);
}

#[tokio::test]
async fn many_requests_of_one_session_ask_the_database_once() {
    let scene = Scene::with(with_a_long_memory()).await;
    let acme = &scene.on.acme;
    let signed_in = scene.jane(acme).await;
    assert!(scene.actor(acme, &signed_in).await.is_ok());
    scene.on.database.close().await;
    for _ in 0..100 {
        assert!(scene.actor(acme, &signed_in).await.is_ok());
    }
}

#[tokio::test]
async fn a_key_that_another_process_made_becomes_known_within_five_seconds() {
    let scene = Scene::new().await;
    let acme = &scene.on.acme;
    let operator = Operator::of(&scene.test).await;
    let tx = operator
        .database
        .begin_platform(&operator.platform)
        .await
        .unwrap();
    tx.run("UPDATE signing_keys SET state = 'retiring'", [])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    auth::ensure_signing_key(&operator.database, &operator.platform, &scene.ambient)
        .await
        .unwrap();

    let other = scene.another_process(settings()).await;
    let old = scene.jane(acme).await;
    let password = crate::scene::password_in(acme);
    let new = other
        .sessions
        .login(acme, &Origin::default(), crate::scene::JANE, &password)
        .await
        .unwrap();
    let by_other = other.authenticator.actor(acme, access_token(&old)).await;
    assert!(by_other.is_ok(), "retiring keys still check");

    // It looked at the table when it started and does not look again so soon.
    assert!(is(&scene.actor(acme, &new).await, TokenError::UnknownKey));
    scene.clock.advance(time::Duration::seconds(5));
    assert!(scene.actor(acme, &new).await.is_ok());
    assert_eq!(scene.auth.keys.published().len(), 2);
}
