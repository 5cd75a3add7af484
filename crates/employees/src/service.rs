//! The use cases, a file each.

mod expand;
mod hire;
mod import;
mod organisation;
mod query;

pub use hire::{Hire, NewPay};
#[cfg(test)]
pub(crate) use import::LIMITS;
pub use import::{ImportError, ImportTurn, Imports};
pub use organisation::{NewDepartment, NewJobTitle, NewLocation};

use std::sync::Arc;

use database::{Database, TenantContext};
use kernel::{Actor, Ambient, Authorizer, PermissionMarker, Permit, Reach};
use time::Date;

use crate::{
    EmployeesError,
    permission::ReadCompensation,
    repository::{CounterRepository, EmployeeRepository, OrganisationRepository},
};

/// Everything the domain needs of storage.
pub trait Storage:
    EmployeeRepository + OrganisationRepository + CounterRepository + Clone + Send + Sync + 'static
{
}

impl<S> Storage for S where
    S: EmployeeRepository
        + OrganisationRepository
        + CounterRepository
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// The use cases of people and organisation. Cheap to clone.
#[derive(Clone)]
pub struct Employees<S> {
    database: Database,
    ambient: Ambient,
    authorizer: Arc<dyn Authorizer>,
    storage: S,
}

impl<S: Storage> Employees<S> {
    /// Composes the use cases.
    pub fn new(
        database: Database,
        ambient: Ambient,
        authorizer: Arc<dyn Authorizer>,
        storage: S,
    ) -> Self {
        Self {
            database,
            ambient,
            authorizer,
            storage,
        }
    }

    /// Which day it is where the tenant lives.
    fn today(&self, tenant: &TenantContext) -> Date {
        self.ambient.today(tenant.time_zone())
    }

    /// Whether the actor may see pay; his own at least.
    fn may_see_pay(&self, actor: &Actor) -> Option<Permit<ReadCompensation>> {
        Permit::obtain(self.authorizer.as_ref(), actor).ok()
    }
}

/// Who may act on himself alone creates nothing.
fn for_the_tenant<P: PermissionMarker>(permit: &Permit<P>) -> Result<(), EmployeesError> {
    match permit.reach() {
        Reach::Tenant => Ok(()),
        Reach::Own => Err(EmployeesError::NotFound),
    }
}

impl<S> std::fmt::Debug for Employees<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Employees")
    }
}
