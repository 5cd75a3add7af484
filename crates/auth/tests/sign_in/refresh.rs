//! Staying signed in, and signing out.

use auth::{AuthError, SignedIn, TokenError};
use futures_util::future::join_all;
use telemetry::Origin;
use time::Duration;

use crate::scene::{Scene, access_token, settings, with_a_long_memory};

fn is_refused(outcome: &Result<SignedIn, AuthError>) -> bool {
    matches!(outcome, Err(AuthError::RefreshRefused))
}

#[tokio::test]
async fn a_session_lives_on_through_new_tokens() {
    let scene = Scene::new().await;
    for tenant in scene.tenants() {
        let mut signed_in = scene.jane(tenant).await;
        let session = scene.actor(tenant, &signed_in).await.unwrap().session_id;
        for _ in 0..3 {
            scene.clock.advance(Duration::minutes(11));
            let over = scene.actor(tenant, &signed_in).await;
            assert!(matches!(over, Err(AuthError::Token(TokenError::Expired))));
            signed_in = scene.refresh(tenant, &signed_in).await.unwrap();
            let actor = scene.actor(tenant, &signed_in).await.unwrap();
            assert_eq!(actor.session_id, session);
        }
    }
}

#[tokio::test]
async fn a_refresh_token_that_comes_twice_ends_its_session() {
    let scene = Scene::with(with_a_long_memory()).await;
    let acme = &scene.on.acme;
    let first = scene.jane(acme).await;
    let elsewhere = scene.jane(acme).await;
    let second = scene.refresh(acme, &first).await.unwrap();
    assert!(scene.actor(acme, &second).await.is_ok());

    assert!(is_refused(&scene.refresh(acme, &first).await));

    assert!(is_refused(&scene.refresh(acme, &second).await));
    for signed_in in [&first, &second] {
        let over = scene.actor(acme, signed_in).await;
        assert!(matches!(
            over,
            Err(AuthError::Token(TokenError::SessionOver))
        ));
    }
    assert!(scene.actor(acme, &elsewhere).await.is_ok());
    assert!(scene.refresh(acme, &elsewhere).await.is_ok());
}

#[tokio::test]
async fn of_ten_that_use_a_token_at_once_one_succeeds() {
    let scene = Scene::new().await;
    let acme = &scene.on.acme;
    let signed_in = scene.jane(acme).await;
    let outcomes = join_all((0..10).map(|_| scene.refresh(acme, &signed_in))).await;
    let refused = outcomes
        .iter()
        .filter(|outcome| is_refused(outcome))
        .count();
    assert_eq!(refused, 9);
    let winner = outcomes.into_iter().find_map(Result::ok).unwrap();
    assert!(is_refused(&scene.refresh(acme, &winner).await));
}

#[tokio::test]
async fn a_refresh_token_is_unknown_in_every_other_tenant() {
    let scene = Scene::new().await;
    for tenant in scene.tenants() {
        let signed_in = scene.jane(tenant).await;
        for other in scene.tenants() {
            if other.id() != tenant.id() {
                assert!(is_refused(&scene.refresh(other, &signed_in).await));
            }
        }
        assert!(scene.refresh(tenant, &signed_in).await.is_ok());
    }
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let scene = Scene::new().await;
    let acme = &scene.on.acme;
    let signed_in = scene.jane(acme).await;
    let token = signed_in.refresh_token.expose();
    for text in [
        "",
        "null",
        &token[1..],
        &format!("{token}="),
        access_token(&signed_in),
    ] {
        let outcome = scene
            .auth
            .sessions
            .refresh(acme, &Origin::default(), text)
            .await;
        assert!(is_refused(&outcome), "{text}");
    }
    assert!(scene.refresh(acme, &signed_in).await.is_ok());
}

#[tokio::test]
async fn seven_days_without_use_end_a_session() {
    let scene = Scene::new().await;
    let acme = &scene.on.acme;
    let signed_in = scene.jane(acme).await;
    scene.clock.advance(Duration::days(7) - Duration::SECOND);
    let signed_in = scene.refresh(acme, &signed_in).await.unwrap();
    scene.clock.advance(Duration::days(7));
    assert!(is_refused(&scene.refresh(acme, &signed_in).await));
}

#[tokio::test]
async fn thirty_days_end_a_session_however_often_it_is_used() {
    let scene = Scene::new().await;
    let acme = &scene.on.acme;
    let mut signed_in = scene.jane(acme).await;
    for _ in 0..5 {
        scene.clock.advance(Duration::days(5));
        signed_in = scene.refresh(acme, &signed_in).await.unwrap();
    }
    scene
        .clock
        .advance(Duration::days(5) - Duration::minutes(1));
    signed_in = scene.refresh(acme, &signed_in).await.unwrap();
    assert_eq!(signed_in.access_token.expires_in, 60);
    scene.clock.advance(Duration::minutes(1));
    assert!(is_refused(&scene.refresh(acme, &signed_in).await));
    assert!(scene.actor(acme, &signed_in).await.is_err());
}

#[tokio::test]
async fn a_deactivated_user_is_out_with_his_next_step() {
    let scene = Scene::new().await;
    let acme = &scene.on.acme;
    let signed_in = scene.jane(acme).await;
    scene
        .change(acme, "UPDATE users SET status = 'deactivated'")
        .await;
    assert!(is_refused(&scene.refresh(acme, &signed_in).await));
    let over = scene.actor(acme, &signed_in).await;
    assert!(matches!(
        over,
        Err(AuthError::Token(TokenError::SessionOver))
    ));
}

#[tokio::test]
async fn signing_out_ends_every_token_of_the_session_and_no_other_session() {
    let scene = Scene::with(with_a_long_memory()).await;
    let acme = &scene.on.acme;
    let here = scene.jane(acme).await;
    let elsewhere = scene.jane(acme).await;
    let session = scene.actor(acme, &here).await.unwrap().session_id;
    scene
        .auth
        .sessions
        .logout(acme, &Origin::default(), session)
        .await
        .unwrap();
    // Twice is harmless.
    scene
        .auth
        .sessions
        .logout(acme, &Origin::default(), session)
        .await
        .unwrap();

    let over = scene.actor(acme, &here).await;
    assert!(matches!(
        over,
        Err(AuthError::Token(TokenError::SessionOver))
    ));
    assert!(is_refused(&scene.refresh(acme, &here).await));
    assert!(scene.actor(acme, &elsewhere).await.is_ok());

    let other = scene.another_process(settings()).await;
    let over = other.authenticator.actor(acme, access_token(&here)).await;
    assert!(matches!(
        over,
        Err(AuthError::Token(TokenError::SessionOver))
    ));
}

#[tokio::test]
async fn nobody_signs_a_neighbour_out() {
    let scene = Scene::new().await;
    let (initech, umbrella) = (&scene.on.initech, &scene.on.umbrella);
    let signed_in = scene.jane(initech).await;
    let session = scene.actor(initech, &signed_in).await.unwrap().session_id;
    scene
        .auth
        .sessions
        .logout(umbrella, &Origin::default(), session)
        .await
        .unwrap();
    assert!(scene.actor(initech, &signed_in).await.is_ok());
    assert!(scene.refresh(initech, &signed_in).await.is_ok());
}
