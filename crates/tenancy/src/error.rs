//! What can go wrong around tenants.

use std::sync::Arc;

use database::StoreError;
use kernel::{DomainError, ErrorKind, Slug, TenantStatus};

use crate::PortError;

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

impl DomainError for TenancyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::TenantNotFound,
            Self::UnreadableHost => ErrorKind::MalformedRequest,
            Self::Ambiguous => ErrorKind::TenantAmbiguous,
            Self::Suspended => ErrorKind::TenantSuspended,
            Self::Unavailable(_) => ErrorKind::TenantUnavailable,
            Self::SlugTaken(_) => ErrorKind::SlugTaken,
            Self::Schema(_) | Self::Administrator(_) => ErrorKind::Internal,
            Self::Outdated | Self::Crowded => ErrorKind::Unavailable,
            Self::Registry(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }

    fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }

    fn detail(&self) -> String {
        match self {
            Self::Registry(error) => error.detail(),
            Self::Store(error) => error.detail(),
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
            _ => self.to_string(),
        }
    }
}
