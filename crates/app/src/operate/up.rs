//! `up`: from an empty database to a platform that can be used.

use std::{path::PathBuf, time::Duration};

use kernel::EmailAddress;
use tenancy::{HostName, TenantName};

use super::{
    Failure, MigrationReport, Operator, Phase, TenantReport, UpReport,
    administrator::Administrator,
    install::{self, DATABASE_URL, Outcome},
    migrate,
    operator::Platform,
    wait,
};

/// The file with the password of the platform's first administrator.
const PUBLIC_PASSWORD: &str = "public-administrator-password";

/// What the public tenant is, unless it exists.
#[derive(Clone, Debug)]
pub struct PublicTenant {
    /// Its name as people write it.
    pub name: TenantName,
    /// The host that leads to it.
    pub host: HostName,
    /// The first administrator of the platform.
    pub administrator: EmailAddress,
}

/// How `up` goes about it.
#[derive(Clone, Debug)]
pub struct UpOptions {
    /// What the public tenant is.
    pub public_tenant: PublicTenant,
    /// How long to wait for the database.
    pub wait: Duration,
    /// Whether the application's login gets a new password even if it has one.
    pub new_application_password: bool,
}

impl Operator {
    /// Waits for the database, installs, migrates, and makes sure of the keys, the public tenant
    /// and the first platform administrator; then looks whether all is well.
    ///
    /// # Errors
    /// Whatever keeps the platform from being ready.
    pub async fn up(&self, options: UpOptions) -> Result<UpReport, Failure> {
        let mut connection = wait::connect(&self.options, options.wait).await?;
        let installation = install::install(&mut connection, &self.ambient).await?;
        self.reporter
            .say(&format!("installation {}", installation.id()));
        let database_url_file = self
            .application_login(connection, &installation, &options)
            .await?;
        let migrator = self.migrator().await?;
        let migrated = migrate::migrate(&migrator, &*self.reporter).await?;
        self.ensure_audit_key()?;
        self.ensure_audit_signing_key()?;
        let platform = self.open().await?;
        self.ensure_keys(&platform).await?;
        let public = self
            .public_tenant(&platform, &options.public_tenant)
            .await?;
        let diagnosis = self.diagnose(Phase::Startup).await?.healthy()?;
        Ok(UpReport {
            installation: installation.id().to_owned(),
            migrated,
            database_url_file,
            administrator_password_file: public.administrator_password_file,
            diagnosis,
        })
    }

    /// Migrates the platform and every schema.
    ///
    /// # Errors
    /// [`Failure::Migration`], [`Failure::Schemas`].
    pub async fn migrate(&self) -> Result<MigrationReport, Failure> {
        drop(self.connection().await?);
        let migrator = self.migrator().await?;
        let migrated = migrate::migrate(&migrator, &*self.reporter).await?;
        Ok(MigrationReport { migrated })
    }

    /// Makes sure of the public tenant and its first administrator.
    ///
    /// # Errors
    /// [`Failure::Tenancy`].
    pub async fn ensure_public_tenant(
        &self,
        wanted: &PublicTenant,
    ) -> Result<TenantReport, Failure> {
        let platform = self.open().await?;
        self.public_tenant(&platform, wanted).await
    }

    /// The application's login: the one that was configured, or else one that is made here.
    async fn application_login(
        &self,
        mut connection: sqlx::PgConnection,
        installation: &migration::install::Installation,
        options: &UpOptions,
    ) -> Result<Option<PathBuf>, Failure> {
        let Some(credentials) = &self.credentials else {
            return Ok(None);
        };
        if self.configured_url.is_some() {
            return Ok(None);
        }
        let outcome = install::ensure_application_login(
            &mut connection,
            &self.admin_url,
            installation,
            credentials,
            options.new_application_password,
        )
        .await?;
        let file = credentials.path(DATABASE_URL);
        if outcome == Outcome::Made {
            self.reporter.say(&format!(
                "the application's login lies in {}",
                file.display()
            ));
        }
        Ok(Some(file))
    }

    /// The key that signs tokens, and the one that seals cursors: made once, shared by all.
    async fn ensure_keys(&self, platform: &Platform) -> Result<(), Failure> {
        let (database, context) = (&platform.database, platform.registry.platform());
        if auth::ensure_signing_key(database, context, &self.ambient).await? {
            self.reporter.say("made the key that signs tokens");
        }
        auth::ensure_secret(database, context, &self.ambient, auth::CURSOR_KEY).await?;
        Ok(())
    }

    async fn public_tenant(
        &self,
        platform: &Platform,
        wanted: &PublicTenant,
    ) -> Result<TenantReport, Failure> {
        let PublicTenant {
            name,
            host,
            administrator,
        } = wanted.clone();
        let password = self.kept_password(PUBLIC_PASSWORD);
        let administrator = Administrator::new(platform, administrator, password);
        let public = platform
            .provisioning
            .ensure_public(name, &host, &administrator)
            .await?;
        let hosts = platform.registry.hosts(public.tenant.id).await?;
        let mut report = TenantReport::of(&public.tenant).with_hosts(&hosts);
        report.administrator_password_file = administrator.password_file();
        if report.administrator_password_file.is_none() {
            self.reporter
                .say("the platform has an administrator; the password is not in this folder");
        }
        Ok(report)
    }
}
