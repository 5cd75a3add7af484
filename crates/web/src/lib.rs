//! What every endpoint shares: who asks, in which tenant, what may be asked, and how it is
//! answered.
//!
//! A request passes one middleware, [`pipeline`], before any handler:
//!
//! ```text
//! request id, trace -> unknown path 404, method 405, preflight 204 -> limits by address
//!   -> media type 406 -> tenant -> authentication -> tenant match -> subscription 402
//!   -> limits by user and tenant -> handler
//! ```
//!
//! Which of these a route needs stands in its OpenAPI attributes, once: `x-permission` names a
//! permission, `x-access` says `open`, `tenant` or `signed_in` ([`RouteTable`]). A route that says
//! nothing keeps the API from starting. A route works only while the tenant's subscription does,
//! unless it says `x-subscription: exempt`: signing in, and what somebody needs in order to renew.
//! What lies below `/api/v1/platform/` exists in the public tenant alone; for every other request it
//! is the same 404 as a path that does not exist.
//!
//! A handler reads like its documentation: its parameters carry the authority ([`Allowed`],
//! [`Signed`]) and the decoded input ([`Body`], [`Query`], [`Id`]), its body is one call of a use
//! case, and every error becomes a [`Problem`] (RFC 9457) on the way out.
//!
//! What concerns the connection and the headers of every answer is the [`Edge`]: whose
//! `X-Forwarded-…` count ([`TrustedProxies`]), how much may be asked for ([`Limits`]), whose web
//! pages may call ([`Cors`]).
//!
//! # Refusals without a problem
//! What is no HTTP request reaches no middleware: the server beneath refuses it, says so by the
//! status alone (400, or 431 for a head that is too large), without a body and without the headers
//! of every answer, and closes the connection. So it is with HTTP/0.9, HTTP/1.1 without a host, a
//! control character or a blank where none belongs, more than 96 headers, a target of more than
//! 64 kB, and a length beside `Transfer-Encoding`. It is not logged, see [`telemetry::LogFilter`].
//!
//! # Clients that take their time
//! The first head of a connection has to come within `http.client_timeout` (408), a body within
//! `http.body_timeout` (400), and a connection whose request was not read to its end is closed after
//! the answer. Whoever has begun a request on a connection that was kept, and whoever does not read
//! his answer, loses the connection after `http.request_timeout` and a little (`app::server`); on a
//! route that takes long, [`ClientTime`] says after how long.
//!
//! # What is logged
//! Every answer is one event of the access log. A defect (500) is an `error` with its causes; that
//! the house is busy or something it needs is away (503) is a `warn`, because anybody can make it
//! so by asking for much. What the client did wrong is the client's to hear, and no event.

mod accept;
mod body;
mod catalogue;
mod change;
mod conditional;
mod context;
mod csv;
mod cursor;
mod download;
mod draft;
mod edge;
mod listing;
mod parameters;
mod pipeline;
mod ports;
mod problem;
mod response;
mod route;
mod serde_text;
mod spool;

pub use body::{Body, secret};
pub use catalogue::ErrorType;
pub use change::Change;
pub use conditional::IfMatch;
pub use context::{Allowed, Provenance, Signed, TenantOnly};
pub use cursor::{CursorKeyError, CursorScope, Cursors};
pub use download::Download;
pub use draft::{Draft, PatchOf};
pub use edge::{
    ClientTime, Edge,
    cors::Cors,
    forwarded::TrustedProxies,
    limits::{LimitSettings, Limits, Rate},
};
pub use listing::{Exports, ListParameters, Listed, Listing, View, ViewParameters};
pub use parameters::{Id, Query};
pub use pipeline::{Pipeline, nothing_here, pipeline};
pub use ports::{Authenticator, Refusal, RefusalLog, TenantResolver, TokenOwner};
pub use problem::{FieldProblem, Problem, ProblemBody};
pub use response::{Accepted, Answer, Created, Json, List, NoContent, PageInfo, Rendered, Whole};
pub use route::{Access, RouteError, RouteTable};
pub use spool::Spool;
