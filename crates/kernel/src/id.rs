//! Typed identifiers: UUIDv7 (RFC 9562), so that the primary key's order is the order of creation.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use uuid::{Uuid, fmt::Hyphenated};

/// An identifier that knows what it identifies.
pub trait TypedId: Copy + From<Uuid> + Into<Uuid> {}

/// An identifier is written in one way, with hyphens: the parser knows more (in braces, as a URN,
/// without hyphens), but one thing has one name.
pub(crate) fn parse(text: &str) -> Result<Uuid, uuid::Error> {
    text.parse::<Hyphenated>().map(Hyphenated::into_uuid)
}

fn hyphenated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(|error| D::Error::custom(format_args!("UUID parsing failed: {error}")))
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(#[serde(deserialize_with = "hyphenated")] Uuid);

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
                parse(text).map(Self)
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
    /// Identifies a file of a tenant.
    FileId;
    /// Identifies a piece of a file.
    FileChunkId;
    /// Identifies a job: work that is done later.
    JobId;
    /// Identifies a worker: one run of a process that does jobs.
    WorkerId;
    /// Identifies a schedule: work that is done at set times.
    ScheduleId;
    /// Identifies an event: something that happened in a tenant.
    EventId;
    /// Identifies a record of the audit.
    AuditEventId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_written_with_hyphens_and_in_no_other_way() {
        let written = "01920000-0000-7000-8000-000000000007";
        let id: EmployeeId = written.parse().unwrap();
        assert_eq!(id.to_string(), written);
        for other in [
            "{01920000-0000-7000-8000-000000000007}",
            "urn:uuid:01920000-0000-7000-8000-000000000007",
            "01920000000070008000000000000007",
            "",
        ] {
            assert!(other.parse::<EmployeeId>().is_err(), "{other}");
            let json = serde_json::Value::from(other);
            assert!(
                serde_json::from_value::<EmployeeId>(json).is_err(),
                "{other}"
            );
        }
        let json = serde_json::Value::from(written);
        assert_eq!(serde_json::from_value::<EmployeeId>(json).unwrap(), id);
    }
}
