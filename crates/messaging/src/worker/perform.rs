//! Doing a job: its effects and that it is done are one transaction.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use database::{StoreError, TenantContext, Terms};
use serde_json::Value;
use telemetry::OpenedJob;
use tracing::Instrument as _;

use super::{Parts, running::Lease};
use crate::{
    EnvelopeFault, JobError, Queue, Run,
    handler::Does,
    model::{Fate, Progress},
    postgres::{Taken, finish},
};

/// Where a job is done.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Tenant(TenantContext),
    Platform,
}

impl Place {
    fn name(&self) -> &str {
        match self {
            Self::Tenant(tenant) => tenant.slug().as_str(),
            Self::Platform => "platform",
        }
    }
}

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobOutcome {
    /// It was done.
    Done,
    /// It is tried again.
    Retry,
    /// It is dead.
    Dead,
    /// It waits for an operator.
    Parked,
    /// Somebody else has it, or took it back.
    Lost,
}

impl JobOutcome {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retry => "retry",
            Self::Dead => "dead",
            Self::Parked => "parked",
            Self::Lost => "lost",
        }
    }
}

/// Is told what became of jobs, to count it.
pub trait Observer: Send + Sync {
    /// A try has ended; the kind is one that is done here, or `unknown`.
    fn ended(&self, kind: &str, queue: Queue, outcome: JobOutcome, took: Duration);

    /// A message was not followed.
    fn refused(&self, fault: &EnvelopeFault);
}

/// Nobody counts.
impl Observer for () {
    fn ended(&self, _: &str, _: Queue, _: JobOutcome, _: Duration) {}
    fn refused(&self, _: &EnvelopeFault) {}
}

/// Why a try did not end with the job done.
enum NotDone {
    /// It did not work.
    Failed(JobError),
    /// This worker cannot do it, and another one may.
    NotHere(String),
    /// Somebody else has it, or took it back.
    Lost,
}

