//! What can go wrong with reading the audit.

use database::StoreError;
use kernel::{DomainError, ErrorKind};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// There is no such event, or the actor may see himself alone.
    #[error("there is nothing here")]
    NotFound,
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DomainError for AuditError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
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
        }
    }
}
