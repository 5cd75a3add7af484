//! What a broker carries: which job, and whose.

use kernel::{JobId, TenantId};
use serde::{Deserialize, Serialize};

/// The message that names a job. Nothing in it is trusted: the registry says where a tenant lives,
/// and the job's row what is to be done. It only has to agree with both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The job.
    pub job_id: JobId,
    /// Whose it is; nil for the platform's own.
    pub tenant_id: TenantId,
    /// His slug; `platform` for the platform's own.
    pub tenant_slug: String,
    /// Where he lived when it was handed over.
    pub schema_name: String,
    /// The counter of his moves and suspensions by then.
    pub placement_epoch: i64,
    /// What kind of work.
    pub kind: String,
    /// How often it had been tried by then.
    pub attempt: i16,
    /// The request that wanted it.
    pub request_id: Option<String>,
    /// The trace that doing it belongs to.
    pub traceparent: Option<String>,
    /// What its vendors say of it.
    pub tracestate: Option<String>,
}

/// Why a message is not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    /// A header is missing.
    #[error("the header `{0}` is missing")]
    Missing(&'static str),
    /// A header cannot be read.
    #[error("the header `{0}` cannot be read")]
    Malformed(&'static str),
    /// There is no such tenant.
    #[error("the registry has no such tenant")]
    UnknownTenant,
    /// It claims something of its tenant that was never so, or is yet to be.
    #[error("the registry says otherwise of the tenant: {0}")]
    FalseTenant(&'static str),
    /// There is no such job.
    #[error("there is no such job")]
    UnknownJob,
    /// The job is another tenant's, or of another kind.
    #[error("the job is another one than the message says")]
    FalseJob,
}

impl Envelope {
    /// Whether it is the platform's own.
    pub fn is_platforms(&self) -> bool {
        self.tenant_id.uuid().is_nil()
    }
}
