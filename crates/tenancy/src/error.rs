//! What can go wrong around tenants.

use std::sync::Arc;

use database::StoreError;
use kernel::{DomainError, ErrorKind, FieldError, Slug, TenantStatus};

use messaging::EnqueueError;

use crate::{HostName, PortError};

/// An error of tenancy.
#[derive(Debug, thiserror::Error)]
pub enum TenancyError {
    /// Nobody is named, or nobody of that name exists.
    #[error(
        "This request is for no tenant that there is. Name one in the header `X-Tenant-Slug`, or \
         use its own host."
    )]
    NotFound,
    /// The host of the request is none, so nobody can say whose it is.
    #[error("The host that this request is for cannot be read.")]
    UnreadableHost,
    /// The header and the host name two tenants.
    #[error("The header X-Tenant-Slug and the host name two different tenants.")]
    Ambiguous,
    /// The platform suspended the tenant.
    #[error("This tenant is suspended. Ask the platform's administrators.")]
    Suspended,
    /// The tenant is in between.
    #[error("This tenant is {}. Try again in a few seconds.", progress(*.0))]
    Unavailable(TenantStatus),
    /// There is no tenant with this id, or no such domain of the tenant.
    #[error("there is nothing here")]
    Missing,
    /// The host is registered, to this tenant or to another one.
    #[error("the domain `{0}` is registered already")]
    DomainTaken(HostName),
    /// The host cannot be anybody's domain.
    #[error("`{0}` is no domain of the form `people.acme.example`")]
    NoDomain(HostName),
    /// The host is the platform's own.
    #[error("`{0}` is the platform's own, or lies below a domain whose subdomains are tenants")]
    Reserved(HostName),
    /// Whoever runs the platform would shut himself out.
    #[error("The public tenant cannot be suspended: its users run the platform.")]
    PublicTenant,
    /// The tenant is not in service, so it cannot be suspended.
    #[error("This tenant is {}: only one in service can be suspended.", state(*.0))]
    NotInService(TenantStatus),
    /// The tenant is not there yet, so nothing of it can be changed.
    #[error("This tenant is being created: change it when it is in service.")]
    Unfinished,
    /// The tenant is not suspended, so it cannot be resumed.
    #[error("This tenant is {}: only a suspended one can be resumed.", state(*.0))]
    NotSuspended(TenantStatus),
    /// The slug belongs to another tenant, or somebody is creating it right now.
    #[error("The slug `{0}` is taken.")]
    SlugTaken(Slug),
    /// The tables of a new tenant could not be made.
    #[error("the schema of the tenant could not be made")]
    Schema(#[source] PortError),
    /// The first administrator of a new tenant could not be made.
    #[error("the first administrator of the tenant could not be made")]
    Administrator(#[source] PortError),
    /// The process did not hear of changes for too long: what it knows of tenants may be wrong.
    #[error("the registry of tenants was not seen for too long")]
    Outdated,
    /// So many names that no tenant has are being looked up that this one is not.
    #[error("too many names are being looked up")]
    Crowded,
    /// The registry could not be read; several requests may have waited for the same answer.
    #[error("the registry of tenants cannot be read")]
    Registry(#[source] Arc<StoreError>),
    /// Too many passwords are being hashed for that of a first administrator.
    #[error("too many passwords are being hashed")]
    Hashing(#[source] PortError),
    /// The work of making a tenant was not put down.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn progress(status: TenantStatus) -> &'static str {
    match status {
        TenantStatus::Creating => "being created",
        TenantStatus::Migrating => "being brought up to date",
        TenantStatus::Moving => "being moved",
        TenantStatus::Active | TenantStatus::Suspended => "busy",
    }
}

fn state(status: TenantStatus) -> &'static str {
    match status {
        TenantStatus::Active => "in service",
        TenantStatus::Suspended => "suspended already",
        between => progress(between),
    }
}

impl DomainError for TenancyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::TenantNotFound,
            Self::UnreadableHost => ErrorKind::MalformedRequest,
            Self::Ambiguous => ErrorKind::TenantAmbiguous,
            Self::Suspended => ErrorKind::TenantSuspended,
            Self::Unavailable(_) => ErrorKind::TenantUnavailable,
            Self::SlugTaken(_) => ErrorKind::SlugTaken,
            Self::Missing => ErrorKind::NotFound,
            Self::DomainTaken(_) => ErrorKind::Conflict,
            Self::NoDomain(_) | Self::Reserved(_) => ErrorKind::ValidationFailed,
            Self::PublicTenant
            | Self::NotInService(_)
            | Self::Unfinished
            | Self::NotSuspended(_) => ErrorKind::StateConflict,
            Self::Schema(_) | Self::Administrator(_) => ErrorKind::Internal,
            Self::Outdated | Self::Crowded | Self::Hashing(_) => ErrorKind::Unavailable,
            Self::Registry(error) => error.kind(),
            Self::Enqueue(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Enqueue(error) => error.is_transient(),
            _ => false,
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Registry(error) => error.detail(),
            Self::Store(error) => error.detail(),
            Self::Enqueue(error) => error.detail(),
            Self::Hashing(_) => {
                "Too much is being done at this moment. Try again in a few seconds.".to_owned()
            }
            Self::Outdated => {
                "The service cannot tell right now which tenants it may serve. Try again in a few \
                 seconds."
                    .to_owned()
            }
            Self::Crowded => {
                "Whether there is a tenant of this name cannot be looked up right now. Try again \
                 in a few seconds."
                    .to_owned()
            }
            Self::Schema(_) | Self::Administrator(_) => {
                "The tenant could not be created. Nothing of it was kept.".to_owned()
            }
            // The words of `web::Problem::not_found` and `invalid`: no two answers for one thing.
            Self::Missing => "There is nothing here.".to_owned(),
            Self::NoDomain(_) | Self::Reserved(_) => {
                "One field is not valid: see `errors`.".to_owned()
            }
            Self::DomainTaken(_) => "This domain is registered already.".to_owned(),
            _ => self.to_string(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        let (pointer, code) = match self {
            Self::DomainTaken(_) => ("/domain", "taken"),
            Self::NoDomain(_) => ("/domain", "invalid"),
            Self::Reserved(_) => ("/domain", "reserved"),
            Self::SlugTaken(_) => ("/slug", "taken"),
            _ => return Vec::new(),
        };
        vec![FieldError::new(pointer, code, self.to_string())]
    }
}
