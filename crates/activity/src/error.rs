//! What can go wrong with jobs.

use database::StoreError;
use kernel::{DomainError, ErrorKind};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum ActivityError {
    /// There is no such job, or none that the actor may see: the two are one answer.
    #[error("there is nothing here")]
    NotFound,
    /// The job ended already.
    #[error("This job has ended: it is `{0}`.")]
    Ended(&'static str),
    /// The job does not wait for anybody.
    #[error("This job is `{0}`: only one that failed, is parked or was cancelled is tried again.")]
    NotFailed(&'static str),
    /// What was begun cannot be left half done.
    #[error("This work cannot be taken back once it is wanted.")]
    Irrevocable,
    /// Another job with its key has yet to end.
    #[error("The same work was wanted again meanwhile, and that job has yet to end.")]
    Replaced,
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DomainError for ActivityError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Ended(_) | Self::NotFailed(_) | Self::Irrevocable | Self::Replaced => {
                ErrorKind::StateConflict
            }
            Self::Store(error) => error.kind(),
        }
    }

    fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }

    fn detail(&self) -> String {
        match self {
            // The words of `web::Problem::not_found`: no two answers for one thing.
            Self::NotFound => "There is nothing here.".to_owned(),
            Self::Store(error) => error.detail(),
            _ => self.to_string(),
        }
    }
}
