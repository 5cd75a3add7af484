//! Having work done: one statement, in the transaction of the change that wants it.

use std::sync::Arc;

use database::{Scope, StoreError, Tx, Write};
use kernel::{Ambient, DomainError, ErrorKind, JobId};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::{Kinds, Order, Work};

/// Puts jobs down. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Enqueuer {
    known: Arc<Kinds>,
    ambient: Ambient,
}

/// Why there is no job.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// Nobody does this kind of work, or not this version of it.
    #[error("nobody does `{kind}` in version {version}")]
    Unknown {
        /// The kind.
        kind: &'static str,
        /// The version of its payload.
        version: i16,
    },
    /// A payload has 64 KiB at most: what is larger belongs into a file.
    #[error(
        "the payload of `{kind}` has {bytes} bytes, more than the {LONGEST_PAYLOAD} it may have"
    )]
    TooLarge {
        /// The kind.
        kind: &'static str,
        /// How large it is, as JSON.
        bytes: usize,
    },
    /// The payload is no JSON.
    #[error("the payload of `{kind}` cannot be written")]
    Unwritable {
        /// The kind.
        kind: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// Storage.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DomainError for EnqueueError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Unknown { .. } | Self::TooLarge { .. } | Self::Unwritable { .. } => {
                ErrorKind::Internal
            }
        }
    }

    fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }
}

/// Of a job and of a schedule's jobs alike, in bytes as JSON.
pub(crate) const LONGEST_PAYLOAD: usize = 60 * 1024;

const ENQUEUE: &str = "SELECT platform.enqueue_job($1, $2, $3, $4, $5, $6, coalesce($7, now()), \
     $8, $9, $10, $11, $12, $13) AS id";

#[derive(FromQueryResult)]
struct Enqueued {
    id: Uuid,
}

impl Enqueuer {
    /// Puts down what somebody does.
    pub fn new(known: Kinds, ambient: Ambient) -> Self {
        Self {
            known: Arc::new(known),
            ambient,
        }
    }

    /// Puts a job down that is there once the transaction is committed, and never was if it is not.
    /// Whose it is, PostgreSQL says. Where the order names a key that a job has which has yet to
    /// end, that one's id is returned, and nothing is put down.
    ///
    /// # Errors
    /// [`EnqueueError`].
    pub async fn enqueue<S: Scope, W: Work<Scope = S>>(
        &self,
        tx: &Tx<S, Write>,
        order: &Order<W>,
    ) -> Result<JobId, EnqueueError> {
        let (kind, version) = (W::KIND, W::VERSION);
        if !self.known.include(kind, version) {
            return Err(EnqueueError::Unknown { kind, version });
        }
        let payload = serde_json::to_value(&order.work)
            .map_err(|source| EnqueueError::Unwritable { kind, source })?;
        let bytes = payload.to_string().len();
        if bytes > LONGEST_PAYLOAD {
            return Err(EnqueueError::TooLarge { kind, bytes });
        }
        let id: JobId = self.ambient.id();
        let origin = &order.origin;
        let trace = origin.trace.as_ref();
        let values = [
            id.uuid().into(),
            kind.into(),
            version.into(),
            payload.into(),
            W::QUEUE.as_str().into(),
            W::MAX_ATTEMPTS.into(),
            order.run_at.into(),
            order.unique_key.clone().into(),
            origin.request_id.clone().into(),
            trace.map(ToString::to_string).into(),
            trace.and_then(|it| it.state()).map(str::to_owned).into(),
            origin.user.map(kernel::UserId::uuid).into(),
            self.ambient.now().into(),
        ];
        let row: Option<Enqueued> = tx.row(ENQUEUE, values).await?;
        let row = row.ok_or_else(|| StoreError::corrupt("a job was put down and has no id"))?;
        Ok(JobId::new(row.id))
    }
}