impl From<JobError> for NotDone {
    fn from(error: JobError) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for NotDone {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// What is needed to tell that a job is dead.
struct Ended {
    tenant: TenantContext,
    payload: Value,
    run: Run,
}

/// How long a job waits that this worker cannot do: for one of a newer program.
const NOT_HERE_PAUSE: Duration = Duration::from_secs(30);

/// How often it is tried to say that a job failed; then its lease ends by itself.
const TELLINGS: u32 = 4;

impl Parts {
    /// Does a job, and sees to it that the table says what became of it.
    ///
    /// The lease is held until the table says so: who drains waits for that as well.
    pub(super) async fn perform(
        self: &Arc<Self>,
        queue: Queue,
        claimed: Taken,
        place: Place,
        lease: Lease,
    ) {
        let (job, user) = (claimed.job.to_string(), claimed.origin.user);
        let user = user.map(|user| user.to_string());
        let opened = OpenedJob {
            job: &job,
            kind: &claimed.kind,
            tenant: place.name(),
            request_id: claimed.origin.request_id.as_deref(),
            user: user.as_deref(),
        };
        let draw = || (self.ambient.bytes(), self.ambient.bytes());
        let (span, _) = telemetry::open_job(opened, claimed.origin.trace.as_ref(), draw);
        self.perform_in_span(queue, claimed, place, &lease)
            .instrument(span)
            .await;
    }

    async fn perform_in_span(
        self: &Arc<Self>,
        queue: Queue,
        claimed: Taken,
        place: Place,
        lease: &Lease,
    ) {
        let began = Instant::now();
        let kind = claimed.kind.clone();
        let (job, token) = (claimed.job, claimed.token);
        let (attempt, max_attempts) = (claimed.attempt, claimed.max_attempts);
        let told_of = match &place {
            Place::Tenant(tenant) => Some(Ended {
                tenant: tenant.clone(),
                payload: claimed.payload.clone(),
                run: Run {
                    job,
                    attempt,
                    max_attempts,
                    origin: claimed.origin.clone(),
                    progress: lease.progress(),
                },
            }),
            Place::Platform => None,
        };
        let done = self.attempt(queue, claimed, place, lease).await;
        let took = began.elapsed();
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let (outcome, fate, told) = match done {
            Ok(()) => (JobOutcome::Done, None, String::new()),
            Err(NotDone::Lost) => (JobOutcome::Lost, None, String::new()),
            Err(NotDone::NotHere(why)) => {
                let after = NOT_HERE_PAUSE;
                let fate = Fate::Again {
                    after,
                    counts: false,
                };
                (JobOutcome::Retry, Some(fate), why)
            }
            Err(NotDone::Failed(error)) => {
                let (outcome, fate) = self.fate(&error, attempt, max_attempts);
                (outcome, Some(fate), error.told())
            }
        };
        let outcome = match fate {
            Some(fate) if !self.tell(job, token, &fate, &told).await => JobOutcome::Lost,
            _ => outcome,
        };
        if let (JobOutcome::Dead, Some(ended)) = (outcome, told_of) {
            self.gave_up(&kind, ended).await;
        }
        match outcome {
            JobOutcome::Done => tracing::info!(attempt, took_ms, "the job is done"),
            JobOutcome::Lost => {
                tracing::warn!(attempt, took_ms, "the job is another's now, or nobody's");
            }
            JobOutcome::Retry => {
                tracing::warn!(
                    attempt,
                    max_attempts,
                    took_ms,
                    error = told,
                    "the job failed"
                );
            }
            JobOutcome::Dead | JobOutcome::Parked => tracing::error!(
                attempt,
                took_ms,
                error = told,
                outcome = outcome.as_str(),
                "the job waits for somebody to look at it"
            ),
        }
        // Whoever counts by kind counts words of the program; others are anybody's.
        let known = self.handlers.find(&kind).map_or("unknown", |_| &*kind);
        self.observer.ended(known, queue, outcome, took);
    }

    /// Lets the handler of a job that is dead tell whoever waits for it.
    async fn gave_up(&self, kind: &str, ended: Ended) {
        let Some(Does::Tenants(handler)) = self.handlers.find(kind).map(|it| &it.does) else {
            return;
        };
        let Ended {
            tenant,
            payload,
            run,
        } = ended;
        let told = async {
            let tx = self.store.database().begin_tenant(&tenant).await?;
            let tx = tx.initiated_by(run.origin.clone());
            handler.gave_up(&tx, payload, &run).await?;
            tx.commit().await?;
            Ok::<(), JobError>(())
        };
        if let Err(error) = told.await {
            tracing::warn!(error = error.told(), "nobody was told that the job is dead");
        }
    }

    fn fate(&self, error: &JobError, attempt: i16, max_attempts: i16) -> (JobOutcome, Fate) {
        match error {
            JobError::Retry(_) if attempt < max_attempts => {
                let failures = u32::try_from(attempt).unwrap_or(1);
                let after = self.settings.backoff.draw(failures, &self.ambient);
                let fate = Fate::Again {
                    after,
                    counts: true,
                };
                (JobOutcome::Retry, fate)
            }
            JobError::Wait(_) => {
                let after = self.settings.backoff.draw(1, &self.ambient);
                let fate = Fate::Again {
                    after,
                    counts: false,
                };
                (JobOutcome::Retry, fate)
            }
            JobError::Retry(_) | JobError::Permanent(_) => (JobOutcome::Dead, Fate::Dead),
            JobError::Park(_) => (JobOutcome::Parked, Fate::Parked),
        }
    }

    /// Says what becomes of a job that was not done; `false` when it is not ours to say.
    async fn tell(&self, job: kernel::JobId, token: uuid::Uuid, fate: &Fate, error: &str) -> bool {
        let mut pause = Duration::from_millis(100);
        for _ in 1..TELLINGS {
            match self.store.fail(job, token, fate, error).await {
                Ok(is_ours) => return is_ours,
                Err(_outage) => tokio::time::sleep(pause).await,
            }
            pause *= 4;
        }
        let told = self.store.fail(job, token, fate, error).await;
        told.unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                "that the job failed cannot be told; its lease will end"
            );
            false
        })
    }

    /// One try, on a task of its own: it can be ended, and a panic of it is a failure like another.
    async fn attempt(
        self: &Arc<Self>,
        queue: Queue,
        claimed: Taken,
        place: Place,
        lease: &Lease,
    ) -> Result<(), NotDone> {
        let (kind, version) = (&claimed.kind, claimed.payload_version);
        let Some(handler) = self.handlers.find(kind) else {
            let why = format!("the worker {} does no `{kind}`", self.id);
            return Err(NotDone::NotHere(why));
        };
        if version > handler.version {
            let why = format!(
                "the worker {} does `{kind}` up to version {}, and this is {version}",
                self.id, handler.version
            );
            return Err(NotDone::NotHere(why));
        }
        // A queue may be a worker's with rights of its own: nothing else is done by it.
        if queue != handler.queue {
            let (right, told) = (
                handler.queue,
                format!("`{kind}` is no work of the queue {queue}"),
            );
            return Err(JobError::permanent(format!("{told}: it belongs to {right}")).into());
        }
        let timeout = handler.timeout;
        let progress = lease.progress();
        let parts = Arc::clone(self);
        let mut task = telemetry::spawn(async move { parts.run(claimed, place, progress).await });
        lease.of_task(task.abort_handle());
        match tokio::time::timeout(timeout, &mut task).await {
            Ok(Ok(done)) => done,
            Ok(Err(error)) if error.is_panic() => {
                Err(JobError::retry("it panicked; the log says where").into())
            }
            Ok(Err(_aborted)) => Err(NotDone::Lost),
            Err(_elapsed) => {
                task.abort();
                // It ends at its next await: until then it may still be at work.
                match task.await {
                    Ok(done) => done,
                    Err(_aborted) => {
                        let secs = timeout.as_secs();
                        Err(JobError::retry(format!("it took longer than {secs} s")).into())
                    }
                }
            }
        }
    }

    async fn run(
        &self,
        claimed: Taken,
        place: Place,
        progress: Arc<Progress>,
    ) -> Result<(), NotDone> {
        let run = Run {
            job: claimed.job,
            attempt: claimed.attempt,
            max_attempts: claimed.max_attempts,
            origin: claimed.origin,
            progress,
        };
        let (job, token, payload) = (claimed.job, claimed.token, claimed.payload);
        let Some(known) = self.handlers.find(&claimed.kind) else {
            return Err(JobError::permanent("nobody does it").into());
        };
        // While it asks somebody outside. PostgreSQL would end it much sooner, and it would be tried in
        // vain until it is dead.
        let terms = Terms {
            may_idle: Some(known.timeout),
            ..Terms::default()
        };
        match (&known.does, place) {
            (Does::Tenants(handler), Place::Tenant(tenant)) => {
                let database = self.store.database();
                let tx = database.begin_tenant_on(&tenant, terms).await?;
                let tx = tx.initiated_by(run.origin.clone());
                let result = handler.run(&tx, payload, &run).await?;
                done(finish(&tx, job, token, result).await?)?;
                tx.commit().await?;
                Ok(())
            }
            (Does::Platforms(handler), Place::Platform) => {
                let tx = self.store.begin_on(terms).await?;
                let result = handler.run(&tx, payload, &run).await?;
                done(finish(&tx, job, token, result).await?)?;
                tx.commit().await?;
                Ok(())
            }
            (_, Place::Tenant(_) | Place::Platform) => {
                Err(JobError::permanent("a tenant's work is no work of the platform's").into())
            }
        }
    }
}

/// A job that was lost meanwhile is undone: the transaction is dropped.
fn done(is_ours: bool) -> Result<Value, NotDone> {
    if is_ours {
        Ok(Value::Null)
    } else {
        Err(NotDone::Lost)
    }
}
