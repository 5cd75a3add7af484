//! Hashing passwords anew when hashes are made otherwise than they were.

use std::time::Duration;
use telemetry::Origin;

use auth::{Argon2Settings, AuthSettings, Password};
use database::TenantContext;
use sea_orm::FromQueryResult;

use crate::scene::{JANE, Scene, password_in, settings};

/// More expensive than the scene's.
fn raised() -> AuthSettings {
    AuthSettings {
        argon2: Argon2Settings {
            memory_kib: 128,
            iterations: 2,
            ..settings().argon2
        },
        ..settings()
    }
}

#[derive(FromQueryResult)]
struct Stored {
    password_hash: String,
    auth_epoch: i64,
    version: i64,
}

async fn stored(scene: &Scene, tenant: &TenantContext) -> Stored {
    let tx = scene.on.database.begin_tenant_read(tenant).await.unwrap();
    let sql = "SELECT password_hash, auth_epoch, version FROM users";
    let stored = tx.row(sql, []).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    stored
}

/// The login does not wait for the new hash: the test does.
async fn hashed_anew(scene: &Scene, tenant: &TenantContext, before: &Stored) -> Stored {
    loop {
        let now = stored(scene, tenant).await;
        if now.password_hash != before.password_hash {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_login_brings_an_outdated_hash_up_to_date() {
    let scene = Scene::new().await;
    let today = scene.another_process(raised()).await;
    for tenant in scene.tenants() {
        let before = stored(&scene, tenant).await;
        assert!(before.password_hash.contains("m=64,t=1,p=1"));
        let password = password_in(tenant);
        let signed_in = today
            .sessions
            .login(tenant, &Origin::default(), JANE, &password)
            .await
            .unwrap();
        let after = hashed_anew(&scene, tenant, &before).await;
        assert!(after.password_hash.contains("m=128,t=2,p=1"));
        // For everybody else nothing happened.
        assert_eq!(after.auth_epoch, before.auth_epoch);
        assert_eq!(after.version, before.version);
        assert!(scene.actor(tenant, &signed_in).await.is_ok());
        assert!(scene.refresh(tenant, &signed_in).await.is_ok());

        let made = today.hasher.calculated();
        today
            .sessions
            .login(tenant, &Origin::default(), JANE, &password)
            .await
            .unwrap();
        assert_eq!(
            today.hasher.calculated() - made,
            1,
            "nothing is hashed anew"
        );
        let wrong = Password::presented("a wrong password");
        assert!(
            today
                .sessions
                .login(tenant, &Origin::default(), JANE, &wrong)
                .await
                .is_err()
        );
    }
}

#[tokio::test]
async fn whoever_does_not_know_the_password_brings_nothing_up_to_date() {
    let scene = Scene::new().await;
    let today = scene.another_process(raised()).await;
    let acme = &scene.on.acme;
    let made = today.hasher.calculated();
    let wrong = Password::presented("a wrong password");
    assert!(
        today
            .sessions
            .login(acme, &Origin::default(), JANE, &wrong)
            .await
            .is_err()
    );
    // What would be hashed anew would stand in the queue before this one.
    let password = password_in(acme);
    today.hasher.hash(acme.id(), &password).await.unwrap();
    assert_eq!(today.hasher.calculated() - made, 2);
}

#[tokio::test]
async fn a_password_that_was_set_meanwhile_stays() {
    let scene = Scene::new().await;
    let today = scene.another_process(raised()).await;
    let acme = &scene.on.acme;
    let (old, new) = (
        password_in(acme),
        Password::choose("another password altogether").unwrap(),
    );
    let jane = JANE.parse().unwrap();
    let origin = Origin::default();
    let (login, set) = tokio::join!(
        today.sessions.login(acme, &origin, JANE, &old),
        scene.auth.users.set_password(acme, &jane, &new),
    );
    set.unwrap();
    if login.is_ok() {
        // As long as it could take to put the old password back.
        today.hasher.hash(acme.id(), &old).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(scene.login(acme, &old).await.is_err());
    assert!(scene.login(acme, &new).await.is_ok());
}

#[tokio::test]
async fn a_login_neither_waits_for_the_new_hash_nor_fails_with_it() {
    let scene = Scene::new().await;
    let today = scene.another_process(raised()).await;
    let (acme, password) = (&scene.on.acme, password_in(&scene.on.acme));
    let before = stored(&scene, acme).await;
    // Whoever signs in may read the user, and nobody may change him.
    let tx = scene.on.database.begin_tenant(acme).await.unwrap();
    tx.run("SELECT id FROM users FOR SHARE", []).await.unwrap();
    for _ in 0..2 {
        let signed_in = today
            .sessions
            .login(acme, &Origin::default(), JANE, &password)
            .await
            .unwrap();
        assert!(scene.actor(acme, &signed_in).await.is_ok());
    }
    let meanwhile = stored(&scene, acme).await;
    assert_eq!(meanwhile.password_hash, before.password_hash);
    tx.commit().await.unwrap();
    hashed_anew(&scene, acme, &before).await;
}
