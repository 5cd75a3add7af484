//! All jobs, for those who run the platform.

use std::{collections::BTreeSet, sync::Arc};

use database::{StoreError, TenantTx};
use kernel::{JobId, ListQuery, Page, PageRequest, Permit};
use messaging::{JobRecord, JobState, Jobs};

use crate::{
    ActivityError, Shown,
    permission::{OperateJobs, ReadAllJobs},
};

/// Shows the jobs of all tenants and of the platform, and what becomes of those that failed.
#[derive(Clone, Debug)]
pub struct AllJobs {
    jobs: Jobs,
    irrevocable: Arc<BTreeSet<&'static str>>,
}

impl AllJobs {
    /// Of these; what cannot be taken back by those who wanted it cannot be here either.
    pub fn new(jobs: Jobs, shown: impl IntoIterator<Item = Shown>) -> Self {
        let shown = shown.into_iter().filter(|it| !it.is_revocable);
        Self {
            jobs,
            irrevocable: Arc::new(shown.map(|it| it.kind).collect()),
        }
    }

    /// One page, the newest first.
    ///
    /// # Errors
    /// [`ActivityError::Store`].
    pub async fn list(
        &self,
        _permit: &Permit<ReadAllJobs>,
        query: &ListQuery,
        page: &PageRequest<JobId>,
    ) -> Result<Page<JobRecord, JobId>, ActivityError> {
        Ok(self.jobs.page(query, page).await?)
    }

    /// One job.
    ///
    /// # Errors
    /// [`ActivityError::NotFound`], [`ActivityError::Store`].
    pub async fn show(
        &self,
        _permit: &Permit<ReadAllJobs>,
        id: JobId,
    ) -> Result<JobRecord, ActivityError> {
        self.find(id).await
    }

    /// Lets a job be tried from the beginning, in a transaction of the public tenant; how it stands
    /// then.
    ///
    /// # Errors
    /// [`ActivityError::NotFound`], [`ActivityError::NotFailed`], [`ActivityError::Replaced`],
    /// [`ActivityError::Store`].
    pub async fn retry(
        &self,
        _permit: &Permit<OperateJobs>,
        tx: &TenantTx,
        id: JobId,
    ) -> Result<JobState, ActivityError> {
        let job = self.find(id).await?;
        let retried = Jobs::retry_in(tx, id).await.map_err(|error| match error {
            StoreError::Duplicate { .. } => ActivityError::Replaced,
            error => error.into(),
        })?;
        if !retried {
            return Err(ActivityError::NotFailed(job.state.as_str()));
        }
        Ok(JobState::Retry)
    }

    /// Takes a job back, in a transaction of the public tenant; how it stands then.
    ///
    /// # Errors
    /// [`ActivityError::NotFound`], [`ActivityError::Irrevocable`], [`ActivityError::Ended`],
    /// [`ActivityError::Store`].
    pub async fn cancel(
        &self,
        _permit: &Permit<OperateJobs>,
        tx: &TenantTx,
        id: JobId,
    ) -> Result<JobState, ActivityError> {
        let job = self.find(id).await?;
        if self.irrevocable.contains(job.kind.as_str()) {
            return Err(ActivityError::Irrevocable);
        }
        if !Jobs::cancel_in(tx, id).await? {
            return Err(ActivityError::Ended(job.state.as_str()));
        }
        Ok(JobState::Cancelled)
    }

    async fn find(&self, id: JobId) -> Result<JobRecord, ActivityError> {
        self.jobs.find(id).await?.ok_or(ActivityError::NotFound)
    }
}
