//! Who does which work: the table of jobs, as [`routes`](crate::routes) is that of requests.

mod clean_up;

use auth::Purge;
use kernel::Ambient;
use messaging::{Handlers, Jobs};

use clean_up::{ClearsAway, DeletesJobs};

/// What handlers work with.
pub(crate) struct Tools {
    pub(crate) purge: Purge,
    pub(crate) jobs: Jobs,
    pub(crate) keep_done: std::time::Duration,
    pub(crate) ambient: Ambient,
}

/// Every handler there is.
pub(crate) fn handlers(tools: Tools) -> Handlers {
    let Tools {
        purge,
        jobs,
        keep_done,
        ambient,
    } = tools;
    Handlers::new()
        .tenant(ClearsAway {
            purge,
            ambient: ambient.clone(),
        })
        .platform(DeletesJobs {
            jobs,
            keep_done,
            ambient,
        })
}
