//! What these tests arrange and look at.

use std::time::Duration;

use app::settings::Settings;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row as _};
use testkit::{Answer, Api, Session};

/// Keeps Acme's lists waiting until the connection's `ROLLBACK`.
pub(crate) const LOCK_ACME: &str = "BEGIN; LOCK TABLE t_acme.employees IN ACCESS EXCLUSIVE MODE";

/// Lets whoever waits for a lock wait as long as the test takes.
pub(crate) fn patient(settings: &mut Settings) {
    settings.http.request_timeout = Duration::from_mins(2);
    settings.database.statement_timeout = Duration::from_mins(1);
    settings.database.lock_timeout = Duration::from_mins(1);
    settings.auth.principal_cache.ttl = Duration::from_mins(1);
}

/// The id of nothing.
pub(crate) const NOTHING: &str = "0192ffff-ffff-7fff-8fff-ffffffffffff";

/// Refuses an answer that lacks a header which every answer carries.
pub(crate) fn assert_dressed(answer: &Answer, what: &str) {
    let content_type = answer.header("content-type").unwrap_or_default();
    let (cache, policy) = match content_type.split('/').next() {
        // The page about the API is the one thing that runs in a browser, and the same for all.
        Some("text" | "image") if !content_type.starts_with("text/csv") => (
            "public, max-age=3600",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        _ => ("no-store", "default-src 'none'; frame-ancestors 'none'"),
    };
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("cache-control", cache),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", policy),
        (
            "strict-transport-security",
            "max-age=63072000; includeSubDomains",
        ),
    ] {
        assert_eq!(answer.header(name), Some(value), "{what}: {name}");
    }
    let id = answer.header("x-request-id").unwrap_or_default();
    assert!(!id.is_empty(), "{what}: x-request-id");
    let traceparent = answer.header("traceparent").unwrap_or_default();
    let is_valid = telemetry::TraceContext::parse(traceparent).is_some();
    assert!(is_valid, "{what}: traceparent {traceparent}");
}

/// Refuses an answer that is not this problem, in the shape that every problem has.
pub(crate) fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.status, answer.error()),
        (status, Some(code)),
        "{}",
        answer.text
    );
    assert_dressed(answer, code);
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(answer.body["status"], status);
    assert_eq!(
        answer.body["type"],
        format!("https://docs.hrms.invalid/problems/{code}")
    );
    assert_eq!(
        answer.body["request_id"].as_str(),
        answer.header("x-request-id")
    );
    for field in ["title", "detail", "instance"] {
        let text = answer.body[field].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "{field}: {}", answer.text);
    }
}

/// What is wrong with the request, by pointer and code.
pub(crate) fn mistakes(answer: &Answer) -> Vec<(String, String)> {
    let text = |mistake: &Value, key: &str| mistake[key].as_str().unwrap().to_owned();
    let mut all: Vec<_> = answer.body["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|mistake| (text(mistake, "pointer"), text(mistake, "code")))
        .collect();
    all.sort();
    all
}

/// The same, to compare with.
pub(crate) fn wrong<const N: usize>(expected: [(&str, &str); N]) -> Vec<(String, String)> {
    expected
        .map(|(pointer, code)| (pointer.to_owned(), code.to_owned()))
        .into()
}

/// Everything of an answer that must not tell two requests apart: all but the date and the place in
/// the trace, which are each request's own. Both requests
/// carried the same `X-Request-Id`; `hidden` is the part of the path in which they differ.
pub(crate) fn indistinguishable(
    answer: &Answer,
    hidden: &str,
) -> (u16, Vec<(String, String)>, String) {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| !["date", "traceparent"].contains(&name.as_str()));
    headers.sort();
    let text = if hidden.is_empty() {
        answer.text.clone()
    } else {
        answer.text.replace(hidden, "…")
    };
    (answer.status, headers, text)
}

/// A field of a representation.
pub(crate) fn text<'a>(body: &'a Value, key: &str) -> &'a str {
    body[key].as_str().unwrap()
}

/// The ids of representations.
pub(crate) fn ids(data: &[Value]) -> Vec<&str> {
    data.iter().map(|one| text(one, "id")).collect()
}

/// Creates something.
pub(crate) async fn created(api: &Api, session: &Session, path: &str, body: Value) -> Value {
    let answer = api.post(session, path, body).await;
    assert_eq!(answer.status, 201, "{path}: {}", answer.text);
    answer.body
}

/// Hires somebody of this name.
pub(crate) async fn hired(api: &Api, session: &Session, first: &str, last: &str) -> Value {
    let body = json!({"first_name": first, "last_name": last, "hire_date": "2024-03-01"});
    created(api, session, "/api/v1/employees", body).await
}

/// Reads a list to its end, a page after the other.
pub(crate) async fn whole(api: &Api, session: &Session, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut page = path.to_owned();
    loop {
        let answer = api.get(session, &page).await;
        assert_eq!(answer.status, 200, "{page}: {}", answer.text);
        all.extend(answer.body["data"].as_array().unwrap().iter().cloned());
        let Some(cursor) = answer.body["page"]["next_cursor"].as_str() else {
            return all;
        };
        assert!(all.len() < 10_000, "{path} has no end");
        let and = if path.contains('?') { '&' } else { '?' };
        page = format!("{path}{and}cursor={cursor}");
    }
}

/// Imports a file of CSV.
pub(crate) async fn import(api: &Api, session: &Session, kind: &str, csv: String) -> Answer {
    let request = api
        .signed(
            session,
            Method::POST,
            &format!("/api/v1/imports?kind={kind}"),
        )
        .header("content-type", "text/csv")
        .body(csv);
    api.send(request).await
}

/// Changes the database behind the API's back.
pub(crate) async fn sql(api: &Api, batch: String) {
    let mut superuser = api.database().superuser().await;
    sqlx::raw_sql(AssertSqlSafe(batch))
        .execute(&mut superuser)
        .await
        .unwrap();
}

/// A number of the database's.
pub(crate) async fn number(api: &Api, query: &str) -> i64 {
    let mut superuser = api.database().superuser().await;
    let row = sqlx::query(AssertSqlSafe(query.to_owned()));
    row.fetch_one(&mut superuser).await.unwrap().get(0)
}

/// Returns once it is so; gives up when that will never be.
pub(crate) async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..3_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came about");
}

/// Takes every role from a fixture user.
pub(crate) async fn without_roles(api: &Api, schema: &str, email: &str) {
    let user = format!("SELECT id FROM {schema}.users WHERE email = '{email}'");
    let batch = format!("DELETE FROM {schema}.role_assignments WHERE user_id = ({user})");
    sql(api, batch).await;
}
