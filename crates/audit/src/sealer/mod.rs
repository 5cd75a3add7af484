//! Sealing: events get their links in the chain of their tenant, after the commit, and the chain is
//! signed.
//!
//! A seal is committed with the links that it covers, and waits in `audit_unfiled` from then on. It is
//! taken from there when its line is on the disk: after a crash in between, whoever looks next finds it
//! there and writes it, at worst a second time.

mod checkpoint;
mod file;
mod tenant;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

pub(crate) use checkpoint::leaf;

use async_trait::async_trait;
use database::{Database, PlatformContext, StoreError, TenantContext};
use kernel::{Ambient, TenantId};
use uuid::Uuid;

use crate::{
    FileFault, PublicKeys, SealFiles, SigningKey,
    postgres::log::{self, LINES, TENANTS},
    statement::micros,
};

/// The tenants of the registry.
#[async_trait]
pub trait Tenants: Send + Sync {
    /// The way into this one, whatever it is going through; `None` when there is none.
    ///
    /// # Errors
    /// Whatever keeps the registry from answering.
    async fn find(&self, id: TenantId) -> Result<Option<TenantContext>, TenantsUnknown>;
}

/// The registry does not answer.
#[derive(Debug, thiserror::Error)]
#[error("the registry of tenants does not answer")]
pub struct TenantsUnknown(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Why something was not sealed. It goes on waiting.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files outside it.
    #[error(transparent)]
    Files(#[from] FileFault),
    /// The registry.
    #[error(transparent)]
    Tenants(#[from] TenantsUnknown),
    /// What is there is not what was sealed: nothing is signed on top of it.
    #[error(
        "the chain of {tenant} does not end where its last seal says, or no key of audit.signing_key and \
         audit.public_key has signed that: `hrms-bootstrap audit verify` tells what was done to it"
    )]
    Altered {
        /// Whose; nil is the platform's.
        tenant: Uuid,
    },
}

/// What a look came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// How many events were sealed.
    pub events: u64,
    /// By how many seals.
    pub seals: u64,
    /// How many lines were filed.
    pub filed: u64,
    /// Whether more waits than one look does.
    pub is_more: bool,
}

/// What waits; ten thousand stand for all that are more.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SealBacklog {
    /// Events without a seal.
    pub unsealed: u64,
    /// For how long the oldest of them has waited.
    pub oldest: Duration,
    /// Lines that are in no file yet.
    pub unfiled: u64,
}

/// Seals what was recorded. Any number of them may be at work, in one process or several: of each
/// tenant one does it at a time.
pub struct Sealer {
    database: Database,
    platform: PlatformContext,
    tenants: Arc<dyn Tenants>,
    key: SigningKey,
    /// The keys on top of whose signatures it signs: its own, and those of the installation before it.
    trusted: PublicKeys,
    files: SealFiles,
    ambient: Ambient,
    /// The tenant at which the last look ended: the next begins behind it.
    after: Mutex<Option<Uuid>>,
    /// Whose events could not be sealed when they were last tried.
    failing: Mutex<BTreeSet<Uuid>>,
    seals: AtomicU64,
    /// Before this instant (microseconds since 1970) there is no checkpoint to be signed.
    no_checkpoint_before: AtomicI64,
}

impl Sealer {
    /// One that signs with this key, and files into this folder.
    pub fn new(
        database: Database,
        platform: PlatformContext,
        tenants: Arc<dyn Tenants>,
        key: SigningKey,
        files: SealFiles,
        ambient: Ambient,
    ) -> Self {
        Self {
            database,
            platform,
            tenants,
            trusted: key.verifying(),
            key,
            files,
            ambient,
            after: Mutex::default(),
            failing: Mutex::default(),
            seals: AtomicU64::new(0),
            no_checkpoint_before: AtomicI64::new(0),
        }
    }

    /// One that also signs on top of what these keys have signed: those that the installation had before.
    #[must_use]
    pub fn trusting(self, earlier: PublicKeys) -> Self {
        let trusted = self.trusted.and(earlier);
        Self { trusted, ..self }
    }

