//! How long a failed job waits.

use std::time::Duration;

use kernel::Ambient;

/// Exponential, with full jitter: after the n-th failure anything between nothing and
/// `base · 2ⁿ⁻¹`, at most `cap`. Those who failed together come back apart
/// (M. Brooker, *Exponential Backoff And Jitter*, 2015).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait after the first failure.
    pub base: Duration,
    /// The longest wait of all.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(2),
            cap: Duration::from_hours(1),
        }
    }
}

impl Backoff {
    /// The longest wait after so many failures.
    pub fn longest(&self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures.saturating_sub(1));
        let wait = factor.and_then(|factor| self.base.checked_mul(factor));
        wait.map_or(self.cap, |wait| wait.min(self.cap))
    }

    /// Draws the wait after so many failures.
    pub fn draw(&self, failures: u32, ambient: &Ambient) -> Duration {
        let part = u32::from_be_bytes(ambient.bytes());
        self.longest(failures)
            .mul_f64(f64::from(part) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kernel::{SeededEntropy, SystemClock};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_longest_wait_doubles_until_the_cap() {
        let backoff = Backoff {
            base: Duration::from_secs(2),
            cap: Duration::from_mins(1),
        };
        let waits: Vec<_> = (1..=7).map(|it| backoff.longest(it).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60]);
    }

    proptest! {
        #[test]
        fn a_wait_is_never_longer_than_the_longest(
            failures in any::<u32>(), base in 0_u64..10_000, cap in 0_u64..10_000, seed: u64,
        ) {
            let (base, cap) = (Duration::from_millis(base), Duration::from_millis(cap));
            let backoff = Backoff { base, cap };
            let ambient = Ambient::new(Arc::new(SystemClock), Arc::new(SeededEntropy::new(seed)));
            let drawn = backoff.draw(failures, &ambient);
            prop_assert!(drawn <= backoff.longest(failures));
            prop_assert!(backoff.longest(failures) <= cap);
        }
    }
}
