//! The signed form of a token (JWS compact serialisation, RFC 7515), read strictly.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, crypto};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    keys::VerifyingKey,
    token::{AccessClaims, TokenError},
};

/// The algorithm of the header: the only one there is.
const ALGORITHM: &str = "EdDSA";
/// The type of the header (RFC 9068).
pub(crate) const HEADER_TYPE: &str = "at+jwt";

/// A token that was taken apart and not checked yet.
#[derive(Debug)]
pub(crate) struct Signed<'token> {
    kid: String,
    message: &'token str,
    payload: &'token str,
    signature: &'token str,
}

/// These parameters and no others: no key, address of a key or extension is ever taken from a
/// token (`jwk`, `jku`, `x5u`, `crit`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

impl<'token> Signed<'token> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`TokenError::Malformed`], [`TokenError::Header`].
    pub(crate) fn read(token: &'token str) -> Result<Self, TokenError> {
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(TokenError::Malformed)?;
        let header: Header = decode(header, TokenError::Header)?;
        if header.alg != ALGORITHM || header.typ != HEADER_TYPE {
            return Err(TokenError::Header);
        }
        Ok(Self {
            kid: header.kid,
            message,
            payload,
            signature,
        })
    }

    /// The key it says it is signed with.
    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    /// What it claims, once its signature fits.
    ///
    /// # Errors
    /// [`TokenError::Signature`], [`TokenError::Claims`].
    pub(crate) fn verify(&self, key: &VerifyingKey) -> Result<AccessClaims, TokenError> {
        let message = self.message.as_bytes();
        match crypto::verify(self.signature, message, key.decoding(), Algorithm::EdDSA) {
            Ok(true) => decode(self.payload, TokenError::Claims),
            Ok(false) | Err(_) => Err(TokenError::Signature),
        }
    }
}

fn decode<T: DeserializeOwned>(part: &str, wrong: TokenError) -> Result<T, TokenError> {
    let json = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_no_base64| TokenError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_other_shape| wrong)
}
