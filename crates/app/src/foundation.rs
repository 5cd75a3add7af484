//! What every process that works with tenants stands on: the database, and the registry at hand.

use std::sync::Arc;

use audit::{AuditKeys, AuditLog};
use database::{Database, Freshness, FreshnessSettings, Login, PlatformContext, Watch};
use kernel::Ambient;
use tenancy::{Directory, PostgresTenants, Registry};

use crate::{
    components::{StartError, database_settings},
    fit,
    settings::Settings,
};

/// A database that fits this program, and everything that is known of its tenants.
pub(crate) struct Foundation {
    pub(crate) database: Database,
    pub(crate) audit: AuditLog,
    pub(crate) registry: Arc<Registry>,
    pub(crate) platform: PlatformContext,
    pub(crate) freshness: Freshness,
    pub(crate) directory: Arc<Directory>,
    /// Dropped, nothing is heard of changes any more.
    pub(crate) watch: Watch,
}

impl Foundation {
    /// Connects as the application, and refuses a database that does not fit.
    pub(crate) async fn lay(settings: &Settings, ambient: &Ambient) -> Result<Self, StartError> {
        migration::manifest::verify().map_err(StartError::Manifest)?;
        let key = settings.audit.key.as_ref().ok_or(StartError::NoAuditKey)?;
        let audit = AuditLog::new(AuditKeys::read(key)?, ambient.clone());
        let (database, authority) =
            Database::connect(database_settings(&settings.database), Login::Application).await?;
        let database = database.recorded_by(Arc::new(audit.clone()));
        let registry = Arc::new(Registry::new(
            database.clone(),
            authority,
            Arc::new(PostgresTenants),
        ));
        let platform = registry.platform().clone();
        let tx = database.begin_platform_read(&platform).await?;
        let misfits = fit::misfits(&tx).await?;
        tx.commit().await?;
        if !misfits.is_empty() {
            return Err(StartError::Unfit(misfits));
        }
        let freshness = Freshness::new(FreshnessSettings {
            poll_interval: settings.tenancy.poll_interval,
            refuse_after: settings.tenancy.refuse_after,
        });
        let directory = Arc::new(Directory::new(Arc::clone(&registry), freshness.clone()));
        let subscribers = vec![Arc::clone(&directory) as _];
        let watch = freshness
            .watch(&database, platform.clone(), subscribers, ambient.clone())
            .await?;
        Ok(Self {
            database,
            audit,
            registry,
            platform,
            freshness,
            directory,
            watch,
        })
    }
}
