//! A new tenant: all of it, or nothing.

use std::sync::Arc;

use async_trait::async_trait;
use database::{Database, PlatformTx, StoreError, TenantContext};
use kernel::{
    Ambient, Placement, SchemaName, Slug, Subscription, TenantId, TenantStatus, TimeZone,
};
use telemetry::Origin;
use tokio::sync::Semaphore;

use crate::{
    Administrators, Branding, FirstAdministrator, HostName, Locale, PortError, Registered,
    Registry, RequestedAdministrator, SchemaProvisioner, TenancyError, Tenant, TenantName,
    TenantRepository, record,
};

/// How many tenants a process creates at once. Each holds one connection, its lock, while it needs
/// a second one: more of them than half the pool would wait for each other.
const AT_ONCE: usize = 2;

/// What somebody decides about a new tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTenant {
    /// Its short name, for ever.
    pub slug: Slug,
    /// Its name as people write it.
    pub name: TenantName,
    /// Whether it gets a schema of its own.
    pub placement: Placement,
    /// The language of its mails and pages.
    pub locale: Locale,
    /// Decides which day it is.
    pub time_zone: TimeZone,
}

/// Creates tenants: claims the slug, makes the schema, appoints the first administrator, and only
/// then puts the tenant into service.
///
/// Whoever creates a tenant holds the lock of its slug all the time. So a tenant that is being
/// created and whose lock is free was left by a process that died, and the same command takes it
/// up where it stands; every step can be repeated. An attempt that fails by itself undoes what it
/// did.
pub struct Provisioning {
    database: Database,
    registry: Arc<Registry>,
    tenants: Arc<dyn TenantRepository>,
    schemas: Arc<dyn SchemaProvisioner>,
    ambient: Ambient,
    pool_capacity: u32,
    turns: Semaphore,
    origin: Origin,
}

impl Provisioning {
    /// `pool_capacity` is how many tenants a pool takes. The database is an operator's: the
    /// application's own login cannot write the registry.
    pub fn new(
        database: Database,
        registry: Arc<Registry>,
        tenants: Arc<dyn TenantRepository>,
        schemas: Arc<dyn SchemaProvisioner>,
        ambient: Ambient,
        pool_capacity: u32,
    ) -> Self {
        Self {
            database,
            registry,
            tenants,
            schemas,
            ambient,
            pool_capacity,
            turns: Semaphore::new(AT_ONCE),
            origin: Origin::default(),
        }
    }

