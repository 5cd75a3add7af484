//! Waiting for a database that may be starting.

use std::time::{Duration, Instant};

use database::{Database, DatabaseSettings, Login, RegistryAuthority, StoreError};
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};

use super::Failure;

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Connects, and tries again until the deadline as long as there is hope.
///
/// # Errors
/// [`Failure::NoDatabase`] after the deadline, [`Failure::Refused`] at once.
pub(super) async fn connect(
    options: &PgConnectOptions,
    patience: Duration,
) -> Result<PgConnection, Failure> {
    let mut patience = Patience::new(patience);
    loop {
        let attempt = PgConnection::connect_with(options);
        let limit = ATTEMPT.min(patience.left());
        let failed = match tokio::time::timeout(limit, attempt).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => Some(error),
            Err(_elapsed) => None,
        };
        patience.exert(failed).await?;
    }
}

/// As [`connect`], the pool through which scoped transactions run.
pub(super) async fn open(
    settings: &DatabaseSettings,
    patience: Duration,
) -> Result<(Database, RegistryAuthority), Failure> {
    let mut patience = Patience::new(patience);
    loop {
        let failed = match Database::connect(settings.clone(), Login::Operator).await {
            Ok(opened) => return Ok(opened),
            Err(StoreError::Unavailable(error)) => Some(error),
            Err(StoreError::Timeout(_)) => None,
            Err(error) => return Err(error.into()),
        };
        patience.exert(failed).await?;
    }
}

/// How long it is still worth trying.
struct Patience {
    whole: Duration,
    begun: Instant,
    pause: Duration,
}

impl Patience {
    fn new(whole: Duration) -> Self {
        Self {
            whole,
            begun: Instant::now(),
            pause: Duration::from_millis(100),
        }
    }

    /// What is left of it, at least a second: an attempt that has no time proves nothing.
    fn left(&self) -> Duration {
        let left = self.whole.saturating_sub(self.begun.elapsed());
        left.max(Duration::from_secs(1))
    }

    /// Waits for the next attempt, longer each time.
    async fn exert(&mut self, failed: Option<sqlx::Error>) -> Result<(), Failure> {
        match failed {
            Some(error) if !may_come_up(&error) => return Err(Failure::Refused(error)),
            source if self.begun.elapsed() + self.pause >= self.whole => {
                return Err(Failure::NoDatabase {
                    waited: self.whole,
                    source,
                });
            }
            _ => {}
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(2));
        Ok(())
    }
}

/// Whether the server may accept the same attempt later.
fn may_come_up(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(answer) => {
            // Starting up, shutting down, too many connections.
            matches!(
                answer.code().as_deref(),
                Some("57P03" | "57P01" | "57P02" | "53300")
            )
        }
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_that_never_comes_is_given_up_at_the_deadline() {
        // Nothing listens on the discard port.
        let options = PgConnectOptions::new().host("127.0.0.1").port(9);
        let begun = Instant::now();
        let failure = connect(&options, Duration::from_millis(500)).await;
        assert!(matches!(failure, Err(Failure::NoDatabase { .. })));
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
}
