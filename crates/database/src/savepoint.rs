//! Failures that are expected.

use crate::{StoreError, connection::Connection};

/// A place in a transaction to go back to. Ended by [`release`](Self::release) or
/// [`undo`](Self::undo); dropped, what happened since belongs to whatever is around it.
///
/// Savepoints may be opened within each other; the inner one is ended first. Undoing an outer one
/// undoes whatever happened in those within, also in those that were released or dropped.
#[must_use = "a savepoint is released or undone"]
pub struct Savepoint<'tx> {
    connection: &'tx Connection,
    name: String,
}

impl<'tx> Savepoint<'tx> {
    pub(crate) async fn open(connection: &'tx Connection) -> Result<Self, StoreError> {
        // Of one name, the outer of two would be out of reach as long as the inner one is there.
        let name = format!("s{}", connection.next_savepoint());
        connection.command(format!("SAVEPOINT {name}")).await?;
        Ok(Self { connection, name })
    }

    /// Keeps what happened since.
    pub async fn release(self) -> Result<(), StoreError> {
        let command = format!("RELEASE SAVEPOINT {}", self.name);
        self.connection.command(command).await
    }

    /// Undoes what happened since, and the failure with it.
    ///
    /// # Errors
    /// [`StoreError::Poisoned`] when the failure was no answer of PostgreSQL but a lost or
    /// cancelled statement: then the whole transaction is lost.
    pub async fn undo(self) -> Result<(), StoreError> {
        let name = &self.name;
        self.connection.cure();
        self.connection
            .command(format!(
                "ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}"
            ))
            .await
    }
}
