//! The migrations of every schema that holds tenants, dedicated or pooled.

mod m20261123_000001_people;
mod m20261123_000002_identity;
mod m20261126_000001_idempotency;
mod m20261126_000002_name_words;
mod m20261126_000003_changes;
mod m20261127_000001_belonging;
mod m20261127_000005_user_locale;
mod m20261128_000001_files;
mod m20261129_000001_audit;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::manifest::Entry;

/// The platform has an audit of its own, of the same form.
pub(crate) use m20261129_000001_audit::furnish as furnish_audit;

/// The migrator of a tenant schema.
pub struct Tenant;

crate::listed! {
    Tenant in "tenant":
    m20261123_000001_people,
    m20261123_000002_identity,
    m20261126_000001_idempotency,
    m20261126_000002_name_words,
    m20261126_000003_changes,
    m20261127_000001_belonging,
    m20261127_000005_user_locale,
    m20261128_000001_files,
    m20261129_000001_audit,
}
