//! Knowing what changed: how every process learns in time what another one wrote.
//!
//! What is remembered of the registry (and of revocations and policies, when they are) is only as
//! good as the news of its change. So there is one mechanism for all of it, in every process:
//!
//! - Who changes something writes a row of `platform.changes` in the same transaction. A look reads
//!   the rows since the last one and hands them to the [`Subscriber`]s, who read anew what they
//!   remember of it.
//! - A look takes place every `poll_interval`, and at once when PostgreSQL tells of a change
//!   (`LISTEN`/`NOTIFY`): within a second while all is well, within `poll_interval` and the time of
//!   a look when nothing can be told.
//! - When the last look that succeeded began more than `refuse_after` ago, nothing remembered is
//!   worth anything: [`Freshness::is_fresh`] says so, and whoever needs it refuses to work.
//!
//! Looks and listening have connections of their own, beside the pool: however busy the process is,
//! it learns of changes.

mod look;
mod watch;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio::sync::{Notify, watch as value};

use crate::{PlatformReadTx, StoreError};

pub use watch::Watch;

/// How often to look, and for how long what was seen counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreshnessSettings {
    /// How often changes are looked for while none is told.
    pub poll_interval: Duration,
    /// How old the last look may be.
    pub refuse_after: Duration,
}

impl Default for FreshnessSettings {
    fn default() -> Self {
        Self {
            poll_interval: Duration::from_secs(2),
            refuse_after: Duration::from_secs(15),
        }
    }
}

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What kind of thing: `tenant`, `host`.
    pub subject: String,
    /// Which one, by the name that the kind goes by.
    pub name: String,
}

/// Remembers something and wants to know when it changes.
#[async_trait]
pub trait Subscriber: Send + Sync {
    /// Reads everything anew: at the beginning, and when changes may have been missed.
    ///
    /// # Errors
    /// The look failed; it is repeated.
    async fn reload(&self, tx: &PlatformReadTx) -> Result<(), StoreError>;

    /// Reads anew what changed. The same change may be told more than once.
    ///
    /// # Errors
    /// As [`Self::reload`].
    async fn changed(&self, tx: &PlatformReadTx, changes: &[Change]) -> Result<(), StoreError>;
}

/// Whether what is remembered can be relied on. Cheap to clone.
#[derive(Clone)]
pub struct Freshness(Arc<State>);

struct State {
    settings: FreshnessSettings,
    origin: Instant,
    /// When the last look that succeeded began, in nanoseconds since the origin, and one; 0: never.
    looked: AtomicU64,
    listening: AtomicBool,
    /// Somebody wants a look now.
    wanted: Notify,
    /// Numbers those who want one.
    asked: AtomicU64,
    /// All up to this number have had a look that began after they asked.
    answered: value::Sender<u64>,
}

impl Freshness {
    /// Nothing has been seen yet: [`Self::watch`] begins.
    pub fn new(settings: FreshnessSettings) -> Self {
        Self(Arc::new(State {
            settings,
            origin: Instant::now(),
            looked: AtomicU64::new(0),
            listening: AtomicBool::new(false),
            wanted: Notify::new(),
            asked: AtomicU64::new(0),
            answered: value::Sender::new(0),
        }))
    }

    /// Whether what is remembered is as it was within `refuse_after`.
    pub fn is_fresh(&self) -> bool {
        self.age()
            .is_some_and(|age| age <= self.0.settings.refuse_after)
    }

    /// How long ago the last look that succeeded began; `None` before the first.
    pub fn age(&self) -> Option<Duration> {
        let looked = self.0.looked.load(Ordering::Acquire).checked_sub(1)?;
        let now = self.0.origin.elapsed();
        Some(now.saturating_sub(Duration::from_nanos(looked)))
    }

    /// Whether PostgreSQL can tell of changes; else they count with the next look.
    pub fn is_listening(&self) -> bool {
        self.0.listening.load(Ordering::Acquire)
    }

    /// Looks now, and returns when what is remembered is not older than the call: for whoever has
    /// just changed something. Gives up after a second, when the change counts later, as in every
    /// other process.
    pub async fn catch_up(&self) {
        let ticket = self.0.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let mut answered = self.0.answered.subscribe();
        self.0.wanted.notify_one();
        let looked = answered.wait_for(|number| *number >= ticket);
        let _ = tokio::time::timeout(Duration::from_secs(1), looked).await;
    }

    fn note_look(&self, began: Instant, number: u64) {
        let since_origin = began.saturating_duration_since(self.0.origin).as_nanos();
        let looked = u64::try_from(since_origin).unwrap_or(u64::MAX - 1) + 1;
        self.0.looked.store(looked, Ordering::Release);
        self.0.answered.send_replace(number);
    }
}

impl fmt::Debug for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Freshness")
            .field("age", &self.age())
            .field("listening", &self.is_listening())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn nothing_is_fresh_before_the_first_look_nor_long_after_the_last() {
        let settings = |refuse_after| FreshnessSettings {
            refuse_after,
            ..FreshnessSettings::default()
        };
        let freshness = Freshness::new(settings(Duration::from_mins(1)));
        assert!(!freshness.is_fresh() && freshness.age().is_none());
        freshness.note_look(Instant::now(), 0);
        assert!(freshness.is_fresh());

        let strict = Freshness::new(settings(Duration::ZERO));
        strict.note_look(strict.0.origin, 0);
        while strict.age() == Some(Duration::ZERO) {}
        assert!(!strict.is_fresh());
    }

    #[tokio::test]
    async fn whoever_asks_waits_for_a_look_that_began_after_he_asked() {
        let freshness = Freshness::new(FreshnessSettings::default());
        let asking = freshness.catch_up();
        tokio::pin!(asking);
        assert!(asking.as_mut().now_or_never().is_none());
        freshness.note_look(Instant::now(), 0);
        assert!(asking.as_mut().now_or_never().is_none());
        freshness.note_look(Instant::now(), 1);
        assert!(asking.as_mut().now_or_never().is_some());
    }
}
