//! Importing: everything of an import comes in, or nothing.

use std::{collections::HashSet, sync::Arc, time::Duration};

use database::{Database, StoreError, TenantContext};
use kernel::{
    Ambient, Denied, DomainError, ErrorKind, FairLimits, FairPermit, FairSemaphore, FieldError,
    PermissionMarker as _, Permit, Reach, TenantId,
};
use tokio::time::timeout;

use crate::{
    import::{
        CheckedDraft, Draft, Fault, Faults, ImportReport, ImportRepository, ImportSet, Wanted,
    },
    model::EmployeeNumber,
    permission::Import,
    repository::{CounterRepository, Series},
};

/// How many imports of a process have their turn at the same time: each holds its files in memory.
/// Those of one tenant come one after the other, and never keep those of another one waiting.
pub(crate) const LIMITS: FairLimits = FairLimits {
    permits: 4,
    per_key: 1,
    waiting_per_key: 4,
};

/// How long an import waits for its turn.
const WAIT: Duration = Duration::from_secs(5);

/// Brings organisations in. Cheap to clone.
#[derive(Clone)]
pub struct Imports<S> {
    database: Database,
    ambient: Ambient,
    storage: S,
    turns: Arc<FairSemaphore<TenantId>>,
}

/// The turn of a tenant to import. Files are taken into memory by whoever has one, and the next
/// tenant has his when it is dropped.
#[derive(Clone, Debug)]
pub struct ImportTurn {
    tenant: TenantContext,
    _place: Arc<FairPermit<TenantId>>,
}

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
    pub fn new(database: Database, ambient: Ambient, storage: S) -> Self {
        Self {
            database,
            ambient,
            storage,
            turns: FairSemaphore::new(LIMITS),
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
        if permit.reach() != Reach::Tenant {
            let permission = Import::PERMISSION;
            return Err(Denied { permission }.into());
        }
        self.turn_as_operator(tenant).await
    }

    /// Imports files on behalf of the operator at the command line, who may do everything.
    pub async fn import_as_operator(
        &self,
        tenant: &TenantContext,
        set: ImportSet,
    ) -> Result<ImportReport, ImportError> {
        let turn = self.turn_as_operator(tenant).await?;
        self.import(turn, set).await
    }

    pub(crate) async fn turn_as_operator(
        &self,
        tenant: &TenantContext,
    ) -> Result<ImportTurn, ImportError> {
        let place = timeout(WAIT, self.turns.acquire(tenant.id())).await;
        let place = place.map_err(|_elapsed| ImportError::Busy)?;
        let place = place.map_err(|_refused| ImportError::Busy)?;
        Ok(ImportTurn {
            tenant: tenant.clone(),
            _place: Arc::new(place),
        })
    }

    /// Imports files whose turn it is.
    pub async fn import(
        &self,
        turn: ImportTurn,
        set: ImportSet,
    ) -> Result<ImportReport, ImportError> {
        let tenant = &turn.tenant;
        let (draft, wanted) = turn
            .compute(|| {
                let draft = Draft::read(set);
                let wanted = draft.wanted();
                (draft, wanted)
            })
            .await?;

        let tx = self.database.begin_tenant_read(tenant).await?;
        let known = self.storage.known(&tx, &wanted).await?;
        tx.commit().await?;

        let draft = turn.compute(|| draft.check(known)).await?;
        let draft = draft.map_err(ImportError::Invalid)?;
        let numbers = self.draw_numbers(tenant, &draft).await?;
        let ambient = self.ambient.clone();
        let plan = turn.compute(move || draft.plan(numbers, &ambient)).await?;
        let plan = plan.ok_or(ImportError::Interrupted)?;

        // What was looked at before is not locked. What matters of it holds in the database too:
        // numbers, codes and addresses are unique, employments do not overlap, references lead
        // somewhere. Circles cannot come about: nobody else knows those who come in.
        let tx = self.database.begin_tenant(tenant).await?;
        self.storage.store(&tx, &plan).await.map_err(changed)?;
        tx.commit().await?;
        Ok(plan.report())
    }

    /// Draws numbers for those who have none, in short transactions: the series is locked for as
    /// long as a transaction that drew from it runs.
    async fn draw_numbers(
        &self,
        tenant: &TenantContext,
        draft: &CheckedDraft,
    ) -> Result<Vec<EmployeeNumber>, ImportError> {
        let given: HashSet<&EmployeeNumber> = draft.numbers().collect();
        let of_series: Vec<i64> = given
            .iter()
            .filter_map(|number| in_series(number))
            .collect();
        if !of_series.is_empty() {
            let tx = self.database.begin_tenant(tenant).await?;
            let last = self.storage.last(&tx, Series::Employees).await?;
            let carried = carried(last, of_series);
            self.storage.raise(&tx, Series::Employees, carried).await?;
            tx.commit().await?;
        }
        let wanted = draft.unnumbered();
        let mut drawn = Vec::with_capacity(wanted);
        for doubled in 0..DRAWS {
            let missing = wanted.saturating_sub(drawn.len());
            if missing == 0 {
                break;
            }
            // Numbers that were given by hand may lie ahead, thousands in a row: look at twice as
            // many each time.
            let count = u32::try_from(missing).unwrap_or(u32::MAX).max(1 << doubled);
            let tx = self.database.begin_tenant(tenant).await?;
            let first = self
                .storage
                .draw_many(&tx, Series::Employees, count)
                .await?;
            tx.commit().await?;
            let numbers = first..first.saturating_add(count.into());
            let numbers: HashSet<EmployeeNumber> = numbers
                .map(|number| EmployeeNumber::stored(number.to_string()))
                .collect();
            let wanted = Wanted {
                employees: numbers,
                ..Wanted::default()
            };
            let tx = self.database.begin_tenant_read(tenant).await?;
            let taken = self.storage.known(&tx, &wanted).await?.employees;
            tx.commit().await?;
            let free = wanted.employees.into_iter();
            let free = free.filter(|number| !taken.contains_key(number) && !given.contains(number));
            drawn.extend(free);
        }
        drawn.sort_by_key(in_series);
        Ok(drawn)
    }
}

