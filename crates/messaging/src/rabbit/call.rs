//! Calls that end.

use std::time::Duration;

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// RabbitMQ, or the way to it, says so.
    #[error(transparent)]
    Refused(#[from] lapin::Error),
    /// No answer came in time.
    #[error("RabbitMQ does not answer {0}")]
    Silent(&'static str),
}

/// Waits for a call so long and no longer: a connection that died silently answers nothing.
pub(super) async fn within<T>(
    patience: Duration,
    what: &'static str,
    call: impl Future<Output = lapin::Result<T>>,
) -> Result<T, CallError> {
    match tokio::time::timeout(patience, call).await {
        Ok(answer) => Ok(answer?),
        Err(_elapsed) => Err(CallError::Silent(what)),
    }
}
