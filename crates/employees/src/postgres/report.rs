//! Who reports to whom.

use database::{Mode, StoreError, Tenant, Tx};
use kernel::{EmployeeId, Page, PageRequest};
use sea_orm::{DbErr, FromQueryResult, QueryResult};
use time::Date;
use uuid::Uuid;

use super::profile::{ProfileRow, WIDTH, columns, employed, employment, names};
use crate::{
    model::Report,
    repository::{ReportDepth, ReportKey},
};

/// Everybody who reports to `$1` on the day `$2`, through at most `$3` steps. Somebody has one
/// employment a day and so one manager: nobody is met twice.
macro_rules! reports {
    () => {
        "WITH RECURSIVE reports (id, depth) AS (\
         SELECT m.employee_id, 1 FROM employments m WHERE m.manager_id = $1 \
         AND m.valid_from <= $2 AND (m.valid_to IS NULL OR m.valid_to > $2) \
         UNION ALL \
         SELECT m.employee_id, r.depth + 1 FROM reports r \
         JOIN employments m ON m.manager_id = r.id \
         AND m.valid_from <= $2 AND (m.valid_to IS NULL OR m.valid_to > $2) \
         WHERE r.depth < $3) "
    };
}

/// `OFFSET 0` keeps the planner, which takes every tree for a large one, from reading all people to
/// find those of this one.
pub(super) const PAGE: &str = concat!(
    reports!(),
    "SELECT ",
    columns!(),
    ", e.depth FROM (SELECT e.*, ",
    employment!(),
    " FROM (SELECT p.*, r.depth, $2::date AS day FROM reports r \
     CROSS JOIN LATERAL (SELECT * FROM employees p WHERE p.id = r.id OFFSET 0) p \
     WHERE (r.depth, p.last_name_key, p.id) > ($4, $5, $6) \
     ORDER BY r.depth, p.last_name_key, p.id LIMIT $7) e",
    employed!("e.day"),
    "OFFSET 0) e",
    names!(),
    " ORDER BY e.depth, e.last_name_key, e.id"
);

const COUNT: &str = concat!(reports!(), "SELECT count(*) AS count FROM reports");

struct Row {
    profile: ProfileRow,
    depth: i32,
}

impl FromQueryResult for Row {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        Ok(Self {
            profile: ProfileRow::from_query_result(row, prefix)?,
            depth: row.try_get_by_index(WIDTH)?,
        })
    }
}

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

pub(super) async fn page<M: Mode>(
    tx: &Tx<Tenant, M>,
    manager: EmployeeId,
    day: Date,
    depth: ReportDepth,
    page: &PageRequest<ReportKey>,
) -> Result<Page<Report, ReportKey>, StoreError> {
    let start = ReportKey {
        depth: 0,
        last_name: String::new(),
        id: Uuid::nil().into(),
    };
    let after = page.after.as_ref().unwrap_or(&start);
    let tree = || {
        [
            manager.uuid().into(),
            day.into(),
            i32::from(depth.get()).into(),
        ]
    };
    let from = [
        i32::from(after.depth).into(),
        after.last_name.as_str().into(),
        after.id.uuid().into(),
        (u64::from(page.limit.get()) + 1).into(),
    ];
    let rows: Vec<Row> = tx.rows(PAGE, tree().into_iter().chain(from)).await?;
    let total = if page.count {
        let count: Option<Count> = tx.row(COUNT, tree()).await?;
        count.and_then(|row| u64::try_from(row.count).ok())
    } else {
        None
    };
    let keyed = rows
        .into_iter()
        .map(|row| keyed(row, day))
        .collect::<Result<Vec<_>, _>>()?;
    let page = Page::of_surplus(keyed, page.limit, total, |(key, _)| key.clone());
    Ok(page.map(|(_, report)| report))
}

fn keyed(row: Row, day: Date) -> Result<(ReportKey, Report), StoreError> {
    let depth = u8::try_from(row.depth).map_err(StoreError::corrupt)?;
    let key = ReportKey {
        depth,
        last_name: row.profile.last_name_key.clone(),
        id: row.profile.id(),
    };
    Ok((
        key,
        Report {
            depth,
            profile: row.profile.into_profile(day)?,
        },
    ))
}
