//! The registry in PostgreSQL: `platform.tenants` and `platform.domains`.

mod changes;
mod domain;
mod list;
mod pool;
mod tenant;

use async_trait::async_trait;
use database::{PlatformReadTx, PlatformTx, StoreError};
use kernel::{ListQuery, Page, PageRequest, Position, SchemaName, Slug, TenantId, TenantStatus};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, EntityTrait as _, FromQueryResult, JoinType, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, RelationTrait as _, Value,
    sea_query::{Expr, ExprTrait as _},
};
use time::OffsetDateTime;

use crate::{Domain, HostName, Illegible, RequestedAdministrator, Tenant, TenantRepository};

/// The registry's tables in the schema `platform`.
#[derive(Clone, Copy, Debug, Default)]
pub struct PostgresTenants;

#[async_trait]
impl TenantRepository for PostgresTenants {
    async fn by_slug(
        &self,
        tx: &PlatformReadTx,
        slug: &Slug,
    ) -> Result<Option<Tenant>, StoreError> {
        let row = tx
            .find::<tenant::Entity>()
            .filter(tenant::Column::Slug.eq(slug.as_str()))
            .one()
            .await?;
        row.map(Tenant::try_from).transpose()
    }

    async fn by_id(&self, tx: &PlatformReadTx, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        let row = tx.find_by_id::<tenant::Entity>(id).await?;
        row.map(Tenant::try_from).transpose()
    }

    async fn by_host(
        &self,
        tx: &PlatformReadTx,
        host: &HostName,
    ) -> Result<Option<Tenant>, StoreError> {
        let row = tx
            .find::<tenant::Entity>()
            .join(JoinType::InnerJoin, tenant::Relation::Domains.def())
            .filter(domain::Column::Host.eq(host.as_str()))
            .one()
            .await?;
        row.map(Tenant::try_from).transpose()
    }

    async fn legible(
        &self,
        tx: &PlatformReadTx,
        slugs: Option<&[Slug]>,
    ) -> Result<Vec<Result<Tenant, Illegible>>, StoreError> {
        let find = tx
            .find::<tenant::Entity>()
            .order_by_asc(tenant::Column::Slug);
        let rows = match slugs {
            None => find.all().await?,
            Some(slugs) => {
                let slugs = slugs.iter().map(Slug::as_str);
                find.filter(tenant::Column::Slug.is_in(slugs)).all().await?
            }
        };
        Ok(rows.into_iter().map(tenant::Model::read).collect())
    }

    async fn owners(
        &self,
        tx: &PlatformReadTx,
        hosts: Option<&[HostName]>,
    ) -> Result<Vec<(HostName, TenantId)>, StoreError> {
        let find = tx.find::<domain::Entity>();
        let rows = match hosts {
            None => find.all().await?,
            Some(hosts) => {
                let hosts = hosts.iter().map(HostName::as_str);
                find.filter(domain::Column::Host.is_in(hosts)).all().await?
            }
        };
        let read = |row: domain::Model| Some((row.host.parse().ok()?, row.tenant_id.into()));
        // A host that is none can be asked for by nobody.
        Ok(rows.into_iter().filter_map(read).collect())
    }

    async fn hosts(&self, tx: &PlatformReadTx, id: TenantId) -> Result<Vec<HostName>, StoreError> {
        let rows = tx
            .find::<domain::Entity>()
            .filter(domain::Column::TenantId.eq(id.uuid()))
            .order_by_asc(domain::Column::Host)
            .all()
            .await?;
        rows.into_iter()
            .map(|row| row.host.parse().map_err(StoreError::corrupt))
            .collect()
    }

    async fn page(
        &self,
        tx: &PlatformReadTx,
        query: &ListQuery,
        page: &PageRequest<Position>,
    ) -> Result<Page<Tenant, Position>, StoreError> {
        list::tenants(tx, query, page).await
    }

    async fn domains(
        &self,
        tx: &PlatformReadTx,
        id: TenantId,
        page: &PageRequest<String>,
    ) -> Result<Page<Domain, String>, StoreError> {
        list::domains(tx, id, page).await
    }

