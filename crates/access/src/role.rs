//! Roles.

use std::{fmt, str::FromStr};

use kernel::RoleName;

/// What somebody is to the tenant, as far as rights go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Sets the tenant up and may do everything in it; in the public tenant, runs the platform.
    Administrator,
    /// Does the work of the personnel department.
    HrManager,
    /// Works here: sees his own record.
    Employee,
}

/// No role has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no role `{0}`; the roles are administrator, hr_manager and employee")]
pub struct UnknownRole(pub String);

impl Role {
    /// Every role, the one with the most rights first.
    pub const ALL: &[Self] = &[Self::Administrator, Self::HrManager, Self::Employee];

    /// The stable name, as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::HrManager => "hr_manager",
            Self::Employee => "employee",
        }
    }

    /// Reads a name.
    ///
    /// # Errors
    /// [`UnknownRole`].
    pub fn parse(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .iter()
            .copied()
            .find(|role| role.as_str() == name)
            .ok_or_else(|| UnknownRole(name.to_owned()))
    }

    /// The name as the kernel speaks of it.
    pub fn name(self) -> RoleName {
        RoleName::new(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::parse(name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_from_its_own_name_and_from_no_other() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Ok(*role));
        }
        for name in ["", "Administrator", "administrator ", "admin", "root"] {
            assert_eq!(Role::parse(name), Err(UnknownRole(name.to_owned())));
        }
    }
}
