//! Lists of events, by keyset.

use database::{Mode, StoreError, Tenant, Tx, list};
use kernel::{ListQuery, Page, PageRequest, Position, Scalar};
use sea_orm::{
    FromQueryResult,
    sea_query::{Alias, Cond, Expr, ExprTrait as _, Query, SelectStatement},
};
use uuid::Uuid;

use super::read::{COLUMNS, Row};
use crate::Record;

/// One page of a tenant's events; of one target, those that were done to it.
pub(crate) async fn page<M: Mode>(
    tx: &Tx<Tenant, M>,
    query: &ListQuery,
    target: Option<Uuid>,
    page: &PageRequest<Position>,
) -> Result<Page<Record, Position>, StoreError> {
    let column = |field: &str| column(field, target.is_some());
    let mut select = events(query, target);
    select.expr(Expr::cust(COLUMNS));
    if let Some(after) = &page.after {
        select.cond_where(list::behind(query, after, column, column("id"))?);
    }
    list::sort(&mut select, query, column, column("id"));
    select.limit(u64::from(page.limit.get()) + 1);
    let rows: Vec<Row> = tx.select(&select).await?;
    let total = if page.count {
        Some(count(tx, events(query, target)).await?)
    } else {
        None
    };
    let tenant = tx.tenant().id().uuid();
    let found = Page::of_surplus(rows, page.limit, total, |row: &Row| {
        Position::of(query, row.id, |_| Scalar::Instant(row.at))
    });
    let records: Result<Vec<Record>, _> = found
        .items
        .into_iter()
        .map(|row| row.record(tenant))
        .collect();
    Ok(Page {
        items: records?,
        next: found.next,
        total: found.total,
    })
}

/// The events that are asked for. Those of one target are found by its own index, in its order.
fn events(query: &ListQuery, target: Option<Uuid>) -> SelectStatement {
    let mut select = Query::select();
    let conditions = query.conditions.iter().fold(Cond::all(), |all, condition| {
        let column = column(condition.field, target.is_some());
        all.add(list::compared(column, condition))
    });
    if let Some(target) = target {
        select.from_as("audit_targets", "t");
        let same = Expr::cust("e.id = t.event_id");
        select.join_as(
            sea_orm::JoinType::InnerJoin,
            Alias::new("audit_events"),
            Alias::new("e"),
            same,
        );
        select.cond_where(conditions.add(Expr::col(("t", "target_id")).eq(target)));
    } else {
        select.from_as("audit_events", "e");
        select.cond_where(conditions);
    }
    select
}

fn column(field: &str, of_target: bool) -> Expr {
    match (field, of_target) {
        ("at", true) => Expr::col(("t", "at")),
        ("id", true) => Expr::col(("t", "event_id")),
        (field, _) => Expr::col(("e", Alias::new(field))),
    }
}

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

async fn count<M: Mode>(
    tx: &Tx<Tenant, M>,
    mut select: SelectStatement,
) -> Result<u64, StoreError> {
    select.expr(Expr::cust("count(*) AS count"));
    let rows: Vec<Count> = tx.select(&select).await?;
    Ok(rows.first().map_or(0, |row| row.count.unsigned_abs()))
}
