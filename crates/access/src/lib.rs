//! Who may do what: roles, the table of their permissions, and the decision.
//!
//! Somebody holds roles ([`Role`]), a role grants permissions with a [`Reach`], and one constant,
//! [`GRANTS`], is the whole table; `docs/access.md` shows it to people and a test keeps the two
//! equal. [`RoleAuthorizer`] decides by it. Its invariants:
//!
//! - **Default deny.** A permission that the table does not know, a role name that does not exist
//!   and an actor without roles are refused.
//! - **More roles never allow less.** Somebody with several roles reaches as far as the furthest.
//! - **The platform is run from the public tenant.** `platform:…` is refused everywhere else, also
//!   to administrators, whatever the table says.
//!
//! Permissions appear here by their names: the domain that declares one depends on this crate and
//! not the other way round. A route whose permission has no line in the table is a route for nobody.
//!
//! ```
//! use access::RoleAuthorizer;
//! use kernel::{Actor, Authorizer as _, Permission, Reach, RoleName, SessionId, TenantId, UserId};
//! # let uuid = uuid::Uuid::nil();
//!
//! let read = Permission { name: "employees:read", description: "Read employees." };
//! let mut actor = Actor {
//!     tenant_id: TenantId::new(uuid),
//!     is_platform: false,
//!     user_id: UserId::new(uuid),
//!     session_id: SessionId::new(uuid),
//!     employee_id: None,
//!     roles: [RoleName::new("employee")].into(),
//! };
//! assert_eq!(RoleAuthorizer.reach(&actor, read), Some(Reach::Own));
//!
//! actor.roles = [].into();
//! assert_eq!(RoleAuthorizer.reach(&actor, read), None);
//! ```
//!
//! [`Reach`]: kernel::Reach

#![deny(missing_docs)]

mod authorizer;
mod grants;
mod role;

pub use authorizer::RoleAuthorizer;
pub use grants::{GRANTS, Grant};
pub use role::{Role, UnknownRole};
