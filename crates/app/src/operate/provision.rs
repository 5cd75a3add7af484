//! Making tenants: the parts of it that other crates do, and all of it together.

use std::{str::FromStr as _, sync::Arc, time::Duration};

use async_trait::async_trait;
use audit::AuditLog;
use auth::{Password, PasswordHash, PasswordHasher, Users};
use database::{Database, DatabaseSettings, TenantContext};
use kernel::{Ambient, SchemaName, TenantId};
use migration::{MigrationError, Migrator};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};
use telemetry::Origin;
use tenancy::{
    Administrators, Passwords, PortError, PostgresTenants, Provisioning, Registry,
    RequestedAdministrator, SchemaProvisioner, TenantRepository,
};
use tokio::sync::OnceCell;

use super::{Failure, migrate, wait};
use crate::{components::argon2_settings, settings::Settings};

/// How long anybody waits for the database, but for `up`.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Makes schemas by migrating them from nothing. Connects when the first one is asked for: most
/// commands ask for none.
pub(super) struct MigratedSchemas {
    options: PgConnectOptions,
    migrator: OnceCell<Migrator>,
}

impl MigratedSchemas {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self {
            options,
            migrator: OnceCell::new(),
        }
    }

    async fn migrator(&self) -> Result<&Migrator, MigrationError> {
        let connect = || Migrator::connect(self.options.clone(), migrate::AT_ONCE);
        self.migrator.get_or_try_init(connect).await
    }
}

#[async_trait]
impl SchemaProvisioner for MigratedSchemas {
    async fn provision(&self, schema: &SchemaName) -> Result<(), PortError> {
        let migrator = self.migrator().await?;
        migrator.migrate_schema(schema.as_str()).await?;
        Ok(())
    }

    async fn discard(&self, schema: &SchemaName, tenant: TenantId) -> Result<(), PortError> {
        let migrator = self.migrator().await?;
        migrator
            .drop_unfinished(schema.as_str(), tenant.uuid())
            .await?;
        Ok(())
    }
}

/// Everything that makes tenants, with an operator's rights.
pub(crate) struct Provisioner {
    pub(crate) database: Database,
    pub(crate) registry: Arc<Registry>,
    pub(crate) provisioning: Arc<Provisioning>,
    pub(crate) users: Users,
}

impl Provisioner {
    /// Logs in as an operator, and waits a while for the database. Without an audit there is nothing
    /// that can be recorded, and so nothing to be done that is.
    pub(crate) async fn open(
        settings: &Settings,
        admin_url: &SecretString,
        options: PgConnectOptions,
        audit: Option<AuditLog>,
        ambient: &Ambient,
        origin: &Origin,
    ) -> Result<Self, Failure> {
        let turn_timeout = settings.database.turn_timeout;
        let connection = DatabaseSettings {
            pool_size: 8,
            connect_timeout: settings.database.connect_timeout,
            // A command waits for its turn, be it in another connection; a request would give up.
            statement_timeout: turn_timeout + Duration::from_mins(5),
            lock_timeout: turn_timeout,
            idle_in_transaction_timeout: turn_timeout + Duration::from_mins(5),
            ..DatabaseSettings::new(admin_url.clone())
        };
        let (database, authority) = wait::open(&connection, PATIENCE).await?;
        let database = match audit {
            Some(audit) => database.recorded_by(Arc::new(audit)),
            None => database,
        };
        let tenants: Arc<dyn TenantRepository> = Arc::new(PostgresTenants);
        let registry = Registry::new(database.clone(), authority, Arc::clone(&tenants));
        let registry = Arc::new(registry);
        let provisioning = Provisioning::new(
            database.clone(),
            Arc::clone(&registry),
            tenants,
            Arc::new(MigratedSchemas::new(options)),
            ambient.clone(),
            settings.tenancy.pool_capacity,
        )
        .initiated_by(origin.clone());
        let argon2 = argon2_settings(&settings.auth.argon2);
        let users =
            Users::start(&argon2, database.clone(), ambient.clone())?.initiated_by(origin.clone());
        Ok(Self {
            database,
            registry,
            provisioning: Arc::new(provisioning),
            users,
        })
    }
}

/// How an operator's login connects.
pub(crate) fn connect_options(
    settings: &Settings,
    admin_url: &SecretString,
    program: &str,
) -> Result<PgConnectOptions, Failure> {
    let turn_timeout = settings.database.turn_timeout;
    let options = PgConnectOptions::from_str(admin_url.expose_secret())
        .map_err(|_secret| Failure::MalformedAdminUrl)?
        .application_name(program)
        .options([("lock_timeout", turn_timeout.as_millis().to_string())])
        .disable_statement_logging();
    Ok(options)
}

/// Appoints first administrators whose passwords were hashed when they were asked for.
pub(crate) struct HashedAdministrators(pub(crate) Users);

#[async_trait]
impl Administrators for HashedAdministrators {
    async fn appoint(
        &self,
        tenant: &TenantContext,
        administrator: &RequestedAdministrator,
    ) -> Result<(), PortError> {
        let RequestedAdministrator {
            email,
            password_hash,
        } = administrator.clone();
        let hash = PasswordHash::new(password_hash.expose_secret().to_owned());
        let name = "Administrator".parse()?;
        self.0
            .ensure_hashed_administrator(tenant, email, name, &hash)
            .await?;
        Ok(())
    }
}

/// Hashes passwords as those of users are.
pub(crate) struct HashedPasswords(pub(crate) Arc<PasswordHasher>);

#[async_trait]
impl Passwords for HashedPasswords {
    fn check(&self, password: &SecretString) -> Result<(), (&'static str, String)> {
        Password::choose(password.expose_secret())
            .map(drop)
            .map_err(|error| (error.code(), error.to_string()))
    }

    async fn hash(
        &self,
        tenant: TenantId,
        password: &SecretString,
    ) -> Result<SecretString, PortError> {
        let password = Password::choose(password.expose_secret())?;
        let hash = self.0.hash(tenant, &password).await?;
        Ok(hash.expose().to_owned().into())
    }
}
