//! The outermost part of the pipeline: what concerns the connection and the headers of every
//! request and answer, whatever is asked.

pub(crate) mod answer;
pub(crate) mod cors;
pub(crate) mod forwarded;
pub(crate) mod limits;
pub(crate) mod trace;
pub(crate) mod upload;

use std::{cell::Cell, rc::Rc, time::Duration};

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

/// How long the client of a connection is waited for, from the first byte of the present request to
/// the first of its answer, when that is longer than for others. The server puts it among the data
/// of the connection, and looks at it.
#[derive(Clone, Debug, Default)]
pub struct ClientTime(Rc<Cell<Option<Duration>>>);

impl ClientTime {
    /// Waits so long, for this request.
    pub fn extend(&self, time: Duration) {
        self.0.set(Some(time));
    }

    /// How long, when it is longer than for others.
    pub fn get(&self) -> Option<Duration> {
        self.0.get()
    }

    /// The request is being answered.
    pub fn reset(&self) {
        self.0.set(None);
    }
}
