//! The keys and secrets that all processes share.

use auth::{Auth, AuthError, CURSOR_KEY};
use futures_util::future::join_all;
use kernel::Ambient;
use secrecy::ExposeSecret as _;
use testkit::TestDatabase;

use crate::scene::{Operator, settings};

#[tokio::test]
async fn of_ten_that_make_the_first_key_at_once_one_does() {
    let test = TestDatabase::create().await;
    let Operator { database, platform } = Operator::of(&test).await;
    let ambient = Ambient::system();
    let ensure = || auth::ensure_signing_key(&database, &platform, &ambient);
    let outcomes = join_all((0..10).map(|_| ensure())).await;
    let made = outcomes
        .into_iter()
        .filter(|made| *made.as_ref().unwrap())
        .count();
    assert_eq!(made, 1);
    assert!(!ensure().await.unwrap());

    let on = test.tenants().await;
    let auth = Auth::start(settings(), on.database, on.platform, ambient).await;
    assert_eq!(auth.unwrap().keys.published().len(), 1);
}

#[tokio::test]
async fn of_ten_that_draw_a_secret_at_once_one_does_and_all_read_it() {
    let test = TestDatabase::create().await;
    let Operator { database, platform } = Operator::of(&test).await;
    let ambient = Ambient::system();
    let ensure = || auth::ensure_secret(&database, &platform, &ambient, CURSOR_KEY);
    let outcomes = join_all((0..10).map(|_| ensure())).await;
    let drawn = outcomes
        .into_iter()
        .filter(|drawn| *drawn.as_ref().unwrap())
        .count();
    assert_eq!(drawn, 1);

    let on = test.tenants().await;
    let read = || auth::load_secret(&on.database, &on.platform, CURSOR_KEY);
    let (one, two) = (read().await.unwrap(), read().await.unwrap());
    assert_eq!(one.expose_secret(), two.expose_secret());
    assert_eq!(one.expose_secret().len(), 32);
}

#[tokio::test]
async fn before_the_platform_is_up_its_processes_say_what_is_missing() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let secret = auth::load_secret(&on.database, &on.platform, CURSOR_KEY).await;
    assert!(matches!(secret, Err(AuthError::NoSecret("cursor_key"))));
    let auth = Auth::start(settings(), on.database, on.platform, Ambient::system()).await;
    let error = auth.unwrap_err();
    assert!(matches!(error, AuthError::NoSigningKey));
    assert!(error.to_string().contains("hrms-bootstrap up"));
}

#[tokio::test]
async fn a_process_that_serves_can_make_no_keys() {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    let ambient = Ambient::system();
    let key = auth::ensure_signing_key(&on.database, &on.platform, &ambient).await;
    assert!(matches!(key, Err(AuthError::Store(_))));
    let secret = auth::ensure_secret(&on.database, &on.platform, &ambient, CURSOR_KEY).await;
    assert!(matches!(secret, Err(AuthError::Store(_))));
}
