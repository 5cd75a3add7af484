//! A subscription that ends: grace, and then 402.

use reqwest::Method;
use serde_json::Value;
use testkit::{Answer, Api, Session};

use crate::scene::{NOTHING, assert_problem, eventually, sql};

/// Sets acme's subscription behind the API's back, as billing will.
async fn subscription(api: &Api, state: &str, grace_until: &str) {
    let change = format!(
        "UPDATE platform.tenants SET subscription_state = '{state}', grace_until = {grace_until} \
         WHERE slug = 'acme'"
    );
    sql(api, change).await;
}

async fn employees(api: &Api, session: &Session) -> Answer {
    api.get(session, "/api/v1/employees").await
}

#[tokio::test]
async fn in_grace_everything_works_and_every_answer_says_until_when() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    assert_eq!(
        employees(&api, &session)
            .await
            .header("x-subscription-grace"),
        None
    );
    subscription(&api, "grace", "'2099-12-31T23:59:59Z'").await;
    let until = Some("2099-12-31T23:59:59Z");
    let told = async || {
        let answer = employees(&api, &session).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.header("x-subscription-grace") == until
    };
    eventually(told).await;
    let nobody = format!("/api/v1/employees/{NOTHING}");
    let missing = api.get(&session, &nobody).await;
    assert_eq!(
        (missing.status, missing.header("x-subscription-grace")),
        (404, until)
    );
    let other = api.sign_in("globex", "administrator").await;
    assert_eq!(
        employees(&api, &other).await.header("x-subscription-grace"),
        None
    );
}

#[tokio::test]
async fn grace_ends_by_the_clock_and_nobody_writes_anything() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    subscription(&api, "grace", "now() + interval '3 seconds'").await;
    let in_grace = async || {
        let answer = employees(&api, &session).await;
        answer.header("x-subscription-grace").is_some()
    };
    eventually(in_grace).await;
    eventually(async || employees(&api, &session).await.status == 402).await;
    assert_problem(
        &employees(&api, &session).await,
        402,
        "subscription_expired",
    );
}

/// Every operation of the API: method, path with ids that nothing has, and its declaration.
fn operations() -> Vec<(Method, String, Value)> {
    let document = app::openapi_document();
    let paths = document["paths"].as_object().unwrap().clone();
    let mut all = Vec::new();
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().unwrap() {
            let method = method.to_uppercase().parse().unwrap();
            let mut filled = path.clone();
            while let Some((before, rest)) = filled.split_once('{') {
                let after = rest.split_once('}').unwrap().1;
                filled = format!("{before}{NOTHING}{after}");
            }
            all.push((method, filled, operation.clone()));
        }
    }
    all
}

#[tokio::test]
async fn when_it_is_over_only_what_says_so_still_answers() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    subscription(&api, "expired", "NULL").await;
    eventually(async || employees(&api, &session).await.status == 402).await;
    let mut exempt = Vec::new();
    for (method, path, operation) in operations() {
        if path.starts_with("/api/v1/platform/") {
            continue;
        }
        // Signing out is one of them.
        let session = api.sign_in("acme", "administrator").await;
        let request = api.signed(&session, method.clone(), &path);
        let answer = api.send(request).await;
        let needs_a_tenant = operation["x-access"] != "open";
        if needs_a_tenant && operation["x-subscription"] != "exempt" {
            assert_problem(&answer, 402, "subscription_expired");
        } else {
            assert_ne!(answer.status, 402, "{method} {path}: {}", answer.text);
            if needs_a_tenant {
                exempt.push(format!("{method} {path}"));
            }
        }
    }
    for route in [
        "POST /api/v1/auth/login",
        "GET /api/v1/auth/me",
        "GET /api/v1/tenant",
    ] {
        assert!(exempt.iter().any(|it| it == route), "{route}: {exempt:?}");
    }
    // Who he is comes before whether his company has paid.
    let stranger = api.request(Method::GET, "/api/v1/employees");
    let stranger = api.send(stranger.header("x-tenant-slug", "acme")).await;
    assert_problem(&stranger, 401, "unauthenticated");
    let session = api.sign_in("acme", "administrator").await;
    assert_problem(
        &employees(&api, &session).await,
        402,
        "subscription_expired",
    );
    let other = api.sign_in("globex", "administrator").await;
    assert_eq!(employees(&api, &other).await.status, 200);

    subscription(&api, "active", "NULL").await;
    eventually(async || employees(&api, &session).await.status == 200).await;
}

#[tokio::test]
async fn the_public_tenant_has_no_subscription_that_could_end() {
    let api = Api::start().await;
    let mut superuser = api.database().superuser().await;
    let expire = "UPDATE platform.tenants SET subscription_state = 'expired' WHERE slug = 'public'";
    let refused = sqlx::raw_sql(expire).execute(&mut superuser).await;
    let error = refused.unwrap_err().to_string();
    assert!(
        error.contains("tenants_public_subscription_check"),
        "{error}"
    );
}
