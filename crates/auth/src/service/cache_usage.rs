//! How much a cache is of use.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often a cache knew what it was asked for, since the start.
#[derive(Debug, Default)]
pub struct CacheUsage {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl CacheUsage {
    /// It knew.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// It did not, and somebody else had to be asked.
    pub fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    /// Counts one question, and hands on what was found.
    pub(crate) fn count<T>(&self, found: Option<T>) -> Option<T> {
        let counter = if found.is_some() {
            &self.hits
        } else {
            &self.misses
        };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }
}
