//! Departments, job titles and locations.

use async_trait::async_trait;
use database::{Find, Mode, Scoped, StoreError, Tenant, TenantTx, Tx};
use kernel::{DepartmentId, JobTitleId, LocationId, Page, PageRequest};
use sea_orm::{
    ColumnTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, ExprTrait as _},
};

use super::{
    Postgres,
    entity::{department, job_title, location},
};
use crate::{
    model::{Department, JobTitle, Location},
    repository::{NameKey, OrganisationRepository},
};

/// One page of rows by `(name_key, id)`, one more than asked for, and the count of all.
async fn by_name<E, M>(
    tx: &Tx<Tenant, M>,
    name_key: E::Column,
    id: E::Column,
    page: &PageRequest<NameKey>,
) -> Result<(Vec<E::Model>, Option<u64>), StoreError>
where
    E: Scoped<Tenant>,
    E::Model: Send + Sync,
    M: Mode,
{
    let mut find: Find<'_, E> = tx.find::<E>();
    if let Some(after) = &page.after {
        let key = Expr::tuple([name_key.into_expr(), id.into_expr()]);
        let end = Expr::tuple([after.name.as_str().into(), after.id.into()]);
        find = find.filter(key.gt(end));
    }
    let rows = find
        .order_by_asc(name_key)
        .order_by_asc(id)
        .limit(u64::from(page.limit.get()) + 1)
        .all()
        .await?;
    let total = if page.count {
        Some(tx.find::<E>().count().await?)
    } else {
        None
    };
    Ok((rows, total))
}

#[async_trait]
impl OrganisationRepository for Postgres {
    async fn insert_department(
        &self,
        tx: &TenantTx,
        department: &Department,
    ) -> Result<bool, StoreError> {
        tx.insert_or_ignore(department::ActiveModel::from(department))
            .await
    }

    async fn insert_job_title(&self, tx: &TenantTx, job: &JobTitle) -> Result<bool, StoreError> {
        tx.insert_or_ignore(job_title::ActiveModel::from(job)).await
    }

    async fn insert_location(
        &self,
        tx: &TenantTx,
        location: &Location,
    ) -> Result<bool, StoreError> {
        tx.insert_or_ignore(location::ActiveModel::from(location))
            .await
    }

    async fn department<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: DepartmentId,
    ) -> Result<Option<Department>, StoreError> {
        Ok(tx
            .find_by_id::<department::Entity>(id)
            .await?
            .map(Department::from))
    }

    async fn job_title<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: JobTitleId,
    ) -> Result<Option<JobTitle>, StoreError> {
        tx.find_by_id::<job_title::Entity>(id)
            .await?
            .map(JobTitle::try_from)
            .transpose()
    }

    async fn location<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: LocationId,
    ) -> Result<Option<Location>, StoreError> {
        tx.find_by_id::<location::Entity>(id)
            .await?
            .map(Location::try_from)
            .transpose()
    }

    async fn departments<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        page: &PageRequest<NameKey>,
    ) -> Result<Page<Department, NameKey>, StoreError> {
        use department::{Column, Entity};
        let (rows, total) = by_name::<Entity, M>(tx, Column::NameKey, Column::Id, page).await?;
        let rows = Page::of_surplus(rows, page.limit, total, |row| NameKey {
            name: row.name_key.clone(),
            id: row.id,
        });
        Ok(rows.map(Department::from))
    }

    async fn job_titles<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        page: &PageRequest<NameKey>,
    ) -> Result<Page<JobTitle, NameKey>, StoreError> {
        use job_title::{Column, Entity};
        let (rows, total) = by_name::<Entity, M>(tx, Column::NameKey, Column::Id, page).await?;
        let jobs = rows
            .into_iter()
            .map(JobTitle::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of_surplus(jobs, page.limit, total, |job| NameKey {
            name: job.name.key(),
            id: job.id.uuid(),
        }))
    }

    async fn locations<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        page: &PageRequest<NameKey>,
    ) -> Result<Page<Location, NameKey>, StoreError> {
        use location::{Column, Entity};
        let (rows, total) = by_name::<Entity, M>(tx, Column::NameKey, Column::Id, page).await?;
        let places = rows
            .into_iter()
            .map(Location::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of_surplus(places, page.limit, total, |place| {
            NameKey {
                name: place.name.key(),
                id: place.id.uuid(),
            }
        }))
    }
}
