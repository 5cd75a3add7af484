//! Where something that is done comes from.

use std::net::IpAddr;

use kernel::{JobId, SessionId, UserId};

use crate::TraceContext;

/// Who wanted something, and in which request: what jobs, events and the audit keep of it.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The user, if it was one.
    pub user: Option<UserId>,
    /// The session he acted through.
    pub session: Option<SessionId>,
    /// Who runs the machine, as it knows him, if it was wanted on the command line.
    pub operator: Option<String>,
    /// The job that does it, if one does.
    pub job: Option<JobId>,
    /// The id of the request.
    pub request_id: Option<String>,
    /// The trace that it belongs to, and so does what comes of it.
    pub trace: Option<TraceContext>,
    /// Where the request came from.
    pub address: Option<IpAddr>,
    /// What the client says it is.
    pub user_agent: Option<String>,
}
