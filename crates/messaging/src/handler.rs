//! Who does which work.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use database::{Platform, PlatformTx, Tenant, TenantTx};
use kernel::Ambient;
use serde_json::Value;

use crate::{
    Enqueuer, JobError, Queue, Run, Subscribers, Work,
    events::{Deliver, Delivers},
};

/// Does one kind of work of tenants.
#[async_trait]
pub trait TenantJob: Send + Sync + 'static {
    /// What it does.
    type Work: Work<Scope = Tenant>;

    /// Does it, in a transaction of the tenant, and returns what is to be kept of it (`null` for
    /// nothing, 64 KiB at most). That the job is done is committed with its effects, or neither is:
    /// so it may be called again for the same job, and the database never sees it done twice. What
    /// leaves the house may leave it twice, and bears the job's id.
    ///
    /// # Errors
    /// [`JobError`]: nothing of what was done remains.
    async fn run(&self, tx: &TenantTx, work: Self::Work, run: &Run) -> Result<Value, JobError>;

    /// Is told, in a transaction of the tenant, that the job is dead after this try: somebody may
    /// wait for it. As good as it goes: a worker that dies just then tells nobody.
    ///
    /// # Errors
    /// [`JobError`], for the log.
    async fn gave_up(&self, _tx: &TenantTx, _work: Self::Work, _run: &Run) -> Result<(), JobError> {
        Ok(())
    }
}

/// Does one kind of work of the platform itself.
#[async_trait]
pub trait PlatformJob: Send + Sync + 'static {
    /// What it does.
    type Work: Work<Scope = Platform>;

    /// As [`TenantJob::run`], in a transaction of the platform.
    ///
    /// # Errors
    /// [`JobError`].
    async fn run(&self, tx: &PlatformTx, work: Self::Work, run: &Run) -> Result<Value, JobError>;
}

/// Every kind of work that somebody does.
#[derive(Default)]
pub struct Handlers {
    by_kind: BTreeMap<&'static str, Handler>,
    /// Who wants to hear of which kinds of events.
    interests: Vec<(&'static str, &'static str)>,
}

pub(crate) struct Handler {
    pub(crate) version: i16,
    pub(crate) queue: Queue,
    pub(crate) timeout: Duration,
    pub(crate) does: Does,
}

pub(crate) enum Does {
    Tenants(Box<dyn AnyTenantJob>),
    Platforms(Box<dyn AnyPlatformJob>),
}

impl Handlers {
    /// Nobody does anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes on who does a kind of work of tenants.
    ///
    /// # Panics
    /// When somebody does that kind already: the composition is wrong, and no worker starts.
    #[must_use]
    pub fn tenant<J: TenantJob>(self, job: J) -> Self {
        self.with::<J::Work>(Does::Tenants(Box::new(job)))
    }

    /// Takes on who does a kind of work of the platform.
    ///
    /// # Panics
    /// As [`Self::tenant`].
    #[must_use]
    pub fn platform<J: PlatformJob>(self, job: J) -> Self {
        self.with::<J::Work>(Does::Platforms(Box::new(job)))
    }

    /// Takes on everybody who wants to hear of events.
    ///
    /// # Panics
    /// As [`Self::tenant`]: they are taken on together.
    #[must_use]
    pub fn subscribers(mut self, subscribers: Subscribers, ambient: Ambient) -> Self {
        self.interests = subscribers.interests();
        self.tenant(Delivers {
            subscribers: Arc::new(subscribers),
            enqueuer: Enqueuer::new(Kinds::new().and::<Deliver>(), ambient),
        })
    }

    pub(crate) fn interests(&self) -> Vec<(&'static str, &'static str)> {
        self.interests.clone()
    }

    fn with<W: Work>(mut self, does: Does) -> Self {
        let handler = Handler {
            version: W::VERSION,
            queue: W::QUEUE,
            timeout: W::TIMEOUT,
            does,
        };
        let earlier = self.by_kind.insert(W::KIND, handler);
        assert!(earlier.is_none(), "two handlers do `{}`", W::KIND);
        self
    }

    pub(crate) fn find(&self, kind: &str) -> Option<&Handler> {
        self.by_kind.get(kind)
    }

    /// Which kinds of work are done.
    pub fn kinds(&self) -> Kinds {
        let known = self.by_kind.iter();
        Kinds(known.map(|(kind, it)| (*kind, it.version)).collect())
    }
}

/// Kinds of work that somebody does, with the newest payload of each: what may be put down. A process
/// that does none of it knows them all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kinds(BTreeMap<&'static str, i16>);

impl Kinds {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// These, and this one.
    #[must_use]
    pub fn and<W: Work>(mut self) -> Self {
        self.0.insert(W::KIND, W::VERSION);
        self
    }

    /// Whether all of these are among them.
    pub fn include_all(&self, others: &Self) -> bool {
        others
            .0
            .iter()
            .all(|(kind, version)| self.include(kind, *version))
    }

    /// The newest payload of each.
    pub(crate) fn versions(&self) -> &BTreeMap<&'static str, i16> {
        &self.0
    }

    /// Whether somebody does this kind of work, and reads this version of its payload.
    pub fn include(&self, kind: &str, version: i16) -> bool {
        self.0.get(kind).is_some_and(|newest| *newest >= version)
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_kind.keys()).finish()
    }
}

/// A [`TenantJob`] whose payload is still to be read.
#[async_trait]
pub(crate) trait AnyTenantJob: Send + Sync {
    async fn run(&self, tx: &TenantTx, payload: Value, run: &Run) -> Result<Value, JobError>;
    async fn gave_up(&self, tx: &TenantTx, payload: Value, run: &Run) -> Result<(), JobError>;
}

#[async_trait]
impl<J: TenantJob> AnyTenantJob for J {
    async fn run(&self, tx: &TenantTx, payload: Value, run: &Run) -> Result<Value, JobError> {
        TenantJob::run(self, tx, read(payload)?, run).await
    }

    async fn gave_up(&self, tx: &TenantTx, payload: Value, run: &Run) -> Result<(), JobError> {
        TenantJob::gave_up(self, tx, read(payload)?, run).await
    }
}

/// A [`PlatformJob`] whose payload is still to be read.
#[async_trait]
pub(crate) trait AnyPlatformJob: Send + Sync {
    async fn run(&self, tx: &PlatformTx, payload: Value, run: &Run) -> Result<Value, JobError>;
}

#[async_trait]
impl<J: PlatformJob> AnyPlatformJob for J {
    async fn run(&self, tx: &PlatformTx, payload: Value, run: &Run) -> Result<Value, JobError> {
        PlatformJob::run(self, tx, read(payload)?, run).await
    }
}

/// A payload that this program cannot read although it knows its version was never right.
fn read<W: Work>(payload: Value) -> Result<W, JobError> {
    serde_json::from_value(payload).map_err(JobError::permanent)
}