    /// The same, on somebody's behalf.
    #[must_use]
    pub fn initiated_by(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Creates a tenant, or completes one that an earlier attempt with the same words left.
    ///
    /// # Errors
    /// [`TenancyError::SlugTaken`]; [`TenancyError::Schema`] and [`TenancyError::Administrator`],
    /// after which nothing of it is left; [`TenancyError::Store`].
    pub async fn create(
        &self,
        new: &NewTenant,
        administrator: &dyn FirstAdministrator,
    ) -> Result<Registered, TenancyError> {
        let _turn = self.turns.acquire().await;
        let lock = self
            .database
            .begin_platform(self.registry.platform())
            .await?;
        if !self.tenants.try_lock_slug(&lock, &new.slug).await? {
            return Err(TenancyError::SlugTaken(new.slug.clone()));
        }
        let (tenant, is_new) = match self.claim(new).await? {
            Claim::New(tenant) => (tenant, true),
            Claim::Existing(tenant)
                if is_unfinished(&tenant, new) && !self.is_requested(&lock, tenant.id).await? =>
            {
                (tenant, false)
            }
            Claim::Existing(_) => return Err(TenancyError::SlugTaken(new.slug.clone())),
        };
        if let Err(error) = self.furnish(&tenant, administrator).await {
            // What an earlier attempt made may hold more than this one knows of: it stays.
            if is_new {
                self.abandon(lock, &tenant).await;
            }
            return Err(error);
        }
        self.put_into_service(lock, tenant).await
    }

    /// Whether a request claimed the slug, for an administrator of its own: its job makes the tenant,
    /// and nobody else does.
    async fn is_requested(&self, lock: &PlatformTx, id: TenantId) -> Result<bool, StoreError> {
        let requested = self.tenants.requested_administrator(lock, id).await?;
        Ok(requested.is_some())
    }

    /// Makes a tenant whose slug was claimed by a request; one that is in service already is not
    /// touched. What an attempt that fails has made stays for the next one.
    ///
    /// # Errors
    /// [`TenancyError::Missing`] when it was given up meanwhile; [`TenancyError::SlugTaken`] when
    /// somebody else is making it at this moment; [`TenancyError::Schema`],
    /// [`TenancyError::Administrator`], [`TenancyError::Store`].
    pub async fn complete(
        &self,
        id: TenantId,
        administrators: &dyn Administrators,
    ) -> Result<Registered, TenancyError> {
        let _turn = self.turns.acquire().await;
        let claimed = self
            .registry
            .by_id(id)
            .await?
            .ok_or(TenancyError::Missing)?;
        let slug = &claimed.tenant.slug;
        let lock = self
            .database
            .begin_platform(self.registry.platform())
            .await?;
        if !self.tenants.try_lock_slug(&lock, slug).await? {
            return Err(TenancyError::SlugTaken(slug.clone()));
        }
        // Whoever had the lock may have put it into service, or given it up.
        let claimed = self
            .registry
            .by_id(id)
            .await?
            .ok_or(TenancyError::Missing)?;
        if claimed.tenant.status != TenantStatus::Creating {
            lock.rollback().await?;
            return Ok(claimed);
        }
        let requested = self.tenants.requested_administrator(&lock, id).await?;
        let requested = requested.ok_or_else(|| {
            TenancyError::Administrator("nobody was asked for as its administrator".into())
        })?;
        let administrator = Requested {
            administrators,
            requested,
        };
        self.furnish(&claimed.tenant, &administrator).await?;
        self.put_into_service(lock, claimed.tenant).await
    }

    /// Creates the public tenant, whose users run the platform, unless there is one; registers its
    /// host; and appoints its first administrator, unless there is one.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub async fn ensure_public(
        &self,
        name: TenantName,
        host: &HostName,
        administrator: &dyn FirstAdministrator,
    ) -> Result<Registered, TenancyError> {
        let _turn = self.turns.acquire().await;
        let public = NewTenant {
            slug: Slug::public(),
            name,
            placement: Placement::Dedicated,
            locale: Locale::english(),
            time_zone: TimeZone::utc(),
        };
        let lock = self
            .database
            .begin_platform(self.registry.platform())
            .await?;
        self.tenants.lock_slug(&lock, &public.slug).await?;
        let (Claim::New(tenant) | Claim::Existing(tenant)) = self.claim(&public).await?;
        self.furnish(&tenant, administrator).await?;
        let now = self.ambient.now();
        self.tenants
            .register_host(&lock, host, tenant.id, now)
            .await?;
        self.put_into_service(lock, tenant).await
    }

