//! What can go wrong with people and the organisation.

use database::StoreError;
use kernel::{Denied, DomainError, ErrorKind, FieldError};

/// An error of this domain.
#[derive(Debug, thiserror::Error)]
pub enum EmployeesError {
    /// No such thing, or none that the actor may see: the two are one answer.
    #[error("there is nothing here")]
    NotFound,
    /// Fields of the request are wrong.
    #[error("{} of the request's fields are not valid", .0.len())]
    Invalid(Vec<FieldError>),
    /// Something unique belongs to another record.
    #[error("another record has this `{field}` already")]
    Taken {
        /// The field.
        field: &'static str,
    },
    /// The actor lacks a permission.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The thing is in a state that does not allow it.
    #[error("{message}")]
    State {
        /// The field that would have to be another one.
        pointer: &'static str,
        /// The stable code of the mistake.
        code: &'static str,
        /// What is so, and what can be done.
        message: String,
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
            Self::State { .. } => ErrorKind::StateConflict,
            Self::Denied(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }

    fn detail(&self) -> String {
        match self {
            // The words of `web::Problem::not_found`: no two answers for one thing.
            Self::NotFound => "There is nothing here.".to_owned(),
            // And those of `web::Problem::invalid`.
            Self::Invalid(fields) if fields.len() == 1 => {
                "One field is not valid: see `errors`.".to_owned()
            }
            Self::Invalid(fields) => {
                format!("{} fields are not valid: see `errors`.", fields.len())
            }
            Self::Taken { field } => format!("Another record has this `{field}` already."),
            Self::State { message, .. } => {
                let mut letters = message.chars();
                let first = letters.next().map(|letter| letter.to_ascii_uppercase());
                first.into_iter().chain(letters).chain(['.']).collect()
            }
            Self::Denied(error) => error.detail(),
            Self::Store(error) => error.detail(),
        }
    }

    fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
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
            Self::State {
                pointer,
                code,
                message,
            } => vec![FieldError::new(*pointer, code, message.clone())],
            Self::NotFound | Self::Denied(_) | Self::Store(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use web::Problem;

    use super::*;

    #[test]
    fn fields_are_refused_here_in_the_words_in_which_a_body_is_refused() {
        for many in 1..=3 {
            let fields = vec![FieldError::new("/x", "invalid", "must be y"); many];
            let here = Problem::from(EmployeesError::Invalid(fields.clone()));
            assert_eq!(here.to_string(), Problem::invalid(fields).to_string());
        }
    }
}
