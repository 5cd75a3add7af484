//! `tenant create`, `list`, `show`, `suspend`, `resume` and `domain`.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use database::TenantTx;
use kernel::{EmailAddress, Placement, Slug, TenantStatus, TimeZone};
use secrecy::ExposeSecret as _;
use tenancy::{
    HostName, Locale, LockedTenant, NewTenant, Registered, SuspensionReason, TenancyError, Tenant,
    TenantName,
};

use super::{
    Failure, Operator, TenantReport,
    administrator::{Administrator, Password},
    credentials::read_secret,
    operator::Platform,
};

/// A tenant that an operator asks for.
#[derive(Clone, Debug)]
pub struct TenantRequest {
    /// Its short name, for ever.
    pub slug: Slug,
    /// Its name as people write it.
    pub name: TenantName,
    /// Where it lives; as `tenancy.default_placement` says when nothing is said here.
    pub placement: Option<Placement>,
    /// The language of its mails and pages.
    pub locale: Locale,
    /// Decides which day it is.
    pub time_zone: TimeZone,
    /// Its first administrator.
    pub administrator: EmailAddress,
    /// The administrator's password.
    pub password: PasswordFrom,
}

/// Where a password comes from. Never from the command line, which everybody on a machine can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordFrom {
    /// It is drawn, and kept in the credentials folder.
    Generated,
    /// A file holds it.
    File(PathBuf),
}

impl Operator {
    /// Creates a tenant with its first administrator, or completes one that was cut off.
    ///
    /// # Errors
    /// [`Failure::Tenancy`]: the slug is taken, or nothing was made.
    pub async fn create_tenant(&self, request: TenantRequest) -> Result<TenantReport, Failure> {
        let platform = self.open().await?;
        self.create_in(&platform, request).await
    }

    /// Every tenant, by slug.
    ///
    /// # Errors
    /// [`Failure::Tenancy`].
    pub async fn list_tenants(&self) -> Result<Vec<TenantReport>, Failure> {
        let platform = self.open().await?;
        let tenants = platform.registry.all().await?;
        // What is wrong with a row that cannot be read, `diagnose` says.
        let readable = tenants.iter().flatten();
        Ok(readable.map(|it| TenantReport::of(&it.tenant)).collect())
    }

    /// One tenant.
    ///
    /// # Errors
    /// [`Failure::NoTenant`].
    pub async fn show_tenant(&self, slug: &Slug) -> Result<TenantReport, Failure> {
        let platform = self.open().await?;
        platform.report(slug).await
    }

    /// Suspends a tenant: every process refuses it within a second. One that is suspended stays so,
    /// for the reason it was suspended for.
    ///
    /// # Errors
    /// [`Failure::NoTenant`]; [`TenancyError::PublicTenant`], [`TenancyError::NotInService`].
    pub async fn suspend_tenant(
        &self,
        slug: &Slug,
        reason: Option<&SuspensionReason>,
    ) -> Result<TenantReport, Failure> {
        let platform = self.open().await?;
        let (tx, locked) = platform.lock(slug).await?;
        if locked.tenant().status != TenantStatus::Suspended {
            let suspended = platform.administration.suspend(&tx, locked, reason);
            suspended.await?;
        }
        tx.commit().await?;
        platform.report(slug).await
    }

    /// Lets a suspended tenant in again. One that is in service stays so.
    ///
    /// # Errors
    /// [`Failure::NoTenant`]; [`TenancyError::NotSuspended`].
    pub async fn resume_tenant(&self, slug: &Slug) -> Result<TenantReport, Failure> {
        let platform = self.open().await?;
        let (tx, locked) = platform.lock(slug).await?;
        if locked.tenant().status != TenantStatus::Active {
            platform.administration.resume(&tx, locked).await?;
        }
        tx.commit().await?;
        platform.report(slug).await
    }

