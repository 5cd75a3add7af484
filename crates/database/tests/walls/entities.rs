//! The smallest entity that the attacks need.

pub(crate) mod job_title {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "job_titles")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) code: String,
        pub(crate) name: String,
        pub(crate) name_key: String,
        pub(crate) created_at: TimeDateTimeWithTimeZone,
        pub(crate) updated_at: TimeDateTimeWithTimeZone,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod registered_tenant {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tenants")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) slug: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl database::Scoped<database::Tenant> for job_title::Entity {}
impl database::Scoped<database::Platform> for registered_tenant::Entity {}

use database::{Database, StoreError, TenantContext};
use kernel::Ambient;
use sea_orm::ActiveValue::Set;
use uuid::Uuid;

/// A job title with this code.
pub(crate) fn job(code: &str) -> job_title::ActiveModel {
    let ambient = Ambient::system();
    job_title::ActiveModel {
        id: Set(ambient.id::<kernel::JobTitleId>().uuid()),
        code: Set(code.to_owned()),
        name: Set(code.to_owned()),
        name_key: Set(code.to_owned()),
        created_at: Set(ambient.now()),
        updated_at: Set(ambient.now()),
    }
}

/// Stores a job title and commits.
pub(crate) async fn store(
    database: &Database,
    tenant: &TenantContext,
    code: &str,
) -> Result<Uuid, StoreError> {
    let tx = database.begin_tenant(tenant).await?;
    let row = tx.insert(job(code)).await?;
    tx.commit().await?;
    Ok(row.id)
}

/// The codes of a tenant's job titles, sorted.
pub(crate) async fn codes(
    database: &Database,
    tenant: &TenantContext,
) -> Result<Vec<String>, StoreError> {
    let tx = database.begin_tenant_read(tenant).await?;
    let mut codes: Vec<String> = tx
        .find::<job_title::Entity>()
        .all()
        .await?
        .into_iter()
        .map(|row| row.code)
        .collect();
    tx.commit().await?;
    codes.sort();
    Ok(codes)
}
