//! Where a transaction is and what it may do, as types.

use crate::context::{PlatformContext, TenantContext};

mod sealed {
    pub trait Sealed {}
}

/// Where a transaction is: in one tenant, or in the platform's own schema.
pub trait Scope: sealed::Sealed + Send + Sync + 'static {
    /// What proves that the transaction may be there.
    type Context: Clone + Send + Sync;
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
}

impl sealed::Sealed for Platform {}
impl Scope for Platform {
    type Context = PlatformContext;
}

/// What a transaction may do.
pub trait Mode: sealed::Sealed + Send + Sync + 'static {
    /// How PostgreSQL is told.
    const BEGIN: &'static str;
    /// Whether nothing is lost when the transaction is begun anew in the middle.
    const READS: bool;
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
}

impl sealed::Sealed for Write {}
impl Mode for Write {
    const BEGIN: &'static str = "BEGIN";
    const READS: bool = false;
}

/// Says where an entity lives. Written once, beside the entity:
/// `impl Scoped<Tenant> for department::Entity {}`.
pub trait Scoped<S: Scope>: sea_orm::EntityTrait {}
