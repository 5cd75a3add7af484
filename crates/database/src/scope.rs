//! Where a transaction is and what it may do, as types.

use futures_util::future::BoxFuture;
use kernel::audit::AuditEntry;

use crate::{
    AuditSink, StoreError, Tx,
    context::{PlatformContext, TenantContext},
};

mod sealed {
    pub trait Sealed {}
}

/// Where a transaction is: in one tenant, or in the platform's own schema.
pub trait Scope: sealed::Sealed + Send + Sync + 'static {
    /// What proves that the transaction may be there.
    type Context: Clone + Send + Sync;

    /// Has the sink write what was recorded in a transaction.
    #[doc(hidden)]
    fn record<'a>(
        sink: &'a dyn AuditSink,
        tx: &'a Tx<Self, Write>,
        entries: Vec<AuditEntry>,
    ) -> BoxFuture<'a, Result<(), StoreError>>
    where
        Self: Sized;
}

/// Inside one tenant.
#[derive(Clone, Copy, Debug)]
pub enum Tenant {}

/// Inside the schema `platform`: registry, migrations, keys.
#[derive(Clone, Copy, Debug)]
pub enum Platform {}

impl sealed::Sealed for Tenant {}
impl Scope for Tenant {
    type Context = TenantContext;

    fn record<'a>(
        sink: &'a dyn AuditSink,
        tx: &'a Tx<Self, Write>,
        entries: Vec<AuditEntry>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        sink.in_tenant(tx, entries)
    }
}

impl sealed::Sealed for Platform {}
impl Scope for Platform {
    type Context = PlatformContext;

    fn record<'a>(
        sink: &'a dyn AuditSink,
        tx: &'a Tx<Self, Write>,
        entries: Vec<AuditEntry>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        sink.in_platform(tx, entries)
    }
}

/// What a transaction may do.
pub trait Mode: sealed::Sealed + Send + Sync + 'static {
    /// How PostgreSQL is told.
    const BEGIN: &'static str;
    /// Whether nothing is lost when the transaction is begun anew in the middle.
    const READS: bool;

    /// Writes what was recorded in a transaction, before it is committed.
    #[doc(hidden)]
    fn record<S: Scope>(tx: &Tx<S, Self>) -> BoxFuture<'_, Result<(), StoreError>>
    where
        Self: Sized;
}

/// Reads only; PostgreSQL refuses a write as well.
#[derive(Clone, Copy, Debug)]
pub enum Read {}

/// Reads and writes.
#[derive(Clone, Copy, Debug)]
pub enum Write {}

impl sealed::Sealed for Read {}
impl Mode for Read {
    const BEGIN: &'static str = "BEGIN READ ONLY";
    const READS: bool = true;

    /// Who only reads has nothing to record it with.
    fn record<S: Scope>(_tx: &Tx<S, Self>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl sealed::Sealed for Write {}
impl Mode for Write {
    const BEGIN: &'static str = "BEGIN";
    const READS: bool = false;

    fn record<S: Scope>(tx: &Tx<S, Self>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(tx.write_record())
    }
}

/// Says where an entity lives. Written once, beside the entity:
/// `impl Scoped<Tenant> for department::Entity {}`.
pub trait Scoped<S: Scope>: sea_orm::EntityTrait {}
