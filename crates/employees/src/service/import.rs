//! Importing: everything of an import comes in, or nothing; or, when the client says so, what is
//! good.

mod announce;
mod later;
mod numbers;

use std::{sync::Arc, time::Duration};

use database::{Database, StoreError, TenantContext, TenantTx};
use kernel::{
    Ambient, Denied, DomainError, ErrorKind, FairLimits, FairPermit, FairSemaphore, FieldError,
    PermissionMarker as _, Permit, Reach, TenantId,
};
use messaging::Origin;
use tokio::time::timeout;

pub use later::LaterImport;

use super::chronicle::Chronicle;
use crate::{
    import::{
        Draft, Fault, Faults, ImportLimits, ImportMode, ImportReport, ImportRepository, ImportSet,
        Kind,
    },
    permission::Import,
    repository::CounterRepository,
};

/// How many imports of one tenant wait for their turn; the next one is refused.
pub(crate) const WAITING: usize = 4;

/// How long an import waits for its turn.
const WAIT: Duration = Duration::from_secs(5);

/// Brings organisations in. Cheap to clone.
#[derive(Clone)]
pub struct Imports<S> {
    database: Database,
    ambient: Ambient,
    storage: S,
    chronicle: Chronicle,
    limits: ImportLimits,
    turns: Arc<FairSemaphore<TenantId>>,
}

/// The turn of a tenant to import. Files are taken by whoever has one, and the next tenant has his
/// when it is dropped.
#[derive(Clone, Debug)]
pub struct ImportTurn {
    _place: Arc<FairPermit<TenantId>>,
}

/// How an import is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// What becomes of the good rows when others are bad.
    pub mode: ImportMode,
    /// Whether nothing is stored: the answer is what it would be. No number is drawn either.
    pub dry_run: bool,
}

/// What came in, or would.
#[derive(Debug)]
pub struct Imported {
    /// How much it is.
    pub report: ImportReport,
    /// What is wrong with the rows that did not; nothing with [`ImportMode::Atomic`].
    pub faults: Faults,
}

impl Imported {
    /// Nothing came in, for this.
    pub(crate) fn nothing(faults: Faults) -> Self {
        Self {
            report: ImportReport::default(),
            faults,
        }
    }
}

/// Hears how an import gets on: so many of so many rows of a kind are stored.
pub type Progress<'a> = &'a (dyn Fn(Kind, usize, usize) + Sync);

/// Why an import did not happen. Nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Something is wrong with the files.
    #[error("{} things are wrong with the import, and nothing was imported", .0.total())]
    Invalid(Faults),
    /// The actor may not import into this tenant.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Other imports are running, of this tenant or of as many others as may.
    #[error("other imports are running")]
    Busy,
    /// Somebody changed the organisation while the import was running.
    #[error("somebody changed the same people or organisation during the import")]
    Changed(#[source] StoreError),
    /// The file could not be kept for a worker.
    #[error("the file of an import was not kept")]
    NotKept(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Storage failed.
    #[error(transparent)]
    Store(StoreError),
    /// A defect of the platform ended the calculation.
    #[error("the import was interrupted")]
    Interrupted,
}

impl<S> Imports<S>
where
    S: ImportRepository + CounterRepository,
{
    /// Composes the use case.
    pub fn new(database: Database, ambient: Ambient, storage: S, limits: ImportLimits) -> Self {
        Self {
            database,
            chronicle: Chronicle::new(ambient.clone()),
            ambient,
            storage,
            limits,
            // The imports of one tenant come one after the other, and never keep those of another
            // one waiting.
            turns: FairSemaphore::new(FairLimits {
                permits: limits.at_once,
                per_key: 1,
                waiting_per_key: WAITING,
            }),
        }
    }

    /// Waits a short while for the turn of somebody who may import.
    ///
    /// # Errors
    /// [`ImportError::Denied`], [`ImportError::Busy`].
    pub async fn turn(
        &self,
        permit: &Permit<Import>,
        tenant: &TenantContext,
    ) -> Result<ImportTurn, ImportError> {
        may_import(permit)?;
        self.turn_as_operator(tenant).await
    }

    /// Imports files on behalf of the operator at the command line, who may do everything.
    pub async fn import_as_operator(
        &self,
        tenant: &TenantContext,
        (set, options): (ImportSet, ImportOptions),
        origin: Origin,
        progress: Progress<'_>,
    ) -> Result<Imported, ImportError> {
        let turn = self.turn_as_operator(tenant).await?;
        let draft = self.read(&turn, Arc::new(set)).await?;
        let tx = self.database.begin_tenant(tenant).await?;
        let tx = tx.initiated_by(origin);
        let imported = self.import(&tx, &turn, draft, options, progress).await?;
        tx.commit().await?;
        Ok(imported)
    }

    pub(crate) async fn turn_as_operator(
        &self,
        tenant: &TenantContext,
    ) -> Result<ImportTurn, ImportError> {
        let place = timeout(WAIT, self.turns.acquire(tenant.id())).await;
        let place = place.map_err(|_elapsed| ImportError::Busy)?;
        let place = place.map_err(|_refused| ImportError::Busy)?;
        Ok(ImportTurn {
            _place: Arc::new(place),
        })
    }

    /// Reads files whose turn it is. It takes a second or more of many rows, and no transaction.
    pub async fn read(&self, turn: &ImportTurn, set: Arc<ImportSet>) -> Result<Draft, ImportError> {
        let limits = self.limits;
        turn.compute(move || Draft::read(set, limits)).await
    }

    /// Imports what was read.
    pub async fn import(
        &self,
        tx: &TenantTx,
        turn: &ImportTurn,
        draft: Draft,
        options: ImportOptions,
        progress: Progress<'_>,
    ) -> Result<Imported, ImportError> {
        let ImportOptions { mode, dry_run } = options;
        let known = self.storage.known(tx, draft.wanted()).await?;
        let today = tx.tenant().time_zone().date_at(self.ambient.now());
        let draft = turn
            .compute(move || draft.check(known, mode, today))
            .await?;
        let draft = draft.map_err(ImportError::Invalid)?;
        let imported = Imported {
            report: draft.report(),
            faults: draft.faults().clone(),
        };
        if dry_run {
            return Ok(imported);
        }

        let numbers = self.draw_numbers(tx, &draft).await?;
        let ambient = self.ambient.clone();
        let plan = turn.compute(move || draft.plan(numbers, &ambient)).await?;
        let mut plan = plan.ok_or(ImportError::Interrupted)?;

        // Of what was looked at before, people alone are locked. What else matters of it holds in
        // the database too: numbers, codes and addresses are unique, employments do not overlap,
        // references lead somewhere. Circles cannot come about: nobody else knows those who come in.
        let (mut people, mut employed) = (0, 0);
        loop {
            let (rest, batch) = turn
                .compute(move || {
                    let batch = plan.next();
                    (plan, batch)
                })
                .await?;
            plan = rest;
            let Some(batch) = batch else { break };
            self.storage.store(tx, &batch).await.map_err(changed)?;
            let (came, worked) = (batch.employees.len(), batch.employments.len());
            self.announce(tx, batch).await?;
            let ImportReport {
                employees,
                past_employments,
                ..
            } = imported.report;
            if came > 0 {
                people += came;
                progress(Kind::Employees, people, employees);
            }
            if worked > 0 {
                employed += worked;
                let total = employees + past_employments;
                progress(Kind::EmploymentHistory, employed, total);
            }
        }
        if imported.report.rows() > 0 {
            tx.record(announce::whole(imported.report, mode));
        }
        Ok(imported)
    }
}

impl ImportTurn {
    /// Computes where it keeps no other request waiting. What has begun runs to its end, also when
    /// nobody waits for it any more, and the turn lasts until then.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ImportError> {
        let turn = self.clone();
        let work = move || {
            let _turn = turn;
            work()
        };
        let done = telemetry::spawn_blocking(work).await;
        done.map_err(|_panicked| ImportError::Interrupted)
    }
}

