//! The record of what was done, written with it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::future::BoxFuture;
use kernel::audit::AuditEntry;

use crate::{PlatformTx, StoreError, TenantTx};

/// Writes what was recorded in a transaction into that very transaction, at its end.
/// [`Database::recorded_by`](crate::Database::recorded_by) sets it for a whole process.
pub trait AuditSink: Send + Sync {
    /// Writes the records of a tenant's transaction among the tenant's tables.
    fn in_tenant<'a>(
        &'a self,
        tx: &'a TenantTx,
        entries: Vec<AuditEntry>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Writes the records of a transaction of the platform.
    fn in_platform<'a>(
        &'a self,
        tx: &'a PlatformTx,
        entries: Vec<AuditEntry>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// What was recorded in one transaction so far, and who will write it.
pub(crate) struct Recorder {
    sink: Option<Arc<dyn AuditSink>>,
    entries: Mutex<Vec<AuditEntry>>,
    /// How many savepoints were opened and not ended.
    savepoints: AtomicUsize,
}

impl Recorder {
    pub(crate) fn new(sink: Option<Arc<dyn AuditSink>>) -> Self {
        Self {
            sink,
            entries: Mutex::default(),
            savepoints: AtomicUsize::new(0),
        }
    }

    pub(crate) fn sink(&self) -> Option<&dyn AuditSink> {
        self.sink.as_deref()
    }

    pub(crate) fn note(&self, entry: AuditEntry) {
        self.entries().push(entry);
    }

    pub(crate) fn noted(&self) -> usize {
        self.entries().len()
    }

    pub(crate) fn open_savepoint(&self) {
        self.savepoints.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end_savepoint(&self) {
        self.savepoints.fetch_sub(1, Ordering::Relaxed);
    }

    /// One that was dropped is open for ever: what it will be undone with is not known.
    pub(crate) fn is_within_savepoint(&self) -> bool {
        self.savepoints.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn forget_behind(&self, noted: usize) {
        self.entries().truncate(noted);
    }

    pub(crate) fn take(&self) -> Vec<AuditEntry> {
        std::mem::take(&mut *self.entries())
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, Vec<AuditEntry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
