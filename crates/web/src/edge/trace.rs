//! Which trace a request belongs to.

use actix_web::http::header::HeaderMap;
use kernel::Ambient;
use telemetry::TraceContext;
use tracing::Span;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// Opens the request's span, in the trace of its `traceparent` or in a new one.
pub(crate) fn open(
    ambient: &Ambient,
    headers: &HeaderMap,
    request_id: &str,
) -> (Span, TraceContext) {
    let draw = || (ambient.bytes(), ambient.bytes());
    telemetry::open_request(request_id, parent(headers).as_ref(), draw)
}

/// The place of the caller. Two of them are none (W3C Trace Context, 3.2.1).
fn parent(headers: &HeaderMap) -> Option<TraceContext> {
    let mut given = headers.get_all(TRACEPARENT);
    let parent = given
        .next()
        .filter(|_| given.next().is_none())
        .and_then(|value| value.to_str().ok())
        .and_then(TraceContext::parse)?;
    Some(parent.with_state(&state(headers)))
}

/// Every line of `tracestate`, as one; what is no text is no state.
fn state(headers: &HeaderMap) -> String {
    let lines = headers
        .get_all(TRACESTATE)
        .map(|value| value.to_str().unwrap_or("?"));
    lines.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn placed(pairs: &[(&'static str, &'static str)]) -> TraceContext {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        open(&Ambient::system(), &headers, "r-1").1
    }

    #[test]
    fn a_request_has_a_place_of_its_own_in_its_callers_trace() {
        let trace = placed(&[(TRACEPARENT, PARENT)]);
        assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let header = trace.to_string();
        assert!(header.ends_with("-01") && header != PARENT, "{header}");
    }

    #[test]
    fn two_parents_are_none_and_a_trace_begins() {
        let trace = placed(&[(TRACEPARENT, PARENT), (TRACEPARENT, PARENT)]);
        assert_ne!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn state_without_a_parent_is_not_passed_on() {
        assert_eq!(placed(&[(TRACESTATE, "a=1")]).state(), None);
        let lines = placed(&[
            (TRACEPARENT, PARENT),
            (TRACESTATE, "a=1"),
            (TRACESTATE, "b=2"),
        ]);
        assert_eq!(lines.state(), Some("a=1,b=2"));
    }
}