/// Who may import, may import everybody.
fn may_import(permit: &Permit<Import>) -> Result<(), Denied> {
    if permit.reach() == Reach::Tenant {
        return Ok(());
    }
    let permission = Import::PERMISSION;
    Err(Denied { permission })
}

fn changed(error: StoreError) -> ImportError {
    match error {
        StoreError::Duplicate { .. } | StoreError::Reference { .. } => ImportError::Changed(error),
        other => ImportError::Store(other),
    }
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl DomainError for ImportError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::ValidationFailed,
            Self::Denied(error) => error.kind(),
            Self::Busy | Self::NotKept(_) => ErrorKind::Unavailable,
            Self::Changed(_) => ErrorKind::Conflict,
            Self::Store(error) => error.kind(),
            Self::Interrupted => ErrorKind::Internal,
        }
    }

    fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }

    fn detail(&self) -> String {
        match self {
            Self::Invalid(faults) if faults.total() == 1 => {
                "One thing is wrong with the import, and nothing was imported: see `errors`."
                    .to_owned()
            }
            Self::Invalid(_) => format!("{self}: see `errors`."),
            Self::Denied(error) => error.detail(),
            Self::Busy => "Other imports are running. Try again in a moment.".to_owned(),
            Self::Changed(_) => {
                "Somebody changed the same people or organisation during the import, and nothing \
                 was imported. Try again."
                    .to_owned()
            }
            Self::Store(error) => error.detail(),
            Self::NotKept(_) => "The file cannot be kept right now. Try again later.".to_owned(),
            Self::Interrupted => StoreError::Poisoned.detail(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(faults) => fields(faults),
            _ => Vec::new(),
        }
    }
}

/// What is wrong, as a client reads it; in the end how much more.
pub fn fields(faults: &Faults) -> Vec<FieldError> {
    let mut fields: Vec<FieldError> = faults.iter().map(field).collect();
    if faults.more() > 0 {
        let message = format!("{} more things are wrong", faults.more());
        fields.push(FieldError::new("/rows", "more", message));
    }
    fields
}

/// `/rows/17/hire_date`: the line as an editor counts it, and the column as the file calls it.
fn field(fault: &Fault) -> FieldError {
    let mut pointer = format!("/rows/{}", fault.line);
    if let Some(column) = &fault.column {
        pointer.push('/');
        pointer.push_str(&column.replace('~', "~0").replace('/', "~1"));
    }
    FieldError::new(pointer, fault.code, fault.message.clone())
}
