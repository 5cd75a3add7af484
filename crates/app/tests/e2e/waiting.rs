//! Who waits for whom: a tenant in trouble keeps nobody else waiting.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use reqwest::Method;
use serde_json::json;
use testkit::Api;

use crate::{
    platform::change,
    scene::{LOCK_ACME, assert_problem, created, hired, patient},
};

#[tokio::test]
async fn a_tenant_whose_lists_all_wait_keeps_no_other_waiting() {
    const SHARE: usize = 3;
    const LINE: usize = 4;
    let api = Api::start_with(|settings| {
        settings.database.pool_size = 4;
        settings.database.max_waiting_per_tenant = LINE;
        settings.health.cache_ttl = Duration::from_millis(10);
        patient(settings);
    })
    .await;
    let acme = api.sign_in("acme", "administrator").await;
    let globex = api.sign_in("globex", "administrator").await;
    let list = "/api/v1/employees";
    assert_eq!(api.get(&acme, list).await.status, 200);
    let mut superuser = api.database().superuser().await;
    change(&mut superuser, LOCK_ACME).await;

    let mut lists: FuturesUnordered<_> = (0..3 * (SHARE + LINE))
        .map(|_| api.get(&acme, list))
        .collect();
    // Those for whom there is no place in the line are told so at once; the others wait.
    for _ in 0..2 * (SHARE + LINE) {
        let refused = lists.next().await.unwrap();
        assert_problem(&refused, 503, "unavailable");
        assert!(refused.header("retry-after").is_some(), "{refused:?}");
    }
    for _ in 0..20 {
        let answer = api.get(&globex, list).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let health = api.send(api.request(Method::GET, "/api/health")).await;
        assert_eq!(health.body["status"], "ok", "{}", health.text);
    }
    // A stranger looks for a tenant that nobody looked for before.
    let stranger = api.request(Method::GET, "/api/v1/tenant");
    let stranger = api.send(stranger.header("x-tenant-slug", "umbrella")).await;
    assert_eq!(stranger.status, 200, "{}", stranger.text);

    change(&mut superuser, "ROLLBACK").await;
    let rest: Vec<_> = lists.collect().await;
    assert_eq!(rest.len(), SHARE + LINE);
    for waited in rest {
        // The line's turn may have come too late.
        assert!([200, 503].contains(&waited.status), "{}", waited.text);
    }
    assert_eq!(api.get(&acme, list).await.status, 200);
}

#[tokio::test]
async fn whoever_waits_too_long_for_a_key_that_somebody_may_take_is_told_to_try_again() {
    let api = Api::start_with(|settings| {
        settings.database.lock_timeout = Duration::from_millis(100);
    })
    .await;
    let acme = api.sign_in("acme", "administrator").await;
    let globex = api.sign_in("globex", "administrator").await;
    hired(&api, &acme, "Ada", "Somebody").await;
    let mut superuser = api.database().superuser().await;
    let take = "BEGIN; UPDATE t_acme.employees SET employee_number = 'TAKEN'";
    change(&mut superuser, take).await;
    let hire = json!({
        "first_name": "Bea", "last_name": "Nobody", "hire_date": "2025-01-01",
        "employee_number": "TAKEN",
    });
    let path = "/api/v1/employees";
    let hires = (0..8).map(|_| api.post(&acme, path, hire.clone()));
    for answer in futures_util::future::join_all(hires).await {
        assert_problem(&answer, 503, "unavailable");
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
    }
    assert_eq!(api.get(&globex, path).await.status, 200);
    change(&mut superuser, "ROLLBACK").await;
    created(&api, &acme, path, hire).await;
}
