//! `sessions` and `refresh_tokens`.

use async_trait::async_trait;
use database::{StoreError, TenantReadTx, TenantTx};
use kernel::{RefreshTokenId, SessionId, UserId};
use sea_orm::{
    ColumnTrait as _, FromQueryResult, QueryFilter as _, QuerySelect as _, Set,
    prelude::{TimeDateTimeWithTimeZone, Uuid},
};
use time::OffsetDateTime;

use super::{
    entity::{refresh_token, session},
    roles,
};
use crate::{
    AuthMethods, Purged, Session, SessionRepository, Standing, StoredRefreshToken, TokenHash,
};

/// The sessions of a tenant's users in its schema.
#[derive(Clone, Copy, Debug, Default)]
pub struct PostgresSessions;

#[derive(FromQueryResult)]
struct StandingRow {
    user_id: Uuid,
    status: String,
    auth_epoch: i64,
    employee_id: Option<Uuid>,
    roles: Option<String>,
    ended_at: Option<TimeDateTimeWithTimeZone>,
    expires_at: TimeDateTimeWithTimeZone,
}

#[derive(FromQueryResult)]
struct IdRow {
    id: Uuid,
}

#[derive(FromQueryResult)]
struct OwnerRow {
    user_id: Uuid,
    session_id: Uuid,
}

#[async_trait]
impl SessionRepository for PostgresSessions {
    async fn standing(
        &self,
        tx: &TenantReadTx,
        id: SessionId,
    ) -> Result<Option<Standing>, StoreError> {
        let row = tx
            .row::<StandingRow>(
                "SELECT s.user_id, u.status, u.auth_epoch, u.employee_id, \
                 (SELECT string_agg(r.role, ' ' ORDER BY r.role) FROM role_assignments r \
                 WHERE r.user_id = s.user_id) AS roles, s.ended_at, s.expires_at \
                 FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1",
                [id.uuid().into()],
            )
            .await?;
        row.map(Standing::try_from).transpose()
    }

    async fn owner(
        &self,
        tx: &TenantTx,
        token: TokenHash,
    ) -> Result<Option<(UserId, SessionId)>, StoreError> {
        let row = tx
            .row::<OwnerRow>(
                "SELECT s.user_id, s.id AS session_id FROM refresh_tokens t \
                 JOIN sessions s ON s.id = t.session_id WHERE t.token_hash = $1",
                [token.as_bytes().to_vec().into()],
            )
            .await?;
        Ok(row.map(|row| (row.user_id.into(), row.session_id.into())))
    }

    async fn lock(&self, tx: &TenantTx, id: SessionId) -> Result<Option<Session>, StoreError> {
        let row = tx
            .find::<session::Entity>()
            .filter(session::Column::Id.eq(id.uuid()))
            .lock_exclusive()
            .one()
            .await?;
        Ok(row.map(Session::from))
    }

    async fn insert(&self, tx: &TenantTx, session: &Session) -> Result<(), StoreError> {
        tx.insert(session::ActiveModel {
            id: Set(session.id.uuid()),
            user_id: Set(session.user_id.uuid()),
            created_at: Set(session.created_at),
            last_used_at: Set(session.last_used_at),
            expires_at: Set(session.expires_at),
            absolute_expires_at: Set(session.absolute_expires_at),
            ended_at: Set(session.ended_at),
            auth_time: Set(session.auth_time),
            amr: Set(session.methods.as_str().to_owned()),
        })
        .await?;
        Ok(())
    }

