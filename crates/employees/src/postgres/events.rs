//! What happened to somebody.

use database::{Mode, StoreError, Tenant, Tx};
use kernel::{DateRange, EmployeeId};
use sea_orm::FromQueryResult;
use time::Date;

use super::revision::{CompensationRow, pay_columns};
use crate::{model::Compensation, repository::EventCount};

#[derive(FromQueryResult)]
struct Days {
    hire_date: Date,
    employed_until: Option<Date>,
    valid_from: Option<Date>,
    valid_to: Option<Date>,
}

pub(super) async fn days_employed<M: Mode>(
    tx: &Tx<Tenant, M>,
    id: EmployeeId,
) -> Result<Option<(DateRange, Vec<DateRange>)>, StoreError> {
    let rows: Vec<Days> = tx
        .rows(
            "SELECT e.hire_date, e.employed_until, m.valid_from, m.valid_to FROM employees e \
             LEFT JOIN employments m ON m.employee_id = e.id WHERE e.id = $1",
            [id.uuid().into()],
        )
        .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let range = |from, to| DateRange::new(from, to).map_err(StoreError::corrupt);
    let last = range(first.hire_date, first.employed_until)?;
    let periods = rows
        .iter()
        .filter_map(|row| Some((row.valid_from?, row.valid_to)));
    let periods: Result<_, _> = periods.map(|(from, to)| range(from, to)).collect();
    Ok(Some((last, periods?)))
}

pub(super) const PAY: &str = concat!(
    "SELECT ",
    pay_columns!(),
    " FROM compensations WHERE employee_id = $1 AND valid_from <= $2 \
     ORDER BY valid_from DESC LIMIT $3"
);

pub(super) async fn pay_until<M: Mode>(
    tx: &Tx<Tenant, M>,
    id: EmployeeId,
    day: Date,
    limit: u32,
) -> Result<Vec<Compensation>, StoreError> {
    let values = [id.uuid().into(), day.into(), u64::from(limit).into()];
    let rows: Vec<CompensationRow> = tx.rows(PAY, values).await?;
    rows.into_iter().map(Compensation::try_from).collect()
}

#[derive(FromQueryResult)]
struct Counts {
    employments: i64,
    endings: i64,
    compensations: i64,
}

/// A service ends where no other employment begins, and pay where no other pay does; of the latter
/// is told where he goes on working.
const COUNT: &str = "\
    SELECT count(*) AS employments, count(*) FILTER (WHERE m.valid_to IS NOT NULL AND NOT EXISTS (\
    SELECT FROM employments n WHERE n.employee_id = $1 AND n.valid_from = m.valid_to)) AS endings, \
    (SELECT count(*) + count(*) FILTER (WHERE c.valid_to IS NOT NULL AND NOT EXISTS (\
    SELECT FROM compensations n WHERE n.employee_id = $1 AND n.valid_from = c.valid_to) \
    AND EXISTS (SELECT FROM employments n WHERE n.employee_id = $1 AND n.valid_from <= c.valid_to \
    AND (n.valid_to IS NULL OR n.valid_to > c.valid_to))) \
    FROM compensations c WHERE c.employee_id = $1) AS compensations \
    FROM employments m WHERE m.employee_id = $1";

pub(super) async fn count<M: Mode>(
    tx: &Tx<Tenant, M>,
    id: EmployeeId,
) -> Result<EventCount, StoreError> {
    let counts: Option<Counts> = tx.row(COUNT, [id.uuid().into()]).await?;
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    Ok(counts.map_or(EventCount::default(), |counts| EventCount {
        employments: count(counts.employments),
        endings: count(counts.endings),
        compensations: count(counts.compensations),
    }))
}
