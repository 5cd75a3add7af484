//! What is said of a person himself.

use database::TenantTx;
use kernel::{Actor, EmailAddress, EmployeeId, PermissionMarker, Permit, audit::changes};

use super::{Employees, Storage, for_the_tenant};
use crate::{
    EmployeesError,
    events::Updated,
    model::{Employee, EmployeeNumber, EmployeeProfile, PersonName, PhoneNumber},
    permission::Update,
};

/// What can be edited of a person; his employment has use cases of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Particulars {
    /// The number by which the company knows him.
    pub number: EmployeeNumber,
    /// What he is called.
    pub name: PersonName,
    /// His address at work.
    pub work_email: Option<EmailAddress>,
    /// His telephone number at work.
    pub phone: Option<PhoneNumber>,
}

impl<S: Storage> Employees<S> {
    /// Makes sure that somebody is there who is going to be changed.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`].
    pub async fn require<P: PermissionMarker>(
        &self,
        permit: &Permit<P>,
        tx: &TenantTx,
        id: EmployeeId,
    ) -> Result<(), EmployeesError> {
        for_the_tenant(permit)?;
        if self.storage.exists(tx, id).await? {
            Ok(())
        } else {
            Err(EmployeesError::NotFound)
        }
    }

    /// Somebody who is going to be changed: nobody else changes him until the transaction ends.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`].
    pub async fn lock_employee(
        &self,
        permit: &Permit<Update>,
        tx: &TenantTx,
        id: EmployeeId,
    ) -> Result<Employee, EmployeesError> {
        for_the_tenant(permit)?;
        self.lock_two(tx, id, None).await.map(|(person, _)| person)
    }

    /// Changes what is said of somebody, who was locked.
    ///
    /// # Errors
    /// [`EmployeesError::Taken`] naming the number or the address that somebody else has.
    pub async fn update(
        &self,
        tx: &TenantTx,
        actor: &Actor,
        person: Employee,
        wanted: Particulars,
    ) -> Result<EmployeeProfile, EmployeesError> {
        let id = person.id;
        let changed = Employee {
            number: wanted.number,
            name: wanted.name,
            work_email: wanted.work_email,
            phone: wanted.phone,
            ..person.clone()
        };
        if changed != person {
            if changed.name != person.name {
                self.storage.rename(tx, &changed).await?;
            }
            let updated = Updated::between(&person, &changed);
            let what = changes(Some(&person), Some(&changed));
            self.save_person(tx, changed, self.ambient.now()).await?;
            self.chronicle.note(tx, updated, what).await?;
        }
        let today = self.today(tx.tenant());
        self.shown_after(tx, actor, id, today).await
    }
}
