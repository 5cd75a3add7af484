//! One vocabulary for what can go wrong, shared by every crate and every client.

use serde::Serialize;

/// The stable machine codes of the HTTP contract, and their order by status.
///
/// A crate's error enum says which of these each variant is; `web` alone maps it to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The body or the request line cannot be read.
    MalformedRequest,
    /// A path or query parameter is unknown or wrong.
    InvalidParameter,
    /// A list cursor was tampered with or belongs to another list.
    InvalidCursor,
    /// Header and host name two different tenants.
    TenantAmbiguous,
    /// No valid token.
    Unauthenticated,
    /// Wrong e-mail address or password.
    InvalidCredentials,
    /// The access token has expired.
    TokenExpired,
    /// The token's tenant has moved or its rights have changed: refresh.
    TokenStale,
    /// The tenant's subscription is over, and so is its grace.
    SubscriptionExpired,
    /// The actor lacks a permission.
    PermissionDenied,
    /// The token belongs to another tenant.
    TenantMismatch,
    /// The platform suspended the tenant.
    TenantSuspended,
    /// No such thing, or none that this tenant can see.
    NotFound,
    /// No such tenant.
    TenantNotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// None of the accepted media types can be produced.
    NotAcceptable,
    /// The change collides with another one.
    Conflict,
    /// The slug belongs to somebody else.
    SlugTaken,
    /// The thing is in a state that does not allow this.
    StateConflict,
    /// The same request, by its `Idempotency-Key`, is being done right now.
    IdempotencyInProgress,
    /// The representation changed since it was read.
    VersionMismatch,
    /// The body is too large.
    TooLarge,
    /// The body has a media type that is not understood.
    UnsupportedMediaType,
    /// Fields of the body are missing or wrong.
    ValidationFailed,
    /// The `Idempotency-Key` was used for another request.
    IdempotencyKeyReused,
    /// `If-Match` is missing.
    PreconditionRequired,
    /// Too many requests.
    RateLimited,
    /// A defect of the platform.
    Internal,
    /// Something the platform depends on does not answer.
    Unavailable,
    /// The tenant is being created, migrated or moved.
    TenantUnavailable,
}

impl ErrorKind {
    /// Every kind, in the order of the contract.
    pub const ALL: &[Self] = &[
        Self::MalformedRequest,
        Self::InvalidParameter,
        Self::InvalidCursor,
        Self::TenantAmbiguous,
        Self::Unauthenticated,
        Self::InvalidCredentials,
        Self::TokenExpired,
        Self::TokenStale,
        Self::SubscriptionExpired,
        Self::PermissionDenied,
        Self::TenantMismatch,
        Self::TenantSuspended,
        Self::NotFound,
        Self::TenantNotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::Conflict,
        Self::SlugTaken,
        Self::StateConflict,
        Self::IdempotencyInProgress,
        Self::VersionMismatch,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::ValidationFailed,
        Self::IdempotencyKeyReused,
        Self::PreconditionRequired,
        Self::RateLimited,
        Self::Internal,
        Self::Unavailable,
        Self::TenantUnavailable,
    ];

    /// The stable code: `tenant_mismatch`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MalformedRequest => "malformed_request",
            Self::InvalidParameter => "invalid_parameter",
            Self::InvalidCursor => "invalid_cursor",
            Self::TenantAmbiguous => "tenant_ambiguous",
            Self::Unauthenticated => "unauthenticated",
            Self::InvalidCredentials => "invalid_credentials",
            Self::TokenExpired => "token_expired",
            Self::TokenStale => "token_stale",
            Self::SubscriptionExpired => "subscription_expired",
            Self::PermissionDenied => "permission_denied",
            Self::TenantMismatch => "tenant_mismatch",
            Self::TenantSuspended => "tenant_suspended",
            Self::NotFound => "not_found",
            Self::TenantNotFound => "tenant_not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotAcceptable => "not_acceptable",
            Self::Conflict => "conflict",
            Self::SlugTaken => "slug_taken",
            Self::StateConflict => "state_conflict",
            Self::IdempotencyInProgress => "idempotency_in_progress",
            Self::VersionMismatch => "version_mismatch",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::ValidationFailed => "validation_failed",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::PreconditionRequired => "precondition_required",
            Self::RateLimited => "rate_limited",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::TenantUnavailable => "tenant_unavailable",
        }
    }
}

/// One invalid field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where: a JSON pointer (RFC 6901) into the body, or the name of a parameter.
    pub pointer: String,
    /// The stable code: `required`, `unknown_field`, `invalid`, `too_long`, `not_found`, …
    pub code: &'static str,
    /// A sentence for the person who filled in the field.
    pub message: String,
}

impl FieldError {
    /// Describes one invalid field.
    pub fn new(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            code,
            message: message.into(),
        }
    }
}

/// Collects every invalid field of a request, so that a client hears of all of them at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// Nothing is wrong yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes an invalid field.
    pub fn push(
        &mut self,
        pointer: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) {
        self.0.push(FieldError::new(pointer, code, message));
    }

    /// Keeps the value of a good result, notes the message of a bad one as `invalid`.
    pub fn take<T, E: std::fmt::Display>(
        &mut self,
        pointer: impl Into<String>,
        result: Result<T, E>,
    ) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.push(pointer, "invalid", error.to_string());
                None
            }
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The invalid fields in the order in which they were noted.
    pub fn into_vec(self) -> Vec<FieldError> {
        self.0
    }

    /// `Ok` when nothing is wrong.
    ///
    /// # Errors
    /// The collected fields.
    pub fn into_result(self) -> Result<(), Vec<FieldError>> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(self.0)
        }
    }
}

/// An error of a domain, with its half for the client. The half for the operator is the error
/// itself and its sources, which never leave the log.
pub trait DomainError: std::error::Error + Send + Sync + 'static {
    /// Which code of the contract this is.
    fn kind(&self) -> ErrorKind;

    /// A sentence for the client. The default is the error's own text, except for defects and
    /// outages, whose text may name things that are none of the client's business.
    fn detail(&self) -> String {
        match self.kind() {
            ErrorKind::Internal => {
                "Something went wrong on our side. It was recorded; quote the request id when you \
                 ask about it."
                    .to_owned()
            }
            ErrorKind::Unavailable => {
                "The service cannot answer right now. Try again in a few seconds.".to_owned()
            }
            _ => self.to_string(),
        }
    }

    /// The invalid fields, if the error is about fields.
    fn fields(&self) -> Vec<FieldError> {
        Vec::new()
    }

    /// Whether the same may succeed when the whole transaction is done again: two transactions stood
    /// in each other's way, and nothing of this one is left.
    fn is_transient(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_snake_case_and_used_once() {
        let codes: BTreeSet<_> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(codes.len(), ErrorKind::ALL.len());
        assert!(
            codes
                .iter()
                .all(|c| c.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        );
    }
}
