//! What every endpoint shares: who asks, in which tenant, what may be asked, and how it is
//! answered.
//!
//! A request passes one middleware, [`pipeline`], before any handler:
//!
//! ```text
//! request id -> unknown path 404, method 405 -> tenant -> authentication -> tenant match -> handler
//! ```
//!
//! Which of these a route needs stands in its OpenAPI attributes, once: `x-permission` names a
//! permission, `x-access` says `open`, `tenant` or `signed_in` ([`RouteTable`]). A route that says
//! nothing keeps the API from starting.
//!
//! A handler reads like its documentation: its parameters carry the authority ([`Allowed`],
//! [`Signed`]) and the decoded input ([`Body`], [`Query`], [`Id`]), its body is one call of a use
//! case, and every error becomes a [`Problem`] (RFC 9457) on the way out.

mod body;
mod context;
mod cursor;
mod parameters;
mod pipeline;
mod ports;
mod problem;
mod response;
mod route;

pub use body::Body;
pub use context::{Allowed, Signed, TenantOnly};
pub use cursor::{CursorScope, Cursors, page_request};
pub use parameters::{Id, Query};
pub use pipeline::{Pipeline, nothing_here, pipeline};
pub use ports::{Authenticator, TenantResolver};
pub use problem::{FieldProblem, Problem, ProblemBody};
pub use response::{Created, Json, List, NoContent, PageInfo};
pub use route::{Access, RouteError, RouteTable};
