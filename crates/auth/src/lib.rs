//! Who somebody is: users, passwords, sessions and tokens.
//!
//! A *user* can sign in to one tenant. Signing in with a password ([`Sessions::login`]) begins a
//! *session*, which is prolonged with *refresh tokens* ([`Sessions::refresh`]) and ended by
//! [`Sessions::logout`]. An *access token* says for ten minutes which user, session and tenant a
//! request belongs to ([`TokenAuthenticator`]).
//!
//! # Invariants
//! - **Every token is bound to its tenant** (`adr/0004-token-binding.md`). An access token names
//!   it and is compared with the registry's row; a refresh token is a row of its tables and unknown
//!   everywhere else.
//! - **A token says who, not what he may.** Roles and standing are read from the tenant's tables
//!   and remembered for a few seconds ([`Standings`]): what is withdrawn is withdrawn in all
//!   processes by then.
//! - **A refresh token works once.** When one comes a second time, its session ends.
//! - **Failing to sign in tells nothing.** Unknown user, wrong password and deactivated user get
//!   one answer after one time.
//! - **Hashing starves nobody.** It runs on threads of its own, a bounded number at once, and never
//!   inside a transaction. Each tenant waits in a bounded queue of its own, and the queues are
//!   served in turn ([`PasswordHasher`]).
//! - **Nobody makes much work by sending much.** Who has not signed in sends a few KiB at most, and
//!   what is longer than any password is not looked at ([`Password::presented`]).
//! - **Secrets are never printed.** Passwords, tokens, hashes and keys have `Debug` forms that show
//!   nothing, and are wiped from memory where they are held as themselves.
//!
//! ```
//! use auth::{Password, PasswordError};
//!
//! assert_eq!(Password::choose("hunter2").unwrap_err(), PasswordError::TooShort);
//!
//! let password = Password::choose("correct horse battery staple")?;
//! assert_eq!(format!("{password:?}"), "Password(…)");
//! # Ok::<(), PasswordError>(())
//! ```

#![deny(missing_docs)]

mod error;
mod hasher;
mod http;
mod keys;
mod model;
mod postgres;
mod record;
mod repository;
mod service;
mod settings;
mod start;
mod token;

pub use error::AuthError;
pub use hasher::PasswordHasher;
pub use http::{
    Credentials, JsonWebKey, JsonWebKeySet, Me, RefreshRequest, SignedInResponse, TenantSummary,
    UserProfile, configure,
};
pub use keys::{
    CURSOR_KEY, KeyRing, KeyState, PublicKey, SigningKey, StoredKey, UnknownKeyState, VerifyingKey,
    ensure_secret, ensure_signing_key, load_secret,
};
pub use model::{
    AuthMethods, DisplayName, DisplayNameError, NewUser, Password, PasswordError, PasswordHash,
    Reader, RefreshToken, Session, SessionLifetime, Standing, StoredRefreshToken, TokenHash,
    UnknownUserStatus, User, UserStatus,
};
pub use postgres::{PostgresKeys, PostgresSessions, PostgresUsers};
pub use record::USER_FIELDS;
pub use repository::{KeyRepository, SessionRepository, Store, UserRepository};
pub use service::{
    CacheUsage, Purge, Purged, Sessions, SignedIn, Standings, TokenAuthenticator, Users,
};
pub use settings::{Argon2Settings, AuthSettings};
pub use start::Auth;
pub use token::{
    AccessClaims, AccessToken, Epochs, NoEpochs, TokenError, TokenId, TokenIssuer, TokenRules,
    TokenVerifier,
};
