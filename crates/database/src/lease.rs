//! A connection on loan to a transaction, and how it comes back.

use std::sync::Arc;

use kernel::FairPermit;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection};

use crate::{
    StoreError,
    context::Holder,
    pool::{Pool, Pooled},
};

/// A connection inside a transaction. Dropping it closes the connection, or, when it stands
/// between two statements, rolls back in the background and returns it.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    schema: Arc<str>,
    /// What opens the transaction.
    batch: Arc<str>,
    pooled: Option<Pooled>,
    /// A statement is under way, or was dropped under way.
    busy: bool,
    /// Rolling back in the background already: dropped again (the runtime is ending), it closes.
    orphaned: bool,
    permit: Option<FairPermit<Holder>>,
}

impl Lease {
    pub(crate) async fn open(
        pool: &Arc<Pool>,
        permit: FairPermit<Holder>,
        schema: &Arc<str>,
        batch: &Arc<str>,
    ) -> Result<Self, StoreError> {
        let mut lease = Self {
            pool: Arc::clone(pool),
            schema: Arc::clone(schema),
            batch: Arc::clone(batch),
            pooled: None,
            busy: true,
            orphaned: false,
            permit: Some(permit),
        };
        lease.begin().await?;
        Ok(lease)
    }

    /// Leaves the transaction with its connection, and opens another one like it.
    pub(crate) async fn reopen(&mut self) -> Result<(), StoreError> {
        self.pooled = None;
        self.begin().await
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        self.busy = true;
        // An idle connection may have died with its server; each is tried, then a new one.
        loop {
            let (pooled, reused) = match self.pool.take_idle() {
                Some(pooled) => (pooled, true),
                None => (self.pool.open().await?, false),
            };
            // Owned by the lease before the first await: dropped meanwhile, it is closed.
            let pooled = self.pooled.insert(pooled);
            if !pooled.schemas.contains(&self.schema) {
                pooled.schemas.insert(Arc::clone(&self.schema));
            }
            let batch = AssertSqlSafe(Arc::clone(&self.batch));
            let opening = pooled.connection.execute(batch);
            let limit = self.pool.settings.round_trip_timeout();
            let error = match tokio::time::timeout(limit, opening).await {
                Ok(Ok(_done)) => {
                    self.busy = false;
                    return Ok(());
                }
                Ok(Err(error)) => StoreError::from(error),
                Err(_elapsed) => StoreError::Timeout("opening a transaction"),
            };
            self.pooled = None;
            if !(reused && matches!(error, StoreError::Unavailable(_))) {
                return Err(error);
            }
        }
    }

    /// Notes that a plan was of before a migration.
    pub(crate) fn outdate(&self) {
        self.pool.outdate();
    }

    /// Marks the beginning of a statement. `None` when an earlier one never ended.
    pub(crate) fn start(&mut self) -> Option<&mut PgConnection> {
        if self.busy {
            return None;
        }
        self.busy = true;
        self.pooled.as_mut().map(|pooled| &mut pooled.connection)
    }

    /// Marks the end of a statement that PostgreSQL answered.
    pub(crate) fn finish(&mut self) {
        self.busy = false;
    }

    /// Ends the transaction and returns the connection; closes it when that fails.
    pub(crate) async fn end(mut self, command: &'static str) -> Result<(), StoreError> {
        let timeout = self.pool.settings.round_trip_timeout();
        let connection = self.start().ok_or(StoreError::Poisoned)?;
        let done = tokio::time::timeout(timeout, connection.execute(command)).await;
        match done {
            Ok(Ok(_done)) => {
                if let Some(pooled) = self.pooled.take() {
                    self.pool.put_back(pooled);
                }
                Ok(())
            }
            Ok(Err(error)) => Err(error.into()),
            Err(_elapsed) => Err(StoreError::Timeout("ending a transaction")),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(pooled) = self.pooled.take() else {
            return;
        };
        if self.busy || self.orphaned || tokio::runtime::Handle::try_current().is_err() {
            // Closes the socket: PostgreSQL rolls back.
            drop(pooled);
            return;
        }
        let rest = Self {
            pool: Arc::clone(&self.pool),
            schema: Arc::clone(&self.schema),
            batch: Arc::clone(&self.batch),
            pooled: Some(pooled),
            busy: false,
            orphaned: true,
            permit: self.permit.take(),
        };
        // On failure `end` closes the connection, which rolls back too.
        telemetry::spawn(async move {
            let _ = rest.end("ROLLBACK").await;
        });
    }
}
