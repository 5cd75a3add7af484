//! Lists in SQL: conditions, order and keyset of a [`ListQuery`].
//!
//! What is compared is leakproof (text, uuid, date, timestamptz, bigint, boolean), or row security
//! keeps it from its index; only [`Operator::Contains`] scans.

use kernel::{Condition, Direction, ListQuery, Operator, Position, Scalar};
use sea_orm::{
    Value,
    sea_query::{Cond, Expr, ExprTrait as _, Func, Order, SelectStatement},
};

use crate::StoreError;

/// The value that a scalar is bound as.
pub fn bound(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Text(text) => text.as_str().into(),
        Scalar::Id(id) => (*id).into(),
        Scalar::Date(date) => (*date).into(),
        Scalar::Instant(instant) => (*instant).into(),
        Scalar::Integer(number) => (*number).into(),
        Scalar::Boolean(yes) => (*yes).into(),
    }
}

/// What a condition asks of a column.
pub fn compared(column: Expr, condition: &Condition) -> Expr {
    let mut values = condition.values.iter().map(bound);
    let Some(first) = values.next() else {
        return Expr::cust("false");
    };
    match condition.operator {
        Operator::Equal => column.eq(first),
        Operator::NotEqual => column.clone().ne(first).or(column.is_null()),
        Operator::Less => column.lt(first),
        Operator::LessOrEqual => column.lte(first),
        Operator::Greater => column.gt(first),
        Operator::GreaterOrEqual => column.gte(first),
        Operator::In => column.is_in(std::iter::once(first).chain(values)),
        Operator::Contains => Func::cust("strpos").arg(column).arg(Expr::val(first)).gt(0),
    }
}

/// Whether a text column of collation "C" begins with this: a range, which an index answers.
pub fn begins(column: Expr, prefix: &str) -> Cond {
    let end = kernel::prefix_end(prefix);
    Cond::all()
        .add(column.clone().gte(prefix))
        .add_option(end.map(|end| column.lt(end)))
}

/// Puts the rows in the order of the query, ties by id. A column that is sorted by is never null.
pub fn sort(
    select: &mut SelectStatement,
    query: &ListQuery,
    column: impl Fn(&str) -> Expr,
    id: Expr,
) {
    for key in &query.sort {
        select.order_by_expr(column(key.field), order(key.direction));
    }
    select.order_by_expr(id, order(tie(query)));
}

/// Whether a row comes behind a position in the order of the query.
///
/// # Errors
/// [`StoreError::Corrupt`] when the position is none of this order.
pub fn behind(
    query: &ListQuery,
    position: &Position,
    column: impl Fn(&str) -> Expr,
    id: Expr,
) -> Result<Cond, StoreError> {
    if position.keys.len() != query.sort.len() {
        return Err(StoreError::corrupt("a position in another order"));
    }
    let mut keys: Vec<(Expr, Value, Direction)> = query
        .sort
        .iter()
        .zip(&position.keys)
        .map(|(key, value)| (column(key.field), bound(value), key.direction))
        .collect();
    keys.push((id, position.id.into(), tie(query)));
    let first = keys.first().map(|(_, _, direction)| *direction);
    if keys
        .iter()
        .all(|(_, _, direction)| Some(*direction) == first)
    {
        // One comparison of rows, which an index in this order answers by itself.
        let (columns, values): (Vec<_>, Vec<_>) = keys
            .into_iter()
            .map(|(column, value, _)| (column, Expr::val(value)))
            .unzip();
        let row = Expr::tuple(columns);
        let end = Expr::tuple(values);
        return Ok(Cond::all().add(match first {
            Some(Direction::Descending) => row.lt(end),
            _ => row.gt(end),
        }));
    }
    // Mixed: behind in the first key, or the same there and behind in the next, and so on. The
    // first key bounds the scan of its index.
    let mut any = Cond::any();
    let mut same = Cond::all();
    let mut bound = Cond::all();
    for (place, (column, value, direction)) in keys.into_iter().enumerate() {
        let (beyond, from) = match direction {
            Direction::Ascending => (
                column.clone().gt(value.clone()),
                column.clone().gte(value.clone()),
            ),
            Direction::Descending => (
                column.clone().lt(value.clone()),
                column.clone().lte(value.clone()),
            ),
        };
        if place == 0 {
            bound = bound.add(from);
        }
        any = any.add(same.clone().add(beyond));
        same = same.add(column.eq(value));
    }
    Ok(bound.add(any))
}

/// Ties go the way of the first key, so that an index on it and the id serves both ways.
fn tie(query: &ListQuery) -> Direction {
    query
        .sort
        .first()
        .map_or(Direction::Ascending, |key| key.direction)
}

fn order(direction: Direction) -> Order {
    match direction {
        Direction::Ascending => Order::Asc,
        Direction::Descending => Order::Desc,
    }
}
