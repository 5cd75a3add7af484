//! Leaving an import to a worker: when, and what is kept for it.

use std::{fs::File, sync::Arc, time::Duration};

use database::{FileError, Files, NewFile, TenantTx};
use kernel::{JobId, Permit};
use messaging::{EnqueueError, Enqueuer, Order, Origin, OwnJob};

use super::{ImportError, ImportOptions, ImportTurn, Imports, may_import};
use crate::{
    import::{Content, Kind},
    jobs::ImportFile,
    permission::Import,
};

/// A file that is imported later, and how.
#[derive(Clone, Debug)]
pub struct LaterImport {
    /// What its rows are.
    pub kind: Kind,
    /// What it calls our columns, as it was said.
    pub map: String,
    /// How it is imported.
    pub options: ImportOptions,
    /// The file.
    pub content: Arc<File>,
}

/// How long a file is kept that nobody came to import.
const KEPT: Duration = Duration::from_hours(14 * 24);

impl<S> Imports<S> {
    /// Whether a file has more rows than are waited for.
    ///
    /// # Errors
    /// [`ImportError::NotKept`] when it cannot be read.
    pub async fn takes_long(
        &self,
        turn: &ImportTurn,
        file: &Arc<File>,
    ) -> Result<bool, ImportError> {
        let (content, rows) = (Content::from(Arc::clone(file)), self.limits.inline_rows);
        let counted = turn.compute(move || content.has_more_rows(rows)).await?;
        counted.map_err(|error| ImportError::NotKept(error.into()))
    }

    /// Keeps a file and has it imported by a worker, once the transaction is committed.
    ///
    /// # Errors
    /// [`ImportError::Denied`], [`ImportError::NotKept`], [`ImportError::Store`].
    pub async fn later(
        &self,
        permit: &Permit<Import>,
        tx: &TenantTx,
        later: &LaterImport,
        (files, enqueuer): (&dyn Files, &Enqueuer),
        origin: Origin,
    ) -> Result<JobId, ImportError> {
        may_import(permit)?;
        let unfinished = OwnJob::unfinished::<ImportFile>(tx).await?;
        if unfinished >= self.limits.waiting {
            return Err(ImportError::Busy);
        }
        let new = NewFile {
            name: format!("{}.csv", later.kind),
            expires_at: Some(self.ambient.now() + KEPT),
        };
        let file_id = files.store(tx, &new, &later.content).await;
        let file_id = file_id.map_err(|error| match error {
            FileError::Store(error) => ImportError::Store(error),
            FileError::Disk(error) => ImportError::NotKept(error.into()),
        })?;
        let ImportOptions { mode, dry_run } = later.options;
        let work = ImportFile {
            file_id,
            kind: later.kind,
            map: later.map.clone(),
            mode,
            dry_run,
        };
        let job = enqueuer.enqueue(tx, &Order::now(work, origin)).await;
        job.map_err(|error| match error {
            EnqueueError::Store(error) => ImportError::Store(error),
            error => ImportError::NotKept(error.into()),
        })
    }
}
