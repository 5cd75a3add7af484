//! Reporting lines that are being changed.

use database::{StoreError, TenantTx};
use kernel::EmployeeId;
use sea_orm::FromQueryResult;
use serde::Serialize;
use time::Date;
use uuid::Uuid;

use crate::repository::ReportingLine;

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

pub(super) const REPORTS: &str = "\
    SELECT DISTINCT employee_id AS id FROM employments \
    WHERE manager_id = $1 AND (valid_to IS NULL OR valid_to > $2)";

pub(super) async fn reports_since(
    tx: &TenantTx,
    manager: EmployeeId,
    day: Date,
) -> Result<Vec<EmployeeId>, StoreError> {
    let rows: Vec<Id> = tx
        .rows(REPORTS, [manager.uuid().into(), day.into()])
        .await?;
    Ok(rows.into_iter().map(|row| row.id.into()).collect())
}

/// Walks up from the manager `$2`, for each of the lines `$1` on its own days: who reports to whom
/// on a day is followed on that day alone, so the days become fewer with each step. `OFFSET 0` keeps
/// the planner, which expects a hundred lines, from reading everybody's employments.
pub(super) const CIRCLE: &str = "\
    WITH RECURSIVE up (employee_id, id, valid_from, valid_to) AS (\
    SELECT line.employee_id, $2::uuid, line.valid_from, line.valid_to \
    FROM json_to_recordset($1::json) line (employee_id uuid, valid_from date, valid_to date) \
    UNION \
    SELECT up.employee_id, m.manager_id, GREATEST(up.valid_from, m.valid_from), \
    LEAST(up.valid_to, m.valid_to) \
    FROM up CROSS JOIN LATERAL (SELECT m.manager_id, m.valid_from, m.valid_to \
    FROM employments m WHERE m.employee_id = up.id AND m.manager_id IS NOT NULL \
    AND (up.valid_to IS NULL OR m.valid_from < up.valid_to) \
    AND (m.valid_to IS NULL OR m.valid_to > up.valid_from) OFFSET 0) m \
    WHERE up.id <> up.employee_id) \
    SELECT EXISTS (SELECT FROM up WHERE up.id = up.employee_id) AS found";

#[derive(Serialize)]
struct Line {
    employee_id: EmployeeId,
    valid_from: String,
    valid_to: Option<String>,
}

#[derive(FromQueryResult)]
struct Found {
    found: bool,
}

pub(super) async fn would_close_a_circle(
    tx: &TenantTx,
    manager: EmployeeId,
    lines: &[ReportingLine],
) -> Result<bool, StoreError> {
    let lines: Vec<Line> = lines
        .iter()
        .map(|line| Line {
            employee_id: line.employee,
            valid_from: line.days.from().to_string(),
            valid_to: line.days.to().as_ref().map(ToString::to_string),
        })
        .collect();
    let lines = serde_json::to_string(&lines).map_err(StoreError::corrupt)?;
    let row: Option<Found> = tx
        .row(CIRCLE, [lines.into(), manager.uuid().into()])
        .await?;
    Ok(row.is_some_and(|row| row.found))
}
