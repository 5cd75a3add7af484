//! Changing.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{ACME, Answer, Api, GLOBEX, Session};

use super::{TENANTS, of, platform, profile, shown, two, version};
use crate::scene::{NOTHING, assert_problem, eventually, mistakes, sql, wrong};

async fn patch(api: &Api, session: &Session, version: Option<&str>, body: &Value) -> Answer {
    let request = api.signed(session, Method::PATCH, &of(ACME, "")).json(body);
    api.send(match version {
        Some(version) => request.header("if-match", version),
        None => request,
    })
    .await
}

#[tokio::test]
async fn a_change_counts_at_once_where_it_was_made_and_soon_everywhere() {
    let (one, other) = two().await;
    let session = platform(&one).await;
    let before = profile(&one, "globex.test").await.body;
    let body = json!({
        "name": " Müller & Söhne ",
        "locale": "de-AT",
        "time_zone": "Europe/Vienna",
        "branding": {"primary_color": "#0A7D5C", "logo_url": "https://acme.example/logo.svg"},
    });
    let changed = patch(&one, &session, Some("\"1\""), &body).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(changed.header("etag"), Some("\"2\""));
    assert_eq!(changed.body, shown(&one, &session, ACME).await);
    let told = json!({
        "name": "Müller & Söhne",
        "slug": "acme",
        "locale": "de-AT",
        "time_zone": "Europe/Vienna",
        "branding": {"primary_color": "#0a7d5c", "logo_url": "https://acme.example/logo.svg"},
    });
    assert_eq!(profile(&one, "acme.test").await.body, told);
    eventually(async || profile(&other, "acme.test").await.body == told).await;
    assert_eq!(profile(&one, "globex.test").await.body, before);

    // What is absent stays, `null` clears, and nothing new is no new version.
    let color = json!({"branding": {"logo_url": null}});
    let changed = patch(&one, &session, Some("\"2\""), &color).await;
    assert_eq!(
        json!([
            changed.body["branding"],
            changed.body["name"],
            changed.body["version"]
        ]),
        json!([{"primary_color": "#0a7d5c", "logo_url": null}, "Müller & Söhne", 3])
    );
    let changed = patch(&one, &session, Some("\"3\""), &json!({"branding": null})).await;
    let none = json!({"primary_color": null, "logo_url": null});
    assert_eq!(changed.body["branding"], none);
    let same = json!({"name": "Müller & Söhne"});
    let unchanged = patch(&one, &session, Some("\"4\""), &same).await;
    assert_eq!((unchanged.status, &unchanged.body), (200, &changed.body));
}

#[tokio::test]
async fn a_change_is_made_for_a_version_that_was_seen() {
    let api = Api::start().await;
    let session = platform(&api).await;
    let body = json!({"name": "Acme"});
    let unseen = patch(&api, &session, None, &body).await;
    assert_problem(&unseen, 428, "precondition_required");
    let stale = patch(&api, &session, Some("\"7\""), &body).await;
    assert_problem(&stale, 412, "version_mismatch");
    let nothing = api
        .signed(&session, Method::PATCH, &format!("{TENANTS}/{NOTHING}"))
        .json(&body);
    assert_problem(&api.send(nothing).await, 404, "not_found");
    assert_eq!(shown(&api, &session, ACME).await["name"], "acme");
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_change_is_told_at_once_and_what_is_not_edited_is_unknown()
{
    let api = Api::start().await;
    let session = platform(&api).await;
    let refused = async |body: Value| {
        let answer = patch(&api, &session, Some("\"1\""), &body).await;
        assert_problem(&answer, 422, "validation_failed");
        mistakes(&answer)
    };
    let values = json!({"name": " ", "locale": "german", "time_zone": "Berlin",
        "branding": {"primary_color": "red", "logo_url": "javascript:alert(1)"}});
    assert_eq!(
        refused(values).await,
        wrong([
            ("/branding/logo_url", "invalid"),
            ("/branding/primary_color", "invalid"),
            ("/locale", "invalid"),
            ("/name", "invalid"),
            ("/time_zone", "invalid"),
        ])
    );
    assert_eq!(
        refused(json!({"name": null})).await,
        wrong([("/name", "required")])
    );
    for field in [
        "slug",
        "status",
        "schema_name",
        "placement",
        "auth_epoch",
        "version",
        "id",
        "subscription_state",
        "grace_until",
    ] {
        let pointer = format!("/{field}");
        let unknown = refused(json!({ field: "x" })).await;
        assert_eq!(unknown, [(pointer, "unknown_field".to_owned())]);
    }
    assert_eq!(shown(&api, &session, ACME).await["version"], 1);
}

#[tokio::test]
async fn a_tenant_that_is_being_created_is_left_to_its_creation() {
    let api = Api::start().await;
    let session = platform(&api).await;
    let creating = "UPDATE platform.tenants SET status = 'creating' WHERE slug = 'acme'";
    sql(&api, creating.to_owned()).await;
    let renamed = patch(&api, &session, Some("\"1\""), &json!({"name": "Acme"})).await;
    assert_problem(&renamed, 409, "state_conflict");
    let domain = json!({"domain": "people.acme.example"});
    let added = api.post(&session, &of(ACME, "/domains"), domain).await;
    assert_problem(&added, 409, "state_conflict");
    assert_eq!(shown(&api, &session, ACME).await["version"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_who_change_the_same_version_one_does() {
    let api = Api::start().await;
    let session = platform(&api).await;
    let seen = version(&api, &session, ACME).await;
    let all = (0..20).map(async |number| {
        let body = json!({"name": format!("Acme {number}")});
        patch(&api, &session, Some(&seen), &body).await
    });
    let mut answers = join_all(all).await;
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(answers[0].status, 200);
    for late in &answers[1..] {
        assert_problem(late, 412, "version_mismatch");
    }
    assert_eq!(shown(&api, &session, ACME).await, answers[0].body);
    assert_eq!(shown(&api, &session, GLOBEX).await["version"], 1);
}
