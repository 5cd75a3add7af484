//! Verifying: what is in the database and in the archives is compared with what was signed.
//!
//! It needs to read the database and the files, and the public half of the key; nothing that it finds
//! rests on anything that whoever changed the database could have made. What it reads of a chain are pages
//! of a few thousand events; of seals it holds about a hundred bytes each in memory.

mod chain;
mod checkpoints;
mod filed;
mod finding;
mod retirements;
mod seals;
mod segment;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use database::{Database, PlatformContext, StoreError, TenantContext};
use kernel::Ambient;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) use filed::Places;
pub use finding::{Fault, Finding};

use crate::{Archives, FileFault, PublicKeys, SealFiles, statement::micros};
use filed::Filed;

/// How long an event may wait for its seal and a seal for its file, in microseconds: a minute.
const PATIENCE: i64 = 60_000_000;

/// How many findings are told one by one; the others are counted.
const TOLD: usize = 100_000;

/// Whose audit is verified.
#[derive(Clone, Debug)]
pub enum Whose {
    /// A tenant's.
    Tenant(TenantContext),
    /// The platform's own.
    Platform,
}

impl Whose {
    fn id(&self) -> Uuid {
        match self {
            Self::Tenant(context) => context.id().uuid(),
            Self::Platform => Uuid::nil(),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Tenant(context) => context.slug().to_string(),
            Self::Platform => "platform".to_owned(),
        }
    }
}

/// Of which time events are verified; what was sealed then is verified whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct Period {
    /// Not what was sealed before.
    pub from: Option<OffsetDateTime>,
    /// Not what was sealed more than a minute later.
    pub to: Option<OffsetDateTime>,
}

/// Why something could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files.
    #[error(transparent)]
    Files(#[from] FileFault),
}

/// What was verified, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How many chains.
    pub chains: u64,
    /// How many events were compared with their links.
    pub events: u64,
    /// How many events lie in archives that were read and compared.
    pub archived: u64,
    /// How many archives are somewhere else.
    pub archives_elsewhere: u64,
    /// How many seals.
    pub seals: u64,
    /// How many checkpoints.
    pub checkpoints: u64,
    /// How many lines of the files are not whole: a crash or somebody cut them off. What was lost with
    /// them is among the findings.
    pub broken_lines: u64,
    /// What is not as it was signed.
    pub findings: Vec<Finding>,
    /// How many findings there are beyond these.
    pub more_findings: u64,
}

impl Verified {
    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            if self.findings.len() < TOLD {
                self.findings.push(finding);
            } else {
                self.more_findings += 1;
            }
        }
    }
}

/// Verifies the audit.
pub struct Verifier {
    database: Database,
    platform: PlatformContext,
    keys: PublicKeys,
    files: SealFiles,
    archives: Option<Archives>,
    ambient: Ambient,
    progress: Box<dyn Fn(u64, u64) + Send + Sync>,
    /// When the files were read: what was signed later cannot be in them.
    began: AtomicI64,
    done: AtomicU64,
}

impl Verifier {
    /// One that trusts what these keys have signed. `progress` is told how many events of how many are
    /// done.
    pub fn new(
        database: Database,
        platform: PlatformContext,
        keys: PublicKeys,
        files: SealFiles,
        archives: Option<Archives>,
        ambient: Ambient,
        progress: impl Fn(u64, u64) + Send + Sync + 'static,
    ) -> Self {
        Self {
            database,
            platform,
            keys,
            files,
            archives,
            ambient,
            progress: Box::new(progress),
            began: AtomicI64::new(0),
            done: AtomicU64::new(0),
        }
    }

    /// Verifies these chains. When they are all there are, also the log of all chains with its
    /// checkpoints.
    ///
    /// # Errors
    /// [`VerifyError`]: what was found by then is lost.
    pub async fn verify(
        &self,
        chains: &[Whose],
        are_all: bool,
        period: Period,
    ) -> Result<Verified, VerifyError> {
        let mut verified = Verified::default();
        self.began
            .store(micros(self.ambient.now()), Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
        let (folder, keys) = (self.files.clone(), self.keys.clone());
        let only = chains.first().filter(|_| !are_all).map(Whose::id);
        // The files before the database: what is filed was committed.
        let reading = telemetry::spawn_blocking(move || Filed::read(&folder, &keys, only));
        let filed = reading.await.map_err(StoreError::corrupt)??;
        verified.broken_lines = filed.broken;
        let total = filed.events();
        if are_all {
            self.checkpoints(&filed, &mut verified).await?;
        }
        for whose in chains {
            let compared = self.chain(whose, &filed, period, total, &mut verified);
            match compared.await {
                Err(VerifyError::Store(StoreError::Corrupt(_) | StoreError::Orm(_))) => {
                    let finding = Finding::new(Fault::ChainIllegible, &whose.name());
                    verified.find([finding]);
                }
                other => other?,
            }
            verified.chains += 1;
        }
        if are_all {
            Self::gone(chains, &filed, &mut verified);
        }
        Ok(verified)
    }

    /// Chains that were filed, and whose tenants are not in the registry any more.
    fn gone(chains: &[Whose], filed: &Filed, verified: &mut Verified) {
        let known: std::collections::HashSet<Uuid> = chains.iter().map(Whose::id).collect();
        let mut gone: Vec<_> = filed
            .tenants
            .iter()
            .filter(|(id, _)| !known.contains(id))
            .collect();
        gone.sort_by_key(|(id, _)| **id);
        for (tenant, of_tenant) in gone {
            let name = tenant.to_string();
            let seals = of_tenant.seals.values().map(|seal| {
                Finding::new(Fault::SealMissing, &name)
                    .positions(seal.first_position, seal.last_position)
                    .number(seal.number)
            });
            verified.find(seals);
        }
    }

    /// Whether something should have come to pass by the time that the files were read.
    fn is_overdue(&self, since: i64) -> bool {
        self.began.load(Ordering::Relaxed) - since > PATIENCE
    }

    fn advance(&self, by: u64, total: u64) {
        let done = self.done.fetch_add(by, Ordering::Relaxed) + by;
        (self.progress)(done, total.max(done));
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}
