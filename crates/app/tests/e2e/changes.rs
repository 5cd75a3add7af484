//! What every change keeps: made once, made for a version that was seen.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Api, Session};

use crate::scene::{NOTHING, assert_problem, mistakes, sql};

const DEPARTMENTS: &str = "/api/v1/departments";

async fn post_once(api: &Api, session: &Session, key: &str, body: &Value) -> Answer {
    let request = api
        .signed(session, Method::POST, DEPARTMENTS)
        .header("Idempotency-Key", key)
        .json(body);
    api.send(request).await
}

async fn patch(
    api: &Api,
    session: &Session,
    path: &str,
    version: Option<&str>,
    body: &Value,
) -> Answer {
    let mut request = api.signed(session, Method::PATCH, path).json(body);
    if let Some(version) = version {
        request = request.header("If-Match", version);
    }
    api.send(request).await
}

async fn departments(api: &Api, session: &Session) -> u64 {
    let list = api
        .get(session, &format!("{DEPARTMENTS}?count=exact"))
        .await;
    list.body["page"]["total"].as_u64().unwrap()
}

#[tokio::test]
async fn a_request_that_comes_again_is_answered_again_and_done_once() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let body = json!({ "name": "Sales" });
    let first = post_once(&api, &session, "key-1", &body).await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(first.header("idempotency-replayed"), None);
    let again = post_once(&api, &session, "key-1", &body).await;
    assert_eq!(again.status, 201);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.text, first.text, "byte for byte");
    for name in ["location", "etag", "content-type"] {
        assert!(first.header(name).is_some(), "{name}");
        assert_eq!(again.header(name), first.header(name));
    }
    assert_eq!(departments(&api, &session).await, 1);

    let other = post_once(&api, &session, "key-1", &json!({ "name": "Legal" })).await;
    assert_problem(&other, 422, "idempotency_key_reused");
    let new_key = post_once(&api, &session, "key-2", &body).await;
    assert_eq!(new_key.status, 201);
    assert_eq!(departments(&api, &session).await, 2);
}

#[tokio::test]
async fn a_key_belongs_to_one_person_of_one_company() {
    let api = Api::start().await;
    let body = json!({ "name": "Sales" });
    let mut answers = Vec::new();
    for (tenant, role) in [
        ("acme", "administrator"),
        ("acme", "hr_manager"),
        ("globex", "administrator"),
        ("initech", "administrator"),
        ("umbrella", "administrator"),
    ] {
        let session = api.sign_in(tenant, role).await;
        let answer = post_once(&api, &session, "the same key", &body).await;
        assert_problem(&answer, 400, "invalid_parameter");
        let answer = post_once(&api, &session, "the-same-key", &body).await;
        assert_eq!(answer.status, 201, "{tenant} {role}: {}", answer.text);
        assert_eq!(answer.header("idempotency-replayed"), None);
        answers.push(answer.body["id"].clone());
    }
    answers.sort_by_key(ToString::to_string);
    answers.dedup();
    assert_eq!(answers.len(), 5);
}

#[tokio::test]
async fn a_request_that_failed_may_be_mended_under_its_key() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let wrong = post_once(&api, &session, "key-1", &json!({ "name": "" })).await;
    assert_problem(&wrong, 422, "validation_failed");
    let mended = post_once(&api, &session, "key-1", &json!({ "name": "Sales" })).await;
    assert_eq!(mended.status, 201, "{}", mended.text);
}

