//! What tenancy needs of storage.

use async_trait::async_trait;
use database::{PlatformReadTx, PlatformTx, StoreError, TenantTx};
use kernel::{ListQuery, Page, PageRequest, Position, SchemaName, Slug, TenantId};
use time::OffsetDateTime;

use crate::{Domain, HostName, NewTenant, RequestedAdministrator, Tenant, TenantDetails};

/// A row of the registry that contradicts the model.
#[derive(Debug, thiserror::Error)]
#[error("the registry's row of the tenant `{slug}` cannot be read")]
pub struct Illegible {
    /// Whose row it is.
    pub slug: String,
    /// What is wrong with it.
    #[source]
    pub error: StoreError,
}

/// The tenants whose rows can be read. Of the others the log is told: one damaged row is no reason not
/// to serve, or to show, anybody else.
pub(crate) fn readable(rows: impl IntoIterator<Item = Result<Tenant, Illegible>>) -> Vec<Tenant> {
    let read = |row: Result<Tenant, Illegible>| {
        row.inspect_err(|error| {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "a tenant is left out"
            );
        })
        .ok()
    };
    rows.into_iter().filter_map(read).collect()
}

/// The registry's tables.
#[async_trait]
pub trait TenantRepository: Send + Sync {
    /// The tenant with this slug.
    async fn by_slug(&self, tx: &PlatformReadTx, slug: &Slug)
    -> Result<Option<Tenant>, StoreError>;

    /// The tenant with this id.
    async fn by_id(&self, tx: &PlatformReadTx, id: TenantId) -> Result<Option<Tenant>, StoreError>;

    /// The tenant to which this host is registered.
    async fn by_host(
        &self,
        tx: &PlatformReadTx,
        host: &HostName,
    ) -> Result<Option<Tenant>, StoreError>;

    /// The tenants with these slugs, or all, by slug. A row that cannot be read hides no other.
    async fn legible(
        &self,
        tx: &PlatformReadTx,
        slugs: Option<&[Slug]>,
    ) -> Result<Vec<Result<Tenant, Illegible>>, StoreError>;

    /// To which tenants these hosts are registered, or all hosts.
    async fn owners(
        &self,
        tx: &PlatformReadTx,
        hosts: Option<&[HostName]>,
    ) -> Result<Vec<(HostName, TenantId)>, StoreError>;

    /// The hosts registered to a tenant.
    async fn hosts(&self, tx: &PlatformReadTx, id: TenantId) -> Result<Vec<HostName>, StoreError>;

    /// One page of tenants.
    async fn page(
        &self,
        tx: &PlatformReadTx,
        query: &ListQuery,
        page: &PageRequest<Position>,
    ) -> Result<Page<Tenant, Position>, StoreError>;

    /// One page of a tenant's domains, by name; a page ends at the last name.
    async fn domains(
        &self,
        tx: &PlatformReadTx,
        id: TenantId,
        page: &PageRequest<String>,
    ) -> Result<Page<Domain, String>, StoreError>;

    /// Takes the slug's lock until the transaction ends; `false` when somebody else has it.
    async fn try_lock_slug(&self, tx: &PlatformTx, slug: &Slug) -> Result<bool, StoreError>;

    /// Waits for the slug's lock and holds it until the transaction ends.
    async fn lock_slug(&self, tx: &PlatformTx, slug: &Slug) -> Result<(), StoreError>;

    /// Enters a tenant; `false` when its slug is taken.
    async fn claim(&self, tx: &PlatformTx, tenant: &Tenant) -> Result<bool, StoreError>;

    /// Who was asked for as the first administrator of a tenant that is being created.
    async fn requested_administrator(
        &self,
        tx: &PlatformTx,
        id: TenantId,
    ) -> Result<Option<RequestedAdministrator>, StoreError>;

    /// Puts a tenant into service that was being created, and forgets who was asked for as its
    /// first administrator.
    async fn activate(
        &self,
        tx: &PlatformTx,
        id: TenantId,
        now: OffsetDateTime,
    ) -> Result<Option<Tenant>, StoreError>;

    /// Forgets a pooled tenant that is still being created, and its place in the pool.
    async fn abandon(&self, tx: &PlatformTx, tenant: &Tenant) -> Result<(), StoreError>;

    /// Registers a host to a tenant; `false` when it is registered already.
    async fn register_host(
        &self,
        tx: &PlatformTx,
        host: &HostName,
        id: TenantId,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Finds a pool with room and counts one more tenant in; when all are full, the next one,
    /// which may not exist yet. Placements take turns until the transaction ends.
    async fn place_in_pool(&self, tx: &PlatformTx, capacity: u32)
    -> Result<SchemaName, StoreError>;

    /// Notes that a pool's schema exists, with the tenants that were placed there meanwhile.
    async fn open_pool(&self, tx: &PlatformTx, schema: &SchemaName) -> Result<(), StoreError>;
}

/// What is claimed for a tenant that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct TenantClaim<'a> {
    /// Its id.
    pub id: TenantId,
    /// What was decided about it.
    pub new: &'a NewTenant,
    /// Its first administrator.
    pub administrator: &'a RequestedAdministrator,
    /// How many tenants a pool takes.
    pub pool_capacity: u32,
    /// When it is claimed.
    pub now: OffsetDateTime,
}

/// How a tenant is changed: in a transaction of the public tenant, whose users run the platform.
/// PostgreSQL refuses any other.
#[async_trait]
pub trait TenantChanges: Send + Sync {
    /// Claims the slug of a tenant that is to be made, with a place in a pool if it lives in one;
    /// `None` when the slug is taken.
    async fn claim(
        &self,
        tx: &TenantTx,
        claim: &TenantClaim<'_>,
    ) -> Result<Option<Tenant>, StoreError>;

    /// The tenant, which nobody else changes until the transaction ends.
    async fn lock(&self, tx: &TenantTx, id: TenantId) -> Result<Option<Tenant>, StoreError>;

    /// Gives a tenant other details.
    async fn change(
        &self,
        tx: &TenantTx,
        id: TenantId,
        details: &TenantDetails,
        now: OffsetDateTime,
    ) -> Result<Option<Tenant>, StoreError>;

    /// Suspends a tenant that is active and not the public one, and ends its tokens; else `None`.
    async fn suspend(
        &self,
        tx: &TenantTx,
        id: TenantId,
        reason: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<Option<Tenant>, StoreError>;

    /// Puts a suspended tenant back into service; `None` when it is not suspended.
    async fn resume(
        &self,
        tx: &TenantTx,
        id: TenantId,
        now: OffsetDateTime,
    ) -> Result<Option<Tenant>, StoreError>;

    /// Registers a host to a tenant; `false` when it is registered already, to whomever.
    async fn add_domain(
        &self,
        tx: &TenantTx,
        id: TenantId,
        host: &HostName,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Takes a host from a tenant; `false` when it is not registered to it.
    async fn remove_domain(
        &self,
        tx: &TenantTx,
        id: TenantId,
        host: &HostName,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;
}
