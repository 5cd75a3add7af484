//! Refresh tokens.

use std::fmt;

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{Ambient, RefreshTokenId, SessionId};
use secrecy::zeroize::Zeroizing;
use time::OffsetDateTime;

/// 256 random bits that prolong a session once. The platform keeps their hash alone, in the
/// tenant's own tables: in any other tenant they are unknown.
pub struct RefreshToken(Zeroizing<[u8; 32]>);

impl RefreshToken {
    /// Draws a token.
    pub fn draw(ambient: &Ambient) -> Self {
        Self(Zeroizing::new(ambient.bytes()))
    }

    /// Reads a token as a client sent it; `None` when no token is written like this.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        let length = URL_SAFE_NO_PAD
            .decode_slice(text, bytes.as_mut_slice())
            .ok()?;
        (length == bytes.len()).then_some(Self(bytes))
    }

    /// The token as the client keeps it.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.as_slice())
    }

    /// What the platform keeps of it. A plain hash is enough: nobody guesses 256 random bits.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.as_slice())
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

/// The SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Hashes a token.
    pub fn of(token: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, token).as_ref());
        Self(hash)
    }

    /// The bytes, for storage.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// What the platform keeps of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRefreshToken {
    /// The token.
    pub id: RefreshTokenId,
    /// The session it prolongs.
    pub session_id: SessionId,
    /// Its hash.
    pub hash: TokenHash,
    /// When it was issued.
    pub issued_at: OffsetDateTime,
    /// Until when it can be used.
    pub expires_at: OffsetDateTime,
    /// When it was used, if it was.
    pub used_at: Option<OffsetDateTime>,
    /// The token that took its place when it was used.
    pub successor_id: Option<RefreshTokenId>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_survives_its_text(bytes in any::<[u8; 32]>()) {
            let token = RefreshToken(Zeroizing::new(bytes));
            let text = token.expose();
            prop_assert_eq!(text.len(), 43);
            prop_assert_eq!(RefreshToken::parse(&text).unwrap().hash(), token.hash());
        }

        #[test]
        fn a_token_is_written_in_one_way_only(bytes in any::<[u8; 32]>(), text in "[A-Za-z0-9_-]{43}") {
            if let Some(token) = RefreshToken::parse(&text) {
                prop_assert_eq!(token.expose(), text);
            }
            let other = format!("{}=", RefreshToken(Zeroizing::new(bytes)).expose());
            prop_assert!(RefreshToken::parse(&other).is_none());
        }

        #[test]
        fn any_text_is_a_token_or_none_and_never_a_panic(text in any::<String>()) {
            let _ = RefreshToken::parse(&text);
        }
    }

    #[test]
    fn neither_a_token_nor_its_hash_is_printed() {
        let token = RefreshToken(Zeroizing::new([7; 32]));
        assert_eq!(format!("{token:?}"), "RefreshToken(…)");
        assert_eq!(format!("{:?}", token.hash()), "TokenHash(…)");
    }
}