/// How often numbers are drawn for those who have none.
const DRAWS: u32 = 24;

/// How far beyond a series the next number may lie for the series to go on from it.
const STRIDE: i64 = 100_000;

/// How far the numbers that an import gives carry the series: from one to the next, as long as none
/// is far ahead. One that is (another system's, or a slip of the finger) moves nothing; the series
/// passes over it, should it ever come that far.
fn carried(last: i64, mut given: Vec<i64>) -> i64 {
    given.sort_unstable();
    given.into_iter().fold(last, |last, next| {
        if next.saturating_sub(last) <= STRIDE {
            last.max(next)
        } else {
            last
        }
    })
}

/// A number that may be one of the tenant's series: digits alone.
fn in_series(number: &EmployeeNumber) -> Option<i64> {
    let text = number.as_str();
    let plain = text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
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
            Self::Busy => ErrorKind::Unavailable,
            Self::Changed(_) => ErrorKind::Conflict,
            Self::Store(error) => error.kind(),
            Self::Interrupted => ErrorKind::Internal,
        }
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
            Self::Interrupted => StoreError::Poisoned.detail(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        let Self::Invalid(faults) = self else {
            return Vec::new();
        };
        let mut fields: Vec<FieldError> = faults.iter().map(field).collect();
        if faults.more() > 0 {
            let message = format!("{} more things are wrong", faults.more());
            fields.push(FieldError::new("/rows", "more", message));
        }
        fields
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_numbers_carry_the_series_as_far_as_they_follow_each_other() {
        assert_eq!(carried(1_000, vec![]), 1_000);
        assert_eq!(carried(1_000, vec![7, 42]), 1_000);
        assert_eq!(carried(1_000, vec![4_001, 4_060, 4_002]), 4_060);
        assert_eq!(carried(1_000, vec![999_999_999]), 1_000);
        assert_eq!(carried(1_000, vec![999_999_999, 4_001]), 4_001);
        assert_eq!(carried(1_000, vec![101_000, 201_000, 301_001]), 201_000);
    }
}
