//! `users` and `role_assignments`.

use std::sync::Arc;

use access::Role;
use async_trait::async_trait;
use database::{StoreError, TenantReadTx, TenantTx};
use kernel::{EmailAddress, RoleAssignmentId, RoleName, UserId};
use sea_orm::{FromQueryResult, NotSet, Set, prelude::Uuid};
use time::OffsetDateTime;

use super::{
    entity::{role_assignment, user},
    roles,
};
use crate::{NewUser, PasswordHash, Reader, User, UserRepository, UserStatus};

/// The users of a tenant in its schema.
#[derive(Clone, Copy, Debug, Default)]
pub struct PostgresUsers;

/// A user and his roles in one statement.
macro_rules! user_where {
    ($condition:literal) => {
        concat!(
            "SELECT u.id, u.email, u.display_name, u.password_hash, u.status, u.auth_epoch, \
             u.employee_id, (SELECT string_agg(r.role, ' ' ORDER BY r.role) \
             FROM role_assignments r WHERE r.user_id = u.id) AS roles \
             FROM users u WHERE ",
            $condition
        )
    };
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    email: String,
    display_name: String,
    password_hash: Option<String>,
    status: String,
    auth_epoch: i64,
    employee_id: Option<Uuid>,
    roles: Option<String>,
}

impl TryFrom<Row> for User {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.into(),
            email: row.email.parse().map_err(StoreError::corrupt)?,
            display_name: row.display_name,
            password_hash: row.password_hash.map(PasswordHash::new),
            status: row.status.parse().map_err(StoreError::corrupt)?,
            auth_epoch: row.auth_epoch,
            employee_id: row.employee_id.map(Into::into),
            roles: roles(row.roles.as_deref()),
        })
    }
}

#[derive(FromQueryResult)]
struct ReaderRow {
    email: String,
    display_name: String,
    locale: Option<String>,
}

impl TryFrom<ReaderRow> for Reader {
    type Error = StoreError;

    fn try_from(row: ReaderRow) -> Result<Self, StoreError> {
        Ok(Self {
            email: row.email.parse().map_err(StoreError::corrupt)?,
            display_name: row.display_name,
            locale: row.locale,
        })
    }
}

#[async_trait]
impl UserRepository for PostgresUsers {
    async fn by_email(
        &self,
        tx: &TenantReadTx,
        email: &EmailAddress,
    ) -> Result<Option<User>, StoreError> {
        let sql = user_where!("u.email_key = $1");
        let row = tx.row::<Row>(sql, [email.key().into()]).await?;
        row.map(User::try_from).transpose()
    }

    async fn by_id(&self, tx: &TenantReadTx, id: UserId) -> Result<Option<User>, StoreError> {
        let sql = user_where!("u.id = $1");
        let row = tx.row::<Row>(sql, [id.uuid().into()]).await?;
        row.map(User::try_from).transpose()
    }

    async fn hold(&self, tx: &TenantTx, id: UserId) -> Result<Option<User>, StoreError> {
        let sql = user_where!("u.id = $1 FOR SHARE OF u");
        let row = tx.row::<Row>(sql, [id.uuid().into()]).await?;
        row.map(User::try_from).transpose()
    }

    async fn roles(
        &self,
        tx: &TenantTx,
        id: UserId,
    ) -> Result<Option<Arc<[RoleName]>>, StoreError> {
        let sql = user_where!("u.id = $1 AND u.status = 'active'");
        let row = tx.row::<Row>(sql, [id.uuid().into()]).await?;
        let user = row.map(User::try_from).transpose()?;
        Ok(user.map(|user| user.roles))
    }

    async fn reader(&self, tx: &TenantTx, id: UserId) -> Result<Option<Reader>, StoreError> {
        let sql = "SELECT email, display_name, locale FROM users \
                   WHERE id = $1 AND status = 'active'";
        let row = tx.row::<ReaderRow>(sql, [id.uuid().into()]).await?;
        row.map(Reader::try_from).transpose()
    }

    async fn insert(
        &self,
        tx: &TenantTx,
        id: UserId,
        user: &NewUser,
        password: &PasswordHash,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        tx.insert_or_ignore(user::ActiveModel {
            id: Set(id.uuid()),
            email: Set(user.email.as_str().to_owned()),
            email_key: Set(user.email.key().to_owned()),
            display_name: Set(user.display_name.as_str().to_owned()),
            password_hash: Set(Some(password.expose().to_owned())),
            status: Set(UserStatus::Active.as_str().to_owned()),
            auth_epoch: NotSet,
            employee_id: Set(user.employee_id.map(Into::into)),
            created_at: Set(now),
            updated_at: Set(now),
            version: NotSet,
        })
        .await
    }

    async fn assign(
        &self,
        tx: &TenantTx,
        id: RoleAssignmentId,
        user: UserId,
        role: Role,
    ) -> Result<bool, StoreError> {
        tx.insert_or_ignore(role_assignment::ActiveModel {
            id: Set(id.uuid()),
            user_id: Set(user.uuid()),
            role: Set(role.as_str().to_owned()),
        })
        .await
    }

    async fn set_password(
        &self,
        tx: &TenantTx,
        id: UserId,
        password: &PasswordHash,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        tx.run(
            "UPDATE users SET password_hash = $2, auth_epoch = auth_epoch + 1, updated_at = $3, \
             version = version + 1 WHERE id = $1",
            [id.uuid().into(), password.expose().into(), now.into()],
        )
        .await?;
        Ok(())
    }
    async fn replace_hash(
        &self,
        tx: &TenantTx,
        id: UserId,
        outdated: &PasswordHash,
        hash: &PasswordHash,
    ) -> Result<bool, StoreError> {
        // For everybody but this crate nothing has changed: neither `version` nor `updated_at`.
        let replaced = tx
            .run(
                "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2",
                [
                    id.uuid().into(),
                    outdated.expose().into(),
                    hash.expose().into(),
                ],
            )
            .await?;
        Ok(replaced > 0)
    }
}