    /// Registers a domain to a tenant. One that it has already, it keeps.
    ///
    /// # Errors
    /// [`Failure::NoTenant`], [`Failure::DomainElsewhere`]; [`TenancyError::NoDomain`],
    /// [`TenancyError::Reserved`].
    pub async fn add_domain(&self, slug: &Slug, domain: HostName) -> Result<TenantReport, Failure> {
        let platform = self.open().await?;
        let (tx, locked) = platform.lock(slug).await?;
        let added = platform.administration.add_domain(&tx, locked, domain);
        match added.await {
            Ok(_) => tx.commit().await?,
            Err(TenancyError::DomainTaken(domain)) => {
                tx.rollback().await?;
                platform.is_not_elsewhere(slug, domain).await?;
            }
            Err(error) => return Err(error.into()),
        }
        platform.report(slug).await
    }

    /// Takes a domain from a tenant. One that nobody has is gone already.
    ///
    /// # Errors
    /// [`Failure::NoTenant`], [`Failure::DomainElsewhere`].
    pub async fn remove_domain(
        &self,
        slug: &Slug,
        domain: HostName,
    ) -> Result<TenantReport, Failure> {
        let platform = self.open().await?;
        let (tx, locked) = platform.lock(slug).await?;
        let removed = platform.administration.remove_domain(&tx, locked, &domain);
        match removed.await {
            Ok(()) => tx.commit().await?,
            Err(TenancyError::Missing) => {
                tx.rollback().await?;
                platform.is_not_elsewhere(slug, domain).await?;
            }
            Err(error) => return Err(error.into()),
        }
        platform.report(slug).await
    }

    pub(super) async fn create_in(
        &self,
        platform: &Platform,
        request: TenantRequest,
    ) -> Result<TenantReport, Failure> {
        let password = match &request.password {
            PasswordFrom::Generated => {
                self.kept_password(format!("{}-administrator-password", request.slug))
            }
            // Too short a one is told before anything is made.
            PasswordFrom::File(file) => Password::Given(given(file)?),
        };
        let administrator = Administrator::new(platform, request.administrator, password);
        let new = NewTenant {
            slug: request.slug,
            name: request.name,
            placement: request
                .placement
                .unwrap_or(self.settings.tenancy.default_placement.into()),
            locale: request.locale,
            time_zone: request.time_zone,
        };
        let Registered { tenant, .. } = platform.provisioning.create(&new, &administrator).await?;
        let mut report = TenantReport::of(&tenant);
        report.administrator_password_file = administrator.password_file();
        Ok(report)
    }
}

impl Platform {
    async fn report(&self, slug: &Slug) -> Result<TenantReport, Failure> {
        let Registered { tenant, .. } = self.tenant(slug).await?;
        let hosts = self.registry.hosts(tenant.id).await?;
        Ok(TenantReport::of(&tenant).with_hosts(&hosts))
    }

    /// A transaction in which tenants are changed, one of the public tenant, and the tenant that is
    /// to be changed.
    async fn lock(&self, slug: &Slug) -> Result<(TenantTx, LockedTenant), Failure> {
        let Registered { tenant, .. } = self.tenant(slug).await?;
        let public = self.tenant(&Slug::public()).await?;
        let tx = self.database.begin_tenant(&public.context).await?;
        let tx = tx.initiated_by(self.origin.clone());
        let locked = self.administration.lock_as_operator(&tx, tenant.id).await?;
        Ok((tx, locked))
    }

    async fn is_not_elsewhere(&self, slug: &Slug, domain: HostName) -> Result<(), Failure> {
        match self.registry.by_host(&domain).await? {
            Some(Registered {
                tenant: Tenant { slug: owner, .. },
                ..
            }) if owner != *slug => Err(Failure::DomainElsewhere { domain, owner }),
            _ => Ok(()),
        }
    }
}

/// The password in a file that was named on the command line. Who may read that one is not asked:
/// the secrets that a container is given are readable by all in it.
fn given(file: &Path) -> Result<auth::Password, Failure> {
    let name = file.display();
    let wrong = |reason| Failure::Argument {
        option: "--password-file",
        reason,
    };
    let text = read_secret(file).map_err(|error| match error {
        Failure::File { source, .. } if source.kind() == ErrorKind::InvalidData => {
            wrong(format!("{name} is no text in UTF-8"))
        }
        other => other,
    })?;
    let text = text.ok_or_else(|| wrong(format!("there is no file {name}")))?;
    auth::Password::choose(text.expose_secret()).map_err(|error| {
        wrong(format!(
            "{name} holds no password that can be used: {error}"
        ))
    })
}
