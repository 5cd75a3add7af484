//! Locations.

use database::{TenantContext, TenantTx};
use kernel::{
    ListQuery, LocationId, Page, PageRequest, Permit, Position, TimeZone, audit::changes,
};

use super::{Employees, Storage, TAKEN, kept};
use crate::{
    EmployeesError,
    events::{LocationCreated, LocationUpdated},
    model::{Code, Location, Name, PostalAddress, Stamp},
    permission::{CreateOrganisation, ReadOrganisation, UpdateOrganisation},
    repository::Series,
    service::for_the_tenant,
};

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

impl<S: Storage> Employees<S> {
    /// Creates a location.
    ///
    /// # Errors
    /// [`EmployeesError::Taken`].
    pub async fn create_location(
        &self,
        permit: &Permit<CreateOrganisation>,
        tx: &TenantTx,
        new: NewLocation,
    ) -> Result<Location, EmployeesError> {
        for_the_tenant(permit)?;
        let location = Location {
            id: self.ambient.id(),
            code: self.code(tx, new.code, Series::Locations).await?,
            name: new.name,
            address: new.address,
            time_zone: new.time_zone,
            stamp: Stamp::new(self.ambient.now()),
        };
        if self.storage.insert_location(tx, &location).await? {
            let created = LocationCreated::of(&location);
            let what = changes(None, Some(&location));
            self.chronicle.note(tx, created, what).await?;
            Ok(location)
        } else {
            Err(TAKEN)
        }
    }

    /// Makes a location, which was locked, what is wanted.
    ///
    /// # Errors
    /// [`EmployeesError::Taken`].
    pub async fn change_location(
        &self,
        tx: &TenantTx,
        location: Location,
        wanted: NewLocation,
    ) -> Result<Location, EmployeesError> {
        let changed = Location {
            id: location.id,
            code: kept(wanted.code)?,
            name: wanted.name,
            address: wanted.address,
            time_zone: wanted.time_zone,
            stamp: location.stamp,
        };
        if changed == location {
            return Ok(location);
        }
        let changed = Location {
            stamp: changed.stamp.changed(self.ambient.now()),
            ..changed
        };
        if self.storage.update_location(tx, &changed).await? {
            let updated = LocationUpdated::between(&location, &changed);
            let what = changes(Some(&location), Some(&changed));
            self.chronicle.note(tx, updated, what).await?;
            Ok(changed)
        } else {
            Err(TAKEN)
        }
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

    /// One page of locations.
    pub async fn locations(
        &self,
        _permit: &Permit<ReadOrganisation>,
        tenant: &TenantContext,
        query: &ListQuery,
        page: &PageRequest<Position>,
    ) -> Result<Page<Location, Position>, EmployeesError> {
        let tx = self.database.begin_tenant_read(tenant).await?;
        let found = self.storage.locations(&tx, query, page).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// One location, to be changed: nobody else changes it until the transaction ends.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`].
    pub async fn lock_location(
        &self,
        permit: &Permit<UpdateOrganisation>,
        tx: &TenantTx,
        id: LocationId,
    ) -> Result<Location, EmployeesError> {
        for_the_tenant(permit)?;
        let found = self.storage.lock_location(tx, id).await?;
        found.ok_or(EmployeesError::NotFound)
    }
}
