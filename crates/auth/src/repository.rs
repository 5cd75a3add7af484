//! What auth needs of storage.
//!
//! Whoever locks, locks in this order and so never waits in a circle: the user, his session, its
//! refresh tokens.

use std::sync::Arc;

use async_trait::async_trait;
use database::{PlatformReadTx, PlatformTx, StoreError, TenantReadTx, TenantTx};
use kernel::{EmailAddress, RefreshTokenId, RoleName, SessionId, UserId};
use secrecy::SecretString;
use time::OffsetDateTime;

use crate::{
    NewUser, PasswordHash, Purged, Reader, Session, Standing, StoredKey, StoredRefreshToken,
    TokenHash, User,
};

/// The users of a tenant and their roles.
#[async_trait]
pub trait UserRepository: Send + Sync {
    /// The user who signs in by this address.
    async fn by_email(
        &self,
        tx: &TenantReadTx,
        email: &EmailAddress,
    ) -> Result<Option<User>, StoreError>;

    /// The user.
    async fn by_id(&self, tx: &TenantReadTx, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user, whom nobody else changes until the transaction ends.
    async fn hold(&self, tx: &TenantTx, id: UserId) -> Result<Option<User>, StoreError>;

    /// The roles of a user who may sign in; `None` of anybody else.
    async fn roles(&self, tx: &TenantTx, id: UserId)
    -> Result<Option<Arc<[RoleName]>>, StoreError>;

    /// The user as somebody to whom is written, if he may sign in.
    async fn reader(&self, tx: &TenantTx, id: UserId) -> Result<Option<Reader>, StoreError>;

    /// Stores a user without roles; `false` when somebody has his address already.
    async fn insert(
        &self,
        tx: &TenantTx,
        id: UserId,
        user: &NewUser,
        password: &PasswordHash,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Assigns a role; `false` when he holds it already.
    async fn assign(
        &self,
        tx: &TenantTx,
        id: kernel::RoleAssignmentId,
        user: UserId,
        role: access::Role,
    ) -> Result<bool, StoreError>;

    /// Gives a user another password and raises his epoch.
    async fn set_password(
        &self,
        tx: &TenantTx,
        id: UserId,
        password: &PasswordHash,
        now: OffsetDateTime,
    ) -> Result<(), StoreError>;

    /// Puts another hash of the same password in the place of `outdated`; `false` when that is not
    /// there any more.
    async fn replace_hash(
        &self,
        tx: &TenantTx,
        id: UserId,
        outdated: &PasswordHash,
        hash: &PasswordHash,
    ) -> Result<bool, StoreError>;
}

/// The sessions of a tenant's users and their refresh tokens.
#[async_trait]
pub trait SessionRepository: Send + Sync {
    /// What a request needs to know of a session and its user.
    async fn standing(
        &self,
        tx: &TenantReadTx,
        id: SessionId,
    ) -> Result<Option<Standing>, StoreError>;

    /// Whose session a refresh token prolongs.
    async fn owner(
        &self,
        tx: &TenantTx,
        token: TokenHash,
    ) -> Result<Option<(UserId, SessionId)>, StoreError>;

    /// The session, which nobody else changes until the transaction ends, nor its tokens.
    async fn lock(&self, tx: &TenantTx, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// Stores a session.
    async fn insert(&self, tx: &TenantTx, session: &Session) -> Result<(), StoreError>;

    /// Stores when a session was used and until when it lives.
    async fn prolong(&self, tx: &TenantTx, session: &Session) -> Result<(), StoreError>;

    /// Ends a session, unless it ended before.
    async fn end(
        &self,
        tx: &TenantTx,
        id: SessionId,
        now: OffsetDateTime,
    ) -> Result<(), StoreError>;

    /// Ends every session of a user.
    async fn end_all(
        &self,
        tx: &TenantTx,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<(), StoreError>;

    /// Some sessions that ended or ran out before an instant, in the order of their ids, and from
    /// `after` on; nobody else changes them until the transaction ends. Those that somebody else
    /// holds are passed over.
    async fn lock_over(
        &self,
        tx: &TenantTx,
        before: OffsetDateTime,
        after: Option<SessionId>,
        limit: u64,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// Deletes sessions and their refresh tokens.
    async fn delete(&self, tx: &TenantTx, sessions: &[SessionId]) -> Result<Purged, StoreError>;

    /// The refresh token with this hash.
    async fn token(
        &self,
        tx: &TenantTx,
        hash: TokenHash,
    ) -> Result<Option<StoredRefreshToken>, StoreError>;

    /// Stores a refresh token.
    async fn insert_token(
        &self,
        tx: &TenantTx,
        token: &StoredRefreshToken,
    ) -> Result<(), StoreError>;

    /// Notes that a refresh token was used and which one took its place.
    async fn use_token(
        &self,
        tx: &TenantTx,
        id: RefreshTokenId,
        successor: RefreshTokenId,
        now: OffsetDateTime,
    ) -> Result<(), StoreError>;
}

/// Where the use cases find users and sessions.
#[derive(Clone)]
pub struct Store {
    /// The users.
    pub users: Arc<dyn UserRepository>,
    /// Their sessions.
    pub sessions: Arc<dyn SessionRepository>,
}

/// The platform's keys and secrets.
#[async_trait]
pub trait KeyRepository: Send + Sync {
    /// Every signing key.
    async fn signing_keys(&self, tx: &PlatformReadTx) -> Result<Vec<StoredKey>, StoreError>;

    /// Stores a signing key; `false` when another one is active already.
    async fn insert_signing_key(
        &self,
        tx: &PlatformTx,
        key: &StoredKey,
    ) -> Result<bool, StoreError>;

    /// A secret that all processes share.
    async fn secret(
        &self,
        tx: &PlatformReadTx,
        name: &str,
    ) -> Result<Option<SecretString>, StoreError>;

    /// Stores a secret; `false` when it exists already.
    async fn insert_secret(
        &self,
        tx: &PlatformTx,
        name: &str,
        value: &SecretString,
    ) -> Result<bool, StoreError>;
}
