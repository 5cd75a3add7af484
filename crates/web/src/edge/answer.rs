//! The headers of every answer.

use std::net::IpAddr;

use actix_web::{
    dev::RequestHead,
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
};
use database::TenantContext;
use kernel::{Actor, Ambient};
use telemetry::{Origin, TraceContext};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tracing::Span;
use uuid::Uuid;

use super::{Edge, limits::Standing};
use crate::TokenOwner;

/// What an answer will carry besides what it says, collected on the request's way in.
pub(crate) struct Dress<'pipeline> {
    pub(crate) request_id: String,
    /// The request's place in its trace.
    trace: TraceContext,
    /// Where it came from.
    address: Option<IpAddr>,
    /// What the client says it is.
    user_agent: Option<String>,
    /// What is done, as the route names it, as soon as there is one.
    pub(crate) action: Option<&'pipeline str>,
    /// What the client speaks.
    pub(crate) scheme: &'static str,
    /// The origin whose pages may read the answer.
    pub(crate) origin: Option<HeaderValue>,
    /// How the request stands to its limits.
    pub(crate) standing: Standing,
    /// Whom the request is for, as soon as it is known.
    pub(crate) tenant: Option<TenantContext>,
    /// Who sent it, as soon as it is known.
    pub(crate) actor: Option<Actor>,
    /// To whom a token belongs that is another tenant's.
    pub(crate) owner: Option<TokenOwner>,
    /// Until when the tenant works although its subscription is over.
    pub(crate) grace_until: Option<OffsetDateTime>,
}

impl Dress<'_> {
    /// Begins it, and the span that all of the request happens in.
    pub(crate) fn begin(ambient: &Ambient, edge: &Edge, head: &RequestHead) -> (Self, Span) {
        let request_id = request_id(ambient, &head.headers);
        let (span, trace) = super::trace::open(ambient, &head.headers, &request_id);
        let dress = Self {
            request_id,
            trace,
            address: Some(edge.proxies.client(head)),
            user_agent: user_agent(&head.headers),
            action: None,
            scheme: "http",
            origin: edge.cors.allowed(head).cloned(),
            standing: Standing::default(),
            tenant: None,
            actor: None,
            owner: None,
            grace_until: None,
        };
        (dress, span)
    }

    /// Where what the request brings about comes from.
    pub(crate) fn origin_of(&self, actor: Option<&Actor>) -> Origin {
        Origin {
            user: actor.map(|it| it.user_id),
            session: actor.map(|it| it.session_id),
            request_id: Some(self.request_id.clone()),
            trace: Some(self.trace.clone()),
            address: self.address,
            user_agent: self.user_agent.clone(),
            ..Origin::default()
        }
    }

    /// Adds the headers of every answer. What the handler has said of its answer stands.
    pub(crate) fn put_on(&self, edge: &Edge, headers: &mut HeaderMap) {
        for (name, value) in FIXED {
            if !headers.contains_key(&name) {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        let mut add = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        add("x-request-id", &self.request_id);
        add("traceparent", &self.trace.to_string());
        if let Some(state) = self.trace.state() {
            add("tracestate", state);
        }
        if let Some((policy, limit)) = self.standing.headers() {
            add("ratelimit-policy", &policy);
            add("ratelimit", &limit);
        }
        if let Some(until) = self
            .grace_until
            .and_then(|until| until.format(&Rfc3339).ok())
        {
            add("x-subscription-grace", &until);
        }
        edge.cors.dress(headers, self.origin.as_ref());
    }
}

const FIXED: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        header::STRICT_TRANSPORT_SECURITY,
        "max-age=63072000; includeSubDomains",
    ),
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
];

/// What the client says it is, as far as it can be read and no longer than anybody needs.
fn user_agent(headers: &HeaderMap) -> Option<String> {
    let said = headers.get(header::USER_AGENT)?.to_str().ok()?;
    let short: String = said.chars().take(200).collect();
    Some(short).filter(|it| !it.is_empty())
}

/// The client's `X-Request-Id`, if it is 1 to 128 of `[A-Za-z0-9._-]`; else a new one.
fn request_id(ambient: &Ambient, headers: &HeaderMap) -> String {
    headers
        .get("x-request-id")
        .and_then(|value| value.to_str().ok())
        .filter(|id| {
            (1..=128).contains(&id.len())
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        })
        .map_or_else(|| ambient.id::<RequestId>().0.to_string(), str::to_owned)
}

#[derive(Clone, Copy)]
struct RequestId(Uuid);

impl From<Uuid> for RequestId {
    fn from(value: Uuid) -> Self {
        Self(value)
    }
}

impl From<RequestId> for Uuid {
    fn from(value: RequestId) -> Self {
        value.0
    }
}

impl kernel::TypedId for RequestId {}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(id: &str) -> HeaderMap {
        let mut map = HeaderMap::new();
        map.append(
            HeaderName::from_static("x-request-id"),
            HeaderValue::from_bytes(id.as_bytes()).unwrap(),
        );
        map
    }

    #[test]
    fn a_request_id_is_taken_over_only_when_it_is_harmless() {
        let ambient = Ambient::system();
        let taken = |id| request_id(&ambient, &headers(id)) == id;
        assert!(taken("abc-1.2_3"));
        assert!(!taken("") && !taken("a b") && !taken("a\"}") && !taken("ä"));
    }
}
