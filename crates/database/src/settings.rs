//! How to reach PostgreSQL, and how long to wait for it.

use std::time::Duration;

use secrecy::SecretString;

/// Settings of the pool. Every wait has an end.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// `postgres://user:password@host:port/database`.
    pub url: SecretString,
    /// Connections at most. Rates peak at 4 to 8 on two cores and fall beyond.
    pub pool_size: u32,
    /// How long a request waits for a free connection.
    pub acquire_timeout: Duration,
    /// How long opening a connection may take.
    pub connect_timeout: Duration,
    /// How long one statement may run (PostgreSQL's `statement_timeout`).
    pub statement_timeout: Duration,
    /// How long a statement waits for a lock (PostgreSQL's `lock_timeout`).
    pub lock_timeout: Duration,
    /// How long a transaction may stand idle before PostgreSQL ends it.
    pub idle_in_transaction_timeout: Duration,
    /// A connection older than this is closed instead of reused.
    pub max_connection_lifetime: Duration,
    /// A connection that has served this many schemas is closed: each costs the backend 0.4 to
    /// 1.0 MB that it keeps.
    pub max_schemas_per_connection: usize,
    /// Prepared statements kept by a connection; about 27 kB each in the backend.
    pub statement_cache_capacity: usize,
}

impl DatabaseSettings {
    /// The defaults, for this URL.
    pub fn new(url: SecretString) -> Self {
        Self {
            url,
            pool_size: 8,
            acquire_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(5),
            idle_in_transaction_timeout: Duration::from_secs(30),
            max_connection_lifetime: Duration::from_mins(30),
            max_schemas_per_connection: 200,
            statement_cache_capacity: 1_000,
        }
    }
}
