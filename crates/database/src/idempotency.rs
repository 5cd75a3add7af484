//! Requests that are done once: what was answered to a request that came with a key is kept in
//! the transaction of its effects, and answered again when the request comes again.

use kernel::UserId;
use sea_orm::FromQueryResult;
use time::{Duration, OffsetDateTime};

use crate::{StoreError, Tenant, Tx, Write};

/// How long an answer is kept: a day, as the HTTP contract says.
const KEPT: Duration = Duration::DAY;

/// What is so long out of date is cleared away by others; nobody may still be replacing it.
const SETTLED: Duration = Duration::HOUR;

/// A request that its client may send again: his key, and what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// Who asks.
    pub actor: UserId,
    /// Method and path.
    pub route: String,
    /// What the client calls this request.
    pub key: String,
    /// SHA-256 of all that was sent along.
    pub request_hash: [u8; 32],
}

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The HTTP status, 200 to 299.
    pub status: u16,
    /// The path of what was created.
    pub location: Option<String>,
    /// The version of the representation.
    pub version: Option<i64>,
    /// The representation.
    pub body: Vec<u8>,
}

/// What became of a request with this key before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// It never came, or not within a day. Nobody else does it until this transaction ends.
    Never,
    /// It is being done right now.
    Running,
    /// It was done.
    Answered(KeptAnswer),
    /// The key was used for another request.
    Another,
}

#[derive(FromQueryResult)]
struct Lock {
    is_ours: bool,
}

#[derive(FromQueryResult)]
struct Row {
    request_hash: Vec<u8>,
    status: i16,
    location: Option<String>,
    resource_version: Option<i64>,
    body: Vec<u8>,
}

/// Before the look-up, in a statement of its own: what is looked up must be as new as the lock.
const LOCK: &str = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS is_ours";

const LOOK_UP: &str = "SELECT k.request_hash, k.status, k.location, k.resource_version, k.body \
     FROM idempotency_keys k \
     WHERE k.actor_id = $1 AND k.route = $2 AND k.key = $3 AND k.expires_at > $4";

/// Clears away a few that are out of date, never the row that is stored; replaces one of the same
/// key that is.
const KEEP: &str = "\
    WITH cleared AS (DELETE FROM idempotency_keys WHERE id IN ( \
        SELECT id FROM idempotency_keys \
        WHERE expires_at <= $12 AND NOT (actor_id = $2 AND route = $3 AND key = $4) \
        ORDER BY expires_at LIMIT 3 FOR UPDATE SKIP LOCKED)) \
    INSERT INTO idempotency_keys AS k (id, actor_id, route, key, request_hash, status, location, \
        resource_version, body, expires_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $11) \
    ON CONFLICT ON CONSTRAINT idempotency_keys_actor_id_route_key_key DO UPDATE SET \
        id = excluded.id, request_hash = excluded.request_hash, status = excluded.status, \
        location = excluded.location, resource_version = excluded.resource_version, \
        body = excluded.body, expires_at = excluded.expires_at \
    WHERE k.expires_at <= $10";

/// What a day has been over for an hour; what somebody is replacing just now is his to replace.
const CLEAR: &str = "\
    DELETE FROM idempotency_keys WHERE id IN (SELECT id FROM idempotency_keys \
        WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)";

impl Tx<Tenant, Write> {
    /// Deletes at most so many answers that are out of date, the oldest first; how many it were.
    /// Requests with a key clear away a few each: this is for a tenant that sends no more of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn clear_answers(&self, now: OffsetDateTime, most: u32) -> Result<u64, StoreError> {
        let values = [(now - SETTLED).into(), i64::from(most).into()];
        self.run(CLEAR, values).await
    }

    /// What became of the request before. When it never came, it is this transaction's to do:
    /// until it ends, everybody else who sends it is told that it is running.
    pub async fn earlier(
        &self,
        request: &RequestKey,
        now: OffsetDateTime,
    ) -> Result<Earlier, StoreError> {
        let RequestKey {
            actor, route, key, ..
        } = request;
        let lock = format!(
            "{}/idempotency/{actor}/{}/{route}/{key}",
            self.tenant().id(),
            route.len()
        );
        let locked: Option<Lock> = self.row(LOCK, [lock.into()]).await?;
        let row: Option<Row> = self
            .row(
                LOOK_UP,
                [
                    actor.uuid().into(),
                    route.as_str().into(),
                    key.as_str().into(),
                    now.into(),
                ],
            )
            .await?;
        Ok(match row {
            Some(row) if row.request_hash == request.request_hash => {
                Earlier::Answered(KeptAnswer {
                    status: u16::try_from(row.status).map_err(StoreError::corrupt)?,
                    location: row.location,
                    version: row.resource_version,
                    body: row.body,
                })
            }
            Some(_) => Earlier::Another,
            None if locked.is_some_and(|locked| locked.is_ours) => Earlier::Never,
            None => Earlier::Running,
        })
    }

    /// Keeps the answer for a day, in the transaction of what it tells of; `false` when the request
    /// was answered in the meantime, and this transaction must not be committed. `id` is the row's.
    pub async fn keep(
        &self,
        id: uuid::Uuid,
        request: &RequestKey,
        answer: &KeptAnswer,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let status = i16::try_from(answer.status).map_err(StoreError::corrupt)?;
        let kept = self
            .run(
                KEEP,
                [
                    id.into(),
                    request.actor.uuid().into(),
                    request.route.as_str().into(),
                    request.key.as_str().into(),
                    request.request_hash.to_vec().into(),
                    status.into(),
                    answer.location.clone().into(),
                    answer.version.into(),
                    answer.body.clone().into(),
                    now.into(),
                    (now + KEPT).into(),
                    (now - SETTLED).into(),
                ],
            )
            .await?;
        Ok(kept > 0)
    }
}
