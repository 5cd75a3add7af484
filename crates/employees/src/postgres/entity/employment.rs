//! The table `employments`.

use database::{Scoped, Tenant};
use sea_orm::{ActiveValue::Set, entity::prelude::*, prelude::TimeDateTimeWithTimeZone as Instant};

use crate::model::Employment;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "employments")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) employee_id: Uuid,
    pub(crate) valid_from: TimeDate,
    pub(crate) valid_to: Option<TimeDate>,
    pub(crate) department_id: Option<Uuid>,
    pub(crate) job_title_id: Option<Uuid>,
    pub(crate) location_id: Option<Uuid>,
    pub(crate) manager_id: Option<Uuid>,
    pub(crate) employment_type: String,
    pub(crate) created_at: Instant,
    pub(crate) updated_at: Instant,
    pub(crate) version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Scoped<Tenant> for Entity {}

impl From<&Employment> for ActiveModel {
    fn from(employment: &Employment) -> Self {
        Self {
            id: Set(employment.id.uuid()),
            employee_id: Set(employment.employee_id.uuid()),
            valid_from: Set(employment.period.from()),
            valid_to: Set(employment.period.to()),
            department_id: Set(employment.department_id.map(Uuid::from)),
            job_title_id: Set(employment.job_title_id.map(Uuid::from)),
            location_id: Set(employment.location_id.map(Uuid::from)),
            manager_id: Set(employment.manager_id.map(Uuid::from)),
            employment_type: Set(employment.employment_type.as_str().to_owned()),
            created_at: Set(employment.stamp.created_at),
            updated_at: Set(employment.stamp.updated_at),
            version: Set(employment.stamp.version),
        }
    }
}
