//! People, written and read one at a time.

use async_trait::async_trait;
use database::{Mode, StoreError, Tenant, TenantTx, Tx};
use kernel::{EmployeeId, Page, PageRequest, Position};
use sea_orm::FromQueryResult;
use time::Date;
use uuid::Uuid;

use super::{
    Postgres, hire, history, list,
    profile::{self, Shown},
    report,
};
use crate::{
    model::{Compensation, Employee, EmployeeProfile, Employment, EmploymentRecord, Report},
    repository::{
        EmployeeQuery, EmployeeRepository, FoundManager, FoundReferences, Inserted, References,
        ReportDepth, ReportKey,
    },
};

#[derive(FromQueryResult)]
struct Answer {
    answer: bool,
}

#[derive(FromQueryResult)]
struct ReferencesRow {
    department: Option<String>,
    job_title: Option<String>,
    location: Option<String>,
    manager: Option<String>,
    hire_date: Option<Date>,
    employed_until: Option<Date>,
}

#[async_trait]
impl EmployeeRepository for Postgres {
    async fn hire(
        &self,
        tx: &TenantTx,
        employee: &Employee,
        employment: &Employment,
        compensation: Option<&Compensation>,
    ) -> Result<Inserted, StoreError> {
        hire::store(tx, employee, employment, compensation).await
    }

    async fn references<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        wanted: &References,
    ) -> Result<FoundReferences, StoreError> {
        let row: Option<ReferencesRow> = tx
            .row(
                "SELECT \
                 (SELECT name FROM departments WHERE id = $1) AS department, \
                 (SELECT name FROM job_titles WHERE id = $2) AS job_title, \
                 (SELECT name FROM locations WHERE id = $3) AS location, \
                 b.first_name || ' ' || b.last_name AS manager, b.hire_date, b.employed_until \
                 FROM (SELECT $4::uuid AS id) wanted LEFT JOIN employees b ON b.id = wanted.id",
                [
                    wanted.department.map(Uuid::from).into(),
                    wanted.job_title.map(Uuid::from).into(),
                    wanted.location.map(Uuid::from).into(),
                    wanted.manager.map(Uuid::from).into(),
                ],
            )
            .await?;
        Ok(row.map(FoundReferences::from).unwrap_or_default())
    }

    async fn profile<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
        day: Date,
        with_pay: bool,
    ) -> Result<Option<EmployeeProfile>, StoreError> {
        profile::one(tx, id, Shown::AsOf(day), with_pay).await
    }

    async fn profile_on<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
        day: Date,
        with_pay: bool,
    ) -> Result<Option<EmployeeProfile>, StoreError> {
        profile::one(tx, id, Shown::On(day), with_pay).await
    }

    async fn list<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        query: &EmployeeQuery,
        page: &PageRequest<Position>,
    ) -> Result<Page<EmployeeProfile, Position>, StoreError> {
        list::page(tx, query, page).await
    }

    async fn profiles<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        ids: &[EmployeeId],
        day: Date,
    ) -> Result<Vec<EmployeeProfile>, StoreError> {
        list::by_id(tx, ids, day).await
    }

    async fn reports<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        manager: EmployeeId,
        day: Date,
        depth: ReportDepth,
        page: &PageRequest<ReportKey>,
    ) -> Result<Page<Report, ReportKey>, StoreError> {
        report::page(tx, manager, day, depth, page).await
    }

    async fn employments<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
        page: &PageRequest<Date>,
    ) -> Result<Page<EmploymentRecord, Date>, StoreError> {
        history::page(tx, id, page).await
    }

    async fn exists<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
    ) -> Result<bool, StoreError> {
        let found: Option<Answer> = tx
            .row(
                "SELECT EXISTS (SELECT 1 FROM employees WHERE id = $1) AS answer",
                [id.uuid().into()],
            )
            .await?;
        Ok(found.is_some_and(|found| found.answer))
    }
}

impl From<ReferencesRow> for FoundReferences {
    fn from(row: ReferencesRow) -> Self {
        Self {
            department: row.department,
            job_title: row.job_title,
            location: row.location,
            manager: row
                .manager
                .zip(row.hire_date)
                .map(|(name, hire_date)| FoundManager {
                    name,
                    hire_date,
                    employed_until: row.employed_until,
                }),
        }
    }
}
