//! `sessions`.

use database::{Scoped, Tenant};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) created_at: TimeDateTimeWithTimeZone,
    pub(crate) last_used_at: TimeDateTimeWithTimeZone,
    pub(crate) expires_at: TimeDateTimeWithTimeZone,
    pub(crate) absolute_expires_at: TimeDateTimeWithTimeZone,
    pub(crate) ended_at: Option<TimeDateTimeWithTimeZone>,
    pub(crate) auth_time: TimeDateTimeWithTimeZone,
    pub(crate) amr: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Scoped<Tenant> for Entity {}
