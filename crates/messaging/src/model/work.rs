//! Kinds of work, and what doing it comes to.

use std::{
    error::Error,
    fmt,
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    time::Duration,
};

use database::{Scope, StoreError};
use kernel::JobId;
use serde::{Serialize, de::DeserializeOwned};
use telemetry::Origin;
use time::OffsetDateTime;

use super::Queue;

/// What a job is about: its kind, and its payload.
///
/// ```
/// use database::Tenant;
/// use messaging::{Queue, Work};
/// use serde::{Deserialize, Serialize};
///
/// /// Tells a new user how to sign in.
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Welcome {
///     user_id: kernel::UserId,
/// }
///
/// impl Work for Welcome {
///     type Scope = Tenant;
///     const KIND: &'static str = "auth.welcome";
///     const QUEUE: Queue = Queue::Critical;
/// }
/// ```
pub trait Work: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Whether it is a tenant's or the platform's. It is enqueued, and done, in a transaction of
    /// that scope.
    type Scope: Scope;

    /// Its name for ever: `employees.import`.
    const KIND: &'static str;

    /// The newest payload that this program writes and reads. It must read older ones, that lie in
    /// the queue while a new program is deployed; newer ones are left for a newer worker.
    const VERSION: i16 = 1;

    /// Which line it stands in.
    const QUEUE: Queue = Queue::Default;

    /// How often it is tried.
    const MAX_ATTEMPTS: i16 = 8;

    /// How long one try may take.
    const TIMEOUT: Duration = Duration::from_mins(5);
}

/// Work that is wanted.
#[derive(Clone, Debug)]
#[must_use = "an order that is not enqueued is no job"]
pub struct Order<W> {
    pub(crate) work: W,
    pub(crate) run_at: Option<OffsetDateTime>,
    pub(crate) unique_key: Option<String>,
    pub(crate) origin: Origin,
}

impl<W: Work> Order<W> {
    /// As soon as possible.
    pub fn now(work: W, origin: Origin) -> Self {
        Self {
            work,
            run_at: None,
            unique_key: None,
            origin,
        }
    }

    /// Not before this instant.
    pub fn not_before(mut self, instant: OffsetDateTime) -> Self {
        self.run_at = Some(instant);
        self
    }

    /// Once: while a job of this kind with this key has yet to end, there is no second one. 1 to
    /// 200 bytes.
    pub fn once(mut self, key: impl Into<String>) -> Self {
        self.unique_key = Some(key.into());
        self
    }
}

type Source = Box<dyn Error + Send + Sync>;

/// Why a job was not done.
#[derive(Debug)]
pub enum JobError {
    /// It may work another time.
    Retry(Source),
    /// Others are in its way: it is tried again, and this try does not count.
    Wait(Source),
    /// It will never work.
    Permanent(Source),
    /// It may work once somebody has done something about it.
    Park(Source),
}

impl JobError {
    /// It may work another time.
    pub fn retry(error: impl Into<Source>) -> Self {
        Self::Retry(error.into())
    }

    /// Others are in its way.
    pub fn wait(error: impl Into<Source>) -> Self {
        Self::Wait(error.into())
    }

    /// It will never work.
    pub fn permanent(error: impl Into<Source>) -> Self {
        Self::Permanent(error.into())
    }

    /// It may work once somebody has done something about it.
    pub fn park(error: impl Into<Source>) -> Self {
        Self::Park(error.into())
    }

    /// The whole chain, cut where it becomes a novel.
    pub(crate) fn told(&self) -> String {
        let (Self::Retry(error) | Self::Wait(error) | Self::Permanent(error) | Self::Park(error)) =
            self;
        chain(error.as_ref())
    }
}

/// An error and what caused it.
fn chain(error: &dyn Error) -> String {
    const LONGEST: usize = 1_000;
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        told = format!("{told}: {cause}");
        source = cause.source();
    }
    told.chars()
        .filter(|it| *it != '\0')
        .take(LONGEST)
        .collect()
}

/// Storage that failed may work another time, and what it refuses for good will have been tried a
/// few times in vain.
impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::retry(error)
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told())
    }
}

/// What becomes of a job after a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is tried again after a while; whether this try counts.
    Again { after: Duration, counts: bool },
    /// It is dead.
    Dead,
    /// It waits for an operator.
    Parked,
}

/// One try, as its handler sees it.
#[derive(Debug)]
pub struct Run {
    /// The job; what leaves the house bears this id, so that who gets it twice can tell.
    pub job: JobId,
    /// Which try this is, from 1.
    pub attempt: i16,
    /// How many there are.
    pub max_attempts: i16,
    /// Who wanted it.
    pub origin: Origin,
    pub(crate) progress: std::sync::Arc<Progress>,
}

impl Run {
    /// Tells how far it is. Seen from outside within a second or two; nothing waits for it.
    pub fn progress(&self, done: u64, total: u64) {
        let number = |it| i64::try_from(it).unwrap_or(i64::MAX);
        self.progress.done.store(number(done), Ordering::Relaxed);
        self.progress.total.store(number(total), Ordering::Relaxed);
        self.progress.is_new.store(true, Ordering::Release);
    }
}

/// How far a run is.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    done: AtomicI64,
    total: AtomicI64,
    is_new: AtomicBool,
}

impl Progress {
    /// What was told since the last call.
    pub(crate) fn take(&self) -> Option<(i64, i64)> {
        self.is_new.swap(false, Ordering::AcqRel).then(|| {
            let of = |it: &AtomicI64| it.load(Ordering::Relaxed);
            (of(&self.done), of(&self.total))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the mail was not taken")]
    struct NotTaken(#[source] std::io::Error);

    #[test]
    fn an_error_is_told_with_its_causes() {
        let io = std::io::Error::other("connection\0 refused");
        let error = JobError::retry(NotTaken(io));
        assert_eq!(
            error.to_string(),
            "the mail was not taken: connection refused"
        );
        let novel = JobError::permanent("x".repeat(5_000));
        assert_eq!(novel.to_string().len(), 1_000);
    }

    #[test]
    fn progress_is_told_once() {
        let progress = std::sync::Arc::new(Progress::default());
        let run = Run {
            job: JobId::new(uuid::Uuid::nil()),
            attempt: 1,
            max_attempts: 8,
            origin: Origin::default(),
            progress: std::sync::Arc::clone(&progress),
        };
        assert_eq!(progress.take(), None);
        run.progress(3, 10);
        assert_eq!(progress.take(), Some((3, 10)));
        assert_eq!(progress.take(), None);
    }
}
