//! What changes of people and their employment need of storage.

use async_trait::async_trait;
use database::{Mode, StoreError, Tenant, TenantTx, Tx};
use kernel::{DateRange, EmployeeId};
use time::Date;

use super::Inserted;
use crate::model::{Compensation, Employee, Employment, EmploymentRecord};

/// Changes people, their employments and their pay.
#[async_trait]
pub trait ChangeRepository: Send + Sync {
    /// People whom nobody else changes until the transaction ends, locked in the order of their
    /// ids, so that two who lock several wait for each other in one direction. Those who are not
    /// there are left out.
    async fn lock_people(
        &self,
        tx: &TenantTx,
        ids: &[EmployeeId],
    ) -> Result<Vec<Employee>, StoreError>;

    /// Keeps everybody from changing somebody until the transaction ends. Others may do the same.
    async fn hold(&self, tx: &TenantTx, id: EmployeeId) -> Result<(), StoreError>;

    /// All employments of these people.
    async fn employments_of(
        &self,
        tx: &TenantTx,
        ids: &[EmployeeId],
    ) -> Result<Vec<Employment>, StoreError>;

    /// All pay of somebody.
    async fn pay_of(&self, tx: &TenantTx, id: EmployeeId) -> Result<Vec<Compensation>, StoreError>;

    /// Stores what a person has become, unless somebody has his number or his address.
    async fn update_person(&self, tx: &TenantTx, person: &Employee)
    -> Result<Inserted, StoreError>;

    /// Stores the words inside the name of somebody who is called something else now.
    async fn rename(&self, tx: &TenantTx, person: &Employee) -> Result<(), StoreError>;

    /// Stores what has become of employments.
    async fn revise_employments(
        &self,
        tx: &TenantTx,
        revision: &Revision<Employment>,
    ) -> Result<(), StoreError>;

    /// Stores what has become of pay.
    async fn revise_pay(
        &self,
        tx: &TenantTx,
        revision: &Revision<Compensation>,
    ) -> Result<(), StoreError>;

    /// Those who report to somebody on this day or on a later one.
    async fn reports_since(
        &self,
        tx: &TenantTx,
        manager: EmployeeId,
        day: Date,
    ) -> Result<Vec<EmployeeId>, StoreError>;

    /// Whether, were these people to report to a manager, anybody would report to himself on any
    /// day, directly or through others.
    async fn would_close_a_circle(
        &self,
        tx: &TenantTx,
        manager: EmployeeId,
        lines: &[ReportingLine],
    ) -> Result<bool, StoreError>;

    /// The last service of somebody and the days of all his employments.
    async fn days_employed<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
    ) -> Result<Option<(DateRange, Vec<DateRange>)>, StoreError>;

    /// The last `limit` employments of somebody that begin on a day or before, the newest first.
    async fn employments_until<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
        day: Date,
        limit: u32,
    ) -> Result<Vec<EmploymentRecord>, StoreError>;

    /// The last `limit` records of somebody's pay that begin on a day or before, the newest first.
    async fn pay_until<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
        day: Date,
        limit: u32,
    ) -> Result<Vec<Compensation>, StoreError>;

    /// How many employments somebody has, how many services ended, and how many records of pay.
    async fn count_events<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
    ) -> Result<EventCount, StoreError>;
}

/// Somebody who is to report to a manager during these days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportingLine {
    /// Who reports.
    pub employee: EmployeeId,
    /// When.
    pub days: DateRange,
}

/// What has become of records with days in force. No record begins on another day than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision<R> {
    /// Gone.
    pub removed: Vec<R>,
    /// Changed.
    pub revised: Vec<R>,
    /// New.
    pub added: Vec<R>,
}

impl<R> Revision<R> {
    /// Whether nothing has become of anything.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.revised.is_empty() && self.added.is_empty()
    }
}

/// How much happened to somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCount {
    /// Employments.
    pub employments: u64,
    /// Services that ended, or will.
    pub endings: u64,
    /// Records of pay.
    pub compensations: u64,
}
