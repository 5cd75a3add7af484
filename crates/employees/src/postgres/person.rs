//! People who are being changed.

use database::{StoreError, TenantTx};
use kernel::{EmailAddress, EmployeeId};
use sea_orm::{FromQueryResult, Value};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::name_words;
use crate::{
    model::{Employee, EmployeeNumber, Name, PersonName, PhoneNumber, Stamp},
    repository::Inserted,
};

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    employee_number: String,
    first_name: String,
    last_name: String,
    work_email: Option<String>,
    phone: Option<String>,
    original_hire_date: Date,
    hire_date: Date,
    employed_until: Option<Date>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    version: i64,
}

impl TryFrom<Row> for Employee {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let email = row.work_email.map(|text| text.parse());
        let phone = row.phone.map(|text| text.parse());
        Ok(Self {
            id: row.id.into(),
            number: EmployeeNumber::stored(row.employee_number),
            name: PersonName {
                first: Name::stored(row.first_name),
                last: Name::stored(row.last_name),
            },
            work_email: email.transpose().map_err(StoreError::corrupt)?,
            phone: phone.transpose().map_err(StoreError::corrupt)?,
            original_hire_date: row.original_hire_date,
            hire_date: row.hire_date,
            employed_until: row.employed_until,
            stamp: Stamp {
                created_at: row.created_at,
                updated_at: row.updated_at,
                version: row.version,
            },
        })
    }
}

/// Not against whoever refers to them meanwhile: their keys do not change.
const LOCK: &str = "\
    SELECT id, employee_number, first_name, last_name, work_email, phone, original_hire_date, \
    hire_date, employed_until, created_at, updated_at, version \
    FROM employees WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE";

pub(super) async fn lock(tx: &TenantTx, ids: &[EmployeeId]) -> Result<Vec<Employee>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows: Vec<Row> = tx.rows(LOCK, [ids.into()]).await?;
    rows.into_iter().map(Employee::try_from).collect()
}

pub(super) async fn hold(tx: &TenantTx, id: EmployeeId) -> Result<(), StoreError> {
    let held = "SELECT id FROM employees WHERE id = $1 FOR SHARE";
    tx.run(held, [id.uuid().into()]).await?;
    Ok(())
}

const UPDATE: &str = "\
    UPDATE employees SET employee_number = $2, first_name = $3, last_name = $4, \
    first_name_key = $5, last_name_key = $6, work_email = $7, work_email_key = $8, phone = $9, \
    original_hire_date = $10, hire_date = $11, employed_until = $12, updated_at = $13, \
    version = $14 WHERE id = $1";

pub(super) async fn update(tx: &TenantTx, person: &Employee) -> Result<Inserted, StoreError> {
    let name = &person.name;
    let email = person.work_email.as_ref();
    let values: [Value; 14] = [
        person.id.uuid().into(),
        person.number.as_str().into(),
        name.first.as_str().into(),
        name.last.as_str().into(),
        name.first.key().into(),
        name.last.key().into(),
        email.map(EmailAddress::as_str).into(),
        email.map(EmailAddress::key).into(),
        person.phone.as_ref().map(PhoneNumber::as_str).into(),
        person.original_hire_date.into(),
        person.hire_date.into(),
        person.employed_until.into(),
        person.stamp.updated_at.into(),
        person.stamp.version.into(),
    ];
    let savepoint = tx.savepoint().await?;
    match tx.run(UPDATE, values).await {
        Ok(_) => savepoint.release().await.map(|()| Inserted::Stored),
        Err(StoreError::Duplicate { constraint, .. }) => {
            savepoint.undo().await?;
            Ok(if constraint.contains("work_email") {
                Inserted::EmailTaken
            } else {
                Inserted::NumberTaken
            })
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn rename(tx: &TenantTx, person: &Employee) -> Result<(), StoreError> {
    tx.run(
        "DELETE FROM name_words WHERE employee_id = $1",
        [person.id.uuid().into()],
    )
    .await?;
    name_words::insert(tx, std::slice::from_ref(person)).await
}
