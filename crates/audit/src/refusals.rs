//! Refusals, recorded after the request that was refused.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use database::{Database, StoreError, TenantContext};
use kernel::{
    TenantId,
    audit::{AuditCategory, AuditEntry, AuditOutcome},
};
use telemetry::Origin;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use web::{Refusal, RefusalLog, TokenOwner};

use crate::{
    AuditLog, Tenants,
    floods::{Counted, Source},
};

/// Records refusals, each in a transaction of its own after the refused one; floods are counted.
#[derive(Clone)]
pub struct Refusals {
    log: AuditLog,
    database: Database,
    tenants: Arc<dyn Tenants>,
}

/// For so long a refused client waits for the record of his refusal.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often what was counted is recorded.
const EVERY: Duration = Duration::from_secs(15);

const DENIED: &str = "access.denied.v1";
const MISMATCH: &str = "access.tenant_mismatch.v1";
const FOREIGN: &str = "access.foreign_token.v1";

impl Refusals {
    /// Over the same log that writes everything else.
    pub fn new(log: AuditLog, database: Database, tenants: Arc<dyn Tenants>) -> Self {
        Self {
            log,
            database,
            tenants,
        }
    }

    async fn record(&self, refusal: &Refusal<'_>) -> Result<(), StoreError> {
        let entry = |action| {
            AuditEntry::new(action, AuditCategory::Denied)
                .ended(AuditOutcome::Denied)
                .detail("route", refusal.action)
                .detail("error", refusal.kind.as_str())
                .detail("reason", refusal.reason)
        };
        let Some(owner) = &refusal.owner else {
            return self
                .write(refusal.tenant, refusal.origin.clone(), entry(DENIED))
                .await;
        };
        // The other tenant learns that somebody tried, and not who.
        let other = refusal.tenant.id().uuid();
        let source = Source {
            tenant: other,
            action: FOREIGN,
            who: None,
        };
        self.log.floods().count(&source, self.log.now());
        let Some(home) = self.tenant(owner.tenant_id).await? else {
            return Ok(());
        };
        let slug = refusal.tenant.slug().as_str();
        let entry = entry(MISMATCH).detail("requested_tenant", slug);
        self.write(&home, of(refusal.origin.clone(), owner), entry)
            .await
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<TenantContext>, StoreError> {
        let found = self.tenants.find(id).await;
        found.map_err(|_away| StoreError::Timeout("the registry of tenants"))
    }

    async fn write(
        &self,
        tenant: &TenantContext,
        origin: Origin,
        entry: AuditEntry,
    ) -> Result<(), StoreError> {
        let tx = self.database.begin_tenant(tenant).await?;
        let tx = tx.initiated_by(origin);
        tx.record(entry);
        tx.commit().await
    }

    /// Records what was counted in minutes that are over, for as long as it is let. Whoever ends it
    /// records the rest by [`settle`](Self::settle).
    pub async fn keep_settling(self) {
        loop {
            tokio::time::sleep(EVERY).await;
            self.settle(Some(self.log.now())).await;
        }
    }

    /// Records what was counted in minutes that are over; without an instant, in all.
    pub async fn settle(&self, now: Option<OffsetDateTime>) {
        for counted in self.log.floods().take(now) {
            if let Err(error) = self.tell(&counted).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "refusals that were counted are not recorded yet");
                self.log.floods().put_back(counted);
            }
        }
    }

    async fn tell(&self, counted: &Counted) -> Result<(), StoreError> {
        let id = TenantId::new(counted.source.tenant);
        let Some(tenant) = self.tenant(id).await? else {
            return Ok(());
        };
        let minute = OffsetDateTime::from_unix_timestamp(counted.minute);
        let minute = minute.map_err(StoreError::corrupt)?;
        let minute = minute.format(&Rfc3339).map_err(StoreError::corrupt)?;
        let mut entry = AuditEntry::new("access.refusals_counted.v1", AuditCategory::System)
            .ended(AuditOutcome::Denied)
            .detail("counted_action", counted.source.action)
            .detail("minute", minute)
            .detail("times", counted.times);
        if let Some(who) = &counted.source.who {
            entry = entry.detail("who", who.as_str());
        }
        let tx = self.database.begin_tenant(&tenant).await?;
        tx.record(entry);
        tx.commit().await
    }
}

#[async_trait]
impl RefusalLog for Refusals {
    async fn refused(&self, refusal: Refusal<'_>) {
        let recorded = tokio::time::timeout(PATIENCE, self.record(&refusal)).await;
        let failed = match recorded {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(_elapsed) => StoreError::Timeout("recording a refusal"),
        };
        let error = &failed as &dyn std::error::Error;
        tracing::error!(error, action = refusal.action, "a refusal was not recorded");
    }
}

/// The request, as that of the token's owner.
fn of(origin: Origin, owner: &TokenOwner) -> Origin {
    Origin {
        user: Some(owner.user_id),
        session: Some(owner.session_id),
        ..origin
    }
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refusals")
    }
}
