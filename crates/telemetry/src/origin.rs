//! Where something that is done comes from.

use kernel::UserId;

use crate::TraceContext;

/// Who wanted something, and in which request: what jobs and events keep of it.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The user, if it was one.
    pub user: Option<UserId>,
    /// The id of the request.
    pub request_id: Option<String>,
    /// The trace that it belongs to, and so does what comes of it.
    pub trace: Option<TraceContext>,
}
