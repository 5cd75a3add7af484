#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod catalogue;
mod drift;
mod error;
pub mod fit;
pub mod install;
pub mod manifest;
mod migrator;
mod platform;
mod roles;
mod tenant;
mod tenant_table;
pub mod turn;

pub use drift::{Difference, Drift};
pub use error::MigrationError;
pub use migrator::{Migrator, SchemaStatus};
pub use platform::Platform;
pub use tenant::Tenant;
pub use tenant_table::{Rights, TenantTable, alter, back_fill, create_tables};

/// Lists a migrator's migrations once, for the ORM and for the manifest.
macro_rules! listed {
    ($migrator:ident in $folder:literal: $($name:ident),+ $(,)?) => {
        impl MigratorTrait for $migrator {
            fn migrations() -> Vec<Box<dyn MigrationTrait>> {
                vec![$(Box::new($name::Migration)),+]
            }
        }

        /// The name of each migration and the hash of its source file.
        pub(crate) fn sources() -> Vec<Entry> {
            vec![$(Entry {
                name: stringify!($name).to_owned(),
                sha256: crate::manifest::sha256(
                    include_bytes!(concat!($folder, "/", stringify!($name), ".rs")),
                ),
            }),+]
        }
    };
}
use listed;
