//! What the domain needs of storage. Every method takes the transaction it works in; reads work in
//! a transaction of either mode.

mod changes;

pub use changes::{ChangeRepository, EventCount, ReportingLine, Revision};

use async_trait::async_trait;
use database::{Mode, StoreError, Tenant, TenantTx, Tx};
use kernel::{
    DepartmentId, EmployeeId, JobTitleId, ListQuery, LocationId, Page, PageRequest, Position,
};
use serde::{Deserialize, Serialize};
use time::Date;

use crate::model::{
    Compensation, Department, Employee, EmployeeProfile, Employment, EmploymentRecord, JobTitle,
    Location, Report,
};

/// Stores people, their employments and their pay.
#[async_trait]
pub trait EmployeeRepository: Send + Sync {
    /// Stores a person with his employment and, if agreed, his pay, unless somebody has his number
    /// or his address.
    async fn hire(
        &self,
        tx: &TenantTx,
        employee: &Employee,
        employment: &Employment,
        compensation: Option<&Compensation>,
    ) -> Result<Inserted, StoreError>;

    /// What an assignment refers to, by name.
    async fn references<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        wanted: &References,
    ) -> Result<FoundReferences, StoreError>;

    /// One employee as of a day, with his pay if that is asked for.
    async fn profile<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
        day: Date,
        with_pay: bool,
    ) -> Result<Option<EmployeeProfile>, StoreError>;

    /// One employee with the employment and the pay of this very day.
    async fn profile_on<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
        day: Date,
        with_pay: bool,
    ) -> Result<Option<EmployeeProfile>, StoreError>;

    /// One page of employees as of a day, without pay.
    async fn list<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        query: &EmployeeQuery,
        page: &PageRequest<Position>,
    ) -> Result<Page<EmployeeProfile, Position>, StoreError>;

    /// These employees as of a day, without pay, in no order; those there are.
    async fn profiles<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        ids: &[EmployeeId],
        day: Date,
    ) -> Result<Vec<EmployeeProfile>, StoreError>;

    /// One page of those who report to somebody on a day, through at most `depth` steps: the
    /// nearest first, then by name.
    async fn reports<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        manager: EmployeeId,
        day: Date,
        depth: ReportDepth,
        page: &PageRequest<ReportKey>,
    ) -> Result<Page<Report, ReportKey>, StoreError>;

    /// One page of somebody's employments, the newest first.
    async fn employments<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
        page: &PageRequest<Date>,
    ) -> Result<Page<EmploymentRecord, Date>, StoreError>;

    /// Whether there is such an employee.
    async fn exists<M: Mode>(&self, tx: &Tx<Tenant, M>, id: EmployeeId)
    -> Result<bool, StoreError>;
}

/// Stores departments, job titles and locations.
#[async_trait]
pub trait OrganisationRepository: Send + Sync {
    /// Stores a department; `false` when its code is taken.
    async fn insert_department(
        &self,
        tx: &TenantTx,
        department: &Department,
    ) -> Result<bool, StoreError>;

    /// Stores a job title; `false` when its code is taken.
    async fn insert_job_title(&self, tx: &TenantTx, job: &JobTitle) -> Result<bool, StoreError>;

    /// Stores a location; `false` when its code is taken.
    async fn insert_location(&self, tx: &TenantTx, location: &Location)
    -> Result<bool, StoreError>;

    /// Changes a department; `false` when its code is taken.
    async fn update_department(
        &self,
        tx: &TenantTx,
        department: &Department,
    ) -> Result<bool, StoreError>;

    /// Changes a job title; `false` when its code is taken.
    async fn update_job_title(&self, tx: &TenantTx, job: &JobTitle) -> Result<bool, StoreError>;

    /// Changes a location; `false` when its code is taken.
    async fn update_location(&self, tx: &TenantTx, location: &Location)
    -> Result<bool, StoreError>;

    /// One department, which nobody else changes until the transaction ends.
    async fn lock_department(
        &self,
        tx: &TenantTx,
        id: DepartmentId,
    ) -> Result<Option<Department>, StoreError>;

    /// One job title, which nobody else changes until the transaction ends.
    async fn lock_job_title(
        &self,
        tx: &TenantTx,
        id: JobTitleId,
    ) -> Result<Option<JobTitle>, StoreError>;

    /// One location, which nobody else changes until the transaction ends.
    async fn lock_location(
        &self,
        tx: &TenantTx,
        id: LocationId,
    ) -> Result<Option<Location>, StoreError>;

