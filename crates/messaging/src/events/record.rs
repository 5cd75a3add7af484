//! Recording: one statement, in the transaction of the change.

use database::{StoreError, TenantTx};
use kernel::{Ambient, EventId, UserId};
use serde::Serialize;
use uuid::Uuid;

/// Something that happened to something. What it serialises to is its data, an object: ids and what
/// changed. It is kept for ever and read by everybody who may see the feed, so people's names and
/// addresses do not belong into it.
///
/// ```
/// use messaging::DomainEvent;
/// use serde::Serialize;
///
/// /// Somebody has a desk.
/// #[derive(Debug, Serialize)]
/// struct DeskAssigned {
///     #[serde(skip)]
///     desk: uuid::Uuid,
///     employee_id: kernel::EmployeeId,
/// }
///
/// impl DomainEvent for DeskAssigned {
///     const KIND: &'static str = "desk.assigned.v1";
///     const SUBJECT: &'static str = "desk";
///
///     fn subject(&self) -> uuid::Uuid {
///         self.desk
///     }
/// }
/// ```
pub trait DomainEvent: Serialize + Send + Sync {
    /// Its name for ever, with the version of its data: `employee.hired.v1`. A field may be added to the
    /// data of a version; anything else is another version.
    const KIND: &'static str;

    /// What it happened to: `employee`.
    const SUBJECT: &'static str;

    /// Which one.
    fn subject(&self) -> Uuid;
}

/// Records events. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EventLog {
    ambient: Ambient,
}

const RECORD: &str = "SELECT platform.record_events($1, $2, $3, $4, $5, $6, $7, $8)";

/// Events a statement: enough to make the round trip cheap, far from the statement's time limit.
const CHUNK: usize = 2_000;

impl EventLog {
    /// One whose events bear the clock's time and ids from this randomness.
    pub fn new(ambient: Ambient) -> Self {
        Self { ambient }
    }

    /// Records what happened, in the order of the events. They are there once the transaction is
    /// committed, and never were if it is not. On whose behalf it happened, the transaction knows.
    ///
    /// The transaction holds what they happened to, or has just made it: the
    /// [order](crate#events) of a subject's events is that of the locks.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Corrupt`] when the data cannot be written as JSON.
    pub async fn record<E: DomainEvent>(
        &self,
        tx: &TenantTx,
        events: &[E],
    ) -> Result<(), StoreError> {
        let origin = tx.origin();
        for chunk in events.chunks(CHUNK) {
            let ids: Vec<Uuid> = chunk
                .iter()
                .map(|_| self.ambient.id::<EventId>().uuid())
                .collect();
            let subjects: Vec<Uuid> = chunk.iter().map(DomainEvent::subject).collect();
            let data: Result<Vec<String>, _> = chunk.iter().map(serde_json::to_string).collect();
            let values = [
                E::KIND.into(),
                E::SUBJECT.into(),
                ids.into(),
                subjects.into(),
                data.map_err(StoreError::corrupt)?.into(),
                origin.user.map(UserId::uuid).into(),
                origin.request_id.clone().into(),
                self.ambient.now().into(),
            ];
            tx.run(RECORD, values).await?;
        }
        Ok(())
    }
}
