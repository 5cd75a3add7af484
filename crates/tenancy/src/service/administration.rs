//! What those who run the platform do with tenants.

use std::{fmt, sync::Arc};

use database::{Database, StoreError, TenantTx};
use kernel::{
    Ambient, JobId, ListQuery, Page, PageRequest, PermissionMarker, Permit, Placement, Position,
    TenantId, TenantStatus,
};
use messaging::{Enqueuer, Order, Origin};
use time::OffsetDateTime;

use crate::{
    Domain, HostName, HostRules, NewTenant, Registry, RequestedAdministrator, SuspensionReason,
    TenancyError, Tenant, TenantChanges, TenantClaim, TenantDetails,
    jobs::ProvisionTenant,
    permission::{CreateTenants, ReadTenants, SuspendTenants, UpdateTenants},
    record,
};

/// Shows tenants and changes them. A change happens in a transaction of the public tenant, which the
/// caller begins and commits; whoever answers a client then lets the
/// [`Directory`](crate::Directory) catch up.
pub struct Administration {
    database: Database,
    registry: Arc<Registry>,
    changes: Arc<dyn TenantChanges>,
    rules: HostRules,
    ambient: Ambient,
    pool_capacity: u32,
    default_placement: Placement,
}

/// A permission to change tenants in one way or another.
pub trait ChangesTenants: PermissionMarker {}

impl ChangesTenants for UpdateTenants {}
impl ChangesTenants for SuspendTenants {}

/// A tenant that nobody else changes until the transaction ends.
#[derive(Debug)]
pub struct LockedTenant(Tenant);

impl LockedTenant {
    /// As it was when it was locked.
    pub fn tenant(&self) -> &Tenant {
        &self.0
    }
}

impl Administration {
    /// `rules` say which hosts are the platform's own; `pool_capacity`, how many tenants a pool
    /// takes; `default_placement`, where a new tenant lives.
    pub fn new(
        database: Database,
        registry: Arc<Registry>,
        changes: Arc<dyn TenantChanges>,
        rules: HostRules,
        ambient: Ambient,
        pool_capacity: u32,
        default_placement: Placement,
    ) -> Self {
        Self {
            database,
            registry,
            changes,
            rules,
            ambient,
            pool_capacity,
            default_placement,
        }
    }

    /// Where a new tenant lives when nobody says so.
    pub fn default_placement(&self) -> Placement {
        self.default_placement
    }

    /// Claims the slug of a new tenant, for everyone else at once, and has the tenant made: the
    /// claim, and the job that makes it, are there when the transaction is committed. The password
    /// was hashed before.
    ///
    /// # Errors
    /// [`TenancyError::SlugTaken`], [`TenancyError::Enqueue`], [`TenancyError::Store`].
    pub async fn request(
        &self,
        _permit: &Permit<CreateTenants>,
        tx: &TenantTx,
        new: &NewTenant,
        administrator: &RequestedAdministrator,
        (enqueuer, origin): (&Enqueuer, Origin),
    ) -> Result<(Tenant, JobId), TenancyError> {
        let claim = TenantClaim {
            id: self.ambient.id(),
            new,
            administrator,
            pool_capacity: self.pool_capacity,
            now: self.now(),
        };
        let claimed = self.changes.claim(tx, &claim).await?;
        let claimed = claimed.ok_or_else(|| TenancyError::SlugTaken(new.slug.clone()))?;
        let work = ProvisionTenant {
            tenant_id: claimed.id,
        };
        let job = enqueuer.enqueue(tx, &Order::now(work, origin)).await?;
        tx.record(record::requested(&claimed).on("job", job));
        Ok((claimed, job))
    }

