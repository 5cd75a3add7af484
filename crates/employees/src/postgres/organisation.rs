//! Departments, job titles and locations.

use async_trait::async_trait;
use database::{Mode, Scoped, StoreError, Tenant, TenantTx, Tx, list};
use kernel::{
    DepartmentId, JobTitleId, ListQuery, LocationId, Page, PageRequest, Position, Scalar,
};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait as _, EntityTrait, FromQueryResult,
    IntoActiveModel, QueryFilter as _, QueryOrder, QuerySelect as _,
    sea_query::{Alias, Cond, Expr, LockType},
};

use super::{
    Postgres,
    entity::{department, job_title, location},
};
use crate::{
    model::{Department, JobTitle, Location},
    repository::OrganisationRepository,
};

/// One page of rows, one more than asked for, and the count of all.
async fn page<E, M>(
    tx: &Tx<Tenant, M>,
    query: &ListQuery,
    page: &PageRequest<Position>,
) -> Result<(Vec<E::Model>, Option<u64>), StoreError>
where
    E: Scoped<Tenant>,
    E::Model: Send + Sync,
    M: Mode,
{
    let mut find = tx.find::<E>().filter(filter(query));
    if let Some(after) = &page.after {
        find = find.filter(list::behind(query, after, column, column("id"))?);
    }
    list::sort(QueryOrder::query(&mut find), query, column, column("id"));
    let rows = find.limit(u64::from(page.limit.get()) + 1).all().await?;
    let total = if page.count {
        Some(tx.find::<E>().filter(filter(query)).count().await?)
    } else {
        None
    };
    Ok((rows, total))
}

/// The column that a field is compared and sorted by.
fn column(field: &str) -> Expr {
    Expr::col(Alias::new(match field {
        "name" => "name_key",
        other => other,
    }))
}

fn filter(query: &ListQuery) -> Cond {
    let conditions = query.conditions.iter();
    let asked = conditions.fold(Cond::all(), |all, condition| {
        all.add(list::compared(column(condition.field), condition))
    });
    query.words.iter().fold(asked, |all, word| {
        all.add(
            Cond::any()
                .add(list::begins(column("name"), word))
                .add(list::begins(column("code"), &word.to_uppercase())),
        )
    })
}

fn position(query: &ListQuery, id: uuid::Uuid, name_key: &str, code: &str) -> Position {
    Position::of(query, id, |field| {
        Scalar::Text(if field == "code" { code } else { name_key }.to_owned())
    })
}

async fn by_id<E, M>(
    tx: &Tx<Tenant, M>,
    id: E::Column,
    ids: impl Iterator<Item = uuid::Uuid>,
) -> Result<Vec<E::Model>, StoreError>
where
    E: Scoped<Tenant>,
    M: Mode,
{
    tx.find::<E>().filter(id.is_in(ids)).all().await
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
        query: &ListQuery,
        request: &PageRequest<Position>,
    ) -> Result<Page<Department, Position>, StoreError> {
        let (rows, total) = page::<department::Entity, M>(tx, query, request).await?;
        let items = rows.into_iter().map(Department::from).collect::<Vec<_>>();
        Ok(Page::of_surplus(items, request.limit, total, |item| {
            position(query, item.id.uuid(), &item.name.key(), item.code.as_str())
        }))
    }

    async fn departments_by_id<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        ids: &[DepartmentId],
    ) -> Result<Vec<Department>, StoreError> {
        let ids = ids.iter().map(|id| id.uuid());
        let rows = by_id::<department::Entity, M>(tx, department::Column::Id, ids).await?;
        Ok(rows.into_iter().map(Department::from).collect::<Vec<_>>())
    }

    async fn job_titles<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        query: &ListQuery,
        request: &PageRequest<Position>,
    ) -> Result<Page<JobTitle, Position>, StoreError> {
        let (rows, total) = page::<job_title::Entity, M>(tx, query, request).await?;
        let items = rows
            .into_iter()
            .map(JobTitle::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of_surplus(items, request.limit, total, |item| {
            position(query, item.id.uuid(), &item.name.key(), item.code.as_str())
        }))
    }

    async fn job_titles_by_id<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        ids: &[JobTitleId],
    ) -> Result<Vec<JobTitle>, StoreError> {
        let ids = ids.iter().map(|id| id.uuid());
        let rows = by_id::<job_title::Entity, M>(tx, job_title::Column::Id, ids).await?;
        rows.into_iter().map(JobTitle::try_from).collect()
    }

    async fn locations<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        query: &ListQuery,
        request: &PageRequest<Position>,
    ) -> Result<Page<Location, Position>, StoreError> {
        let (rows, total) = page::<location::Entity, M>(tx, query, request).await?;
        let items = rows
            .into_iter()
            .map(Location::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of_surplus(items, request.limit, total, |item| {
            position(query, item.id.uuid(), &item.name.key(), item.code.as_str())
        }))
    }

    async fn locations_by_id<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        ids: &[LocationId],
    ) -> Result<Vec<Location>, StoreError> {
        let ids = ids.iter().map(|id| id.uuid());
        let rows = by_id::<location::Entity, M>(tx, location::Column::Id, ids).await?;
        rows.into_iter().map(Location::try_from).collect()
    }
}