    /// Seals what waits: of each tenant up to a thousand events, of two hundred tenants; and files
    /// what was signed. A tenant whose events cannot be sealed keeps no other from it: that is logged,
    /// once, and tried again.
    ///
    /// # Errors
    /// [`SealError::Store`] when the database does not answer, [`SealError::Files`] when nothing can
    /// be filed.
    pub async fn look(&self) -> Result<Sealed, SealError> {
        let mut sealed = Sealed::default();
        let tenants = self.next_tenants().await?;
        let is_full = tenants.len() >= TENANTS;
        for tenant in tenants {
            let outcome = self.seal(tenant).await;
            self.tell(tenant, outcome.as_ref().err());
            match outcome {
                Ok(0) => {}
                Ok(events) => {
                    sealed.events += events;
                    sealed.seals += 1;
                    sealed.is_more |= events >= tenant::BATCH.unsigned_abs().into();
                }
                // Nobody else can be served either.
                Err(
                    error @ SealError::Store(StoreError::Unavailable(_) | StoreError::PoolTimeout),
                ) => return Err(error),
                Err(_told) => {}
            }
        }
        // Tenants that are gone wait for ever, and are no reason to hurry.
        sealed.is_more |= is_full && sealed.events > 0;
        self.seals.fetch_add(sealed.seals, Ordering::Relaxed);
        sealed.filed = self.file().await?;
        sealed.is_more |= sealed.filed >= LINES as u64;
        Ok(sealed)
    }

    /// Whose turn it is, from where the last look ended.
    async fn next_tenants(&self) -> Result<Vec<Uuid>, SealError> {
        let after = *self.after.lock().unwrap_or_else(PoisonError::into_inner);
        let tx = self.database.begin_platform_read(&self.platform).await?;
        let mut tenants = log::waiting(&tx, after).await?;
        let is_full = tenants.len() >= TENANTS;
        if tenants.is_empty() && after.is_some() {
            tenants = log::waiting(&tx, None).await?;
        }
        tx.commit().await?;
        let reached = tenants.iter().max().copied().filter(|_| is_full);
        *self.after.lock().unwrap_or_else(PoisonError::into_inner) = reached;
        Ok(tenants)
    }

    /// Logs the first of several failures, and that they are over.
    fn tell(&self, tenant: Uuid, failure: Option<&SealError>) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        match failure {
            Some(error) if failing.insert(tenant) => {
                let error = error as &dyn std::error::Error;
                tracing::error!(%tenant, error, "events of the audit cannot be sealed");
            }
            None if failing.remove(&tenant) => {
                tracing::info!(%tenant, "events of the audit are sealed again");
            }
            _ => {}
        }
    }

    /// What waits.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn backlog(&self) -> Result<SealBacklog, StoreError> {
        backlog(&self.database, &self.platform, &self.ambient).await
    }

    /// How many seals it has made.
    pub fn seals(&self) -> u64 {
        self.seals.load(Ordering::Relaxed)
    }

    /// Seals, and signs a checkpoint every hour, until it is told to stop.
    pub async fn run_until(&self, stopping: impl Future<Output = ()>, every: Duration) {
        let mut stopping = std::pin::pin!(stopping);
        let mut failing = false;
        let mut is_more = false;
        loop {
            let pause = if is_more { Duration::ZERO } else { every };
            tokio::select! {
                () = &mut stopping => return,
                () = tokio::time::sleep(pause) => {}
            }
            // To its end: what is begun is a fraction of a second.
            let outcome = async {
                let sealed = self.look().await?;
                self.checkpoint().await?;
                Ok::<_, SealError>(sealed)
            };
            let outcome = outcome.await;
            is_more = matches!(&outcome, Ok(it) if it.is_more);
            match outcome {
                Ok(_) if std::mem::take(&mut failing) => {
                    tracing::info!("the audit is sealed again");
                }
                Ok(_) => {}
                Err(error) if !failing => {
                    failing = true;
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "the audit cannot be sealed");
                }
                Err(_again) => {}
            }
        }
    }
}

/// What waits, also where nobody seals.
///
/// # Errors
/// [`StoreError`].
pub async fn backlog(
    database: &Database,
    platform: &PlatformContext,
    ambient: &Ambient,
) -> Result<SealBacklog, StoreError> {
    let tx = database.begin_platform_read(platform).await?;
    let row = log::backlog(&tx).await?;
    tx.commit().await?;
    let now = micros(ambient.now());
    let waited = row.oldest.map_or(0, |event| now - recorded_at(event));
    Ok(SealBacklog {
        unsealed: row.unsealed.unsigned_abs(),
        oldest: Duration::from_micros(u64::try_from(waited).unwrap_or_default()),
        unfiled: row.unfiled.unsigned_abs(),
    })
}

/// When an event was recorded, by its id (UUIDv7), in microseconds since 1970.
pub(crate) fn recorded_at(event: Uuid) -> i64 {
    event.get_timestamp().map_or(0, |at| {
        let (seconds, nanos) = at.to_unix();
        i64::try_from(seconds * 1_000_000 + u64::from(nanos / 1_000)).unwrap_or(i64::MAX)
    })
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("key", &self.key)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}
