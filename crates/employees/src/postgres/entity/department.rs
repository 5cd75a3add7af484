//! The table `departments`.

use database::{Scoped, Tenant};
use sea_orm::{ActiveValue::Set, entity::prelude::*, prelude::TimeDateTimeWithTimeZone as Instant};

use crate::model::{Code, Department, Name, Stamp};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "departments")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) name_key: String,
    pub(crate) parent_id: Option<Uuid>,
    pub(crate) manager_id: Option<Uuid>,
    pub(crate) created_at: Instant,
    pub(crate) updated_at: Instant,
    pub(crate) version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Scoped<Tenant> for Entity {}

impl From<&Department> for ActiveModel {
    fn from(department: &Department) -> Self {
        Self {
            id: Set(department.id.uuid()),
            code: Set(department.code.as_str().to_owned()),
            name: Set(department.name.as_str().to_owned()),
            name_key: Set(department.name.key()),
            parent_id: Set(department.parent_id.map(Uuid::from)),
            manager_id: Set(department.manager_id.map(Uuid::from)),
            created_at: Set(department.stamp.created_at),
            updated_at: Set(department.stamp.updated_at),
            version: Set(department.stamp.version),
        }
    }
}

impl From<Model> for Department {
    fn from(row: Model) -> Self {
        Self {
            id: row.id.into(),
            code: Code::stored(row.code),
            name: Name::stored(row.name),
            parent_id: row.parent_id.map(Into::into),
            manager_id: row.manager_id.map(Into::into),
            stamp: Stamp {
                created_at: row.created_at,
                updated_at: row.updated_at,
                version: row.version,
            },
        }
    }
}