    /// One page of tenants.
    ///
    /// # Errors
    /// [`TenancyError::Store`].
    pub async fn tenants(
        &self,
        _permit: &Permit<ReadTenants>,
        query: &ListQuery,
        page: &PageRequest<Position>,
    ) -> Result<Page<Tenant, Position>, TenancyError> {
        let platform = self.registry.platform();
        let tx = self.database.begin_platform_read(platform).await?;
        let found = self.registry.repository().page(&tx, query, page).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// One tenant.
    ///
    /// # Errors
    /// [`TenancyError::Missing`], [`TenancyError::Store`].
    pub async fn tenant(
        &self,
        _permit: &Permit<ReadTenants>,
        id: TenantId,
    ) -> Result<Tenant, TenancyError> {
        let found = self.registry.by_id(id).await?;
        found.map(|it| it.tenant).ok_or(TenancyError::Missing)
    }

    /// One page of a tenant's domains, by name.
    ///
    /// # Errors
    /// [`TenancyError::Missing`], [`TenancyError::Store`].
    pub async fn domains(
        &self,
        _permit: &Permit<ReadTenants>,
        id: TenantId,
        page: &PageRequest<String>,
    ) -> Result<Page<Domain, String>, TenancyError> {
        let platform = self.registry.platform();
        let tx = self.database.begin_platform_read(platform).await?;
        let tenants = self.registry.repository();
        let owner = tenants.by_id(&tx, id).await?;
        let found = tenants.domains(&tx, id, page).await?;
        tx.commit().await?;
        owner.map(|_| found).ok_or(TenancyError::Missing)
    }

    /// One tenant, to be changed.
    ///
    /// # Errors
    /// [`TenancyError::Missing`], [`TenancyError::Store`].
    pub async fn lock<P: ChangesTenants>(
        &self,
        _permit: &Permit<P>,
        tx: &TenantTx,
        id: TenantId,
    ) -> Result<LockedTenant, TenancyError> {
        self.lock_as_operator(tx, id).await
    }

    /// One tenant, to be changed from the operator's command line, where nobody has permissions.
    ///
    /// # Errors
    /// As [`Self::lock`].
    pub async fn lock_as_operator(
        &self,
        tx: &TenantTx,
        id: TenantId,
    ) -> Result<LockedTenant, TenancyError> {
        let found = self.changes.lock(tx, id).await?;
        found.map(LockedTenant).ok_or(TenancyError::Missing)
    }

    /// Gives a tenant other details. Without a difference nothing is written.
    ///
    /// # Errors
    /// [`TenancyError::Unfinished`], [`TenancyError::Store`].
    pub async fn change(
        &self,
        tx: &TenantTx,
        LockedTenant(tenant): LockedTenant,
        wanted: &TenantDetails,
    ) -> Result<Tenant, TenancyError> {
        is_finished(&tenant)?;
        if wanted.are_of(&tenant) {
            return Ok(tenant);
        }
        let changed = self.changes.change(tx, tenant.id, wanted, self.now());
        let changed = changed.await?.ok_or_else(gone)?;
        tx.record(record::updated(&tenant, &changed));
        Ok(changed)
    }

    /// Suspends a tenant: nobody enters it until it is resumed, and whoever was signed in has to sign
    /// in again or refresh then. Its data stays.
    ///
    /// # Errors
    /// [`TenancyError::PublicTenant`], [`TenancyError::NotInService`], [`TenancyError::Store`].
    pub async fn suspend(
        &self,
        tx: &TenantTx,
        LockedTenant(tenant): LockedTenant,
        reason: Option<&SuspensionReason>,
    ) -> Result<Tenant, TenancyError> {
        if tenant.is_public() {
            return Err(TenancyError::PublicTenant);
        }
        let reason = reason.map(SuspensionReason::as_str);
        let suspended = self.changes.suspend(tx, tenant.id, reason, self.now());
        let suspended = suspended.await?;
        let suspended = suspended.ok_or(TenancyError::NotInService(tenant.status))?;
        tx.record(record::suspended(&tenant, &suspended));
        Ok(suspended)
    }

    /// Lets a suspended tenant in again.
    ///
    /// # Errors
    /// [`TenancyError::NotSuspended`], [`TenancyError::Store`].
    pub async fn resume(
        &self,
        tx: &TenantTx,
        LockedTenant(tenant): LockedTenant,
    ) -> Result<Tenant, TenancyError> {
        let resumed = self.changes.resume(tx, tenant.id, self.now()).await?;
        let resumed = resumed.ok_or(TenancyError::NotSuspended(tenant.status))?;
        tx.record(record::resumed(&tenant, &resumed));
        Ok(resumed)
    }

    /// Registers a host to a tenant.
    ///
    /// # Errors
    /// [`TenancyError::Unfinished`], [`TenancyError::NoDomain`], [`TenancyError::Reserved`],
    /// [`TenancyError::DomainTaken`], [`TenancyError::Store`].
    pub async fn add_domain(
        &self,
        tx: &TenantTx,
        LockedTenant(tenant): LockedTenant,
        host: HostName,
    ) -> Result<Domain, TenancyError> {
        is_finished(&tenant)?;
        if self.rules.reserves(&host) {
            return Err(TenancyError::Reserved(host));
        }
        if !host.is_domain() {
            return Err(TenancyError::NoDomain(host));
        }
        let created_at = self.now();
        let added = self.changes.add_domain(tx, tenant.id, &host, created_at);
        if added.await? {
            tx.record(record::domain_added(&tenant, &host));
            Ok(Domain { host, created_at })
        } else {
            Err(TenancyError::DomainTaken(host))
        }
    }

    /// Takes a host from a tenant, be it its last: its subdomain and its slug still lead to it.
    ///
    /// # Errors
    /// [`TenancyError::Missing`] when it is not registered to this tenant, [`TenancyError::Unfinished`],
    /// [`TenancyError::Reserved`] when it is one of the platform's own, which could not be registered
    /// again; [`TenancyError::Store`].
    pub async fn remove_domain(
        &self,
        tx: &TenantTx,
        LockedTenant(tenant): LockedTenant,
        host: &HostName,
    ) -> Result<(), TenancyError> {
        is_finished(&tenant)?;
        if tenant.is_public() && self.rules.reserves(host) {
            return Err(TenancyError::Reserved(host.clone()));
        }
        let removed = self.changes.remove_domain(tx, tenant.id, host, self.now());
        if removed.await? {
            tx.record(record::domain_removed(&tenant, host));
            Ok(())
        } else {
            Err(TenancyError::Missing)
        }
    }

    /// PostgreSQL keeps microseconds: what is answered now is what is read later.
    fn now(&self) -> OffsetDateTime {
        let now = self.ambient.now();
        now.replace_nanosecond(now.microsecond() * 1_000)
            .unwrap_or(now)
    }
}

/// A creation that is cut off is completed by the words it began with, and one that fails leaves
/// nothing: until it has ended, the tenant is as it was claimed.
fn is_finished(tenant: &Tenant) -> Result<(), TenancyError> {
    if tenant.status == TenantStatus::Creating {
        Err(TenancyError::Unfinished)
    } else {
        Ok(())
    }
}

/// A row that is locked is there.
fn gone() -> TenancyError {
    StoreError::corrupt("a tenant that was locked is gone").into()
}

impl fmt::Debug for Administration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Administration")
    }
}
