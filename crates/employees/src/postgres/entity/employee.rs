//! The table `employees`.

use database::{Scoped, Tenant};
use sea_orm::{ActiveValue::Set, entity::prelude::*, prelude::TimeDateTimeWithTimeZone as Instant};

use crate::model::Employee;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "employees")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) employee_number: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) first_name_key: String,
    pub(crate) last_name_key: String,
    pub(crate) work_email: Option<String>,
    pub(crate) work_email_key: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) hire_date: TimeDate,
    pub(crate) employed_until: Option<TimeDate>,
    pub(crate) created_at: Instant,
    pub(crate) updated_at: Instant,
    pub(crate) version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Scoped<Tenant> for Entity {}

impl From<&Employee> for ActiveModel {
    fn from(employee: &Employee) -> Self {
        let email = employee.work_email.as_ref();
        Self {
            id: Set(employee.id.uuid()),
            employee_number: Set(employee.number.as_str().to_owned()),
            first_name: Set(employee.name.first.as_str().to_owned()),
            last_name: Set(employee.name.last.as_str().to_owned()),
            first_name_key: Set(employee.name.first.key()),
            last_name_key: Set(employee.name.last.key()),
            work_email: Set(email.map(|email| email.as_str().to_owned())),
            work_email_key: Set(email.map(|email| email.key().to_owned())),
            phone: Set(employee
                .phone
                .as_ref()
                .map(|phone| phone.as_str().to_owned())),
            hire_date: Set(employee.hire_date),
            employed_until: Set(employee.employed_until),
            created_at: Set(employee.stamp.created_at),
            updated_at: Set(employee.stamp.updated_at),
            version: Set(employee.stamp.version),
        }
    }
}
