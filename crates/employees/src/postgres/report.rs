//! Who reports to whom.

use database::{Mode, StoreError, Tenant, Tx};
use kernel::{EmployeeId, Page, PageRequest};
use sea_orm::FromQueryResult;
use time::Date;
use uuid::Uuid;

use super::profile::{ProfileRow, columns, employed, employment, names};
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

/// A page of those who are `$3` steps away. `OFFSET 0` keeps the planner, which takes every tree for
/// a large one, from reading all people to find those of this one.
pub(super) const LEVEL: &str = concat!(
    reports!(),
    "SELECT ",
    columns!(),
    " FROM (SELECT e.*, ",
    employment!(),
    " FROM (SELECT p.*, $2::date AS day FROM reports r \
     CROSS JOIN LATERAL (SELECT * FROM employees p WHERE p.id = r.id OFFSET 0) p \
     WHERE r.depth = $3 AND (p.last_name_key, p.id) > ($4, $5) \
     ORDER BY p.last_name_key, p.id LIMIT $6) e",
    employed!("e.day"),
    "OFFSET 0) e",
    names!(),
    " ORDER BY e.last_name_key, e.id"
);

const COUNT: &str = concat!(reports!(), "SELECT count(*) AS count FROM reports");

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

/// One page: level after level until it is full, so that the people at the top of a large company
/// are shown without a look at all the others. A page of those who are far away walks the ids of
/// those between; nobody but them is read.
pub(super) async fn page<M: Mode>(
    tx: &Tx<Tenant, M>,
    manager: EmployeeId,
    day: Date,
    furthest: ReportDepth,
    page: &PageRequest<ReportKey>,
) -> Result<Page<Report, ReportKey>, StoreError> {
    let tree = |depth: u8| [manager.uuid().into(), day.into(), i32::from(depth).into()];
    let wanted = usize::from(page.limit.get()) + 1;
    let mut found: Vec<(ReportKey, Report)> = Vec::with_capacity(wanted);
    let mut after = page.after.as_ref();
    let mut depth = after.map_or(1, |key| key.depth);
    loop {
        let from = [
            after.map_or("", |key| key.last_name.as_str()).into(),
            after.map_or(Uuid::nil(), |key| key.id.uuid()).into(),
            u64::try_from(wanted - found.len())
                .map_err(StoreError::corrupt)?
                .into(),
        ];
        let rows: Vec<ProfileRow> = tx.rows(LEVEL, tree(depth).into_iter().chain(from)).await?;
        let nobody_so_far_away = rows.is_empty() && after.is_none();
        for row in rows {
            found.push(keyed(row, depth, day)?);
        }
        if found.len() >= wanted || depth >= furthest.get() || nobody_so_far_away {
            break;
        }
        after = None;
        depth += 1;
    }
    let total = if page.count {
        let count: Option<Count> = tx.row(COUNT, tree(furthest.get())).await?;
        count.and_then(|row| u64::try_from(row.count).ok())
    } else {
        None
    };
    let page = Page::of_surplus(found, page.limit, total, |(key, _)| key.clone());
    Ok(page.map(|(_, report)| report))
}

fn keyed(row: ProfileRow, depth: u8, day: Date) -> Result<(ReportKey, Report), StoreError> {
    let key = ReportKey {
        depth,
        last_name: row.last_name_key.clone(),
        id: row.id(),
    };
    let profile = row.into_profile(day)?;
    Ok((key, Report { depth, profile }))
}
