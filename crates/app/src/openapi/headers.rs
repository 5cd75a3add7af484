//! The headers of every answer, described once.

use serde_json::{Map, Value, json};

/// Name, what it is, an example.
type Described = (&'static str, &'static str, &'static str);

const OF_EVERY_ANSWER: [Described; 7] = [
    (
        "X-Request-Id",
        "Names the request in our logs: the request's own `X-Request-Id` if it is 1 to 128 of \
         `[A-Za-z0-9._-]`, else a new one.",
        "0192f0c1-7f0a-7000-8000-000000000001",
    ),
    (
        "traceparent",
        "The request's place in its trace (W3C Trace Context): that of its own `traceparent`, or a \
         new one. A `tracestate` is passed on.",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ),
    (
        "Cache-Control",
        "`no-store` unless the answer is the same for everybody.",
        "no-store",
    ),
    (
        "Content-Security-Policy",
        "What a browser may do with the answer.",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("Referrer-Policy", "Always `no-referrer`.", "no-referrer"),
    (
        "Strict-Transport-Security",
        "Browsers come back by HTTPS only.",
        "max-age=63072000; includeSubDomains",
    ),
    ("X-Content-Type-Options", "Always `nosniff`.", "nosniff"),
];

const OF_A_LIMITED_ANSWER: [Described; 2] = [
    (
        "RateLimit-Policy",
        "The limits that the request was counted by, unless the operator has switched them off: the \
         quota `q` of a window of `w` seconds (draft-ietf-httpapi-ratelimit-headers-10).",
        "\"address\";q=400;w=4, \"user\";q=100;w=4, \"tenant\";q=800;w=4",
    ),
    (
        "RateLimit",
        "How the caller stands to each: `r` requests remain, and all of them are back in `t` \
         seconds.",
        "\"address\";r=399;t=1, \"user\";r=99;t=1, \"tenant\";r=799;t=1",
    ),
];

/// In answers that succeed.
const OF_A_TENANT_IN_GRACE: Described = (
    "X-Subscription-Grace",
    "The tenant's subscription is over, and it works until then.",
    "2026-12-31T23:59:59Z",
);

const OF_SOME_ANSWERS: [(&[&str], Described); 2] = [
    (
        &["429", "503"],
        (
            "Retry-After",
            "In how many seconds it is worth trying again.",
            "2",
        ),
    ),
    (
        &["401"],
        ("WWW-Authenticate", "How to sign in: `Bearer`.", "Bearer"),
    ),
];

fn described() -> impl Iterator<Item = Described> {
    OF_EVERY_ANSWER
        .into_iter()
        .chain(OF_A_LIMITED_ANSWER)
        .chain(OF_SOME_ANSWERS.map(|(_, described)| described))
        .chain([OF_A_TENANT_IN_GRACE])
}

/// `components.headers`.
pub(super) fn components() -> Value {
    let all = described().map(|(name, description, example)| {
        let header = json!({
            "description": description, "schema": { "type": "string" }, "example": example,
        });
        (name.to_owned(), header)
    });
    Value::Object(all.collect())
}

/// Adds to a response of this status the headers that it carries. What its route says of one stands.
pub(super) fn add(status: &str, response: &mut Value, of_a_tenant: bool) {
    let grace = Some(OF_A_TENANT_IN_GRACE).filter(|_| of_a_tenant && status.starts_with('2'));
    let of_this_status = OF_SOME_ANSWERS
        .into_iter()
        .filter(|(statuses, _)| statuses.contains(&status))
        .map(|(_, described)| described);
    let carried = OF_EVERY_ANSWER
        .into_iter()
        .chain(OF_A_LIMITED_ANSWER)
        .chain(of_this_status)
        .chain(grace);
    let Some(response) = response.as_object_mut() else {
        return;
    };
    let headers = response.entry("headers").or_insert_with(|| json!({}));
    let Some(headers) = headers.as_object_mut() else {
        return;
    };
    for (name, ..) in carried {
        let known =
            |headers: &Map<String, Value>| headers.keys().any(|key| key.eq_ignore_ascii_case(name));
        if !known(headers) {
            let reference = json!({ "$ref": format!("#/components/headers/{name}") });
            headers.insert(name.to_owned(), reference);
        }
    }
}
