//! Reads that record themselves.

use database::{StoreError, TenantContext, TenantTx};
use kernel::{
    Actor, EmployeeId,
    audit::{AuditCategory, AuditEntry},
};
use messaging::Origin;

use super::{Employees, Storage};
use crate::{
    events::EMPLOYEE,
    model::{EmployeeProfile, Guarded},
};

/// Who reads, and in which request: of what is sensitive, it is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The tenant.
    pub tenant: &'a TenantContext,
    /// Who reads.
    pub actor: &'a Actor,
    /// Where the request comes from.
    pub origin: &'a Origin,
}

impl<S: Storage> Employees<S> {
    /// Opens a transaction that can record what is read in it.
    pub(super) async fn begin_recorded(&self, reader: Reader<'_>) -> Result<TenantTx, StoreError> {
        let tx = self.database.begin_tenant(reader.tenant).await?;
        Ok(tx.initiated_by(reader.origin.clone()))
    }
}

/// Something sensitive was read.
fn read(action: &'static str) -> AuditEntry {
    AuditEntry::new(action, AuditCategory::DataRead)
}

/// Somebody's pay is shown.
pub(super) fn pay_of(id: EmployeeId) -> AuditEntry {
    read("employee.compensation_read.v1")
        .about(EMPLOYEE, id)
        .detail("fields", vec!["compensation"])
}

/// What was recorded of somebody is shown.
pub(super) fn history_of(id: EmployeeId) -> AuditEntry {
    read("employee.history_read.v1").about(EMPLOYEE, id)
}

/// A list of so many people leaves the platform. Of the filters it is said which, and not what for:
/// that may be a name.
pub(super) fn export(total: Option<u64>, filters: Vec<&'static str>) -> AuditEntry {
    read("employees.exported.v1")
        .detail("count", total)
        .detail("whole", filters.is_empty())
        .detail("filters", filters)
}

/// Records that pay is shown, where it is.
pub(super) fn record_pay(tx: &TenantTx, profile: &EmployeeProfile) {
    if matches!(profile.compensation, Guarded::Shown(Some(_))) {
        tx.record(pay_of(profile.id));
    }
}
