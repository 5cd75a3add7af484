//! The registry: finds tenants, remembers them for a moment, and opens their doors.

use std::{fmt, hash::Hash, sync::Arc, time::Duration};

use database::{
    Database, PlatformContext, PlatformReadTx, RegistryAuthority, StoreError, TenantContext,
};
use kernel::{Slug, TenantId};
use moka::future::Cache;

use crate::{HostName, TenancyError, Tenant, TenantRepository};

/// What is remembered, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrySettings {
    /// Tenants kept in memory.
    pub cache_capacity: u64,
    /// How long a tenant is kept: a change of the registry counts after this time at the latest.
    pub cache_ttl: Duration,
}

impl Default for RegistrySettings {
    fn default() -> Self {
        Self {
            cache_capacity: 10_000,
            cache_ttl: Duration::from_secs(5),
        }
    }
}

/// A tenant of the registry and the way in.
#[derive(Clone, Debug)]
pub struct Registered {
    /// What the registry says.
    pub tenant: Tenant,
    /// The proof of it.
    pub context: TenantContext,
}

/// Finds tenants and mints the contexts in which their data can be reached; nobody else can, for
/// the authority is one of a kind and lives here.
pub struct Registry {
    database: Database,
    authority: RegistryAuthority,
    platform: PlatformContext,
    tenants: Arc<dyn TenantRepository>,
    by_slug: Remembered<Slug>,
    by_host: Remembered<HostName>,
}

impl Registry {
    /// Takes the authority that [`Database::connect`] returned.
    pub fn new(
        database: Database,
        authority: RegistryAuthority,
        tenants: Arc<dyn TenantRepository>,
        settings: RegistrySettings,
    ) -> Self {
        Self {
            platform: authority.platform(),
            database,
            authority,
            tenants,
            by_slug: Remembered::new(settings),
            by_host: Remembered::new(settings),
        }
    }

    /// The way into the platform's own schema, for the composition root.
    pub fn platform(&self) -> &PlatformContext {
        &self.platform
    }

    /// The tenant with this slug, as it was within `cache_ttl`.
    ///
    /// # Errors
    /// [`TenancyError::Registry`].
    pub async fn by_slug(&self, slug: &Slug) -> Result<Option<Arc<Registered>>, TenancyError> {
        let load = async {
            let tx = self.database.begin_platform_read(&self.platform).await?;
            let tenant = self.tenants.by_slug(&tx, slug).await?;
            self.admit(tx, tenant).await
        };
        self.by_slug.get(slug, load).await
    }

    /// The tenant to which this host is registered, as it was within `cache_ttl`.
    ///
    /// # Errors
    /// [`TenancyError::Registry`].
    pub async fn by_host(&self, host: &HostName) -> Result<Option<Arc<Registered>>, TenancyError> {
        let load = async {
            let tx = self.database.begin_platform_read(&self.platform).await?;
            let tenant = self.tenants.by_host(&tx, host).await?;
            self.admit(tx, tenant).await
        };
        self.by_host.get(host, load).await
    }

    /// The tenant with this id, as it is.
    ///
    /// # Errors
    /// [`TenancyError::Store`].
    pub async fn by_id(&self, id: TenantId) -> Result<Option<Arc<Registered>>, TenancyError> {
        let tx = self.database.begin_platform_read(&self.platform).await?;
        let tenant = self.tenants.by_id(&tx, id).await?;
        Ok(self.admit(tx, tenant).await?)
    }

    /// Every tenant as it is, by slug.
    ///
    /// # Errors
    /// [`TenancyError::Store`].
    pub async fn all(&self) -> Result<Vec<Registered>, TenancyError> {
        let tx = self.database.begin_platform_read(&self.platform).await?;
        let tenants = self.tenants.all(&tx).await?;
        tx.commit().await?;
        Ok(tenants
            .into_iter()
            .map(|tenant| self.open(tenant))
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

    /// Forgets what is remembered of a tenant that was just changed here.
    pub(crate) async fn forget(&self, slug: &Slug, host: Option<&HostName>) {
        self.by_slug.forget(slug).await;
        if let Some(host) = host {
            self.by_host.forget(host).await;
        }
    }

    /// Opens the door to a tenant as it was just read or written.
    pub(crate) fn open(&self, tenant: Tenant) -> Registered {
        Registered {
            context: self.authority.tenant(tenant.record()),
            tenant,
        }
    }

    async fn admit(
        &self,
        tx: PlatformReadTx,
        tenant: Option<Tenant>,
    ) -> Result<Option<Arc<Registered>>, StoreError> {
        tx.commit().await?;
        Ok(tenant.map(|tenant| Arc::new(self.open(tenant))))
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registry")
    }
}

/// Tenants by one of their names. However many ask for the same one at once, the registry is read
/// once; and names that nobody has cannot push out the others, for they are kept apart.
struct Remembered<K> {
    known: Cache<K, Arc<Registered>>,
    unknown: Cache<K, ()>,
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> Remembered<K> {
    fn new(settings: RegistrySettings) -> Self {
        Self {
            known: cache(settings),
            unknown: cache(settings),
        }
    }

    async fn forget(&self, name: &K) {
        self.known.invalidate(name).await;
        self.unknown.invalidate(name).await;
    }

    async fn get(
        &self,
        name: &K,
        load: impl Future<Output = Result<Option<Arc<Registered>>, StoreError>>,
    ) -> Result<Option<Arc<Registered>>, TenancyError> {
        if let Some(known) = self.known.get(name).await {
            return Ok(Some(known));
        }
        if self.unknown.contains_key(name) {
            return Ok(None);
        }
        let load = async {
            match load.await {
                Ok(Some(registered)) => Ok(registered),
                Ok(None) => {
                    self.unknown.insert(name.clone(), ()).await;
                    Err(Absent::Unknown)
                }
                Err(error) => Err(Absent::Failed(Arc::new(error))),
            }
        };
        // Boxed: the state of a lookup is large, and a request that finds its tenant has none.
        match Box::pin(self.known.try_get_with_by_ref(name, load)).await {
            Ok(registered) => Ok(Some(registered)),
            Err(absent) => match &*absent {
                Absent::Unknown => Ok(None),
                Absent::Failed(error) => Err(TenancyError::Registry(Arc::clone(error))),
            },
        }
    }
}

fn cache<K, V>(settings: RegistrySettings) -> Cache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder()
        .max_capacity(settings.cache_capacity)
        .time_to_live(settings.cache_ttl)
        .build()
}

enum Absent {
    Unknown,
    Failed(Arc<StoreError>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_nobody_has_is_looked_up_once() {
        let remembered = Remembered::<Slug>::new(RegistrySettings::default());
        let slug = Slug::existing("ghost").unwrap();
        let first = remembered.get(&slug, async { Ok(None) }).await;
        assert!(first.unwrap().is_none());
        let second = remembered
            .get(&slug, async { panic!("looked up twice") })
            .await;
        assert!(second.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_failure_is_told_and_not_remembered() {
        let remembered = Remembered::<Slug>::new(RegistrySettings::default());
        let slug = Slug::existing("acme").unwrap();
        let failed = remembered
            .get(&slug, async { Err(StoreError::PoolTimeout) })
            .await;
        assert!(matches!(failed, Err(TenancyError::Registry(_))));
        assert!(
            remembered
                .get(&slug, async { Ok(None) })
                .await
                .unwrap()
                .is_none()
        );
    }
}
