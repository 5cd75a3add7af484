//! The names of the span fields that say whose work an event belongs to.

use std::fmt::Display;

use tracing::Span;
use tracing::field::Empty;

use crate::TraceContext;

/// Id of the request, as in the `X-Request-Id` header of its answer.
pub const REQUEST_ID: &str = "request_id";
/// Id of the trace that the request belongs to ([`TraceContext`]), across services.
pub const TRACE_ID: &str = "trace_id";
/// Slug of the tenant that the request was resolved to.
pub const TENANT: &str = "tenant";
/// Id of the user who acts; never a name or an address.
pub const USER: &str = "user";
/// What is done, as the route or the job names it (`POST /api/v1/employees`).
pub const ACTION: &str = "action";
/// Name of a background task ([`crate::spawn_named`]).
pub const TASK: &str = "task";

/// Opens the span that everything done for one request happens in.
///
/// [`TENANT`], [`USER`] and [`ACTION`] are recorded on it (`span.record(fields::TENANT, slug)`) as
/// soon as they are known. The span has the level `error`, so that a log reduced to errors still
/// says which request each of them belongs to.
#[must_use]
pub fn request_span(request_id: impl Display, trace: &TraceContext) -> Span {
    tracing::error_span!(
        "request",
        { REQUEST_ID } = %request_id,
        { TRACE_ID } = trace.trace_id(),
        { TENANT } = Empty,
        { USER } = Empty,
        { ACTION } = Empty,
    )
}
