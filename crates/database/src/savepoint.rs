//! Failures that are expected.

use crate::{StoreError, connection::Connection};

/// A place in a transaction to go back to. Ended by [`release`](Self::release) or
/// [`undo`](Self::undo); dropped, the transaction is as if it had been left open, and the next
/// savepoint shadows it.
#[must_use = "a savepoint is released or undone"]
pub struct Savepoint<'tx> {
    connection: &'tx Connection,
}

impl<'tx> Savepoint<'tx> {
    pub(crate) async fn open(connection: &'tx Connection) -> Result<Self, StoreError> {
        connection.command("SAVEPOINT here").await?;
        Ok(Self { connection })
    }

    /// Keeps what happened since.
    pub async fn release(self) -> Result<(), StoreError> {
        self.connection.command("RELEASE SAVEPOINT here").await
    }

    /// Undoes what happened since, and the failure with it.
    ///
    /// # Errors
    /// [`StoreError::Poisoned`] when the failure was no answer of PostgreSQL but a lost or
    /// cancelled statement: then the whole transaction is lost.
    pub async fn undo(self) -> Result<(), StoreError> {
        self.connection.cure();
        self.connection
            .command("ROLLBACK TO SAVEPOINT here; RELEASE SAVEPOINT here")
            .await
    }
}
