//! Clearing away sessions that are over.

use auth::{AuthError, Purge, Purged, TokenError};
use database::TenantContext;
use futures_util::future::join_all;
use sea_orm::FromQueryResult;
use telemetry::Origin;
use time::Duration;

use crate::scene::Scene;

#[derive(Debug, PartialEq, Eq, FromQueryResult)]
struct Rows {
    sessions: i64,
    tokens: i64,
}

async fn rows(scene: &Scene, tenant: &TenantContext) -> (i64, i64) {
    let tx = scene.on.database.begin_tenant_read(tenant).await.unwrap();
    let sql = "SELECT (SELECT count(*) FROM sessions) AS sessions, \
               (SELECT count(*) FROM refresh_tokens) AS tokens";
    let rows: Rows = tx.row(sql, []).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    (rows.sessions, rows.tokens)
}

fn purge(scene: &Scene) -> Purge {
    Purge::start(scene.on.database.clone(), scene.ambient.clone())
}

fn purged(sessions: u64, refresh_tokens: u64) -> Purged {
    Purged {
        sessions,
        refresh_tokens,
    }
}

#[tokio::test]
async fn sessions_that_have_been_over_for_a_day_go_with_all_their_tokens() {
    let scene = Scene::new().await;
    let purge = purge(&scene);
    for tenant in scene.tenants() {
        // One runs out, one is ended, one lives on.
        let forgotten = scene.jane(tenant).await;
        scene.refresh(tenant, &forgotten).await.unwrap();
        scene.clock.advance(Duration::days(6));
        let ended = scene.jane(tenant).await;
        let session = scene.actor(tenant, &ended).await.unwrap().session_id;
        let first = scene.jane(tenant).await;
        let second = scene.refresh(tenant, &first).await.unwrap();
        scene
            .auth
            .sessions
            .logout(tenant, &Origin::default(), session)
            .await
            .unwrap();
        assert_eq!(rows(&scene, tenant).await, (3, 5));

        scene.clock.advance(Duration::days(1) - Duration::SECOND);
        assert_eq!(purge.sessions(tenant).await.unwrap(), purged(0, 0));
        scene.clock.advance(Duration::SECOND * 2);
        assert_eq!(purge.sessions(tenant).await.unwrap(), purged(1, 1));
        scene.clock.advance(Duration::days(1));
        assert_eq!(purge.sessions(tenant).await.unwrap(), purged(1, 2));
        assert_eq!(rows(&scene, tenant).await, (1, 2));

        // Who comes with a token of a session that is gone is refused as before.
        let refused = scene.refresh(tenant, &ended).await;
        assert!(matches!(refused, Err(AuthError::RefreshRefused)));
        // The token that was used before the purge is recognised after it.
        assert!(scene.refresh(tenant, &first).await.is_err());
        let over = scene.refresh(tenant, &second).await;
        assert!(matches!(over, Err(AuthError::RefreshRefused)));
    }
}

#[tokio::test]
async fn an_access_token_of_a_session_that_is_gone_counts_no_more() {
    let scene = Scene::new().await;
    let acme = &scene.on.acme;
    let signed_in = scene.jane(acme).await;
    scene
        .change(
            acme,
            "UPDATE sessions SET ended_at = now() - interval '9 years'",
        )
        .await;
    assert_eq!(purge(&scene).sessions(acme).await.unwrap(), purged(1, 1));
    let over = scene.actor(acme, &signed_in).await;
    assert!(matches!(
        over,
        Err(AuthError::Token(TokenError::SessionOver))
    ));
}

/// More than three batches of sessions, each of five tokens that refer to one another.
async fn many(scene: &Scene, tenant: &TenantContext) {
    scene.jane(tenant).await;
    let copies = [
        "INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at, \
         absolute_expires_at, auth_time, amr) SELECT gen_random_uuid(), user_id, created_at, \
         last_used_at, expires_at, absolute_expires_at, auth_time, amr \
         FROM sessions, generate_series(1, 349)",
        "DELETE FROM refresh_tokens",
        "WITH token AS (SELECT s.id AS session_id, n, gen_random_uuid() AS id FROM sessions s, \
         generate_series(1, 5) n) \
         INSERT INTO refresh_tokens (id, session_id, token_hash, issued_at, expires_at, successor_id) \
         SELECT id, session_id, sha256(id::text::bytea), now(), now(), \
         lead(id) OVER (PARTITION BY session_id ORDER BY n) FROM token",
    ];
    for sql in copies {
        scene.change(tenant, sql).await;
    }
    assert_eq!(rows(scene, tenant).await, (350, 1750));
}

#[tokio::test]
async fn many_go_in_batches_and_several_may_purge_at_once() {
    let scene = Scene::new().await;
    let on = &scene.on;
    // Neighbours in one pool, and one with a schema of its own.
    for tenant in [&on.initech, &on.umbrella, &on.acme] {
        many(&scene, tenant).await;
    }
    scene.clock.advance(Duration::days(8) + Duration::SECOND);
    let purge = purge(&scene);
    for tenant in [&on.initech, &on.acme] {
        let outcomes = join_all((0..4).map(|_| purge.sessions(tenant))).await;
        let mut together = Purged::default();
        for outcome in outcomes {
            together += outcome.unwrap();
        }
        assert_eq!(together, purged(350, 1750));
        assert_eq!(rows(&scene, tenant).await, (0, 0));
    }
    assert_eq!(rows(&scene, &on.umbrella).await, (350, 1750));
}

#[tokio::test]
async fn whoever_stays_signed_in_does_so_while_others_are_purged() {
    let scene = Scene::new().await;
    let purge = purge(&scene);
    for tenant in [&scene.on.globex, &scene.on.umbrella] {
        many(&scene, tenant).await;
        scene.clock.advance(Duration::days(8) + Duration::SECOND);
        let living = join_all((0..8).map(|_| scene.jane(tenant))).await;
        let refreshing = join_all(living.iter().map(async |first| {
            let mut signed_in = scene.refresh(tenant, first).await?;
            for _ in 0..5 {
                signed_in = scene.refresh(tenant, &signed_in).await?;
            }
            Ok::<_, AuthError>(())
        }));
        let (refreshed, cleared) = tokio::join!(refreshing, purge.sessions(tenant));
        for outcome in refreshed {
            outcome.unwrap();
        }
        assert_eq!(cleared.unwrap(), purged(350, 1750));
        assert_eq!(rows(&scene, tenant).await, (8, 8 * 7));
        // A used token of a session that lives is still recognised, and ends it.
        assert!(scene.refresh(tenant, &living[0]).await.is_err());
        scene.clock.advance(Duration::days(1) + Duration::SECOND);
        assert_eq!(purge.sessions(tenant).await.unwrap(), purged(1, 7));
    }
}
