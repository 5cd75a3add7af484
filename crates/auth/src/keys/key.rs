//! One key pair.

use std::{fmt, str::FromStr, sync::Arc};

use aws_lc_rs::{
    digest,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{DecodingKey, EncodingKey};
use kernel::Ambient;
use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroizing};
use time::OffsetDateTime;

use crate::AuthError;

/// What the platform keeps of a key pair: a row of `platform.signing_keys`.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// Its name: the thumbprint of the public key (RFC 7638).
    pub kid: String,
    /// The private key: PKCS #8 DER in base64.
    pub private_key: SecretString,
    /// The public key: its 32 bytes in base64.
    pub public_key: String,
    /// What it is used for.
    pub state: KeyState,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// What a key is used for. Tokens are checked with the keys of every state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published already, so that everybody knows it when it becomes the active one.
    Next,
    /// Signs.
    Active,
    /// Signs no more; its last tokens are still about.
    Retiring,
}

/// No state of a key has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no state of a signing key")]
pub struct UnknownKeyState(pub String);

impl KeyState {
    /// The stable name, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
        }
    }
}

impl FromStr for KeyState {
    type Err = UnknownKeyState;

    fn from_str(text: &str) -> Result<Self, UnknownKeyState> {
        match text {
            "next" => Ok(Self::Next),
            "active" => Ok(Self::Active),
            "retiring" => Ok(Self::Retiring),
            other => Err(UnknownKeyState(other.to_owned())),
        }
    }
}

impl StoredKey {
    /// Makes a key pair that signs from now on.
    ///
    /// # Errors
    /// [`AuthError::UnusableKey`] when the library refuses: a defect.
    pub fn generate(ambient: &Ambient) -> Result<Self, AuthError> {
        let refused = || AuthError::UnusableKey("new".to_owned());
        let seed = Zeroizing::new(ambient.bytes::<32>());
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map_err(|_rejected| refused())?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_unspecified| refused())?;
        let public = PublicKey::of(&pair)?;
        Ok(Self {
            kid: public.thumbprint(),
            private_key: SecretString::from(STANDARD.encode(pkcs8.as_ref())),
            public_key: STANDARD.encode(public.0),
            state: KeyState::Active,
            created_at: ambient.now(),
        })
    }

    /// The half that checks.
    ///
    /// # Errors
    /// [`AuthError::UnusableKey`].
    pub(crate) fn verifying(&self) -> Result<VerifyingKey, AuthError> {
        let mut public = [0; 32];
        match STANDARD.decode_slice(&self.public_key, &mut public) {
            Ok(32) => Ok(VerifyingKey::new(PublicKey(public))),
            _ => Err(AuthError::UnusableKey(self.kid.clone())),
        }
    }

    /// The half that signs, if the two halves belong together.
    ///
    /// # Errors
    /// [`AuthError::UnusableKey`].
    pub(crate) fn signing(&self) -> Result<SigningKey, AuthError> {
        let unusable = || AuthError::UnusableKey(self.kid.clone());
        let der = STANDARD
            .decode(self.private_key.expose_secret())
            .map(Zeroizing::new)
            .map_err(|_no_base64| unusable())?;
        let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(|_rejected| unusable())?;
        if PublicKey::of(&pair)? != self.verifying()?.public || self.kid.is_empty() {
            return Err(unusable());
        }
        Ok(SigningKey {
            kid: self.kid.as_str().into(),
            encoding: EncodingKey::from_ed_der(&der),
        })
    }
}

/// The half of a key pair that signs. Wiped from memory when it is dropped; never printed.
#[derive(Clone)]
pub struct SigningKey {
    kid: Arc<str>,
    encoding: EncodingKey,
}

impl SigningKey {
    /// Its name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub(crate) fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

/// The half of a key pair that checks.
#[derive(Clone)]
pub struct VerifyingKey {
    public: PublicKey,
    decoding: DecodingKey,
}

impl VerifyingKey {
    fn new(public: PublicKey) -> Self {
        Self {
            decoding: DecodingKey::from_ed_der(&public.0),
            public,
        }
    }

    /// What is published of it.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    pub(crate) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifyingKey").field(&self.public).finish()
    }
}

/// An Ed25519 public key (RFC 8032).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    fn of(pair: &Ed25519KeyPair) -> Result<Self, AuthError> {
        <[u8; 32]>::try_from(pair.public_key().as_ref())
            .map(Self)
            .map_err(|_length| AuthError::UnusableKey("of another length".to_owned()))
    }

    /// The member `x` of its JWK (RFC 8037).
    pub fn x(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The thumbprint of its JWK (RFC 7638).
    pub fn thumbprint(&self) -> String {
        let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, self.x());
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, jwk.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use kernel::{FixedClock, SeededEntropy};

    use super::*;

    fn key(seed: u64) -> StoredKey {
        let clock = Arc::new(FixedClock::at(OffsetDateTime::UNIX_EPOCH));
        StoredKey::generate(&Ambient::new(clock, Arc::new(SeededEntropy::new(seed)))).unwrap()
    }

    /// RFC 8037, appendix A.3.
    #[test]
    fn the_name_of_a_key_is_its_thumbprint() {
        let mut public = [0; 32];
        URL_SAFE_NO_PAD
            .decode_slice("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", &mut public)
            .unwrap();
        assert_eq!(
            PublicKey(public).thumbprint(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    #[test]
    fn a_stored_key_signs_and_checks() {
        let stored = key(1);
        assert_eq!(stored.signing().unwrap().kid(), stored.kid);
        assert_eq!(
            stored.verifying().unwrap().public().thumbprint(),
            stored.kid
        );
        assert_ne!(stored.kid, key(2).kid);
    }

    #[test]
    fn halves_of_two_keys_are_refused() {
        let mixed = StoredKey {
            private_key: key(2).private_key,
            ..key(1)
        };
        assert!(matches!(mixed.signing(), Err(AuthError::UnusableKey(kid)) if kid == mixed.kid));
    }

    #[test]
    fn a_damaged_key_is_refused_by_name() {
        for damaged in ["", "!", "AAAA"] {
            let stored = StoredKey {
                private_key: damaged.into(),
                ..key(1)
            };
            assert!(matches!(stored.signing(), Err(AuthError::UnusableKey(_))));
            let stored = StoredKey {
                public_key: damaged.to_owned(),
                ..key(1)
            };
            assert!(matches!(stored.verifying(), Err(AuthError::UnusableKey(_))));
        }
    }

    #[test]
    fn a_private_key_is_never_printed() {
        let stored = key(1);
        let printed = format!("{stored:?} {:?}", stored.signing().unwrap());
        assert!(!printed.contains(stored.private_key.expose_secret()));
    }
}
