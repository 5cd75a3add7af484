//! The registry: finds tenants and opens their doors.

use std::{fmt, sync::Arc};

use database::{Database, PlatformContext, RegistryAuthority, StoreError, TenantContext};
use kernel::{Slug, TenantId};

use crate::{HostName, Illegible, TenancyError, Tenant, TenantRepository};

/// A tenant of the registry and the way in.
#[derive(Clone, Debug)]
pub struct Registered {
    /// What the registry says.
    pub tenant: Tenant,
    /// The proof of it.
    pub context: TenantContext,
}

/// Finds tenants, as they are, and mints the contexts in which their data can be reached; nobody
/// else can, for the authority is one of a kind and lives here. What requests ask is answered by
/// the [`Directory`](crate::Directory), which remembers.
pub struct Registry {
    database: Database,
    authority: RegistryAuthority,
    platform: PlatformContext,
    tenants: Arc<dyn TenantRepository>,
}

impl Registry {
    /// Takes the authority that [`Database::connect`] returned.
    pub fn new(
        database: Database,
        authority: RegistryAuthority,
        tenants: Arc<dyn TenantRepository>,
    ) -> Self {
        Self {
            platform: authority.platform(),
            database,
            authority,
            tenants,
        }
    }

    /// The way into the platform's own schema, for the composition root.
    pub fn platform(&self) -> &PlatformContext {
        &self.platform
    }

    /// The tenant with this slug, as it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn by_slug(&self, slug: &Slug) -> Result<Option<Registered>, StoreError> {
        let tx = self.database.begin_platform_read(&self.platform).await?;
        let tenant = self.tenants.by_slug(&tx, slug).await?;
        tx.commit().await?;
        Ok(tenant.map(|tenant| self.open(tenant)))
    }

    /// The tenant to which this host is registered, as it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn by_host(&self, host: &HostName) -> Result<Option<Registered>, StoreError> {
        let tx = self.database.begin_platform_read(&self.platform).await?;
        let tenant = self.tenants.by_host(&tx, host).await?;
        tx.commit().await?;
        Ok(tenant.map(|tenant| self.open(tenant)))
    }

    /// The tenant with this id, as it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn by_id(&self, id: TenantId) -> Result<Option<Registered>, StoreError> {
        let tx = self.database.begin_platform_read(&self.platform).await?;
        let tenant = self.tenants.by_id(&tx, id).await?;
        tx.commit().await?;
        Ok(tenant.map(|tenant| self.open(tenant)))
    }

    /// Every tenant as it is, by slug, or why its row cannot be read.
    ///
    /// # Errors
    /// [`TenancyError::Store`].
    pub async fn all(&self) -> Result<Vec<Result<Registered, Illegible>>, TenancyError> {
        let tx = self.database.begin_platform_read(&self.platform).await?;
        let tenants = self.tenants.legible(&tx, None).await?.into_iter();
        tx.commit().await?;
        Ok(tenants
            .map(|tenant| tenant.map(|tenant| self.open(tenant)))
            .collect())
    }

    /// The hosts registered to a tenant.
    ///
    /// # Errors
    /// [`TenancyError::Store`].
    pub async fn hosts(&self, id: TenantId) -> Result<Vec<HostName>, TenancyError> {
        let tx = self.database.begin_platform_read(&self.platform).await?;
        let hosts = self.tenants.hosts(&tx, id).await?;
        tx.commit().await?;
        Ok(hosts)
    }

    /// Opens the door to a tenant as it was just read or written.
    pub(crate) fn open(&self, tenant: Tenant) -> Registered {
        Registered {
            context: self.authority.tenant(tenant.record()),
            tenant,
        }
    }

    /// The tables behind it, for the directory.
    pub(crate) fn repository(&self) -> &dyn TenantRepository {
        self.tenants.as_ref()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registry")
    }
}
