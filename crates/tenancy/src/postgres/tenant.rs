//! `platform.tenants`.

use database::{Platform, Scoped, StoreError};
use kernel::{Slug, Subscription, normalised_key};
use sea_orm::{ActiveValue::Set, entity::prelude::*};

use crate::{Illegible, Suspension, Tenant};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenants")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) slug: String,
    pub(crate) name: String,
    /// The name as it is searched and sorted by.
    pub(crate) name_key: String,
    pub(crate) schema_name: String,
    pub(crate) placement: String,
    pub(crate) status: String,
    pub(crate) locale: String,
    pub(crate) time_zone: String,
    pub(crate) branding: Json,
    pub(crate) placement_epoch: i64,
    pub(crate) auth_epoch: i64,
    pub(crate) suspended_at: Option<TimeDateTimeWithTimeZone>,
    pub(crate) suspension_reason: Option<String>,
    pub(crate) subscription_state: String,
    pub(crate) grace_until: Option<TimeDateTimeWithTimeZone>,
    pub(crate) created_at: TimeDateTimeWithTimeZone,
    pub(crate) updated_at: TimeDateTimeWithTimeZone,
    pub(crate) version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {
    #[sea_orm(has_many = "super::domain::Entity")]
    Domains,
}

impl ActiveModelBehavior for ActiveModel {}

impl Scoped<Platform> for Entity {}

impl TryFrom<Model> for Tenant {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.into(),
            slug: Slug::existing(&row.slug).map_err(StoreError::corrupt)?,
            name: row.name,
            schema: row.schema_name.parse().map_err(StoreError::corrupt)?,
            placement: row.placement.parse().map_err(StoreError::corrupt)?,
            status: row.status.parse().map_err(StoreError::corrupt)?,
            locale: row.locale.parse().map_err(StoreError::corrupt)?,
            time_zone: row.time_zone.parse().map_err(StoreError::corrupt)?,
            branding: serde_json::from_value(row.branding).map_err(StoreError::corrupt)?,
            placement_epoch: row.placement_epoch,
            auth_epoch: row.auth_epoch,
            suspension: row.suspended_at.map(|since| Suspension {
                since,
                reason: row.suspension_reason,
            }),
            subscription: Subscription::stored(&row.subscription_state, row.grace_until)
                .map_err(StoreError::corrupt)?,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}

impl Model {
    /// The tenant; or why this row is none.
    pub(super) fn read(self) -> Result<Tenant, Illegible> {
        let slug = self.slug.clone();
        Tenant::try_from(self).map_err(|error| Illegible { slug, error })
    }
}

impl TryFrom<&Tenant> for ActiveModel {
    type Error = StoreError;

    fn try_from(tenant: &Tenant) -> Result<Self, StoreError> {
        Ok(Self {
            id: Set(tenant.id.uuid()),
            slug: Set(tenant.slug.to_string()),
            name: Set(tenant.name.clone()),
            name_key: Set(normalised_key(&tenant.name)),
            schema_name: Set(tenant.schema.to_string()),
            placement: Set(tenant.placement.as_str().to_owned()),
            status: Set(tenant.status.as_str().to_owned()),
            locale: Set(tenant.locale.to_string()),
            time_zone: Set(tenant.time_zone.to_string()),
            branding: Set(serde_json::to_value(&tenant.branding).map_err(StoreError::corrupt)?),
            placement_epoch: Set(tenant.placement_epoch),
            auth_epoch: Set(tenant.auth_epoch),
            suspended_at: Set(tenant.suspension.as_ref().map(|it| it.since)),
            suspension_reason: Set(tenant.suspension.as_ref().and_then(|it| it.reason.clone())),
            subscription_state: Set(tenant.subscription.as_str().to_owned()),
            grace_until: Set(tenant.subscription.grace_until()),
            created_at: Set(tenant.created_at),
            updated_at: Set(tenant.updated_at),
            version: Set(tenant.version),
        })
    }
}