    async fn prolong(&self, tx: &TenantTx, session: &Session) -> Result<(), StoreError> {
        tx.run(
            "UPDATE sessions SET last_used_at = $2, expires_at = $3 WHERE id = $1",
            [
                session.id.uuid().into(),
                session.last_used_at.into(),
                session.expires_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    async fn end(
        &self,
        tx: &TenantTx,
        id: SessionId,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        tx.run(
            "UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL",
            [id.uuid().into(), now.into()],
        )
        .await?;
        Ok(())
    }

    async fn end_all(
        &self,
        tx: &TenantTx,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        tx.run(
            "UPDATE sessions SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL",
            [user.uuid().into(), now.into()],
        )
        .await?;
        Ok(())
    }

    async fn lock_over(
        &self,
        tx: &TenantTx,
        before: OffsetDateTime,
        after: Option<SessionId>,
        limit: u64,
    ) -> Result<Vec<SessionId>, StoreError> {
        let rows = tx
            .rows::<IdRow>(
                "SELECT id FROM sessions WHERE id > $1 AND (ended_at < $2 OR expires_at < $2) \
                 ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED",
                [
                    after.map_or(Uuid::nil(), SessionId::uuid).into(),
                    before.into(),
                    limit.into(),
                ],
            )
            .await?;
        Ok(rows.into_iter().map(|row| row.id.into()).collect())
    }

    async fn delete(&self, tx: &TenantTx, sessions: &[SessionId]) -> Result<Purged, StoreError> {
        if sessions.is_empty() {
            return Ok(Purged::default());
        }
        let ids: Vec<Uuid> = sessions.iter().map(|id| id.uuid()).collect();
        // The tokens of a session refer to one another, which is looked at when all are gone.
        let tokens = tx
            .run(
                "DELETE FROM refresh_tokens WHERE session_id = ANY($1)",
                [ids.clone().into()],
            )
            .await?;
        let sessions = tx
            .run("DELETE FROM sessions WHERE id = ANY($1)", [ids.into()])
            .await?;
        Ok(Purged {
            sessions,
            refresh_tokens: tokens,
        })
    }

    async fn token(
        &self,
        tx: &TenantTx,
        hash: TokenHash,
    ) -> Result<Option<StoredRefreshToken>, StoreError> {
        let row = tx
            .find::<refresh_token::Entity>()
            .filter(refresh_token::Column::TokenHash.eq(hash.as_bytes().to_vec()))
            .one()
            .await?;
        Ok(row.map(|row| StoredRefreshToken {
            id: row.id.into(),
            session_id: row.session_id.into(),
            hash,
            issued_at: row.issued_at,
            expires_at: row.expires_at,
            used_at: row.used_at,
            successor_id: row.successor_id.map(Into::into),
        }))
    }

    async fn insert_token(
        &self,
        tx: &TenantTx,
        token: &StoredRefreshToken,
    ) -> Result<(), StoreError> {
        tx.insert(refresh_token::ActiveModel {
            id: Set(token.id.uuid()),
            session_id: Set(token.session_id.uuid()),
            token_hash: Set(token.hash.as_bytes().to_vec()),
            issued_at: Set(token.issued_at),
            expires_at: Set(token.expires_at),
            used_at: Set(token.used_at),
            successor_id: Set(token.successor_id.map(Into::into)),
        })
        .await?;
        Ok(())
    }

    async fn use_token(
        &self,
        tx: &TenantTx,
        id: RefreshTokenId,
        successor: RefreshTokenId,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        tx.run(
            "UPDATE refresh_tokens SET used_at = $2, successor_id = $3 WHERE id = $1",
            [id.uuid().into(), now.into(), successor.uuid().into()],
        )
        .await?;
        Ok(())
    }
}

impl TryFrom<StandingRow> for Standing {
    type Error = StoreError;

    fn try_from(row: StandingRow) -> Result<Self, StoreError> {
        Ok(Self {
            user_id: row.user_id.into(),
            status: row.status.parse().map_err(StoreError::corrupt)?,
            auth_epoch: row.auth_epoch,
            employee_id: row.employee_id.map(Into::into),
            roles: roles(row.roles.as_deref()),
            ended_at: row.ended_at,
            expires_at: row.expires_at,
        })
    }
}

impl From<session::Model> for Session {
    fn from(row: session::Model) -> Self {
        Self {
            id: row.id.into(),
            user_id: row.user_id.into(),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
            absolute_expires_at: row.absolute_expires_at,
            ended_at: row.ended_at,
            auth_time: row.auth_time,
            methods: AuthMethods::stored(row.amr),
        }
    }
}
