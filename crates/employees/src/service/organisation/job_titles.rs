//! Job titles.

use database::{TenantContext, TenantTx};
use kernel::{JobTitleId, ListQuery, Page, PageRequest, Permit, Position, audit::changes};

use super::{Employees, Storage, TAKEN, kept};
use crate::{
    EmployeesError,
    events::{JobTitleCreated, JobTitleUpdated},
    model::{Code, JobTitle, Name, PayRange, Stamp},
    permission::{CreateOrganisation, ReadOrganisation, UpdateOrganisation},
    repository::Series,
    service::for_the_tenant,
};

/// A job title to be.
#[derive(Clone, Debug)]
pub struct NewJobTitle {
    /// Its short name; drawn from the tenant's series when it is not given.
    pub code: Option<Code>,
    /// Its name.
    pub name: Name,
    /// What it is usually paid.
    pub pay_range: Option<PayRange>,
}

impl<S: Storage> Employees<S> {
    /// Creates a job title.
    ///
    /// # Errors
    /// [`EmployeesError::Taken`].
    pub async fn create_job_title(
        &self,
        permit: &Permit<CreateOrganisation>,
        tx: &TenantTx,
        new: NewJobTitle,
    ) -> Result<JobTitle, EmployeesError> {
        for_the_tenant(permit)?;
        let job_title = JobTitle {
            id: self.ambient.id(),
            code: self.code(tx, new.code, Series::JobTitles).await?,
            name: new.name,
            pay_range: new.pay_range,
            stamp: Stamp::new(self.ambient.now()),
        };
        if self.storage.insert_job_title(tx, &job_title).await? {
            let created = JobTitleCreated::of(&job_title);
            let what = changes(None, Some(&job_title));
            self.chronicle.note(tx, created, what).await?;
            Ok(job_title)
        } else {
            Err(TAKEN)
        }
    }

    /// Makes a job title, which was locked, what is wanted.
    ///
    /// # Errors
    /// [`EmployeesError::Taken`].
    pub async fn change_job_title(
        &self,
        tx: &TenantTx,
        job_title: JobTitle,
        wanted: NewJobTitle,
    ) -> Result<JobTitle, EmployeesError> {
        let changed = JobTitle {
            id: job_title.id,
            code: kept(wanted.code)?,
            name: wanted.name,
            pay_range: wanted.pay_range,
            stamp: job_title.stamp,
        };
        if changed == job_title {
            return Ok(job_title);
        }
        let changed = JobTitle {
            stamp: changed.stamp.changed(self.ambient.now()),
            ..changed
        };
        if self.storage.update_job_title(tx, &changed).await? {
            let updated = JobTitleUpdated::between(&job_title, &changed);
            let what = changes(Some(&job_title), Some(&changed));
            self.chronicle.note(tx, updated, what).await?;
            Ok(changed)
        } else {
            Err(TAKEN)
        }
    }

    /// One job title.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`].
    pub async fn job_title(
        &self,
        _permit: &Permit<ReadOrganisation>,
        tenant: &TenantContext,
        id: JobTitleId,
    ) -> Result<JobTitle, EmployeesError> {
        let tx = self.database.begin_tenant_read(tenant).await?;
        let found = self.storage.job_title(&tx, id).await?;
        tx.commit().await?;
        found.ok_or(EmployeesError::NotFound)
    }

    /// One page of job titles.
    pub async fn job_titles(
        &self,
        _permit: &Permit<ReadOrganisation>,
        tenant: &TenantContext,
        query: &ListQuery,
        page: &PageRequest<Position>,
    ) -> Result<Page<JobTitle, Position>, EmployeesError> {
        let tx = self.database.begin_tenant_read(tenant).await?;
        let found = self.storage.job_titles(&tx, query, page).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// One job title, to be changed: nobody else changes it until the transaction ends.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`].
    pub async fn lock_job_title(
        &self,
        permit: &Permit<UpdateOrganisation>,
        tx: &TenantTx,
        id: JobTitleId,
    ) -> Result<JobTitle, EmployeesError> {
        for_the_tenant(permit)?;
        let found = self.storage.lock_job_title(tx, id).await?;
        found.ok_or(EmployeesError::NotFound)
    }
}