    /// Enters the tenant in the registry, where the unique key on the slug decides who was first.
    async fn claim(&self, new: &NewTenant) -> Result<Claim, StoreError> {
        let tx = self
            .database
            .begin_platform(self.registry.platform())
            .await?;
        let schema = match new.placement {
            Placement::Dedicated => SchemaName::dedicated(&new.slug),
            Placement::Pooled => self.tenants.place_in_pool(&tx, self.pool_capacity).await?,
        };
        let now = self.ambient.now();
        let tenant = Tenant {
            id: self.ambient.id(),
            slug: new.slug.clone(),
            name: new.name.as_str().to_owned(),
            schema,
            placement: new.placement,
            status: TenantStatus::Creating,
            locale: new.locale.clone(),
            time_zone: new.time_zone.clone(),
            branding: Branding::default(),
            placement_epoch: 1,
            auth_epoch: 1,
            suspension: None,
            subscription: Subscription::Active,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        if self.tenants.claim(&tx, &tenant).await? {
            tx.commit().await?;
            return Ok(Claim::New(tenant));
        }
        tx.rollback().await?;
        let tx = self
            .database
            .begin_platform_read(self.registry.platform())
            .await?;
        let existing = self.tenants.by_slug(&tx, &new.slug).await?;
        tx.commit().await?;
        existing
            .map(Claim::Existing)
            .ok_or_else(|| StoreError::corrupt("a slug is taken by no tenant"))
    }

    /// Makes what a tenant needs before it can be entered.
    async fn furnish(
        &self,
        tenant: &Tenant,
        administrator: &dyn FirstAdministrator,
    ) -> Result<(), TenancyError> {
        self.schemas
            .provision(&tenant.schema)
            .await
            .map_err(TenancyError::Schema)?;
        if tenant.placement == Placement::Pooled {
            let tx = self
                .database
                .begin_platform(self.registry.platform())
                .await?;
            self.tenants.open_pool(&tx, &tenant.schema).await?;
            tx.commit().await?;
        }
        let Registered { context, .. } = self.registry.open(tenant.clone());
        administrator
            .appoint(&context)
            .await
            .map_err(TenancyError::Administrator)
    }

    /// The last step, in the transaction that held the lock: had the lock been lost on the way,
    /// this would fail.
    async fn put_into_service(
        &self,
        lock: PlatformTx,
        tenant: Tenant,
    ) -> Result<Registered, TenancyError> {
        let now = self.ambient.now();
        let lock = lock.initiated_by(self.origin.clone());
        let active = self.tenants.activate(&lock, tenant.id, now).await?;
        let active = active.ok_or_else(|| StoreError::corrupt("a claim is gone"))?;
        if tenant.status == TenantStatus::Creating {
            lock.record(record::created(&active));
        }
        lock.commit().await?;
        Ok(self.registry.open(active))
    }

    /// Undoes a claim and what was made for it. When that fails too, the tenant is left as a dead
    /// process would leave it: the same command completes it.
    async fn abandon(&self, lock: PlatformTx, tenant: &Tenant) {
        if let Err(error) = self.undo(lock, tenant).await {
            tracing::warn!(
                tenant = tenant.slug.as_str(),
                error = &error as &dyn std::error::Error,
                "the tenant could not be created, and what was made for it could not be undone; \
                 the same command completes it"
            );
        }
    }

    /// In the transaction that holds the lock, which fails when the lock was lost on the way: then
    /// somebody else may be completing the tenant, or have completed it.
    async fn undo(&self, lock: PlatformTx, tenant: &Tenant) -> Result<(), TenancyError> {
        self.tenants.lock_slug(&lock, &tenant.slug).await?;
        match tenant.placement {
            Placement::Dedicated => self
                .schemas
                .discard(&tenant.schema, tenant.id)
                .await
                .map_err(TenancyError::Schema)?,
            Placement::Pooled => self.tenants.abandon(&lock, tenant).await?,
        }
        Ok(lock.commit().await?)
    }
}

impl std::fmt::Debug for Provisioning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Provisioning")
    }
}

/// The first administrator that a request asked for.
struct Requested<'a> {
    administrators: &'a dyn Administrators,
    requested: RequestedAdministrator,
}

#[async_trait]
impl FirstAdministrator for Requested<'_> {
    async fn appoint(&self, tenant: &TenantContext) -> Result<(), PortError> {
        let appointed = self.administrators.appoint(tenant, &self.requested);
        appointed.await
    }
}

/// Who was first.
enum Claim {
    New(Tenant),
    Existing(Tenant),
}

/// Whether this is what an attempt with the same words left when it was cut off.
fn is_unfinished(existing: &Tenant, new: &NewTenant) -> bool {
    existing.status == TenantStatus::Creating
        && existing.name == new.name.as_str()
        && existing.placement == new.placement
        && existing.locale == new.locale
        && existing.time_zone == new.time_zone
}
