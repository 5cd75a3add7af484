//! What an operator may decide.

use std::time::Duration;

/// How people sign in and how long that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthSettings {
    /// Who issues access tokens (`iss`); tokens of another issuer are refused.
    pub issuer: String,
    /// Whom access tokens are for (`aud`).
    pub audience: String,
    /// How long an access token lives. Tokens that were issued for longer are refused.
    pub access_token_ttl: Duration,
    /// How long a session lives unused: each refresh begins it anew.
    pub refresh_ttl: Duration,
    /// How long a session lives, however often it is refreshed.
    pub session_ttl: Duration,
    /// How passwords are hashed.
    pub argon2: Argon2Settings,
    /// How long a user's roles and standing are kept: a change counts by then.
    pub principal_cache_ttl: Duration,
    /// Sessions whose user is kept in memory.
    pub principal_cache_capacity: u64,
    /// Verified access tokens kept in memory.
    pub token_cache_capacity: u64,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            issuer: "hrms".to_owned(),
            audience: "hrms-api".to_owned(),
            access_token_ttl: Duration::from_mins(10),
            refresh_ttl: Duration::from_hours(7 * 24),
            session_ttl: Duration::from_hours(30 * 24),
            argon2: Argon2Settings::default(),
            principal_cache_ttl: Duration::from_secs(5),
            principal_cache_capacity: 10_000,
            token_cache_capacity: 10_000,
        }
    }
}

/// How passwords are hashed (Argon2id, RFC 9106), and how much of the machine that may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argon2Settings {
    /// Memory of one hash, in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub iterations: u32,
    /// Lanes, each of them a part of the memory.
    pub parallelism: u32,
    /// Hashes calculated at once.
    pub concurrency: usize,
    /// Requests of one tenant that may wait for their turn.
    pub max_queue: usize,
    /// How long a request waits for its turn.
    pub queue_timeout: Duration,
}

/// OWASP's recommendation: 19 MiB, two passes, one lane (Password Storage Cheat Sheet).
impl Default for Argon2Settings {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
            concurrency: 2,
            max_queue: 128,
            queue_timeout: Duration::from_secs(3),
        }
    }
}
