//! The words every other crate speaks: typed identifiers, time, money, permissions, lists, errors.
//!
//! The kernel knows no database, no HTTP and no runtime (of tokio it has the channels, which need none).
//! Its invariants:
//!
//! - A value that exists is valid. [`Slug`], [`EmailAddress`], [`Money`], [`TimeZone`] and
//!   [`DateRange`] are built once, at the edge, and cannot be wrong inside.
//! - Time and randomness are arguments. [`Ambient`] carries both; nothing reads the wall clock by
//!   itself, so that every rule about dates can be tested at any instant.
//! - Authority is a value. A [`Permit`] can only be obtained from an [`Authorizer`], and use cases
//!   demand one instead of asking.
//!
//! ```
//! use kernel::{Money, Slug};
//!
//! let slug: Slug = "acme-corp".parse()?;
//! assert_eq!(slug.as_str(), "acme-corp");
//!
//! let salary = Money::parse("1234.50", "EUR")?;
//! assert_eq!(salary.minor_units(), 123_450);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod actor;
mod ambient;
pub mod audit;
mod date_range;
mod email;
mod error;
mod fair;
pub mod field;
pub mod formula;
mod id;
mod list;
mod money;
mod subscription;
mod tenant;
mod text;
mod time_zone;

pub use access::{Authorizer, Denied, Permission, PermissionMarker, Permit, Reach};
pub use actor::{Actor, RoleName};
pub use ambient::{Ambient, Clock, Entropy, FixedClock, SeededEntropy, SystemClock, SystemEntropy};
pub use date_range::{DateRange, DateRangeError};
pub use email::{EmailAddress, EmailAddressError};
pub use error::{DomainError, ErrorKind, FieldError, FieldErrors};
pub use fair::{FairLimits, FairPermit, FairRefusal, FairSemaphore};
pub use id::{
    AuditEventId, CompensationId, DepartmentId, EmployeeId, EmploymentId, EventId, FileChunkId,
    FileId, JobId, JobTitleId, LocationId, RefreshTokenId, RoleAssignmentId, ScheduleId, SessionId,
    TenantId, TypedId, UserId, WorkerId,
};
pub use iso_currency::Currency;
pub use list::{
    Condition, Direction, ExtraParameter, Kind, Limit, ListFault, ListField, ListQuery, ListSpec,
    Operator, Page, PageRequest, Position, Scalar, Shown, SortKey,
};
pub use money::{Money, MoneyError};
pub use subscription::{Standing, Subscription, SubscriptionError};
pub use tenant::{Placement, SchemaName, SchemaNameError, Slug, SlugError, TenantStatus};
pub use text::{is_printable, normalised_key, prefix_end};
pub use time_zone::{TimeZone, TimeZoneError};
