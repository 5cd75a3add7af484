//! The use cases, a file each.

mod change_compensation;
mod chronicle;
mod expand;
mod file;
mod hire;
mod history;
mod import;
mod manager;
mod organisation;
mod promote;
mod query;
mod reads;
mod rehire;
mod terminate;
mod timeline;
mod transfer;
mod update;

pub use change_compensation::ChangeCompensation;
pub use file::Edit;
pub use hire::Hire;
pub use history::{ChangedField, HistoryEvent};
#[cfg(test)]
#[cfg(test)]
pub(crate) use import::WAITING;
pub use import::{
    ImportError, ImportOptions, ImportTurn, Imported, Imports, LaterImport, Progress, fields,
};
pub use organisation::{NewDepartment, NewJobTitle, NewLocation};
pub use promote::Promotion;
pub use query::View;
pub use reads::Reader;
pub use rehire::Rehire;
pub use terminate::Terminate;
pub use timeline::Timeline;
pub use transfer::Transfer;
pub use update::Particulars;

use std::sync::Arc;

use audit::AuditLog;
use chronicle::Chronicle;
use database::{Database, TenantContext};
use kernel::{Actor, Ambient, Authorizer, PermissionMarker, Permit, Reach};
use time::Date;

use crate::{
    EmployeesError,
    permission::ReadCompensation,
    repository::{ChangeRepository, CounterRepository, EmployeeRepository, OrganisationRepository},
};

/// Everything the domain needs of storage.
pub trait Storage:
    EmployeeRepository
    + ChangeRepository
    + OrganisationRepository
    + CounterRepository
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Storage for S where
    S: EmployeeRepository
        + ChangeRepository
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
    chronicle: Chronicle,
    audit: AuditLog,
}

impl<S: Storage> Employees<S> {
    /// Composes the use cases.
    pub fn new(
        database: Database,
        ambient: Ambient,
        authorizer: Arc<dyn Authorizer>,
        storage: S,
        audit: AuditLog,
    ) -> Self {
        Self {
            database,
            chronicle: Chronicle::new(ambient.clone()),
            ambient,
            authorizer,
            storage,
            audit,
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
