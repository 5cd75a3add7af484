//! Lists of tenants and of their domains. No row security lies over the registry, so what is filtered
//! by alone may be any expression; what is sorted by has an index.

use database::{PlatformReadTx, StoreError, list};
use kernel::{ListQuery, Page, PageRequest, Position, Scalar, TenantId};
use sea_orm::{
    ColumnTrait as _, QueryFilter as _, QueryOrder, QuerySelect as _,
    sea_query::{Alias, Cond, Expr, ExprTrait as _, Func},
};

use super::{domain, tenant};
use crate::{Domain, Tenant, repository::readable};

pub(super) async fn tenants(
    tx: &PlatformReadTx,
    query: &ListQuery,
    page: &PageRequest<Position>,
) -> Result<Page<Tenant, Position>, StoreError> {
    let mut find = tx.find::<tenant::Entity>().filter(filter(query));
    if let Some(after) = &page.after {
        find = find.filter(list::behind(query, after, column, column("id"))?);
    }
    list::sort(QueryOrder::query(&mut find), query, column, column("id"));
    let rows = find.limit(u64::from(page.limit.get()) + 1).all().await?;
    let total = if page.count {
        Some(
            tx.find::<tenant::Entity>()
                .filter(filter(query))
                .count()
                .await?,
        )
    } else {
        None
    };
    let page = Page::of_surplus(rows, page.limit, total, |row| position(query, row));
    Ok(Page {
        items: readable(page.items.into_iter().map(tenant::Model::read)),
        next: page.next,
        total: page.total,
    })
}

pub(super) async fn domains(
    tx: &PlatformReadTx,
    id: TenantId,
    page: &PageRequest<String>,
) -> Result<Page<Domain, String>, StoreError> {
    let of_the_tenant = || {
        tx.find::<domain::Entity>()
            .filter(domain::Column::TenantId.eq(id.uuid()))
    };
    let mut find = of_the_tenant();
    if let Some(after) = &page.after {
        find = find.filter(domain::Column::Host.gt(after.as_str()));
    }
    let rows = find
        .order_by_asc(domain::Column::Host)
        .limit(u64::from(page.limit.get()) + 1)
        .all()
        .await?;
    let total = if page.count {
        Some(of_the_tenant().count().await?)
    } else {
        None
    };
    let domains = rows
        .into_iter()
        .map(Domain::try_from)
        .collect::<Result<_, _>>()?;
    Ok(Page::of_surplus(
        domains,
        page.limit,
        total,
        |last: &Domain| last.host.to_string(),
    ))
}

/// The column that a field is compared and sorted by.
fn column(field: &str) -> Expr {
    Expr::col(Alias::new(match field {
        "name" => "name_key",
        other => other,
    }))
}

fn filter(query: &ListQuery) -> Cond {
    let conditions = query.conditions.iter();
    let asked = conditions.fold(Cond::all(), |all, condition| {
        all.add(list::compared(column(condition.field), condition))
    });
    let holds = |field, word: &str| Func::cust("strpos").arg(column(field)).arg(word).gt(0);
    query.words.iter().fold(asked, |all, word| {
        all.add(
            Cond::any()
                .add(holds("slug", word))
                .add(holds("name", word)),
        )
    })
}

fn position(query: &ListQuery, row: &tenant::Model) -> Position {
    Position::of(query, row.id, |field| match field {
        "name" => Scalar::Text(row.name_key.clone()),
        "created_at" => Scalar::Instant(row.created_at),
        _ => Scalar::Text(row.slug.clone()),
    })
}
