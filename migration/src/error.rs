//! What can go wrong while installing or migrating.

use sea_orm_migration::DbErr;

use crate::{fit::Misfit, manifest::Defect};

/// Why an installation or a migration did not happen. Nothing of it was kept: everything runs in
/// one transaction.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database is not installed yet.
    #[error("this database is not installed: run the installation as a superuser first")]
    NotInstalled,
    /// An installation id is eight lower-case hexadecimal digits.
    #[error("`{0}` is not an installation id: it has eight lower-case hexadecimal digits")]
    MalformedId(String),
    /// Roles of this installation id exist in the cluster, but belong to another database.
    #[error(
        "the cluster already has roles of an installation `{0}`: propose another id, or drop the \
         roles that a dropped database left"
    )]
    IdTaken(String),
    /// Not the name of a tenant's schema.
    #[error("`{0}` is not the name of a tenant schema (`t_…`, `pool_0001` or `public`)")]
    SchemaName(String),
    /// A password that PostgreSQL might normalise before hashing it.
    #[error("a role's password has 16 to 128 printable ASCII characters")]
    Password,
    /// The compiled migrations are not those of the manifest.
    #[error("the migrations differ from migration/manifest.toml: {}", list(.0))]
    Manifest(Vec<Defect>),
    /// The database was migrated by something else than this program's migrations.
    #[error("the database does not fit this program: {}", list(.0))]
    Misfit(Vec<Misfit>),
    /// Another program was at it for longer than the connection's `lock_timeout`.
    #[error("waited in vain for the turn `{turn}`: {holder} has it")]
    Busy {
        /// What only one program does at a time.
        turn: String,
        /// Who does it: process, application, login, since when.
        holder: String,
    },
    /// PostgreSQL refused, or was not reached.
    #[error("the database refused")]
    Database(#[from] sqlx::Error),
    /// A migration failed.
    #[error("the migration of schema `{schema}` failed")]
    Migration {
        /// The schema that was being migrated, and is as it was before.
        schema: String,
        /// What PostgreSQL or the migrator said.
        #[source]
        source: DbErr,
    },
}

fn list<T: ToString>(items: &[T]) -> String {
    let texts: Vec<String> = items.iter().map(T::to_string).collect();
    texts.join("; ")
}
