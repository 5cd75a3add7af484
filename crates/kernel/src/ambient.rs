//! Time and randomness as arguments.

use std::{fmt, sync::Arc};

use time::{Date, OffsetDateTime};
use uuid::Builder;

use crate::{TimeZone, TypedId};

/// Tells the current instant, in UTC.
pub trait Clock: Send + Sync {
    /// The current instant.
    fn now(&self) -> OffsetDateTime;
}

/// Draws random bytes fit for keys and tokens.
pub trait Entropy: Send + Sync {
    /// Fills the buffer with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// What a use case may take from the outside world: a clock and randomness.
#[derive(Clone)]
pub struct Ambient {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Ambient {
    /// Composes a clock and a source of randomness.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy }
    }

    /// The wall clock and the operating system's randomness: what production runs on.
    pub fn system() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SystemEntropy))
    }

    /// The current instant, in UTC.
    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// The current date where the tenant lives.
    pub fn today(&self, zone: &TimeZone) -> Date {
        zone.date_at(self.now())
    }

    /// Draws a new identifier: UUIDv7 of the current instant.
    pub fn id<T: TypedId>(&self) -> T {
        let millis = self.now().unix_timestamp_nanos() / 1_000_000;
        let millis = u64::try_from(millis).unwrap_or_default();
        let random = self.bytes::<10>();
        T::from(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// Draws `N` random bytes, fit for keys and tokens.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }
}

impl fmt::Debug for Ambient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ambient")
    }
}

/// The wall clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// The operating system's randomness, through the thread's reseeded ChaCha generator.
#[derive(Clone, Copy, Debug)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that draws from the system"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        use rand::Rng as _;
        rand::rng().fill_bytes(buffer);
    }
}

/// A clock that stands where it is put: for tests.
#[derive(Clone, Debug)]
pub struct FixedClock(Arc<std::sync::Mutex<OffsetDateTime>>);

impl FixedClock {
    /// A clock that says `now` until it is moved.
    pub fn at(now: OffsetDateTime) -> Self {
        Self(Arc::new(std::sync::Mutex::new(now)))
    }

    /// Puts the clock to another instant.
    pub fn set(&self, now: OffsetDateTime) {
        *self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = now;
    }

    /// Lets time pass.
    pub fn advance(&self, by: time::Duration) {
        let mut now = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *now += by;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> OffsetDateTime {
        *self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Randomness that repeats with its seed: for tests, never for secrets.
#[derive(Debug)]
pub struct SeededEntropy(std::sync::Mutex<rand::rngs::StdRng>);

impl SeededEntropy {
    /// The same seed draws the same bytes.
    pub fn new(seed: u64) -> Self {
        use rand::SeedableRng as _;
        Self(std::sync::Mutex::new(rand::rngs::StdRng::seed_from_u64(
            seed,
        )))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        use rand::Rng as _;
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .fill_bytes(buffer);
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::EmployeeId;

    #[test]
    fn ids_are_version_7_and_sort_by_the_time_of_creation() {
        let clock = FixedClock::at(datetime!(2026-01-31 12:00 UTC));
        let ambient = Ambient::new(Arc::new(clock.clone()), Arc::new(SeededEntropy::new(1)));
        let first: EmployeeId = ambient.id();
        clock.advance(time::Duration::milliseconds(1));
        let second: EmployeeId = ambient.id();
        assert!(first < second);
        assert_eq!(first.uuid().get_version_num(), 7);
    }

    #[test]
    fn the_same_seed_draws_the_same_bytes() {
        let draw = || {
            let mut bytes = [0; 16];
            SeededEntropy::new(7).fill(&mut bytes);
            bytes
        };
        assert_eq!(draw(), draw());
    }

    #[test]
    fn today_depends_on_where_the_tenant_lives() {
        let clock = FixedClock::at(datetime!(2026-01-31 23:30 UTC));
        let ambient = Ambient::new(Arc::new(clock), Arc::new(SeededEntropy::new(1)));
        let utc: TimeZone = "UTC".parse().unwrap();
        let berlin: TimeZone = "Europe/Berlin".parse().unwrap();
        assert_eq!(ambient.today(&utc).to_string(), "2026-01-31");
        assert_eq!(ambient.today(&berlin).to_string(), "2026-02-01");
    }
}
