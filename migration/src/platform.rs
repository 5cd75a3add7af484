//! The migrations of the schema `platform`.

mod m20261123_000001_registry;
mod m20261126_000001_tenant_life;
mod m20261126_000002_tenant_changes;
mod m20261126_000003_tenant_list;
mod m20261127_000001_jobs;
mod m20261127_000002_schedules;
mod m20261128_000002_own_jobs;
mod m20261128_000003_tenant_requests;
mod m20261128_000004_events;
mod m20261128_000005_finish;
mod m20261128_000006_programs;
mod m20261129_000001_audit;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::manifest::Entry;

/// The migrator of the schema `platform`.
pub struct Platform;

crate::listed! {
    Platform in "platform":
    m20261123_000001_registry,
    m20261126_000001_tenant_life,
    m20261126_000002_tenant_changes,
    m20261126_000003_tenant_list,
    m20261127_000001_jobs,
    m20261127_000002_schedules,
    m20261128_000002_own_jobs,
    m20261128_000003_tenant_requests,
    m20261128_000004_events,
    m20261128_000005_finish,
    m20261128_000006_programs,
    m20261129_000001_audit,
}
