//! Employments over time.

use std::str::FromStr;

use database::{Mode, StoreError, Tenant, Tx};
use kernel::{EmployeeId, Page, PageRequest};
use sea_orm::{DbErr, FromQueryResult, QueryResult};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::profile::{named, typed};
use crate::model::{Assignment, EmploymentRecord, Named, Stamp, WordError};

struct Row {
    id: Uuid,
    valid_from: Date,
    valid_to: Option<Date>,
    stamp: Stamp,
    employment_type: String,
    department: Option<Named<Uuid>>,
    job_title: Option<Named<Uuid>>,
    location: Option<Named<Uuid>>,
    manager: Option<Named<Uuid>>,
    cause: Option<String>,
    end_reason: Option<String>,
}

impl FromQueryResult for Row {
    fn from_query_result(row: &QueryResult, _prefix: &str) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.try_get_by_index(0)?,
            valid_from: row.try_get_by_index(1)?,
            valid_to: row.try_get_by_index(2)?,
            stamp: Stamp {
                created_at: row.try_get_by_index::<OffsetDateTime>(3)?,
                updated_at: row.try_get_by_index::<OffsetDateTime>(4)?,
                version: row.try_get_by_index(5)?,
            },
            employment_type: row.try_get_by_index(6)?,
            department: named(row, 7)?,
            job_title: named(row, 9)?,
            location: named(row, 11)?,
            manager: named(row, 13)?,
            cause: row.try_get_by_index(15)?,
            end_reason: row.try_get_by_index(16)?,
        })
    }
}

impl TryFrom<Row> for EmploymentRecord {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.into(),
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            assignment: Assignment {
                employment_type: row.employment_type.parse().map_err(StoreError::corrupt)?,
                department: row.department.map(typed),
                job_title: row.job_title.map(typed),
                location: row.location.map(typed),
                manager: row.manager.map(typed),
            },
            cause: parsed(row.cause)?,
            end_reason: parsed(row.end_reason)?,
            stamp: row.stamp,
        })
    }
}

/// Reads a word that may be absent.
pub(super) fn parsed<T: FromStr<Err = WordError>>(
    word: Option<String>,
) -> Result<Option<T>, StoreError> {
    let word = word.map(|word| word.parse());
    word.transpose().map_err(StoreError::corrupt)
}

/// Employments `m` with the names of what they refer to; [`Row`] reads them by position.
macro_rules! records {
    () => {
        "SELECT m.id, m.valid_from, m.valid_to, m.created_at, m.updated_at, m.version, \
     m.employment_type, m.department_id, d.name, m.job_title_id, j.name, m.location_id, l.name, \
     m.manager_id, b.first_name || ' ' || b.last_name, m.cause, m.end_reason \
     FROM employments m \
     LEFT JOIN departments d ON d.id = m.department_id \
     LEFT JOIN job_titles j ON j.id = m.job_title_id \
     LEFT JOIN locations l ON l.id = m.location_id \
     LEFT JOIN employees b ON b.id = m.manager_id \
     WHERE m.employee_id = $1 "
    };
}

/// Reads from the day before `$2` backwards.
pub(super) const PAGE: &str = concat!(
    records!(),
    "AND m.valid_from < $2 ORDER BY m.valid_from DESC LIMIT $3"
);

/// Reads from the day `$2` backwards.
pub(super) const UNTIL: &str = concat!(
    records!(),
    "AND m.valid_from <= $2 ORDER BY m.valid_from DESC LIMIT $3"
);

pub(super) async fn until<M: Mode>(
    tx: &Tx<Tenant, M>,
    id: EmployeeId,
    day: Date,
    limit: u32,
) -> Result<Vec<EmploymentRecord>, StoreError> {
    let values = [id.uuid().into(), day.into(), u64::from(limit).into()];
    let rows: Vec<Row> = tx.rows(UNTIL, values).await?;
    rows.into_iter().map(EmploymentRecord::try_from).collect()
}

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

pub(super) async fn page<M: Mode>(
    tx: &Tx<Tenant, M>,
    id: EmployeeId,
    page: &PageRequest<Date>,
) -> Result<Page<EmploymentRecord, Date>, StoreError> {
    let before = page.after.unwrap_or(Date::MAX);
    let rows: Vec<Row> = tx
        .rows(
            PAGE,
            [
                id.uuid().into(),
                before.into(),
                (u64::from(page.limit.get()) + 1).into(),
            ],
        )
        .await?;
    let total = if page.count {
        let count: Option<Count> = tx
            .row(
                "SELECT count(*) AS count FROM employments WHERE employee_id = $1",
                [id.uuid().into()],
            )
            .await?;
        count.and_then(|row| u64::try_from(row.count).ok())
    } else {
        None
    };
    let records = rows
        .into_iter()
        .map(EmploymentRecord::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of_surplus(records, page.limit, total, |record| {
        record.valid_from
    }))
}