    async fn try_lock_slug(&self, tx: &PlatformTx, slug: &Slug) -> Result<bool, StoreError> {
        #[derive(FromQueryResult)]
        struct Turn {
            mine: bool,
        }
        let turn: Option<Turn> = tx
            .row(
                "SELECT pg_try_advisory_xact_lock(hashtextextended('hrms tenant ' || $1, 0)) AS mine",
                [Value::from(slug.as_str())],
            )
            .await?;
        Ok(turn.is_some_and(|turn| turn.mine))
    }

    async fn lock_slug(&self, tx: &PlatformTx, slug: &Slug) -> Result<(), StoreError> {
        tx.run(
            "SELECT pg_advisory_xact_lock(hashtextextended('hrms tenant ' || $1, 0))",
            [Value::from(slug.as_str())],
        )
        .await?;
        Ok(())
    }

    async fn claim(&self, tx: &PlatformTx, tenant: &Tenant) -> Result<bool, StoreError> {
        tx.insert_or_ignore(tenant::ActiveModel::try_from(tenant)?)
            .await
    }

    async fn requested_administrator(
        &self,
        tx: &PlatformTx,
        id: TenantId,
    ) -> Result<Option<RequestedAdministrator>, StoreError> {
        #[derive(FromQueryResult)]
        struct Requested {
            email: String,
            password_hash: String,
        }
        const REQUESTED: &str =
            "SELECT email, password_hash FROM first_administrators WHERE tenant_id = $1";
        let row: Option<Requested> = tx.row(REQUESTED, [id.uuid().into()]).await?;
        let read = |row: Requested| {
            Ok(RequestedAdministrator {
                email: row.email.parse().map_err(StoreError::corrupt)?,
                password_hash: row.password_hash.into(),
            })
        };
        row.map(read).transpose()
    }

    async fn activate(
        &self,
        tx: &PlatformTx,
        id: TenantId,
        now: OffsetDateTime,
    ) -> Result<Option<Tenant>, StoreError> {
        const FORGET: &str = "DELETE FROM first_administrators WHERE tenant_id = $1";
        let update = tenant::Entity::update_many()
            .col_expr(tenant::Column::Status, TenantStatus::Active.as_str().into())
            .col_expr(tenant::Column::UpdatedAt, now.into())
            .col_expr(
                tenant::Column::Version,
                Expr::col(tenant::Column::Version).add(1),
            )
            .filter(tenant::Column::Id.eq(id.uuid()))
            .filter(tenant::Column::Status.eq(TenantStatus::Creating.as_str()));
        tx.update_where(update).await?;
        tx.run(FORGET, [id.uuid().into()]).await?;
        let row = tx.find_by_id::<tenant::Entity>(id).await?;
        row.map(Tenant::try_from).transpose()
    }

    async fn abandon(&self, tx: &PlatformTx, tenant: &Tenant) -> Result<(), StoreError> {
        // Before the row's own lock, as placing does.
        pool::lock(tx).await?;
        let delete = tenant::Entity::delete_many()
            .filter(tenant::Column::Id.eq(tenant.id.uuid()))
            .filter(tenant::Column::Status.eq(TenantStatus::Creating.as_str()));
        if tx.delete_where(delete).await? > 0 {
            pool::leave(tx, &tenant.schema).await?;
        }
        Ok(())
    }

    async fn register_host(
        &self,
        tx: &PlatformTx,
        host: &HostName,
        id: TenantId,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let row = domain::ActiveModel {
            host: Set(host.to_string()),
            tenant_id: Set(id.uuid()),
            created_at: Set(now),
        };
        tx.insert_or_ignore(row).await
    }

    async fn place_in_pool(
        &self,
        tx: &PlatformTx,
        capacity: u32,
    ) -> Result<SchemaName, StoreError> {
        pool::place(tx, capacity).await
    }

    async fn open_pool(&self, tx: &PlatformTx, schema: &SchemaName) -> Result<(), StoreError> {
        pool::open(tx, schema).await
    }
}
