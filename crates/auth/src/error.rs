//! What can go wrong around signing in.

use std::sync::Arc;

use database::StoreError;
use kernel::{DomainError, ErrorKind, FieldError};

use crate::{PasswordError, TokenError};

/// An error of auth.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Unknown user, wrong password or deactivated user: one answer, so that nobody learns which.
    #[error("The e-mail address or the password is wrong.")]
    InvalidCredentials,
    /// The refresh token is unknown here, used, expired, or its session is over.
    #[error("The refresh token is not valid. Sign in again.")]
    RefreshRefused,
    /// The access token is not accepted.
    #[error("the access token is not accepted")]
    Token(#[from] TokenError),
    /// Nobody has this e-mail address.
    #[error("There is no user with this e-mail address.")]
    NoSuchUser,
    /// A new password does not follow the rules.
    #[error("The new password does not follow the rules.")]
    Password(#[from] PasswordError),
    /// More passwords wait to be checked than the settings allow, or one waited too long.
    #[error("too many passwords wait to be checked")]
    Busy,
    /// The parameters of Argon2 are impossible, or a stored hash is none.
    #[error("a password could not be hashed: {0}")]
    Hashing(String),
    /// The platform has no active signing key.
    #[error("the platform has no signing key: run `hrms-bootstrap up`")]
    NoSigningKey,
    /// The platform lacks a secret that its processes share.
    #[error("the platform has no secret `{0}`: run `hrms-bootstrap up`")]
    NoSecret(&'static str),
    /// A stored key or secret cannot be used.
    #[error("the stored key `{0}` cannot be used")]
    UnusableKey(String),
    /// An access token could not be signed.
    #[error("an access token could not be signed")]
    Signing(#[source] jsonwebtoken::errors::Error),
    /// A user's standing could not be read; several requests may have waited for the same answer.
    #[error("a user's standing cannot be read")]
    Standing(#[source] Arc<StoreError>),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DomainError for AuthError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidCredentials => ErrorKind::InvalidCredentials,
            Self::RefreshRefused => ErrorKind::Unauthenticated,
            Self::Token(error) => error.kind(),
            Self::NoSuchUser => ErrorKind::NotFound,
            Self::Password(_) => ErrorKind::ValidationFailed,
            Self::Busy => ErrorKind::Unavailable,
            Self::Hashing(_)
            | Self::NoSigningKey
            | Self::NoSecret(_)
            | Self::UnusableKey(_)
            | Self::Signing(_) => ErrorKind::Internal,
            Self::Standing(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }

    fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }

    fn detail(&self) -> String {
        match self {
            Self::Token(error) => error.detail().to_owned(),
            Self::Standing(error) => error.detail(),
            Self::Store(error) => error.detail(),
            Self::Busy => {
                "Many people are signing in right now. Try again in a few seconds.".to_owned()
            }
            _ if self.kind() == ErrorKind::Internal => "Something went wrong on our side. It was \
                recorded; quote the request id when you ask about it."
                .to_owned(),
            _ => self.to_string(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Password(error) => {
                vec![FieldError::new(
                    "/password",
                    error.code(),
                    error.to_string(),
                )]
            }
            _ => Vec::new(),
        }
    }
}
