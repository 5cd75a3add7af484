//! The outermost part of the pipeline: what concerns the connection and the headers of every
//! request and answer, whatever is asked.

pub(crate) mod answer;
pub(crate) mod cors;
pub(crate) mod forwarded;
pub(crate) mod limits;
pub(crate) mod trace;

use cors::Cors;
use forwarded::TrustedProxies;
use limits::Limits;

/// What the operator decided about the edge of the API. By default no proxy is trusted, nobody is
/// limited, and no page of another origin may call.
#[derive(Debug, Default)]
pub struct Edge {
    /// Whose `X-Forwarded-…` count.
    pub proxies: TrustedProxies,
    /// How much may be asked for; `None` for any amount.
    pub limits: Option<Limits>,
    /// Whose pages may read the answers.
    pub cors: Cors,
}
