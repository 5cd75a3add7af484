//! Changes of people and their employment.

use async_trait::async_trait;
use database::{Mode, StoreError, Tenant, TenantTx, Tx};
use kernel::{DateRange, EmployeeId};
use time::Date;

use super::{Postgres, events, history, line, person, revision};
use crate::{
    model::{Compensation, Employee, Employment, EmploymentRecord},
    repository::{ChangeRepository, EventCount, Inserted, ReportingLine, Revision},
};

#[async_trait]
impl ChangeRepository for Postgres {
    async fn lock_people(
        &self,
        tx: &TenantTx,
        ids: &[EmployeeId],
    ) -> Result<Vec<Employee>, StoreError> {
        person::lock(tx, ids).await
    }

    async fn hold(&self, tx: &TenantTx, id: EmployeeId) -> Result<(), StoreError> {
        person::hold(tx, id).await
    }

    async fn employments_of(
        &self,
        tx: &TenantTx,
        ids: &[EmployeeId],
    ) -> Result<Vec<Employment>, StoreError> {
        revision::employments(tx, ids).await
    }

    async fn pay_of(&self, tx: &TenantTx, id: EmployeeId) -> Result<Vec<Compensation>, StoreError> {
        revision::pay(tx, id).await
    }

    async fn update_person(
        &self,
        tx: &TenantTx,
        person: &Employee,
    ) -> Result<Inserted, StoreError> {
        person::update(tx, person).await
    }

    async fn rename(&self, tx: &TenantTx, person: &Employee) -> Result<(), StoreError> {
        person::rename(tx, person).await
    }

    async fn revise_employments(
        &self,
        tx: &TenantTx,
        revision: &Revision<Employment>,
    ) -> Result<(), StoreError> {
        revision::store(tx, revision).await
    }

    async fn revise_pay(
        &self,
        tx: &TenantTx,
        revision: &Revision<Compensation>,
    ) -> Result<(), StoreError> {
        revision::store(tx, revision).await
    }

    async fn reports_since(
        &self,
        tx: &TenantTx,
        manager: EmployeeId,
        day: Date,
    ) -> Result<Vec<EmployeeId>, StoreError> {
        line::reports_since(tx, manager, day).await
    }

    async fn would_close_a_circle(
        &self,
        tx: &TenantTx,
        manager: EmployeeId,
        lines: &[ReportingLine],
    ) -> Result<bool, StoreError> {
        line::would_close_a_circle(tx, manager, lines).await
    }

    async fn days_employed<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
    ) -> Result<Option<(DateRange, Vec<DateRange>)>, StoreError> {
        events::days_employed(tx, id).await
    }

    async fn employments_until<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
        day: Date,
        limit: u32,
    ) -> Result<Vec<EmploymentRecord>, StoreError> {
        history::until(tx, id, day, limit).await
    }

    async fn pay_until<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
        day: Date,
        limit: u32,
    ) -> Result<Vec<Compensation>, StoreError> {
        events::pay_until(tx, id, day, limit).await
    }

    async fn count_events<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
    ) -> Result<EventCount, StoreError> {
        events::count(tx, id).await
    }
}
