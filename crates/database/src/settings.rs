//! How to reach PostgreSQL, and how long to wait for it.

use std::time::Duration;

use kernel::FairLimits;
use secrecy::SecretString;

/// Settings of the pool. Every wait has an end.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// `postgres://user:password@host:port/database`.
    pub url: SecretString,
    /// Connections at most. On two cores rates peak at 4 to 8 that are busy, and fall beyond.
    pub pool_size: u32,
    /// Connections of the pool that one tenant may hold; `None` is four fifths of them. The
    /// platform's own transactions are held to the same.
    pub max_connections_per_tenant: Option<u32>,
    /// Requests of one tenant that may wait for a connection; the next one is refused.
    pub max_waiting_per_tenant: usize,
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
            pool_size: 10,
            max_connections_per_tenant: None,
            max_waiting_per_tenant: 64,
            acquire_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(2),
            idle_in_transaction_timeout: Duration::from_secs(30),
            max_connection_lifetime: Duration::from_mins(30),
            max_schemas_per_connection: 200,
            statement_cache_capacity: 1_000,
        }
    }

    /// How the pool is shared: nobody holds all of it, unless it is a single connection.
    pub(crate) fn limits(&self) -> FairLimits {
        let share = self
            .max_connections_per_tenant
            .unwrap_or(self.pool_size.saturating_mul(4) / 5);
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX).max(1);
        FairLimits {
            permits: count(self.pool_size),
            per_key: count(share.min(self.pool_size)),
            waiting_per_key: self.max_waiting_per_tenant,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(pool_size: u32, max_connections_per_tenant: Option<u32>) -> usize {
        let settings = DatabaseSettings {
            pool_size,
            max_connections_per_tenant,
            ..DatabaseSettings::new(String::new().into())
        };
        settings.limits().per_key
    }

    #[test]
    fn a_tenant_may_hold_four_fifths_of_the_pool_unless_told_otherwise() {
        let shares = [1, 2, 4, 8, 10, 64].map(|pool_size| share(pool_size, None));
        assert_eq!(shares, [1, 1, 3, 6, 8, 51]);
        assert_eq!(share(8, Some(2)), 2);
        assert_eq!(share(8, Some(9)), 8);
        assert_eq!(share(8, Some(0)), 1);
    }
}
