//! The outermost part of the pipeline: what concerns the connection and the headers of every
//! request and answer, whatever is asked.

pub(crate) mod answer;
pub(crate) mod cors;
pub(crate) mod forwarded;
pub(crate) mod limits;
pub(crate) mod trace;
pub(crate) mod upload;

use std::time::Duration;

use cors::Cors;
use forwarded::TrustedProxies;
use limits::Limits;

/// What the operator decided about the edge of the API. By default no proxy is trusted, nobody is
/// limited, no page of another origin may call, and a body has ten seconds to come.
#[derive(Debug)]
pub struct Edge {
    /// Whose `X-Forwarded-…` count.
    pub proxies: TrustedProxies,
    /// How much may be asked for; `None` for any amount.
    pub limits: Option<Limits>,
    /// Whose pages may read the answers.
    pub cors: Cors,
    /// How long the body of a request may take to arrive, besides the time that its bytes take at
    /// 16 KiB a second.
    pub body_timeout: Duration,
}

impl Default for Edge {
    fn default() -> Self {
        Self {
            proxies: TrustedProxies::default(),
            limits: None,
            cors: Cors::default(),
            body_timeout: Duration::from_secs(10),
        }
    }
}
