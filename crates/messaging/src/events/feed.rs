//! The feed: what happened in a tenant, to be read again and again.

use database::{Mode, StoreError, Tenant, Tx};
use kernel::{EventId, UserId};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::postgres::events;

/// Something that happened, at its place in the feed of its tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place: 1 for the tenant's first event, and so on without a gap.
    pub position: i64,
    /// The event.
    pub id: EventId,
    /// What happened: `employee.hired.v1`.
    pub kind: String,
    /// To what it happened: `employee`.
    pub subject_kind: String,
    /// To which.
    pub subject_id: Uuid,
    /// What there is to say of it.
    pub data: Value,
    /// The user who did it, if it was one.
    pub actor: Option<UserId>,
    /// The request in which it happened, if it was one.
    pub request_id: Option<String>,
    /// When it was recorded.
    pub occurred_at: OffsetDateTime,
}

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedQuery {
    /// Behind this place; 0 for all.
    pub after: i64,
    /// Of this subject.
    pub subject: Option<Uuid>,
    /// Of this kind.
    pub kind: Option<String>,
}

/// Reads feeds.
#[derive(Clone, Copy, Debug)]
pub struct EventFeed;

impl EventFeed {
    /// The first of the events that are asked for, `limit` at most, in the order of the feed. Whoever
    /// goes on behind the last of them misses none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read<M: Mode>(
        tx: &Tx<Tenant, M>,
        query: &FeedQuery,
        limit: u16,
    ) -> Result<Vec<Event>, StoreError> {
        events::read(tx, query, limit).await
    }
}
