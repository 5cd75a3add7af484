//! Tenants: who they are, which one a request is for, how a new one comes into being, and what
//! becomes of it.
//!
//! A tenant is a row of `platform.tenants`. The [`Registry`] alone reads it, and as it owns the
//! [`RegistryAuthority`](database::RegistryAuthority), it alone opens doors: whoever holds a
//! [`TenantContext`](database::TenantContext) got it from a row of the registry. The [`Directory`]
//! has every row at hand, so that a request asks nobody.
//!
//! # Invariants
//! - A request is for exactly one tenant, found once, in one place ([`Resolution`];
//!   `adr/0003-one-tenant-resolution.md`). What a request says is read by a pure function
//!   ([`HostRules::read`]) and never guessed at: what is no slug names nobody, and a host that
//!   cannot be read is refused.
//! - A slug belongs to one tenant and never changes. It is claimed by a unique key before anything
//!   else is made ([`Provisioning`]).
//! - Only a tenant in service is entered from outside. One that is being created, migrated or
//!   moved is unavailable for a while, a suspended one until the platform says otherwise.
//! - Tenants are changed by those who run the platform, in a transaction of the public tenant
//!   ([`Administration`]), and by nobody else: PostgreSQL refuses it.
//! - A host is registered to one tenant at most, and never one that the platform itself answers to.
//! - A change of the registry counts in every process within a second, and without news of changes
//!   nobody is served ([`Directory`], `adr/0008-freshness.md`).
//!
//! ```
//! use tenancy::{HostRules, Question};
//!
//! let rules = HostRules::new(["hr.example.com".parse()?], ["localhost".parse()?]);
//! let question = rules.read(None, Some("Acme.hr.example.com:443"));
//! let Question::Host(host) = question else { panic!() };
//! assert_eq!(host.slug().map(|slug| slug.as_str()), Some("acme"));
//! # Ok::<(), tenancy::HostNameError>(())
//! ```

#![deny(missing_docs)]

mod error;
mod http;
pub mod jobs;
mod lists;
mod model;
pub mod permission;
mod ports;
mod postgres;
mod record;
mod repository;
mod service;

pub use error::TenancyError;
pub use http::{BrandingBody, TenantProfile, configure};
pub use model::{
    Branding, BrandingError, Domain, HostName, HostNameError, HostRules, Locale, LocaleError,
    NamedHost, Question, Suspension, SuspensionReason, SuspensionReasonError, Tenant,
    TenantDetails, TenantName, TenantNameError,
};
pub use ports::{
    Administrators, FirstAdministrator, Passwords, PortError, RequestedAdministrator,
    SchemaProvisioner,
};
pub use postgres::PostgresTenants;
pub use record::TENANT_FIELDS;
pub use repository::{Illegible, TenantChanges, TenantClaim, TenantRepository};
pub use service::{
    Administration, ChangesTenants, Directory, LockedTenant, NewTenant, Provisioning, Registered,
    Registry, Resolution,
};
