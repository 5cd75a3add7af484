//! The parts of creating a tenant that other crates do.

use async_trait::async_trait;
use kernel::{SchemaName, TenantId};
use migration::{MigrationError, Migrator};
use sqlx::postgres::PgConnectOptions;
use tenancy::{PortError, SchemaProvisioner};
use tokio::sync::OnceCell;

use super::migrate;

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
