//! Typed identifiers: UUIDv7 (RFC 9562), so that the primary key's order is the order of creation.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An identifier that knows what it identifies.
pub trait TypedId: Copy + From<Uuid> + Into<Uuid> {}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that is known to identify this kind of thing.
            pub const fn new(value: Uuid) -> Self {
                Self(value)
            }

            /// The bare UUID, for storage and the wire.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl TypedId for $name {}

        impl From<Uuid> for $name {
            fn from(value: Uuid) -> Self {
                Self(value)
            }
        }

        impl From<$name> for Uuid {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )+};
}

typed_ids! {
    /// Identifies a tenant (a customer company) in the registry.
    TenantId;
    /// Identifies a user: somebody who can sign in to one tenant.
    UserId;
    /// Identifies a session: one sign-in of a user, from login to logout.
    SessionId;
    /// Identifies a refresh token within a session.
    RefreshTokenId;
    /// Identifies the assignment of a role to a user.
    RoleAssignmentId;
    /// Identifies an employee: a person who works or worked for the tenant.
    EmployeeId;
    /// Identifies an employment: a period with one department, job, location and manager.
    EmploymentId;
    /// Identifies a compensation: a period with one pay.
    CompensationId;
    /// Identifies a department.
    DepartmentId;
    /// Identifies a job title.
    JobTitleId;
    /// Identifies a location.
    LocationId;
}
