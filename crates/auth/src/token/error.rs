//! Why an access token is not accepted.

use kernel::ErrorKind;

/// Why an access token is not accepted. The variants are for the operator and for tests; a client
/// only learns what helps it: whether to refresh, to sign in again, or to ask another tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three parts in base64url.
    #[error("the token is not of the form of a signed JWT")]
    Malformed,
    /// The header is not exactly `alg: EdDSA`, `typ: at+jwt` and a `kid`.
    #[error("the token's header is not the one of an access token")]
    Header,
    /// No key has this `kid`.
    #[error("the token names a key that is not known")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the token's signature is wrong")]
    Signature,
    /// A claim is missing, of another type, or not one of ours.
    #[error("the token's claims are not the ones of an access token")]
    Claims,
    /// Somebody else issued it.
    #[error("the token was issued by somebody else")]
    Issuer,
    /// It is for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// It is no access token.
    #[error("the token is not of the type `access`")]
    Type,
    /// It does not say how its owner proved who he is.
    #[error("the token names no authentication method")]
    Methods,
    /// It was issued, or becomes valid, in the future.
    #[error("the token is of the future")]
    Future,
    /// It lives longer than access tokens may.
    #[error("the token lives longer than access tokens may")]
    Lifetime,
    /// It has expired.
    #[error("the token has expired")]
    Expired,
    /// It belongs to another tenant than the request.
    #[error("the token belongs to another tenant")]
    OtherTenant,
    /// Its tenant has moved, or what its user may do was changed.
    #[error("the token says what is not so any more")]
    Stale,
    /// Its session is over, or its user may not sign in any more.
    #[error("the token's session is over")]
    SessionOver,
}

impl TokenError {
    pub(crate) fn kind(self) -> ErrorKind {
        match self {
            Self::Expired => ErrorKind::TokenExpired,
            Self::Stale => ErrorKind::TokenStale,
            Self::OtherTenant => ErrorKind::TenantMismatch,
            _ => ErrorKind::Unauthenticated,
        }
    }

    pub(crate) fn detail(self) -> &'static str {
        match self {
            Self::Expired => "The access token has expired. Refresh it.",
            Self::Stale => "The access token is out of date. Refresh it.",
            Self::OtherTenant => "This token belongs to another tenant.",
            _ => "The access token is not valid. Sign in again.",
        }
    }
}
