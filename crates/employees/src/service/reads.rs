//! Reads that record themselves.

use database::TenantTx;
use kernel::{
    EmployeeId,
    audit::{AuditCategory, AuditEntry},
};

use crate::{
    events::EMPLOYEE,
    model::{EmployeeProfile, Guarded},
};

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

/// Records that pay is shown, where it is.
pub(super) fn record_pay(tx: &TenantTx, profile: &EmployeeProfile) {
    if matches!(profile.compensation, Guarded::Shown(Some(_))) {
        tx.record(pay_of(profile.id));
    }
}
