//! `jobs list`, `show`, `retry`, `cancel`, `pause`, `resume` and `purge`.

use std::time::Duration;

use database::StoreError;
use kernel::{JobId, Slug, TenantId};
use messaging::{JobFilter, JobRecord, JobState, Jobs, Queue};
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{Failure, Operator};

/// Which jobs an operator wants to see.
#[derive(Clone, Debug, Default)]
pub struct JobQuestion {
    /// Of this tenant.
    pub tenant: Option<Slug>,
    /// The platform's own.
    pub of_platform: bool,
    /// In this state.
    pub state: Option<JobState>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Older than this one.
    pub before: Option<JobId>,
    /// So many at most.
    pub limit: u16,
}

/// A job, for an operator.
#[derive(Debug, Serialize)]
pub struct JobReport {
    /// Identifies it.
    pub id: String,
    /// Whose it is: a slug, `platform` for the platform's own, or an id that nobody has any more.
    pub tenant: String,
    /// What kind of work.
    pub kind: String,
    /// Which line it stands in.
    pub queue: &'static str,
    /// Where it stands.
    pub state: &'static str,
    /// How often it was tried.
    pub attempt: i16,
    /// How often it may be.
    pub max_attempts: i16,
    /// Not before this instant (RFC 3339).
    pub run_at: String,
    /// How much of how much is done, when it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<(i64, i64)>,
    /// Why it was not done at the last try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// The request that wanted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The user who wanted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enqueued_by: Option<String>,
    /// When it was put down (RFC 3339).
    pub created_at: String,
    /// When the last try began (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
}

/// What became of a queue.
#[derive(Debug, Serialize)]
pub struct QueueReport {
    /// The queue.
    pub queue: &'static str,
    /// Whether its jobs wait until it is resumed.
    pub paused: bool,
}

/// What was deleted.
#[derive(Debug, Serialize)]
pub struct PurgedJobs {
    /// Jobs.
    pub jobs: u64,
}

impl From<JobRecord> for JobReport {
    fn from(job: JobRecord) -> Self {
        let written = |it: OffsetDateTime| it.format(&Rfc3339).unwrap_or_default();
        let nobody = if job.tenant.uuid().is_nil() {
            "platform".to_owned()
        } else {
            job.tenant.to_string()
        };
        Self {
            id: job.id.to_string(),
            tenant: job.tenant_slug.unwrap_or(nobody),
            kind: job.kind,
            queue: job.queue.as_str(),
            state: job.state.as_str(),
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            run_at: written(job.run_at),
            progress: job.progress,
            last_error: job.last_error,
            request_id: job.request_id,
            enqueued_by: job.enqueued_by.map(|user| user.to_string()),
            created_at: written(job.created_at),
            started_at: job.started_at.map(written),
            ended_at: job.ended_at.map(written),
        }
    }
}

impl Operator {
    /// The newest jobs that the question is about.
    ///
    /// # Errors
    /// [`Failure::NoTenant`].
    pub async fn list_jobs(&self, question: &JobQuestion) -> Result<Vec<JobReport>, Failure> {
        let platform = self.open().await?;
        let tenant = match &question.tenant {
            Some(slug) => Some(platform.tenant(slug).await?.tenant.id),
            None => question.of_platform.then(|| TenantId::new(Uuid::nil())),
        };
        let filter = JobFilter {
            tenant,
            state: question.state,
            kind: question.kind.clone(),
            before: question.before,
        };
        let jobs = platform.jobs().list(&filter, question.limit).await?;
        Ok(jobs.into_iter().map(JobReport::from).collect())
    }

    /// One job.
    ///
    /// # Errors
    /// [`Failure::NoJob`].
    pub async fn show_job(&self, job: JobId) -> Result<JobReport, Failure> {
        show(&self.open().await?.jobs(), job).await
    }

    /// Lets a job be tried from the beginning, now. One that waits for its turn anyway stays so.
    ///
    /// # Errors
    /// [`Failure::NoJob`]; [`Failure::Job`] when it is being done or was done;
    /// [`Failure::JobReplaced`] when another one with its key has yet to end.
    pub async fn retry_job(&self, job: JobId) -> Result<JobReport, Failure> {
        let jobs = self.open().await?.jobs();
        let retried = jobs.retry(job).await.map_err(|error| match error {
            StoreError::Duplicate { .. } => Failure::JobReplaced(job),
            error => error.into(),
        })?;
        let report = show(&jobs, job).await?;
        if retried || report.state == JobState::Ready.as_str() {
            Ok(report)
        } else {
            let state = report.state;
            Err(Failure::Job { job, state })
        }
    }

    /// Takes a job back; what is being done of it is undone. One that was taken back stays so.
    ///
    /// # Errors
    /// [`Failure::NoJob`]; [`Failure::Job`] when it has ended otherwise.
    pub async fn cancel_job(&self, job: JobId) -> Result<JobReport, Failure> {
        let jobs = self.open().await?.jobs();
        let kind = show(&jobs, job).await?.kind;
        let mut shown = crate::jobs::SHOWN.iter();
        if shown.any(|it| it.kind == kind && !it.is_revocable) {
            return Err(Failure::Irrevocable(job));
        }
        let cancelled = jobs.cancel(job).await?;
        let report = show(&jobs, job).await?;
        if cancelled || report.state == JobState::Cancelled.as_str() {
            Ok(report)
        } else {
            let state = report.state;
            Err(Failure::Job { job, state })
        }
    }

    /// Lets the jobs of a queue wait, or go on.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn pause_queue(&self, queue: Queue, paused: bool) -> Result<QueueReport, Failure> {
        let jobs = self.open().await?.jobs();
        if paused {
            jobs.pause(queue).await?;
        } else {
            jobs.resume(queue).await?;
        }
        Ok(QueueReport {
            queue: queue.as_str(),
            paused,
        })
    }

    /// Deletes the jobs that were done or cancelled longer ago than this.
    ///
    /// # Errors
    /// [`Failure::Store`]; what was deleted by then stays deleted.
    pub async fn purge_jobs(&self, older_than: Duration) -> Result<PurgedJobs, Failure> {
        let jobs = self.open().await?.jobs();
        let before = self.ambient.now() - older_than;
        let mut deleted = 0;
        loop {
            let some = jobs.purge(before).await?;
            if some == 0 {
                return Ok(PurgedJobs { jobs: deleted });
            }
            deleted += some;
            let so_far = usize::try_from(deleted).unwrap_or(usize::MAX);
            self.reporter.progress("deleting jobs", so_far, so_far);
        }
    }
}

async fn show(jobs: &Jobs, job: JobId) -> Result<JobReport, Failure> {
    let found = jobs.find(job).await?;
    found.map(JobReport::from).ok_or(Failure::NoJob(job))
}
