//! Schedules of tenants: rows that somebody writes, changes and takes away.

use database::{Database, PlatformContext, StoreError, Tenant};
use kernel::{Ambient, DomainError, ErrorKind, TenantId};
use sea_orm::FromQueryResult;
use time::OffsetDateTime;

use super::{Schedule, ScheduleError, declared::Entry, rows::put};
use crate::{Work, postgres::Store};

/// A tenant's schedule, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct ScheduleRecord {
    /// Its name, once among those of its owner.
    pub name: String,
    /// The minutes.
    pub cron: String,
    /// By whose clocks.
    pub time_zone: String,
    /// What kind of work.
    pub kind: String,
    /// When it fires next; `None` when it is switched off.
    pub next_fire_at: Option<OffsetDateTime>,
    /// Why it was switched off, if it could not fire.
    pub last_error: Option<String>,
}

/// Why a tenant's schedule was not written down.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// It cannot be kept.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The registry has no such tenant.
    #[error("the registry has no tenant {0}")]
    UnknownTenant(TenantId),
    /// Storage.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DomainError for PutError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Schedule(_) => ErrorKind::ValidationFailed,
            Self::UnknownTenant(_) => ErrorKind::TenantNotFound,
        }
    }

    fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }
}

/// The schedules of tenants, for whoever runs the platform.
#[derive(Clone, Debug)]
pub struct TenantSchedules {
    store: Store,
    ambient: Ambient,
}

const REGISTERED: &str = "SELECT id FROM tenants WHERE id = $1";

const REMOVE: &str = "DELETE FROM schedules WHERE tenant_id = $1 AND name = $2 AND NOT is_declared";

const LIST: &str = "SELECT name, cron, time_zone, kind, next_fire_at, last_error FROM schedules \
     WHERE tenant_id = $1 AND fires_for = 'owner' ORDER BY name";

#[derive(FromQueryResult)]
struct Registered {
    #[expect(dead_code, reason = "that it is there is all there is to know")]
    id: uuid::Uuid,
}

impl TenantSchedules {
    /// Through this database, with the right to look into the platform's tables.
    pub fn new(database: Database, platform: PlatformContext, ambient: Ambient) -> Self {
        Self {
            store: Store::new(database, platform),
            ambient,
        }
    }

    /// Writes a tenant's schedule down, or changes the one of that name. If its times stay as they
    /// were, so does its next fire; else it is the first one from now on.
    ///
    /// # Errors
    /// [`PutError`].
    pub async fn put<W: Work<Scope = Tenant>>(
        &self,
        tenant: TenantId,
        schedule: Schedule<W>,
    ) -> Result<(), PutError> {
        let entry = Entry::check(schedule, false)?;
        let Some(zone) = entry.zone.clone() else {
            return Err(ScheduleError::NoTenant(entry.name).into());
        };
        let tx = self.store.begin().await?;
        let known: Option<Registered> = tx.row(REGISTERED, [tenant.uuid().into()]).await?;
        if known.is_none() {
            tx.rollback().await?;
            return Err(PutError::UnknownTenant(tenant));
        }
        let name = zone.name().to_owned();
        put(&tx, tenant, &entry, (&name, zone), &self.ambient).await?;
        Ok(tx.commit().await?)
    }

    /// Takes a tenant's schedule away; `false` when there is none of that name. Jobs that are put
    /// down stay.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove(&self, tenant: TenantId, name: &str) -> Result<bool, StoreError> {
        let tx = self.store.begin().await?;
        let gone = tx.run(REMOVE, [tenant.uuid().into(), name.into()]).await?;
        tx.commit().await?;
        Ok(gone > 0)
    }

    /// A tenant's schedules, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, tenant: TenantId) -> Result<Vec<ScheduleRecord>, StoreError> {
        let tx = self.store.begin().await?;
        let rows = tx.rows(LIST, [tenant.uuid().into()]).await?;
        tx.commit().await?;
        Ok(rows)
    }
}
