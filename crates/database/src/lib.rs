//! The only crate that sees a connection to PostgreSQL.
//!
//! What it promises: **data of a tenant is reachable only inside a transaction of that tenant.**
//!
//! 1. *Type.* [`TenantTx`] comes from [`Database::begin_tenant`] alone, which wants a
//!    [`TenantContext`], which only the [`RegistryAuthority`] mints, from a row of the registry.
//!    An entity says once where it lives ([`Scoped`]); using it in the other scope, or writing in a
//!    read transaction, does not compile.
//! 2. *Transaction.* One round trip opens and scopes: `BEGIN; SET LOCAL ROLE …; SET LOCAL
//!    search_path …; SET LOCAL app.tenant …; SET LOCAL statement_timeout …`. Nothing is ever set
//!    for the session.
//! 3. *Pool.* A connection goes back to the pool only when its `COMMIT` or `ROLLBACK` succeeded
//!    and is closed otherwise, whatever was dropped when. (The library's own pool can hand back a
//!    connection inside somebody's transaction; see `adr/0002-unit-of-work.md`.)
//! 4. *Poison.* After an error a transaction cannot be committed: PostgreSQL answers the `COMMIT`
//!    of an aborted transaction with success, and everything would be lost silently. Expected
//!    failures use a [`Savepoint`] or `ON CONFLICT DO NOTHING`. A failure that is
//!    [transient](kernel::DomainError::is_transient) is one of timing: the whole transaction may be
//!    done again. One that only reads is, here, when a migration outdated a plan.
//!
//! ```no_run
//! use database::{Database, Scoped, StoreError, Tenant, TenantContext};
//! use sea_orm::entity::prelude::*;
//!
//! mod department {
//!     use sea_orm::entity::prelude::*;
//!
//!     #[derive(Clone, Debug, DeriveEntityModel)]
//!     #[sea_orm(table_name = "departments")]
//!     pub struct Model {
//!         #[sea_orm(primary_key, auto_increment = false)]
//!         pub id: Uuid,
//!         pub name: String,
//!     }
//!
//!     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
//!     pub enum Relation {}
//!
//!     impl ActiveModelBehavior for ActiveModel {}
//! }
//!
//! impl Scoped<Tenant> for department::Entity {}
//!
//! async fn names(database: &Database, acme: &TenantContext) -> Result<Vec<String>, StoreError> {
//!     let tx = database.begin_tenant_read(acme).await?;
//!     let departments = tx.find::<department::Entity>().all().await?;
//!     tx.commit().await?;
//!     Ok(departments.into_iter().map(|department| department.name).collect())
//! }
//! ```

mod audit;
mod connection;
mod context;
mod error;
mod files;
mod find;
mod freshness;
mod idempotency;
mod lease;
pub mod list;
mod listener;
mod login;
mod pool;
mod savepoint;
mod scope;
mod settings;
mod tx;

pub use audit::AuditSink;
pub use context::{PlatformContext, RegistryAuthority, TenantContext, TenantRecord};
pub use error::StoreError;
pub use files::{FileError, Files, NewFile, PostgresFiles};
pub use find::Find;
pub use freshness::{Change, Freshness, FreshnessSettings, Subscriber, Watch};
pub use idempotency::{Earlier, KeptAnswer, RequestKey};
pub use login::{Installation, Login};
pub use pool::{Database, PoolStatus, Terms};
pub use savepoint::Savepoint;
pub use scope::{Mode, Platform, Read, Scope, Scoped, Tenant, Write};
pub use settings::DatabaseSettings;
pub use tx::{PlatformReadTx, PlatformTx, TenantReadTx, TenantTx, Tx};
