//! Who acts.

use std::{fmt, sync::Arc};

use crate::{EmployeeId, SessionId, TenantId, UserId};

/// The name of a role: `administrator`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleName(Arc<str>);

impl RoleName {
    /// Names a role.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Somebody who was authenticated, in one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The tenant in which he acts; every check compares with this one.
    pub tenant_id: TenantId,
    /// Whether this is the public tenant, whose users run the platform.
    pub is_platform: bool,
    /// The user.
    pub user_id: UserId,
    /// The session he acts through.
    pub session_id: SessionId,
    /// The employee that the user is, if any.
    pub employee_id: Option<EmployeeId>,
    /// The roles assigned to him.
    pub roles: Arc<[RoleName]>,
}