    /// Whether a department is another one, or part of it, directly or through others.
    async fn is_within(
        &self,
        tx: &TenantTx,
        department: DepartmentId,
        outer: DepartmentId,
    ) -> Result<bool, StoreError>;

    /// One department.
    async fn department<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: DepartmentId,
    ) -> Result<Option<Department>, StoreError>;

    /// One job title.
    async fn job_title<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: JobTitleId,
    ) -> Result<Option<JobTitle>, StoreError>;

    /// One location.
    async fn location<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: LocationId,
    ) -> Result<Option<Location>, StoreError>;

    /// One page of departments.
    async fn departments<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        query: &ListQuery,
        page: &PageRequest<Position>,
    ) -> Result<Page<Department, Position>, StoreError>;

    /// These departments, in no order; those there are.
    async fn departments_by_id<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        ids: &[DepartmentId],
    ) -> Result<Vec<Department>, StoreError>;

    /// One page of job titles.
    async fn job_titles<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        query: &ListQuery,
        page: &PageRequest<Position>,
    ) -> Result<Page<JobTitle, Position>, StoreError>;

    /// These job titles, in no order; those there are.
    async fn job_titles_by_id<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        ids: &[JobTitleId],
    ) -> Result<Vec<JobTitle>, StoreError>;

    /// One page of locations.
    async fn locations<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        query: &ListQuery,
        page: &PageRequest<Position>,
    ) -> Result<Page<Location, Position>, StoreError>;

    /// These locations, in no order; those there are.
    async fn locations_by_id<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        ids: &[LocationId],
    ) -> Result<Vec<Location>, StoreError>;
}

/// Draws numbers that nobody has.
#[async_trait]
pub trait CounterRepository: Send + Sync {
    /// Draws the next number of a series that is free. Numbers may be skipped and never come back,
    /// whatever becomes of the transaction that drew them.
    async fn draw(&self, tx: &TenantTx, series: Series) -> Result<i64, StoreError>;

    /// Draws `count` numbers in a row, without looking whether they are free; the first of them.
    async fn draw_many(&self, tx: &TenantTx, series: Series, count: u32)
    -> Result<i64, StoreError>;

    /// The last number of a series that was drawn; before the first is, the one before it.
    async fn last(&self, tx: &TenantTx, series: Series) -> Result<i64, StoreError>;

    /// Lets a series go on after `number`, if it has not come that far.
    async fn raise(&self, tx: &TenantTx, series: Series, number: i64) -> Result<(), StoreError>;
}

/// A series of numbers of the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Series {
    /// Employee numbers.
    Employees,
    /// Codes of departments that were created without one.
    Departments,
    /// Codes of job titles that were created without one.
    JobTitles,
    /// Codes of locations that were created without one.
    Locations,
}

/// What became of an insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is stored.
    Stored,
    /// Somebody has the number.
    NumberTaken,
    /// Somebody has the address.
    EmailTaken,
}

/// What an assignment wants to refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct References {
    /// A department.
    pub department: Option<DepartmentId>,
    /// A job title.
    pub job_title: Option<JobTitleId>,
    /// A location.
    pub location: Option<LocationId>,
    /// A manager.
    pub manager: Option<EmployeeId>,
}

/// What of it there is, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundReferences {
    /// The department's name.
    pub department: Option<String>,
    /// The job title's name.
    pub job_title: Option<String>,
    /// The location's name.
    pub location: Option<String>,
    /// The manager.
    pub manager: Option<FoundManager>,
}

/// Somebody who may become a manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundManager {
    /// What he is called.
    pub name: String,
    /// The first day of his service.
    pub hire_date: Date,
    /// The first day after it.
    pub employed_until: Option<Date>,
}

/// Which employees, in which order ([`lists::EMPLOYEES`](crate::lists::EMPLOYEES)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmployeeQuery {
    /// The day as of which.
    pub day: Date,
    /// Only this one: what somebody may see who may see himself.
    pub only: Option<EmployeeId>,
    /// What is asked.
    pub list: ListQuery,
}

/// Through how many steps somebody may report to somebody: 1 to 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportDepth(u8);

impl ReportDepth {
    /// Direct reports only.
    pub const DIRECT: Self = Self(1);

    /// So many steps; `None` outside 1 to 20.
    pub fn new(steps: u8) -> Option<Self> {
        (1..=20).contains(&steps).then_some(Self(steps))
    }

    /// The number of steps.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// Where a page of reports ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportKey {
    /// How far down.
    pub depth: u8,
    /// The family name's key.
    pub last_name: String,
    /// Who.
    pub id: EmployeeId,
}
