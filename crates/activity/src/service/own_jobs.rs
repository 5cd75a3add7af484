//! Long work of a tenant: how far it is, and taking it back.

use std::{collections::BTreeMap, sync::Arc};

use database::{Database, Files, Mode, Tenant, TenantContext, TenantTx, Tx};
use kernel::{
    Actor, JobId, PermissionMarker, Permit, Reach,
    audit::{AuditCategory, AuditEntry},
};
use messaging::OwnJob;

use crate::{
    ActivityError,
    permission::{CancelJobs, ReadJobs},
};

/// A kind of work that people want, and look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The kind.
    pub kind: &'static str,
    /// Whether it may be taken back.
    pub is_revocable: bool,
}

/// Shows a tenant's own jobs. Cheap to clone.
#[derive(Clone)]
pub struct OwnJobs {
    database: Database,
    files: Arc<dyn Files>,
    shown: Arc<BTreeMap<&'static str, Shown>>,
}

impl OwnJobs {
    /// Shows these kinds of work and no others.
    pub fn new(
        database: Database,
        files: Arc<dyn Files>,
        shown: impl IntoIterator<Item = Shown>,
    ) -> Self {
        let shown = shown.into_iter().map(|it| (it.kind, it));
        Self {
            database,
            files,
            shown: Arc::new(shown.collect()),
        }
    }

    /// One job.
    ///
    /// # Errors
    /// [`ActivityError::NotFound`], [`ActivityError::Store`].
    pub async fn show(
        &self,
        permit: &Permit<ReadJobs>,
        tenant: &TenantContext,
        actor: &Actor,
        id: JobId,
    ) -> Result<OwnJob, ActivityError> {
        let tx = self.database.begin_tenant_read(tenant).await?;
        let (job, _) = self.find(permit, &tx, actor, id).await?;
        tx.commit().await?;
        Ok(job)
    }

    /// Takes a job back, in a transaction of its tenant. One that is being done is undone; nothing of
    /// it remains, nor the file that it is about.
    ///
    /// # Errors
    /// [`ActivityError::NotFound`], [`ActivityError::Irrevocable`], [`ActivityError::Ended`],
    /// [`ActivityError::Store`].
    pub async fn cancel(
        &self,
        permit: &Permit<CancelJobs>,
        tx: &TenantTx,
        actor: &Actor,
        id: JobId,
    ) -> Result<OwnJob, ActivityError> {
        let (_, shown) = self.find(permit, tx, actor, id).await?;
        if !shown.is_revocable {
            return Err(ActivityError::Irrevocable);
        }
        let about = OwnJob::cancel(tx, id).await?;
        let (job, _) = self.find(permit, tx, actor, id).await?;
        let about = about.ok_or(ActivityError::Ended(job.state.as_str()))?;
        // A file that a job names is its own: nobody else would delete it.
        let file = about.get("file_id").cloned();
        if let Some(file) = file.and_then(|file| serde_json::from_value(file).ok()) {
            self.files.delete(tx, file).await?;
        }
        let entry = AuditEntry::new("job.cancelled.v1", AuditCategory::Admin);
        tx.record(entry.on("job", id).detail("kind", job.kind.as_str()));
        Ok(job)
    }

    async fn find<P: PermissionMarker, M: Mode>(
        &self,
        permit: &Permit<P>,
        tx: &Tx<Tenant, M>,
        actor: &Actor,
        id: JobId,
    ) -> Result<(OwnJob, Shown), ActivityError> {
        let job = OwnJob::find(tx, id).await?;
        job.filter(|job| permit.reach() == Reach::Tenant || job.enqueued_by == Some(actor.user_id))
            .and_then(|job| {
                let shown = self.shown.get(job.kind.as_str())?;
                Some((job, *shown))
            })
            .ok_or(ActivityError::NotFound)
    }
}

impl std::fmt::Debug for OwnJobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OwnJobs").field(&self.shown).finish()
    }
}