#[tokio::test]
async fn retries_under_load_are_done_once() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    for round in 0..5 {
        let key = format!("round-{round}");
        let body = json!({ "name": format!("Department {round}") });
        let answers =
            futures_util::future::join_all((0..24).map(|_| post_once(&api, &session, &key, &body)))
                .await;
        let mut created = Vec::new();
        for answer in answers {
            match answer.status {
                201 => created.push(answer.body["id"].as_str().unwrap().to_owned()),
                409 => assert_problem(&answer, 409, "idempotency_in_progress"),
                // Too many of one tenant at once: nothing was done.
                503 => assert_problem(&answer, 503, "unavailable"),
                other => panic!("{other}: {}", answer.text),
            }
        }
        assert!(!created.is_empty());
        created.dedup();
        assert_eq!(created.len(), 1, "all heard of one department");
        let last = post_once(&api, &session, &key, &body).await;
        assert_eq!(
            last.body["id"].as_str(),
            created.first().map(String::as_str)
        );
        assert_eq!(departments(&api, &session).await, round + 1);
    }
}

#[tokio::test]
async fn an_answer_is_kept_for_a_day() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    for name in ["One", "Two", "Three", "Four", "Five"] {
        let body = json!({ "name": name });
        assert_eq!(post_once(&api, &session, name, &body).await.status, 201);
    }
    let mut sql = api.database().superuser().await;
    sqlx::query("UPDATE t_acme.idempotency_keys SET expires_at = expires_at - interval '25 hours'")
        .execute(&mut sql)
        .await
        .unwrap();
    // Of yesterday: a new request, also with another body.
    let new = post_once(&api, &session, "One", &json!({ "name": "Six" })).await;
    assert_eq!(new.status, 201, "{}", new.text);
    assert_eq!(new.header("idempotency-replayed"), None);
    // And a few of those that are out of date were cleared away with it.
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM t_acme.idempotency_keys")
        .fetch_one(&mut sql)
        .await
        .unwrap();
    assert_eq!(left, 2);
}

#[tokio::test]
async fn a_change_is_made_for_the_version_that_was_seen() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let created = api
        .post(&session, DEPARTMENTS, json!({ "name": "Sales" }))
        .await;
    let path = created.header("location").unwrap().to_owned();
    assert_eq!(created.header("etag"), Some("\"1\""));

    let rename = json!({ "name": "Sales and Service" });
    let blind = patch(&api, &session, &path, None, &rename).await;
    assert_problem(&blind, 428, "precondition_required");
    let any = patch(&api, &session, &path, Some("*"), &rename).await;
    assert_problem(&any, 428, "precondition_required");
    let changed = patch(&api, &session, &path, Some("\"1\""), &rename).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(changed.header("etag"), Some("\"2\""));
    assert_eq!(changed.body["version"], 2);
    assert_eq!(changed.body["code"], created.body["code"], "absent keeps");
    let stale = patch(&api, &session, &path, Some("\"1\""), &rename).await;
    assert_problem(&stale, 412, "version_mismatch");

    let shown = api.get(&session, &path).await;
    assert_eq!(shown.body, changed.body);
    assert_eq!(shown.header("etag"), Some("\"2\""));
}

#[tokio::test]
async fn what_is_not_there_comes_before_the_version_and_the_version_before_the_body() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let nowhere = format!("{DEPARTMENTS}/{NOTHING}");
    let wrong = json!({ "name": 7, "colour": "red" });
    let missing = patch(&api, &session, &nowhere, None, &wrong).await;
    assert_problem(&missing, 404, "not_found");

    let created = api
        .post(&session, DEPARTMENTS, json!({ "name": "Sales" }))
        .await;
    let path = created.header("location").unwrap().to_owned();
    let blind = patch(&api, &session, &path, None, &wrong).await;
    assert_problem(&blind, 428, "precondition_required");
    let stale = patch(&api, &session, &path, Some("\"7\""), &wrong).await;
    assert_problem(&stale, 412, "version_mismatch");
    let invalid = patch(&api, &session, &path, Some("\"1\""), &wrong).await;
    assert_problem(&invalid, 422, "validation_failed");
    let told = mistakes(&invalid);
    assert_eq!(
        told,
        [
            ("/colour".to_owned(), "unknown_field".to_owned()),
            ("/name".to_owned(), "invalid".to_owned())
        ]
    );
    for field in ["name", "code"] {
        let cleared = patch(
            &api,
            &session,
            &path,
            Some("\"1\""),
            &json!({ field: null }),
        )
        .await;
        assert_eq!(
            mistakes(&cleared),
            [(format!("/{field}"), "required".to_owned())]
        );
    }
    let employee = api.sign_in("acme", "employee").await;
    let denied = patch(&api, &employee, &nowhere, None, &wrong).await;
    assert_problem(&denied, 403, "permission_denied");
}

