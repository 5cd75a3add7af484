//! Failures that are expected.

use crate::{StoreError, audit::Recorder, connection::Connection};

/// A place in a transaction to go back to, also from within another one. Ended by
/// [`release`](Self::release) or [`undo`](Self::undo); dropped, what happened since is kept or
/// undone with what is around it: the next outer savepoint, or the transaction.
#[must_use = "a savepoint is released or undone"]
pub struct Savepoint<'tx> {
    connection: &'tx Connection,
    recorder: &'tx Recorder,
    /// How much was recorded before it.
    recorded: usize,
    /// Its own: undoing it goes back behind every savepoint that was opened since.
    name: String,
}

impl<'tx> Savepoint<'tx> {
    pub(crate) async fn open(
        connection: &'tx Connection,
        recorder: &'tx Recorder,
    ) -> Result<Self, StoreError> {
        let name = format!("s{}", connection.next_savepoint());
        connection.command(format!("SAVEPOINT {name}")).await?;
        recorder.open_savepoint();
        Ok(Self {
            connection,
            recorder,
            recorded: recorder.noted(),
            name,
        })
    }

    /// Keeps what happened since.
    ///
    /// # Errors
    /// [`StoreError::Poisoned`] when a statement since failed, unless within an inner savepoint
    /// that was undone: then this one can only be undone.
    pub async fn release(self) -> Result<(), StoreError> {
        let name = &self.name;
        self.connection
            .command(format!("RELEASE SAVEPOINT {name}"))
            .await?;
        self.recorder.end_savepoint();
        Ok(())
    }

    /// Undoes what happened since, with what was recorded of it, and the failure.
    ///
    /// # Errors
    /// [`StoreError::Poisoned`] when the failure was no answer of PostgreSQL but a lost or
    /// cancelled statement: then the whole transaction is lost.
    pub async fn undo(self) -> Result<(), StoreError> {
        let name = &self.name;
        self.connection.cure();
        self.recorder.forget_behind(self.recorded);
        self.connection
            .command(format!(
                "ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}"
            ))
            .await?;
        self.recorder.end_savepoint();
        Ok(())
    }
}
