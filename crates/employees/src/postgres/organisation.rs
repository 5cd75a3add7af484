//! Departments, job titles and locations.

use async_trait::async_trait;
use database::{Find, Mode, Scoped, StoreError, Tenant, TenantTx, Tx};
use kernel::{DepartmentId, JobTitleId, LocationId, Page, PageRequest};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait as _, EntityTrait, FromQueryResult,
    IntoActiveModel, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, ExprTrait as _, LockType},
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

/// A row that nobody else changes until the transaction ends. Others may refer to it meanwhile.
async fn locked<E: Scoped<Tenant>>(
    tx: &TenantTx,
    column: E::Column,
    id: uuid::Uuid,
) -> Result<Option<E::Model>, StoreError> {
    tx.find::<E>()
        .filter(column.eq(id))
        .lock(LockType::NoKeyUpdate)
        .one()
        .await
}

/// Stores what a row has become; `false` when a unique key already holds its value.
async fn changed<A>(tx: &TenantTx, row: A) -> Result<bool, StoreError>
where
    A: ActiveModelTrait + ActiveModelBehavior + Send,
    A::Entity: Scoped<Tenant>,
    <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
{
    let savepoint = tx.savepoint().await?;
    match tx.update(row).await {
        Ok(_) => savepoint.release().await.map(|()| true),
        Err(StoreError::Duplicate { .. }) => savepoint.undo().await.map(|()| false),
        Err(error) => Err(error),
    }
}

/// Walks up from `$1`.
const IS_WITHIN: &str = "WITH RECURSIVE up AS ( \
         SELECT d.id, d.parent_id FROM departments d WHERE d.id = $1 \
         UNION SELECT d.id, d.parent_id FROM departments d JOIN up ON d.id = up.parent_id) \
     SELECT count(*) AS count FROM up WHERE up.id = $2";

#[derive(FromQueryResult)]
struct Count {
    count: i64,
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

    async fn update_department(
        &self,
        tx: &TenantTx,
        department: &Department,
    ) -> Result<bool, StoreError> {
        changed(tx, department::ActiveModel::from(department)).await
    }

    async fn update_job_title(&self, tx: &TenantTx, job: &JobTitle) -> Result<bool, StoreError> {
        changed(tx, job_title::ActiveModel::from(job)).await
    }

    async fn update_location(
        &self,
        tx: &TenantTx,
        location: &Location,
    ) -> Result<bool, StoreError> {
        changed(tx, location::ActiveModel::from(location)).await
    }

    async fn lock_department(
        &self,
        tx: &TenantTx,
        id: DepartmentId,
    ) -> Result<Option<Department>, StoreError> {
        let row = locked::<department::Entity>(tx, department::Column::Id, id.uuid()).await?;
        Ok(row.map(Department::from))
    }

    async fn lock_job_title(
        &self,
        tx: &TenantTx,
        id: JobTitleId,
    ) -> Result<Option<JobTitle>, StoreError> {
        let row = locked::<job_title::Entity>(tx, job_title::Column::Id, id.uuid()).await?;
        row.map(JobTitle::try_from).transpose()
    }

    async fn lock_location(
        &self,
        tx: &TenantTx,
        id: LocationId,
    ) -> Result<Option<Location>, StoreError> {
        let row = locked::<location::Entity>(tx, location::Column::Id, id.uuid()).await?;
        row.map(Location::try_from).transpose()
    }

    async fn is_within(
        &self,
        tx: &TenantTx,
        department: DepartmentId,
        outer: DepartmentId,
    ) -> Result<bool, StoreError> {
        let found: Option<Count> = tx
            .row(IS_WITHIN, [department.uuid().into(), outer.uuid().into()])
            .await?;
        Ok(found.is_some_and(|row| row.count > 0))
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
