//! Every kind of error, as a client meets it: what it means and what to do about it.

use kernel::ErrorKind;

use crate::problem;

/// A kind of error in the words of the HTTP contract. `docs/errors.md` and the examples of the API's
/// description are written from it.
#[derive(Clone, Copy, Debug)]
pub struct ErrorType {
    /// Which.
    pub kind: ErrorKind,
    /// The status of its answer.
    pub status: u16,
    /// Its name.
    pub title: &'static str,
    /// When it is answered, a sentence.
    pub when: &'static str,
    /// What the client should do.
    pub remedy: &'static str,
}

impl ErrorType {
    /// What there is to say about a kind of error.
    pub fn of(kind: ErrorKind) -> Self {
        let (when, remedy) = explained(kind);
        Self {
            kind,
            status: problem::status(kind).as_u16(),
            title: problem::title(kind),
            when,
            remedy,
        }
    }

    /// Every kind of error, in the order of the contract.
    pub fn all() -> impl Iterator<Item = Self> {
        ErrorKind::ALL.iter().copied().map(Self::of)
    }

    /// The one with this stable code.
    pub fn named(code: &str) -> Option<Self> {
        Self::all().find(|it| it.kind.as_str() == code)
    }
}

/// When it is answered, and what to do then.
#[expect(clippy::too_many_lines, reason = "a table")]
fn explained(kind: ErrorKind) -> (&'static str, &'static str) {
    match kind {
        ErrorKind::MalformedRequest => (
            "The body is no JSON, came in part or too late, or a header that may be given once was \
             given twice.",
            "Mend the request; sent again as it is, it fails again.",
        ),
        ErrorKind::InvalidParameter => (
            "A parameter of the path, the query or a header is unknown, given twice, or has a value \
             that it may not have; `errors` names it.",
            "Mend the parameter.",
        ),
        ErrorKind::InvalidCursor => (
            "The cursor was not given out for this list, its filters and its order.",
            "Read the list from its beginning.",
        ),
        ErrorKind::TenantAmbiguous => (
            "The header `X-Tenant-Slug` and the host name two different tenants, or the header is \
             given twice.",
            "Name one tenant.",
        ),
        ErrorKind::Unauthenticated => (
            "There is no access token, or one that is not valid.",
            "Sign in, and send `Authorization: Bearer …`.",
        ),
        ErrorKind::InvalidCredentials => (
            "Nobody has this address and this password, or may sign in with them.",
            "Let the person correct them; do not repeat them by yourself.",
        ),
        ErrorKind::TokenExpired => (
            "The token was valid once.",
            "Refresh an access token; sign in when it is a refresh token.",
        ),
        ErrorKind::TokenStale => (
            "The tenant has moved, or what the user may do has changed, since the token was given \
             out.",
            "Refresh the access token and send the request again.",
        ),
        ErrorKind::SubscriptionExpired => (
            "The tenant's subscription is over, and so is its grace; signing in still works.",
            "Let an administrator of the tenant renew the subscription.",
        ),
        ErrorKind::PermissionDenied => (
            "The caller lacks the permission that the detail names.",
            "Ask an administrator of the company.",
        ),
        ErrorKind::TenantMismatch => (
            "The token belongs to another tenant than the request.",
            "Sign in to the tenant that is named.",
        ),
        ErrorKind::TenantSuspended => (
            "The platform has suspended the tenant.",
            "Ask who runs the platform; nothing was lost.",
        ),
        ErrorKind::NotFound => (
            "There is no such thing, or none that the caller's tenant can see: the two are one \
             answer.",
            "Look at the path and the identifiers in it.",
        ),
        ErrorKind::TenantNotFound => (
            "No tenant is named, or there is none of that name.",
            "Name the tenant by `X-Tenant-Slug` or by its host.",
        ),
        ErrorKind::MethodNotAllowed => (
            "The path does not have this method; `Allow` names those it has.",
            "Use one of those.",
        ),
        ErrorKind::NotAcceptable => (
            "Nothing that `Accept` asks for can be made here.",
            "Ask for one of the media types that the detail names.",
        ),
        ErrorKind::Conflict => (
            "The change collides with something that is there already or was changed at the same \
             time.",
            "Read again what is there, and decide anew.",
        ),
        ErrorKind::SlugTaken => ("The slug belongs to another tenant.", "Choose another one."),
        ErrorKind::StateConflict => (
            "What is asked for does not go with the state that the thing is in.",
            "Read its state, and decide anew.",
        ),
        ErrorKind::IdempotencyInProgress => (
            "The same request, by its `Idempotency-Key`, is being done right now.",
            "Wait a moment, and send it again with the same key.",
        ),
        ErrorKind::VersionMismatch => (
            "It was changed since the version of `If-Match` was read.",
            "Read it again, look whether the change still makes sense, and send the new version.",
        ),
        ErrorKind::TooLarge => (
            "The body is larger than this path takes.",
            "Send less at a time.",
        ),
        ErrorKind::UnsupportedMediaType => (
            "The body has a media type that this path does not read, is packed (`Content-Encoding`) or \
             not in UTF-8.",
            "Send one of the types that the API's description names, as it is.",
        ),
        ErrorKind::ValidationFailed => (
            "Fields of the body are missing, unknown or wrong; `errors` names all of them.",
            "Show each message beside its field, and let the person correct them.",
        ),
        ErrorKind::IdempotencyKeyReused => (
            "The `Idempotency-Key` was used for another request.",
            "Take a new key for each new thing to do.",
        ),
        ErrorKind::PreconditionRequired => (
            "The header `If-Match` is missing.",
            "Read the thing, and send its `ETag` as `If-Match`.",
        ),
        ErrorKind::RateLimited => (
            "The address, the user or the tenant asked too often, or more exports run than may.",
            "Wait as long as `Retry-After` says; `RateLimit` tells beforehand how much is left.",
        ),
        ErrorKind::Internal => (
            "Something is wrong with the platform. It was recorded.",
            "Repeat a read later; look before you repeat a change. Quote `request_id` when you ask.",
        ),
        ErrorKind::Unavailable => (
            "Something that the platform needs does not answer, or too much is asked of it.",
            "Try again after `Retry-After`, a change with the same `Idempotency-Key`.",
        ),
        ErrorKind::TenantUnavailable => (
            "The tenant is being created, migrated or moved.",
            "Try again after `Retry-After`.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_and_found_by_its_name() {
        let mut seen = Vec::new();
        for error in ErrorType::all() {
            let code = error.kind.as_str();
            assert!((400..600).contains(&error.status), "{code}");
            for text in [error.when, error.remedy] {
                assert!(text.ends_with('.'), "{code}: {text}");
            }
            assert_eq!(ErrorType::named(code).map(|it| it.kind), Some(error.kind));
            assert!(!seen.contains(&code), "{code} is there twice");
            seen.push(code);
        }
        assert!(ErrorType::named("nonsense").is_none());
    }
}
