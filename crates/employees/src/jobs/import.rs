//! Importing a file that is too large to wait for.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use database::{FileError, Files, StoreError, Tenant, TenantTx};
use kernel::{Ambient, FileId, Permit, UserId};
use messaging::{Enqueuer, JobError, Order, Queue, Run, TenantJob, Work};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    ImportService,
    http::ImportSummary,
    import::{ColumnMap, ImportMode, ImportSet, Kind},
    mail::{ImportEnded, TellImportEnded},
    permission::Import,
    service::{ImportError, ImportOptions, Imported},
};

/// Imports a file that is kept among the tenant's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportFile {
    /// The file. It is deleted with the import.
    pub file_id: FileId,
    /// What its rows are.
    pub kind: Kind,
    /// What it calls our columns, as it was said.
    pub map: String,
    /// What becomes of the good rows when others are bad.
    pub mode: ImportMode,
    /// Whether nothing is stored.
    pub dry_run: bool,
}

impl Work for ImportFile {
    type Scope = Tenant;
    const KIND: &'static str = "employees.import";
    const QUEUE: Queue = Queue::Bulk;
    const TIMEOUT: Duration = Duration::from_mins(30);
}

/// Decides whether somebody may still do what he wanted done later.
#[async_trait]
pub trait StillAllowed: Send + Sync {
    /// The permit of a user of the transaction's tenant; `None` when he may not import any more.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn to_import(
        &self,
        tx: &TenantTx,
        user: UserId,
    ) -> Result<Option<Permit<Import>>, StoreError>;
}

/// Imports files.
pub struct ImportsFiles {
    imports: ImportService,
    rights: Arc<dyn StillAllowed>,
    files: Arc<dyn Files>,
    enqueuer: Enqueuer,
    ambient: Ambient,
}

impl ImportsFiles {
    /// Reads the files here, and has whoever wanted an import told of its end.
    pub fn new(
        imports: ImportService,
        rights: Arc<dyn StillAllowed>,
        files: Arc<dyn Files>,
        enqueuer: Enqueuer,
        ambient: Ambient,
    ) -> Self {
        Self {
            imports,
            rights,
            files,
            enqueuer,
            ambient,
        }
    }

    async fn tell(&self, tx: &TenantTx, ended: ImportEnded, run: &Run) -> Result<(), JobError> {
        // What nobody wanted, nobody is told of.
        let Some(user_id) = run.origin.user else {
            return Ok(());
        };
        let order = Order::now(TellImportEnded { user_id, ended }, run.origin.clone());
        let told = self.enqueuer.enqueue(tx, &order).await;
        told.map(drop).map_err(JobError::retry)
    }

    /// The file, on this machine's disk, without a name.
    async fn fetch(&self, tx: &TenantTx, id: FileId) -> Result<std::fs::File, JobError> {
        let file = telemetry::spawn_blocking(tempfile::tempfile).await;
        let file = file.map_err(JobError::retry)?.map_err(JobError::retry)?;
        let file = Arc::new(file);
        let fetched = self.files.fetch(tx, id, &file).await;
        if !fetched.map_err(|error| match error {
            FileError::Store(error) => JobError::from(error),
            error @ FileError::Disk(_) => JobError::retry(error),
        })? {
            return Err(JobError::permanent(Gone(id)));
        }
        Arc::try_unwrap(file).map_err(|_shared| JobError::retry(StillOpen))
    }
}

impl fmt::Debug for ImportsFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ImportsFiles")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the file {0} is not there any more")]
struct Gone(FileId);

#[derive(Debug, thiserror::Error)]
#[error("who wanted it may not import any more")]
struct NoLonger;

#[derive(Debug, thiserror::Error)]
#[error("the file is still being written")]
struct StillOpen;

#[async_trait]
impl TenantJob for ImportsFiles {
    type Work = ImportFile;

    async fn run(&self, tx: &TenantTx, work: ImportFile, run: &Run) -> Result<Value, JobError> {
        let kind = work.kind;
        let columns = ColumnMap::parse(kind, &work.map).map_err(JobError::permanent)?;
        let options = ImportOptions {
            mode: work.mode,
            dry_run: work.dry_run,
        };
        let permit = match run.origin.user {
            Some(user) => self.rights.to_import(tx, user).await?,
            None => None,
        };
        let permit = permit.ok_or_else(|| JobError::permanent(NoLonger))?;
        let turn = self.imports.turn(&permit, tx.tenant()).await;
        let turn = turn.map_err(|error| match error {
            ImportError::Busy => JobError::wait(error),
            error => JobError::permanent(error),
        })?;
        let file = self.fetch(tx, work.file_id).await?;
        let set = Arc::new(ImportSet::single(kind, "file", file).with_columns(columns));
        let draft = self.imports.read(&turn, set).await;
        let draft = draft.map_err(JobError::retry)?;
        let progress = |_: Kind, done: usize, total: usize| {
            run.progress(done as u64, total as u64);
        };
        let imported = self.imports.import(tx, &turn, draft, options, &progress);
        let imported = imported.await;
        let (now, place) = (self.ambient.now(), format!("/api/v1/jobs/{}", run.job));
        let (imported, ended) = match imported {
            Ok(imported) => {
                let ended = ImportEnded::came_in(Some(kind), options, &imported, now, place);
                (imported, ended)
            }
            // Nothing was stored, and the same file would be refused again: that is what came of it.
            Err(ImportError::Invalid(faults)) => {
                let ended = ImportEnded::refused(Some(kind), options, &faults, now, place);
                (Imported::nothing(faults), ended)
            }
            Err(error) => return Err(JobError::retry(error)),
        };
        self.tell(tx, ended, run).await?;
        let summary = ImportSummary::of(&imported, work.dry_run);
        self.files.delete(tx, work.file_id).await?;
        serde_json::to_value(summary.shortened()).map_err(JobError::permanent)
    }

    async fn gave_up(&self, tx: &TenantTx, work: ImportFile, run: &Run) -> Result<(), JobError> {
        let how = ImportOptions {
            mode: work.mode,
            dry_run: work.dry_run,
        };
        let place = format!("/api/v1/jobs/{}", run.job);
        let ended = ImportEnded::broke_off(Some(work.kind), how, self.ambient.now(), place);
        self.tell(tx, ended, run).await
    }
}
