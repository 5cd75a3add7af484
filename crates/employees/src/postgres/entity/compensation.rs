//! The table `compensations`.

use database::{Scoped, Tenant};
use sea_orm::{ActiveValue::Set, entity::prelude::*, prelude::TimeDateTimeWithTimeZone as Instant};

use crate::model::Compensation;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "compensations")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) employee_id: Uuid,
    pub(crate) valid_from: TimeDate,
    pub(crate) valid_to: Option<TimeDate>,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
    pub(crate) pay_period: String,
    pub(crate) commission_bp: Option<i32>,
    pub(crate) created_at: Instant,
    pub(crate) updated_at: Instant,
    pub(crate) version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Scoped<Tenant> for Entity {}

impl From<&Compensation> for ActiveModel {
    fn from(compensation: &Compensation) -> Self {
        let pay = compensation.pay;
        Self {
            id: Set(compensation.id.uuid()),
            employee_id: Set(compensation.employee_id.uuid()),
            valid_from: Set(compensation.period.from()),
            valid_to: Set(compensation.period.to()),
            amount_minor: Set(pay.amount().minor_units()),
            currency: Set(pay.amount().currency().code().to_owned()),
            pay_period: Set(pay.period().as_str().to_owned()),
            commission_bp: Set(compensation
                .commission
                .map(|share| share.basis_points().into())),
            created_at: Set(compensation.stamp.created_at),
            updated_at: Set(compensation.stamp.updated_at),
            version: Set(compensation.stamp.version),
        }
    }
}
