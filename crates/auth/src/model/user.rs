//! Users.

use std::{fmt, str::FromStr, sync::Arc};

use access::Role;
use kernel::{EmailAddress, EmployeeId, RoleName, UserId};
use secrecy::{ExposeSecret as _, SecretString};
use time::OffsetDateTime;

use crate::DisplayName;

/// Somebody who can sign in to one tenant. The same e-mail address in two tenants is two users.
#[derive(Clone)]
pub struct User {
    /// The user.
    pub id: UserId,
    /// By which he signs in.
    pub email: EmailAddress,
    /// How he is called.
    pub display_name: String,
    /// What his password is checked against; absent when none was set yet.
    pub password_hash: Option<PasswordHash>,
    /// Whether he may sign in.
    pub status: UserStatus,
    /// Counts what makes his access tokens stale: a new password, above all.
    pub auth_epoch: i64,
    /// The employee he is, if any.
    pub employee_id: Option<EmployeeId>,
    /// The roles assigned to him.
    pub roles: Arc<[RoleName]>,
}

/// A user is a person: `Debug` output, which may reach a log, shows his id alone.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User({})", self.id)
    }
}

/// A user to be.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// By which he will sign in.
    pub email: EmailAddress,
    /// How he is called.
    pub display_name: DisplayName,
    /// The roles assigned to him.
    pub roles: Vec<Role>,
    /// The employee he is, if any.
    pub employee_id: Option<EmployeeId>,
}

/// Whether a user may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStatus {
    /// He may.
    Active,
    /// He may not, and his sessions count no more.
    Deactivated,
}

/// No status of a user has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no status of a user")]
pub struct UnknownUserStatus(pub String);

impl UserStatus {
    /// The stable name, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivated => "deactivated",
        }
    }
}

impl FromStr for UserStatus {
    type Err = UnknownUserStatus;

    fn from_str(text: &str) -> Result<Self, UnknownUserStatus> {
        match text {
            "active" => Ok(Self::Active),
            "deactivated" => Ok(Self::Deactivated),
            other => Err(UnknownUserStatus(other.to_owned())),
        }
    }
}

/// What a password is checked against, in the PHC string format. Never printed.
#[derive(Clone, Debug)]
pub struct PasswordHash(SecretString);

impl PasswordHash {
    /// Takes a hash in the PHC string format.
    pub fn new(phc: String) -> Self {
        Self(SecretString::from(phc))
    }

    /// The hash, for storage and for comparison.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// What a request needs to know of the user behind a session, and whether the two still count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The user.
    pub user_id: UserId,
    /// Whether he may sign in.
    pub status: UserStatus,
    /// Counts what makes his access tokens stale.
    pub auth_epoch: i64,
    /// The employee he is, if any.
    pub employee_id: Option<EmployeeId>,
    /// The roles assigned to him.
    pub roles: Arc<[RoleName]>,
    /// When the session ended, if it did.
    pub ended_at: Option<OffsetDateTime>,
    /// When the session ends unless it is refreshed.
    pub expires_at: OffsetDateTime,
}

impl Standing {
    /// Whether the user may act through the session.
    pub fn counts(&self, now: OffsetDateTime) -> bool {
        self.status == UserStatus::Active && self.ended_at.is_none() && now < self.expires_at
    }
}
