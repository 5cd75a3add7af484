//! The migrations of the schema `platform`.

mod m20261123_000001_registry;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::manifest::Entry;

/// The migrator of the schema `platform`.
pub struct Platform;

crate::listed! {
    Platform in "platform":
    m20261123_000001_registry,
}
