//! Departments: a tree.

use database::{TenantContext, TenantTx};
use kernel::{
    DepartmentId, EmployeeId, FieldErrors, ListQuery, Page, PageRequest, Permit, Position,
    audit::changes,
};

use super::{Employees, Storage, TAKEN, kept};
use crate::{
    EmployeesError,
    events::{DepartmentCreated, DepartmentUpdated},
    model::{Code, Department, Name, Stamp},
    permission::{CreateOrganisation, ReadOrganisation, UpdateOrganisation},
    repository::{References, Series},
    service::for_the_tenant,
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
        tx: &TenantTx,
        new: NewDepartment,
    ) -> Result<Department, EmployeesError> {
        for_the_tenant(permit)?;
        self.check_department(tx, &new).await?;
        let department = Department {
            id: self.ambient.id(),
            code: self.code(tx, new.code, Series::Departments).await?,
            name: new.name,
            parent_id: new.parent_id,
            manager_id: new.manager_id,
            stamp: Stamp::new(self.ambient.now()),
        };
        if self.storage.insert_department(tx, &department).await? {
            let created = DepartmentCreated::of(&department);
            let what = changes(None, Some(&department));
            self.chronicle.note(tx, created, what).await?;
            Ok(department)
        } else {
            Err(TAKEN)
        }
    }

    /// Makes a department, which was locked, what is wanted. Departments stay a tree: who moves one
    /// holds the tenant's lock of the tree, or two who move each other's at once would not see it.
    ///
    /// # Errors
    /// As [`Self::create_department`]; also when the department would be part of itself.
    pub async fn change_department(
        &self,
        tx: &TenantTx,
        department: Department,
        wanted: NewDepartment,
    ) -> Result<Department, EmployeesError> {
        self.check_department(tx, &wanted).await?;
        if let Some(parent) = wanted
            .parent_id
            .filter(|_| wanted.parent_id != department.parent_id)
        {
            tx.lock("departments").await?;
            if self.storage.is_within(tx, parent, department.id).await? {
                return Err(EmployeesError::field(
                    "/parent_id",
                    "cycle",
                    "a department cannot be part of itself",
                ));
            }
        }
        let changed = Department {
            id: department.id,
            code: kept(wanted.code)?,
            name: wanted.name,
            parent_id: wanted.parent_id,
            manager_id: wanted.manager_id,
            stamp: department.stamp,
        };
        if changed == department {
            return Ok(department);
        }
        let changed = Department {
            stamp: changed.stamp.changed(self.ambient.now()),
            ..changed
        };
        if self.storage.update_department(tx, &changed).await? {
            let updated = DepartmentUpdated::between(&department, &changed);
            let what = changes(Some(&department), Some(&changed));
            self.chronicle.note(tx, updated, what).await?;
            Ok(changed)
        } else {
            Err(TAKEN)
        }
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

    /// One page of departments.
    pub async fn departments(
        &self,
        _permit: &Permit<ReadOrganisation>,
        tenant: &TenantContext,
        query: &ListQuery,
        page: &PageRequest<Position>,
    ) -> Result<Page<Department, Position>, EmployeesError> {
        let tx = self.database.begin_tenant_read(tenant).await?;
        let found = self.storage.departments(&tx, query, page).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// One department, to be changed: nobody else changes it until the transaction ends.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`].
    pub async fn lock_department(
        &self,
        permit: &Permit<UpdateOrganisation>,
        tx: &TenantTx,
        id: DepartmentId,
    ) -> Result<Department, EmployeesError> {
        for_the_tenant(permit)?;
        let found = self.storage.lock_department(tx, id).await?;
        found.ok_or(EmployeesError::NotFound)
    }
}
