//! What can go wrong with people and the organisation.

use database::StoreError;
use kernel::{DomainError, ErrorKind, FieldError};

/// An error of this domain.
#[derive(Debug, thiserror::Error)]
pub enum EmployeesError {
    /// No such thing, or none that the actor may see: the two are one answer.
    #[error("there is nothing here")]
    NotFound,
    /// Fields of the request are wrong.
    #[error("{} fields are not valid: see `errors`", .0.len())]
    Invalid(Vec<FieldError>),
    /// Something unique belongs to another record.
    #[error("another record has this `{field}` already")]
    Taken {
        /// The field.
        field: &'static str,
    },
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EmployeesError {
    /// One field of the request is wrong.
    pub fn field(
        pointer: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, code, message)])
    }
}

impl DomainError for EmployeesError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Invalid(_) => ErrorKind::ValidationFailed,
            Self::Taken { .. } => ErrorKind::Conflict,
            Self::Store(error) => error.kind(),
        }
    }

    fn detail(&self) -> String {
        match self {
            // The words of `web::Problem::not_found`: no two answers for one thing.
            Self::NotFound => "There is nothing here.".to_owned(),
            Self::Store(error) => error.detail(),
            other => other.to_string(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Taken { field } => {
                vec![FieldError::new(
                    format!("/{field}"),
                    "taken",
                    self.to_string(),
                )]
            }
            Self::NotFound | Self::Store(_) => Vec::new(),
        }
    }
}
