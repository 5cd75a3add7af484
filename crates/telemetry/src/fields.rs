//! The names of the span fields that say whose work an event belongs to.

/// Id of the request, as in the `X-Request-Id` header of its answer.
pub const REQUEST_ID: &str = "request_id";
/// Id of the trace that the request belongs to ([`crate::TraceContext`]), across services.
pub const TRACE_ID: &str = "trace_id";
/// Slug of the tenant that the request was resolved to.
pub const TENANT: &str = "tenant";
/// Id of the user who acts; never a name or an address.
pub const USER: &str = "user";
/// What is done, as the route or the job names it (`POST /api/v1/employees`).
pub const ACTION: &str = "action";
/// Name of a background task ([`crate::spawn_named`]).
pub const TASK: &str = "task";
/// Id of the job that is being done.
pub const JOB: &str = "job";
