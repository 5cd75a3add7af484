//! The directory: every tenant at hand, for the requests.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use async_trait::async_trait;
use database::{Change, Freshness, PlatformReadTx, StoreError, Subscriber};
use kernel::{FairLimits, FairSemaphore, Slug, TenantId};
use moka::future::Cache;

use crate::{HostName, NamedHost, Registered, Registry, TenancyError, repository::readable};

/// How many names that no tenant has are kept in mind.
const STRANGERS: u64 = 10_000;

/// How many are looked up at once, and how many more may wait for that. A name that is not in the
/// directory is nobody's, or that of a tenant which came into being within the last second: whoever
/// sends many of them gets two connections and no more.
const LOOKUPS: FairLimits = FairLimits {
    permits: 2,
    per_key: 2,
    waiting_per_key: 32,
};

/// How many names are asked for by one statement.
const CHUNK: usize = 500;

/// Knows every tenant by slug and by host, and asks nobody: what changes is told to it
/// ([`Freshness`]). About 1 kB a tenant.
///
/// When it was not told for too long, it refuses to answer. What it does answer was so within the
/// last `refuse_after`; so whoever moves a tenant says `moving` first and waits that long.
pub struct Directory {
    registry: Arc<Registry>,
    freshness: Freshness,
    known: RwLock<Known>,
    /// Names that the registry does not have. It matters to no tenant how long: what is known is
    /// looked at first.
    strangers: Cache<Name, ()>,
    lookups: Arc<FairSemaphore<()>>,
}

#[derive(Default)]
struct Known {
    tenants: HashMap<Slug, Arc<Registered>>,
    ids: HashMap<TenantId, Arc<Registered>>,
    hosts: HashMap<HostName, TenantId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    Slug(Slug),
    Host(HostName),
}

/// Why a name that is looked up is not noted as a stranger's.
enum NoStranger {
    Tenant(Arc<Registered>),
    Crowd,
    Failed(Arc<StoreError>),
}

impl Directory {
    /// An empty directory, which answers once [`Freshness::watch`] has told it what there is.
    pub fn new(registry: Arc<Registry>, freshness: Freshness) -> Self {
        Self {
            registry,
            freshness,
            known: RwLock::default(),
            strangers: Cache::new(STRANGERS),
            lookups: FairSemaphore::new(LOOKUPS),
        }
    }

    /// The tenant with this slug.
    ///
    /// # Errors
    /// [`TenancyError::Outdated`], [`TenancyError::Crowded`], [`TenancyError::Registry`].
    pub async fn by_slug(&self, slug: &Slug) -> Result<Option<Arc<Registered>>, TenancyError> {
        if let Some(found) = self.known()?.tenants.get(slug) {
            return Ok(Some(Arc::clone(found)));
        }
        self.look_up(Name::Slug(slug.clone())).await
    }

    /// The tenant to which this host is registered.
    ///
    /// # Errors
    /// As [`Self::by_slug`].
    pub async fn by_host(&self, host: &HostName) -> Result<Option<Arc<Registered>>, TenancyError> {
        if let Some(found) = self.known()?.by_host(host) {
            return Ok(Some(Arc::clone(found)));
        }
        self.look_up(Name::Host(host.clone())).await
    }

    /// The tenant with this id.
    ///
    /// # Errors
    /// [`TenancyError::Outdated`], [`TenancyError::Registry`].
    pub async fn by_id(&self, id: TenantId) -> Result<Option<Arc<Registered>>, TenancyError> {
        if let Some(found) = self.known()?.ids.get(&id) {
            return Ok(Some(Arc::clone(found)));
        }
        // One that came into being within the last second. Ids come from us, and are not guessed.
        let found = self.registry.by_id(id).await;
        let found = found.map_err(|error| TenancyError::Registry(Arc::new(error)))?;
        Ok(found.map(Arc::new))
    }

    /// The tenant whose host this is, by its subdomain or registered, as far as it is known here:
    /// one that came into being within the last second may be missing.
    ///
    /// # Errors
    /// [`TenancyError::Outdated`].
    pub fn known_owner(&self, host: &NamedHost) -> Result<Option<Arc<Registered>>, TenancyError> {
        let known = self.known()?;
        let by_slug = host.slug().and_then(|slug| known.tenants.get(slug));
        Ok(by_slug.or_else(|| known.by_host(host.name())).cloned())
    }

    /// Returns when the directory knows what was written before the call.
    pub async fn catch_up(&self) {
        self.freshness.catch_up().await;
    }