#[tokio::test]
async fn who_holds_the_version_is_told_so_without_the_body() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let created = api
        .post(&session, DEPARTMENTS, json!({ "name": "Sales" }))
        .await;
    let path = created.header("location").unwrap().to_owned();
    let ask = async |held: &str| {
        let request = api
            .signed(&session, Method::GET, &path)
            .header("If-None-Match", held);
        api.send(request).await
    };
    let same = ask("\"1\"").await;
    assert_eq!((same.status, same.text.as_str()), (304, ""));
    assert_eq!(same.header("etag"), Some("\"1\""));
    assert_eq!(ask("\"2\"").await.status, 200);
}

#[tokio::test]
async fn fifty_changes_for_one_version_are_one_change() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let created = api
        .post(&session, DEPARTMENTS, json!({ "name": "Sales" }))
        .await;
    let path = created.header("location").unwrap().to_owned();
    let bodies: Vec<Value> = (0..50)
        .map(|n| json!({ "name": format!("Sales {n}") }))
        .collect();
    let answers = futures_util::future::join_all(
        bodies
            .iter()
            .map(|body| patch(&api, &session, &path, Some("\"1\""), body)),
    )
    .await;
    let mut changed = 0;
    for answer in answers {
        match answer.status {
            200 => changed += 1,
            412 => assert_problem(&answer, 412, "version_mismatch"),
            503 => assert_problem(&answer, 503, "unavailable"),
            other => panic!("{other}: {}", answer.text),
        }
    }
    assert_eq!(changed, 1);
}

/// The next so many new departments of acme collide with somebody's change, as far as PostgreSQL
/// tells. A sequence counts them: it takes no part in the transactions that fail.
async fn collides(api: &Api, times: u32) {
    sql(
        api,
        format!(
            "CREATE SEQUENCE t_acme.collisions; \
             CREATE FUNCTION t_acme.collide() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ \
             BEGIN \
                 IF nextval('t_acme.collisions') <= {times} THEN \
                     RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; \
                 END IF; \
                 RETURN NEW; \
             END $$; \
             GRANT EXECUTE ON FUNCTION t_acme.collide() TO PUBLIC; \
             CREATE TRIGGER collide BEFORE INSERT ON t_acme.departments \
             FOR EACH ROW EXECUTE FUNCTION t_acme.collide()"
        ),
    )
    .await;
}

#[tokio::test]
async fn a_change_that_collided_with_another_one_is_done_again_and_once() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    collides(&api, 2).await;
    let answer = post_once(&api, &session, "key-1", &json!({ "name": "Sales" })).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.header("idempotency-replayed"), None);
    assert_eq!(departments(&api, &session).await, 1);
}

#[tokio::test]
async fn a_change_that_collides_each_time_may_be_tried_again_and_is_no_conflict() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    collides(&api, 3).await;
    let body = json!({ "name": "Sales" });
    let answer = post_once(&api, &session, "key-1", &body).await;
    assert_problem(&answer, 503, "unavailable");
    assert!(answer.header("retry-after").is_some());
    assert!(answer.text.contains("Try again"), "{}", answer.text);
    assert_eq!(departments(&api, &session).await, 0);
    let again = post_once(&api, &session, "key-1", &body).await;
    assert_eq!(again.status, 201, "{}", again.text);
    assert_eq!(departments(&api, &session).await, 1);
}
