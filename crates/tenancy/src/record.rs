//! What is recorded of tenants.

use kernel::{
    audit::{AuditCategory, AuditEntry, Audited, changes},
    field::{AccessGroup::Identity, Class::Public, FieldDeclaration},
};
use serde_json::{Value, json};

use crate::{HostName, Tenant};

const fn field(name: &'static str) -> FieldDeclaration {
    FieldDeclaration::new(name, Public, Identity)
}

/// The fields of a tenant: nothing about a person.
pub const TENANT_FIELDS: &[FieldDeclaration] = &[
    field("slug"),
    field("name"),
    field("placement"),
    field("status"),
    field("suspension_reason"),
    field("locale"),
    field("time_zone"),
    field("branding"),
];

impl Audited for Tenant {
    fn audited(&self) -> Vec<(FieldDeclaration, Value)> {
        let reason = self.suspension.as_ref().and_then(|it| it.reason.clone());
        let values = [
            self.slug.as_str().into(),
            self.name.as_str().into(),
            self.placement.as_str().into(),
            self.status.as_str().into(),
            reason.into(),
            self.locale.as_str().into(),
            self.time_zone.to_string().into(),
            json!(self.branding),
        ];
        TENANT_FIELDS.iter().copied().zip(values).collect()
    }
}

fn of(action: &'static str, tenant: &Tenant) -> AuditEntry {
    AuditEntry::new(action, AuditCategory::Admin).on("tenant", tenant.id)
}

/// Somebody wants a tenant; it will be made.
pub(crate) fn requested(tenant: &Tenant) -> AuditEntry {
    of("tenant.requested.v1", tenant).changing(changes(None, Some(tenant)))
}

/// A tenant is in service for the first time.
pub(crate) fn created(tenant: &Tenant) -> AuditEntry {
    of("tenant.created.v1", tenant).changing(changes(None, Some(tenant)))
}

pub(crate) fn updated(before: &Tenant, after: &Tenant) -> AuditEntry {
    of("tenant.updated.v1", after).changing(changes(Some(before), Some(after)))
}

pub(crate) fn suspended(before: &Tenant, after: &Tenant) -> AuditEntry {
    of("tenant.suspended.v1", after).changing(changes(Some(before), Some(after)))
}

pub(crate) fn resumed(before: &Tenant, after: &Tenant) -> AuditEntry {
    of("tenant.resumed.v1", after).changing(changes(Some(before), Some(after)))
}

pub(crate) fn domain_added(tenant: &Tenant, host: &HostName) -> AuditEntry {
    of("tenant.domain_added.v1", tenant).detail("domain", host.to_string())
}

pub(crate) fn domain_removed(tenant: &Tenant, host: &HostName) -> AuditEntry {
    of("tenant.domain_removed.v1", tenant).detail("domain", host.to_string())
}
