//! The proofs that a transaction may be where it is.

use std::{fmt, sync::Arc};

use kernel::{SchemaName, Slug, Subscription, TenantId, TenantStatus, TimeZone};

use crate::{
    login::Installation,
    scope::{Mode, Read, Write},
};

/// The one value that can open doors. [`Database::connect`](crate::Database::connect) returns one,
/// it cannot be cloned, and the composition root hands it to the registry of tenants.
#[derive(Debug)]
pub struct RegistryAuthority {
    installation: Installation,
    statement_timeout_ms: u128,
}

/// A row of the registry of tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRecord {
    /// The tenant.
    pub id: TenantId,
    /// Its short name, which never changes.
    pub slug: Slug,
    /// Its name as people write it.
    pub name: String,
    /// Where its tables are.
    pub schema: SchemaName,
    /// What it is going through.
    pub status: TenantStatus,
    /// Where its people live: decides which day it is.
    pub time_zone: TimeZone,
    /// The language of its mails and pages (BCP 47).
    pub locale: String,
    /// Counts moves, suspensions and renamed domains.
    pub placement_epoch: i64,
    /// Counts what makes its tokens stale.
    pub auth_epoch: i64,
    /// Whether its subscription lets it work.
    pub subscription: Subscription,
}

impl RegistryAuthority {
    pub(crate) fn new(installation: Installation, statement_timeout: std::time::Duration) -> Self {
        Self {
            installation,
            statement_timeout_ms: statement_timeout.as_millis(),
        }
    }

    /// Opens the door to a tenant, from its row in the registry.
    pub fn tenant(&self, record: TenantRecord) -> TenantContext {
        let role = self.installation.schema_role(&record.schema);
        let schema = record.schema.as_str();
        let settings = self.settings(&role, schema, &record.id.to_string());
        TenantContext(Arc::new(TenantScope {
            begin: Begin::new(schema, &settings),
            record,
        }))
    }

    /// Opens the door to the platform's own schema.
    pub fn platform(&self) -> PlatformContext {
        // No tenant has the nil UUID: row security of tenant tables matches nothing.
        let settings = self.settings(
            self.installation.platform_role(),
            "platform",
            uuid::Uuid::nil().to_string().as_str(),
        );
        PlatformContext(Arc::new(PlatformScope {
            begin: Begin::new("platform", &settings),
        }))
    }

    /// Which installation in the cluster this is.
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// Every part is `[a-z0-9_-]` by construction of its type; nothing here can be quoted out of.
    fn settings(&self, role: &str, schema: &str, tenant: &str) -> String {
        let timeout = self.statement_timeout_ms;
        format!(
            "; SET LOCAL ROLE {role}; SET LOCAL search_path TO {schema}, extensions; \
             SET LOCAL app.tenant = '{tenant}'; SET LOCAL statement_timeout = {timeout}"
        )
    }
}

/// How a transaction is opened, rendered once.
pub(crate) struct Begin {
    pub(crate) schema: Arc<str>,
    /// The comment that gives each schema its own prepared statements.
    pub(crate) tag: Arc<str>,
    read: Arc<str>,
    write: Arc<str>,
    leaf: Arc<str>,
}

impl Begin {
    fn new(schema: &str, settings: &str) -> Self {
        let batch = |begin: &str, more: &str| format!("{begin}{settings}{more}").into();
        Self {
            schema: schema.into(),
            tag: format!("/*{schema}*/ ").into(),
            read: batch(Read::BEGIN, ""),
            write: batch(Write::BEGIN, ""),
            leaf: batch(Write::BEGIN, "; SET LOCAL synchronous_commit TO off"),
        }
    }

    /// The batch of a leaf: see [`Database::begin_leaf`](crate::Database::begin_leaf).
    pub(crate) fn leaf(&self) -> &Arc<str> {
        &self.leaf
    }

    pub(crate) fn batch<M: Mode>(&self) -> &Arc<str> {
        if M::READS { &self.read } else { &self.write }
    }
}

struct TenantScope {
    record: TenantRecord,
    begin: Begin,
}

/// The proof that a tenant is in the registry, and what the registry says of it. Cheap to clone.
#[derive(Clone)]
pub struct TenantContext(Arc<TenantScope>);

impl TenantContext {
    /// The tenant.
    pub fn id(&self) -> TenantId {
        self.0.record.id
    }

    /// What the registry says of it.
    pub fn record(&self) -> &TenantRecord {
        &self.0.record
    }

    /// Its short name.
    pub fn slug(&self) -> &Slug {
        &self.0.record.slug
    }

    /// Where its tables are.
    pub fn schema(&self) -> &SchemaName {
        &self.0.record.schema
    }

    /// Whether this is the public tenant, whose users run the platform.
    pub fn is_public(&self) -> bool {
        self.0.record.schema.as_str() == "public"
    }

    /// Its time zone.
    pub fn time_zone(&self) -> &TimeZone {
        &self.0.record.time_zone
    }
}

impl fmt::Debug for TenantContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantContext({})", self.0.record.slug)
    }
}

struct PlatformScope {
    begin: Begin,
}

/// The proof that a component may work in the platform's own schema. Cheap to clone.
#[derive(Clone)]
pub struct PlatformContext(Arc<PlatformScope>);

impl fmt::Debug for PlatformContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlatformContext")
    }
}

/// In whose name a connection is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// Everybody's: tenants are looked up.
    Platform,
    /// A tenant's, also when it shares a schema with others.
    Tenant(TenantId),
}

/// What opening a transaction needs to know of its context.
pub(crate) trait Opening {
    /// In whose name it is.
    fn holder(&self) -> Holder;
    /// How it is opened and scoped.
    fn begin(&self) -> &Begin;
}

impl Opening for TenantContext {
    fn holder(&self) -> Holder {
        Holder::Tenant(self.id())
    }

    fn begin(&self) -> &Begin {
        &self.0.begin
    }
}

impl Opening for PlatformContext {
    fn holder(&self) -> Holder {
        Holder::Platform
    }

    fn begin(&self) -> &Begin {
        &self.0.begin
    }
}
