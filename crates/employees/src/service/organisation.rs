//! Departments, job titles and locations: created, shown and listed.

use database::{TenantContext, TenantTx};
use kernel::{
    DepartmentId, EmployeeId, FieldErrors, JobTitleId, LocationId, Page, PageRequest, Permit,
    TimeZone,
};

use super::{Employees, Storage, for_the_tenant};
use crate::{
    EmployeesError,
    model::{Code, Department, JobTitle, Location, Name, PayRange, PostalAddress, Stamp},
    permission::{CreateOrganisation, ReadOrganisation},
    repository::{NameKey, References, Series},
};

/// A department to be.
#[derive(Clone, Debug)]
pub struct NewDepartment {
    /// Its short name; drawn from the tenant's series when it is not given.
    pub code: Option<Code>,
    /// Its name.
    pub name: Name,
    /// The department it is part of.
    pub parent_id: Option<DepartmentId>,
    /// Who leads it.
    pub manager_id: Option<EmployeeId>,
}

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

/// A location to be.
#[derive(Clone, Debug)]
pub struct NewLocation {
    /// Its short name; drawn from the tenant's series when it is not given.
    pub code: Option<Code>,
    /// Its name.
    pub name: Name,
    /// Where it is.
    pub address: PostalAddress,
    /// Its time zone, where it is not the tenant's.
    pub time_zone: Option<TimeZone>,
}

const TAKEN: EmployeesError = EmployeesError::Taken { field: "code" };

impl<S: Storage> Employees<S> {
    /// Creates a department. It has no parts yet, so whatever it becomes part of, it makes no
    /// cycle.
    ///
    /// # Errors
    /// [`EmployeesError::Invalid`] naming the parent or the manager that the tenant does not have,
    /// [`EmployeesError::Taken`].
    pub async fn create_department(
        &self,
        permit: &Permit<CreateOrganisation>,
        tenant: &TenantContext,
        new: NewDepartment,
    ) -> Result<Department, EmployeesError> {
        for_the_tenant(permit)?;
        let tx = self.database.begin_tenant(tenant).await?;
        self.check_department(&tx, &new).await?;
        let department = Department {
            id: self.ambient.id(),
            code: self.code(&tx, new.code, Series::Departments).await?,
            name: new.name,
            parent_id: new.parent_id,
            manager_id: new.manager_id,
            stamp: Stamp::new(self.ambient.now()),
        };
        if !self.storage.insert_department(&tx, &department).await? {
            return Err(TAKEN);
        }
        tx.commit().await?;
        Ok(department)
    }

    async fn check_department(
        &self,
        tx: &TenantTx,
        new: &NewDepartment,
    ) -> Result<(), EmployeesError> {
        let wanted = References {
            department: new.parent_id,
            job_title: None,
            location: None,
            manager: new.manager_id,
        };
        let found = self.storage.references(tx, &wanted).await?;
        let mut wrong = FieldErrors::new();
        if new.parent_id.is_some() && found.department.is_none() {
            wrong.push("/parent_id", "not_found", "there is no such department");
        }
        if new.manager_id.is_some() && found.manager.is_none() {
            wrong.push("/manager_id", "not_found", "there is no such employee");
        }
        wrong.into_result().map_err(EmployeesError::Invalid)
    }

    /// Creates a job title.
    ///
    /// # Errors
    /// [`EmployeesError::Taken`].
    pub async fn create_job_title(
        &self,
        permit: &Permit<CreateOrganisation>,
        tenant: &TenantContext,
        new: NewJobTitle,
    ) -> Result<JobTitle, EmployeesError> {
        for_the_tenant(permit)?;
        let tx = self.database.begin_tenant(tenant).await?;
        let job = JobTitle {
            id: self.ambient.id(),
            code: self.code(&tx, new.code, Series::JobTitles).await?,
            name: new.name,
            pay_range: new.pay_range,
            stamp: Stamp::new(self.ambient.now()),
        };
        if !self.storage.insert_job_title(&tx, &job).await? {
            return Err(TAKEN);
        }
        tx.commit().await?;
        Ok(job)
    }

    /// Creates a location.
    ///
    /// # Errors
    /// [`EmployeesError::Taken`].
    pub async fn create_location(
        &self,
        permit: &Permit<CreateOrganisation>,
        tenant: &TenantContext,
        new: NewLocation,
    ) -> Result<Location, EmployeesError> {
        for_the_tenant(permit)?;
        let tx = self.database.begin_tenant(tenant).await?;
        let location = Location {
            id: self.ambient.id(),
            code: self.code(&tx, new.code, Series::Locations).await?,
            name: new.name,
            address: new.address,
            time_zone: new.time_zone,
            stamp: Stamp::new(self.ambient.now()),
        };
        if !self.storage.insert_location(&tx, &location).await? {
            return Err(TAKEN);
        }
        tx.commit().await?;
        Ok(location)
    }

    /// The code that was given, or the next of the series.
    async fn code(
        &self,
        tx: &TenantTx,
        given: Option<Code>,
        series: Series,
    ) -> Result<Code, EmployeesError> {
        match given {
            Some(code) => Ok(code),
            None => Ok(Code::stored(
                self.storage.draw(tx, series).await?.to_string(),
            )),
        }
    }

    /// One department.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`].
    pub async fn department(
        &self,
        _permit: &Permit<ReadOrganisation>,
        tenant: &TenantContext,
        id: DepartmentId,
    ) -> Result<Department, EmployeesError> {
        let tx = self.database.begin_tenant_read(tenant).await?;
        let found = self.storage.department(&tx, id).await?;
        tx.commit().await?;
        found.ok_or(EmployeesError::NotFound)
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

    /// One location.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`].
    pub async fn location(
        &self,
        _permit: &Permit<ReadOrganisation>,
        tenant: &TenantContext,
        id: LocationId,
    ) -> Result<Location, EmployeesError> {
        let tx = self.database.begin_tenant_read(tenant).await?;
        let found = self.storage.location(&tx, id).await?;
        tx.commit().await?;
        found.ok_or(EmployeesError::NotFound)
    }

    /// One page of departments, by name.
    pub async fn departments(
        &self,
        _permit: &Permit<ReadOrganisation>,
        tenant: &TenantContext,
        page: &PageRequest<NameKey>,
    ) -> Result<Page<Department, NameKey>, EmployeesError> {
        let tx = self.database.begin_tenant_read(tenant).await?;
        let found = self.storage.departments(&tx, page).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// One page of job titles, by name.
    pub async fn job_titles(
        &self,
        _permit: &Permit<ReadOrganisation>,
        tenant: &TenantContext,
        page: &PageRequest<NameKey>,
    ) -> Result<Page<JobTitle, NameKey>, EmployeesError> {
        let tx = self.database.begin_tenant_read(tenant).await?;
        let found = self.storage.job_titles(&tx, page).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// One page of locations, by name.
    pub async fn locations(
        &self,
        _permit: &Permit<ReadOrganisation>,
        tenant: &TenantContext,
        page: &PageRequest<NameKey>,
    ) -> Result<Page<Location, NameKey>, EmployeesError> {
        let tx = self.database.begin_tenant_read(tenant).await?;
        let found = self.storage.locations(&tx, page).await?;
        tx.commit().await?;
        Ok(found)
    }
}
