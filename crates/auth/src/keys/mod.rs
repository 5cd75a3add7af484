//! The keys that sign access tokens, and the secrets that all processes share.

mod key;
mod provision;
mod ring;

pub use key::{KeyState, PublicKey, SigningKey, StoredKey, UnknownKeyState, VerifyingKey};
pub use provision::{CURSOR_KEY, ensure_secret, ensure_signing_key, load_secret};
pub use ring::KeyRing;
