//! What is shown of jobs to those who run the platform.

use kernel::JobId;
use messaging::{JobRecord, JobState};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::representation::JobProgress;

/// A job of a tenant or of the platform. What it is about is its tenant's business and is not
/// shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlatformJob)]
pub(super) struct PlatformJobBody {
    /// Its identifier.
    id: Uuid,
    /// Whose it is; `null` for the platform's own.
    tenant_id: Option<Uuid>,
    /// The tenant's short name; `null` for the platform's own, and of a tenant that is gone.
    #[schema(example = "acme")]
    tenant_slug: Option<String>,
    /// What kind of work it is.
    #[schema(example = "employees.import")]
    kind: String,
    /// Which line it stands in: `critical`, `default`, `bulk` or `provisioning`.
    #[schema(example = "bulk")]
    queue: &'static str,
    /// How it stands: `ready`, `running`, `retry`, `done`, `dead`, `parked` or `cancelled`.
    #[schema(example = "dead")]
    state: &'static str,
    /// How often it was tried.
    #[schema(example = 8)]
    attempt: i16,
    /// How often it may be.
    #[schema(example = 8)]
    max_attempts: i16,
    /// Not before this instant.
    #[serde(with = "time::serde::rfc3339")]
    run_at: OffsetDateTime,
    /// How far it is, once it tells.
    progress: Option<JobProgress>,
    /// Why it was not done at the last try.
    #[schema(example = "the mail server cannot be reached")]
    last_error: Option<String>,
    /// The request that wanted it (`X-Request-Id`).
    #[schema(example = "0192f0c1-2345-7abc-8def-0123456789ab")]
    request_id: Option<String>,
    /// The user who wanted it.
    enqueued_by: Option<Uuid>,
    /// When it was put down.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When the last try began.
    #[serde(with = "time::serde::rfc3339::option")]
    started_at: Option<OffsetDateTime>,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
}

impl From<JobRecord> for PlatformJobBody {
    fn from(job: JobRecord) -> Self {
        let tenant = job.tenant.uuid();
        Self {
            id: job.id.uuid(),
            tenant_id: (!tenant.is_nil()).then_some(tenant),
            tenant_slug: job.tenant_slug,
            kind: job.kind,
            queue: job.queue.as_str(),
            state: job.state.as_str(),
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            run_at: job.run_at,
            progress: JobProgress::of(job.state, job.progress),
            last_error: job.last_error,
            request_id: job.request_id,
            enqueued_by: job.enqueued_by.map(kernel::UserId::uuid),
            created_at: job.created_at,
            started_at: job.started_at,
            ended_at: job.ended_at,
        }
    }
}

/// How a job stands now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobStanding {
    /// The job.
    id: Uuid,
    /// `retry`: it is tried again, from the beginning; `cancelled`: it was taken back.
    #[schema(example = "retry")]
    state: &'static str,
}

impl JobStanding {
    pub(super) fn new(id: JobId, state: JobState) -> Self {
        Self {
            id: id.uuid(),
            state: state.as_str(),
        }
    }
}