    /// What is known, while it counts.
    fn known(&self) -> Result<RwLockReadGuard<'_, Known>, TenancyError> {
        if self.freshness.is_fresh() {
            Ok(self.known.read().unwrap_or_else(PoisonError::into_inner))
        } else {
            Err(TenancyError::Outdated)
        }
    }

    /// Asks the registry. Many that ask for the same name ask once; and what is found is not noted
    /// here, for it may be older than what was told meanwhile.
    async fn look_up(&self, name: Name) -> Result<Option<Arc<Registered>>, TenancyError> {
        if self.strangers.contains_key(&name) {
            return Ok(None);
        }
        let asking = async {
            let turn = self.lookups.acquire(()).await;
            let _turn = turn.map_err(|_refusal| NoStranger::Crowd)?;
            let found = match &name {
                Name::Slug(slug) => self.registry.by_slug(slug).await,
                Name::Host(host) => self.registry.by_host(host).await,
            };
            match found {
                Ok(None) => Ok(()),
                Ok(Some(found)) => Err(NoStranger::Tenant(Arc::new(found))),
                Err(error) => Err(NoStranger::Failed(Arc::new(error))),
            }
        };
        // Boxed: the state of a lookup is large, and a request that finds its tenant has none.
        match Box::pin(self.strangers.try_get_with_by_ref(&name, asking)).await {
            Ok(()) => Ok(None),
            Err(no_stranger) => match &*no_stranger {
                NoStranger::Tenant(found) => Ok(Some(Arc::clone(found))),
                NoStranger::Crowd => Err(TenancyError::Crowded),
                NoStranger::Failed(error) => Err(TenancyError::Registry(Arc::clone(error))),
            },
        }
    }
}

impl Known {
    fn by_host(&self, host: &HostName) -> Option<&Arc<Registered>> {
        self.ids.get(self.hosts.get(host)?)
    }

    fn insert(&mut self, registered: Registered) {
        let registered = Arc::new(registered);
        let tenant = &registered.tenant;
        self.tenants
            .insert(tenant.slug.clone(), Arc::clone(&registered));
        self.ids.insert(tenant.id, Arc::clone(&registered));
    }

    fn remove(&mut self, slug: &Slug) {
        if let Some(removed) = self.tenants.remove(slug) {
            self.ids.remove(&removed.tenant.id);
        }
    }
}

#[async_trait]
impl Subscriber for Directory {
    async fn reload(&self, tx: &PlatformReadTx) -> Result<(), StoreError> {
        let mut known = Known::default();
        for registered in self.read(tx, None).await? {
            known.insert(registered);
        }
        known.hosts = self.owners(tx, None).await?.into_iter().collect();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }

    async fn changed(&self, tx: &PlatformReadTx, changes: &[Change]) -> Result<(), StoreError> {
        let of = |subject| changes.iter().filter(move |it| it.subject == subject);
        let slugs: Vec<Slug> = of("tenant")
            .filter_map(|it| Slug::existing(&it.name).ok())
            .collect();
        let hosts: Vec<HostName> = of("host").filter_map(|it| it.name.parse().ok()).collect();
        for slugs in slugs.chunks(CHUNK) {
            let read = self.read(tx, Some(slugs)).await?;
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            for slug in slugs {
                known.remove(slug);
            }
            for registered in read {
                known.insert(registered);
            }
        }
        for hosts in hosts.chunks(CHUNK) {
            let owners = self.owners(tx, Some(hosts)).await?;
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            for host in hosts {
                known.hosts.remove(host);
            }
            known.hosts.extend(owners);
        }
        Ok(())
    }
}

impl Directory {
    /// The tenants with these slugs, or all. One whose row cannot be read is left out: it alone is
    /// not served, and whoever asks for it is told that it cannot be read.
    async fn read(
        &self,
        tx: &PlatformReadTx,
        slugs: Option<&[Slug]>,
    ) -> Result<Vec<Registered>, StoreError> {
        let rows = self.registry.repository().legible(tx, slugs).await?;
        let tenants = readable(rows).into_iter();
        Ok(tenants.map(|tenant| self.registry.open(tenant)).collect())
    }

    async fn owners(
        &self,
        tx: &PlatformReadTx,
        hosts: Option<&[HostName]>,
    ) -> Result<Vec<(HostName, TenantId)>, StoreError> {
        self.registry.repository().owners(tx, hosts).await
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Directory")
    }
}
