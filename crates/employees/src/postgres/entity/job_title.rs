//! The table `job_titles`.

use database::{Scoped, StoreError, Tenant};
use kernel::{Currency, Money};
use sea_orm::{ActiveValue::Set, entity::prelude::*, prelude::TimeDateTimeWithTimeZone as Instant};

use crate::model::{Code, JobTitle, Name, PayRange, Stamp};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job_titles")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) name_key: String,
    pub(crate) pay_range_min_minor: Option<i64>,
    pub(crate) pay_range_max_minor: Option<i64>,
    pub(crate) currency: Option<String>,
    pub(crate) created_at: Instant,
    pub(crate) updated_at: Instant,
    pub(crate) version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Scoped<Tenant> for Entity {}

impl From<&JobTitle> for ActiveModel {
    fn from(job: &JobTitle) -> Self {
        let range = job.pay_range.as_ref();
        Self {
            id: Set(job.id.uuid()),
            code: Set(job.code.as_str().to_owned()),
            name: Set(job.name.as_str().to_owned()),
            name_key: Set(job.name.key()),
            pay_range_min_minor: Set(range.map(|range| range.min().minor_units())),
            pay_range_max_minor: Set(range.map(|range| range.max().minor_units())),
            currency: Set(range.map(|range| range.min().currency().code().to_owned())),
            created_at: Set(job.stamp.created_at),
            updated_at: Set(job.stamp.updated_at),
            version: Set(job.stamp.version),
        }
    }
}

impl TryFrom<Model> for JobTitle {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        let pay_range = match (
            row.pay_range_min_minor,
            row.pay_range_max_minor,
            row.currency,
        ) {
            (Some(min), Some(max), Some(code)) => {
                let currency = Currency::from_code(&code)
                    .ok_or_else(|| StoreError::corrupt("job_titles.currency"))?;
                let money = |minor| Money::from_minor_units(minor, currency);
                Some(PayRange::new(money(min), money(max)).map_err(StoreError::corrupt)?)
            }
            _ => None,
        };
        Ok(Self {
            id: row.id.into(),
            code: Code::stored(row.code),
            name: Name::stored(row.name),
            pay_range,
            stamp: Stamp {
                created_at: row.created_at,
                updated_at: row.updated_at,
                version: row.version,
            },
        })
    }
}
