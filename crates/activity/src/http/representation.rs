//! What is shown of a tenant's own job.

use messaging::{JobState, OwnJob};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// How far a job is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobProgress {
    /// So much is done.
    #[schema(example = 1200)]
    done: i64,
    /// Of so much.
    #[schema(example = 5000)]
    total: i64,
}

impl JobProgress {
    /// As it was last told; of a job that is done, all of it.
    pub(super) fn of(state: JobState, progress: Option<(i64, i64)>) -> Option<Self> {
        let (done, total) = progress?;
        let done = if state == JobState::Done { total } else { done };
        Some(Self { done, total })
    }
}

/// Long work that somebody wanted, as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub(super) struct JobBody {
    /// Its identifier.
    id: Uuid,
    /// What kind of work it is.
    #[schema(example = "employees.import")]
    kind: String,
    /// How it stands: `ready` (it waits for its turn), `running`, `retry` (a try failed, and it is
    /// tried again), `parked` (it waits for somebody), `done`, `dead` (it failed for good; quote its
    /// id when you ask about it) or `cancelled`.
    #[schema(example = "running")]
    state: &'static str,
    /// How far it is, once it tells.
    progress: Option<JobProgress>,
    /// What came of it, once it is `done`: what it is depends on the kind of work.
    #[schema(value_type = Option<Object>, example = json!({"created": 5000, "failed": 0}))]
    result: Option<Value>,
    /// Where what came of it is, if it is a resource of its own.
    #[schema(example = "/api/v1/platform/tenants/0192f0c1-2345-7abc-8def-0123456789ab")]
    result_location: Option<String>,
    /// When it was wanted.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When the last try began.
    #[serde(with = "time::serde::rfc3339::option")]
    started_at: Option<OffsetDateTime>,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
}

impl From<OwnJob> for JobBody {
    fn from(job: OwnJob) -> Self {
        // What a handler keeps under this name is a path of the API.
        let location = job.result.as_ref().and_then(|it| it.get("location"));
        Self {
            id: job.id.uuid(),
            kind: job.kind,
            state: job.state.as_str(),
            progress: JobProgress::of(job.state, job.progress),
            result_location: location.and_then(Value::as_str).map(str::to_owned),
            result: job.result,
            created_at: job.created_at,
            started_at: job.started_at,
            ended_at: job.ended_at,
        }
    }
}
