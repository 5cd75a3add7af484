//! Which tenant a request is for.

use std::sync::Arc;

use database::TenantContext;
use kernel::Slug;

use crate::{Directory, HostRules, NamedHost, Question, Registered, TenancyError};

/// Finds the tenant of a request. The only place where that is decided.
#[derive(Debug)]
pub struct Resolution {
    directory: Arc<Directory>,
    rules: HostRules,
}

impl Resolution {
    /// Resolves by these rules.
    pub fn new(directory: Arc<Directory>, rules: HostRules) -> Self {
        Self { directory, rules }
    }

    /// The tenant that the header `X-Tenant-Slug` and the host of a request name, if it is in
    /// service.
    ///
    /// # Errors
    /// [`TenancyError::UnreadableHost`], [`TenancyError::NotFound`], [`TenancyError::Ambiguous`],
    /// [`TenancyError::Suspended`], [`TenancyError::Unavailable`]; [`TenancyError::Outdated`],
    /// [`TenancyError::Crowded`], [`TenancyError::Registry`].
    pub async fn resolve(
        &self,
        header: Option<&str>,
        host: Option<&str>,
    ) -> Result<TenantContext, TenancyError> {
        let found = match self.rules.read(header, host) {
            Question::Unreadable => return Err(TenancyError::UnreadableHost),
            Question::Nobody => None,
            Question::Public => self.directory.by_slug(&Slug::public()).await?,
            Question::Host(host) => self.owner(&host).await?,
            Question::Header(slug, host) => self.named(&slug, host.as_ref()).await?,
        };
        let found = found.ok_or(TenancyError::NotFound)?;
        found.tenant.admits_requests()?;
        Ok(found.context.clone())
    }

    /// The tenant that the header names, unless the request came in by another one's door. What is
    /// nobody's door is not looked up: the header is enough, whatever crowd is being looked up.
    async fn named(
        &self,
        slug: &Slug,
        host: Option<&NamedHost>,
    ) -> Result<Option<Arc<Registered>>, TenancyError> {
        let Some(named) = self.directory.by_slug(slug).await? else {
            return Ok(None);
        };
        if let Some(host) = host
            && host.slug() != Some(slug)
            && let Some(owner) = self.directory.known_owner(host)?
            && !owner.tenant.is_public()
            && owner.tenant.id != named.tenant.id
        {
            return Err(TenancyError::Ambiguous);
        }
        Ok(Some(named))
    }

    /// The tenant whose host this is: by its subdomain, else registered.
    async fn owner(&self, host: &NamedHost) -> Result<Option<Arc<Registered>>, TenancyError> {
        if let Some(slug) = host.slug()
            && let Some(owner) = self.directory.by_slug(slug).await?
        {
            return Ok(Some(owner));
        }
        self.directory.by_host(host.name()).await
    }
}
