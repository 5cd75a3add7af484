//! Creating users and setting passwords.

use auth::{AuthError, Password, TokenError};
use futures_util::future::join_all;
use telemetry::Origin;

use crate::scene::{JANE, Scene, password_in};

#[tokio::test]
async fn a_user_who_exists_stays_as_he_is() {
    let scene = Scene::new().await;
    let acme = &scene.on.acme;
    let other = Password::choose("another password").unwrap();
    let created = scene
        .auth
        .users
        .ensure_administrator(acme, JANE.parse().unwrap(), "J".parse().unwrap(), &other)
        .await
        .unwrap();
    assert!(!created);
    assert!(scene.login(acme, &other).await.is_err());
    let jane = scene.jane(acme).await.user;
    assert_eq!(jane.display_name, "Jane Doe");
    assert_eq!(jane.roles.len(), 2);
}

#[tokio::test]
async fn of_ten_that_create_an_administrator_at_once_one_does() {
    let scene = Scene::new().await;
    let acme = &scene.on.acme;
    let passwords: Vec<_> = (0..10)
        .map(|_| Password::generate(&scene.ambient))
        .collect();
    let outcomes = join_all(passwords.iter().map(|password| {
        let (email, name) = ("root@acme.test".parse().unwrap(), "Root".parse().unwrap());
        scene
            .auth
            .users
            .ensure_administrator(acme, email, name, password)
    }))
    .await;
    let mut works = Vec::new();
    for password in &passwords {
        let origin = Origin::default();
        let login = scene
            .auth
            .sessions
            .login(acme, &origin, "root@acme.test", password);
        works.push(login.await.is_ok());
    }
    let created: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(created, works, "who created him knows his password");
    assert_eq!(works.iter().filter(|works| **works).count(), 1);
}

#[tokio::test]
async fn a_new_password_ends_every_session() {
    let scene = Scene::new().await;
    let (acme, globex) = (&scene.on.acme, &scene.on.globex);
    let here = scene.jane(acme).await;
    let elsewhere = scene.jane(acme).await;
    let namesake = scene.jane(globex).await;
    let new = Password::choose("another password").unwrap();
    let jane = JANE.parse().unwrap();
    scene
        .auth
        .users
        .set_password(acme, &jane, &new)
        .await
        .unwrap();

    for signed_in in [&here, &elsewhere] {
        let over = scene.actor(acme, signed_in).await;
        assert!(matches!(
            over,
            Err(AuthError::Token(TokenError::SessionOver))
        ));
        assert!(scene.refresh(acme, signed_in).await.is_err());
    }
    assert!(scene.login(acme, &password_in(acme)).await.is_err());
    let signed_in = scene.login(acme, &new).await.unwrap();
    assert!(scene.actor(acme, &signed_in).await.is_ok());
    assert!(scene.actor(globex, &namesake).await.is_ok());
    assert!(scene.login(globex, &password_in(globex)).await.is_ok());
}

#[tokio::test]
async fn a_login_with_the_old_password_never_outlives_the_new_one() {
    let scene = Scene::new().await;
    let acme = &scene.on.acme;
    let jane = JANE.parse().unwrap();
    let mut old = password_in(acme);
    for round in 0..20 {
        let new = Password::choose(&format!("password of round {round}")).unwrap();
        let (login, set) = tokio::join!(
            scene.login(acme, &old),
            scene.auth.users.set_password(acme, &jane, &new),
        );
        set.unwrap();
        if let Ok(signed_in) = login {
            assert!(scene.refresh(acme, &signed_in).await.is_err());
            assert!(scene.actor(acme, &signed_in).await.is_err());
        }
        old = new;
    }
}

#[tokio::test]
async fn nobody_sets_the_password_of_nobody() {
    let scene = Scene::new().await;
    let john = "john@example.com".parse().unwrap();
    let password = Password::choose("another password").unwrap();
    let outcome = scene
        .auth
        .users
        .set_password(&scene.on.acme, &john, &password)
        .await;
    assert!(matches!(outcome, Err(AuthError::NoSuchUser)));
}
