//! Lists of employees.
//!
//! A page reads an index in the order of the list and stops when it is full; only then the rows of
//! the page are joined with what their employments refer to. What is rare among the rows (a status,
//! the beginning of a name) has an index of its own and is looked up first.

use database::{Mode, StoreError, Tenant, Tx, list};
use kernel::{Condition, EmployeeId, Operator, Page, PageRequest, Position, Scalar};
use sea_orm::{
    FromQueryResult, JoinType,
    sea_query::{Alias, Cond, Expr, ExprTrait as _, Order, Query, SelectStatement, UnionType},
};
use time::Date;

use super::profile::{ProfileRow, columns, employment};
use crate::{
    model::{EmployeeProfile, EmploymentStatus},
    repository::EmployeeQuery,
};

pub(super) async fn page<M: Mode>(
    tx: &Tx<Tenant, M>,
    query: &EmployeeQuery,
    page: &PageRequest<Position>,
) -> Result<Page<EmployeeProfile, Position>, StoreError> {
    let rows: Vec<ProfileRow> = tx.select(&joined(rows(query, page)?, query)).await?;
    let total = if page.count {
        count(tx, query).await?
    } else {
        None
    };
    let profiles = rows
        .into_iter()
        .map(|row| row.into_profile(query.day))
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Page::of_surplus(profiles, page.limit, total, |profile| {
        position(query, profile)
    }))
}

fn position(query: &EmployeeQuery, profile: &EmployeeProfile) -> Position {
    Position::of(&query.list, profile.id.uuid(), |field| match field {
        "first_name" => Scalar::Text(profile.name.first.key()),
        "hire_date" => Scalar::Date(profile.hire_date),
        "employee_number" => Scalar::Text(profile.number.as_str().to_owned()),
        _ => Scalar::Text(profile.name.last.key()),
    })
}

/// These employees, in no order.
pub(super) async fn by_id<M: Mode>(
    tx: &Tx<Tenant, M>,
    ids: &[EmployeeId],
    day: Date,
) -> Result<Vec<EmployeeProfile>, StoreError> {
    let query = EmployeeQuery {
        day,
        only: None,
        list: kernel::ListQuery::default(),
    };
    let mut select = Query::select();
    select
        .expr(Expr::cust("e.*"))
        .from_as("employees", "e")
        .and_where(Expr::col(("e", "id")).is_in(ids.iter().map(|id| id.uuid())));
    let rows: Vec<ProfileRow> = tx.select(&joined(select, &query)).await?;
    rows.into_iter().map(|row| row.into_profile(day)).collect()
}

/// The rows of the page, one more than asked for, from the table `employees` alone.
pub(super) fn rows(
    query: &EmployeeQuery,
    page: &PageRequest<Position>,
) -> Result<SelectStatement, StoreError> {
    let mut select = Query::select();
    select
        .expr(Expr::cust("e.*"))
        .from_as("employees", "e")
        .cond_where(filter(query));
    if let Some(after) = &page.after {
        select.cond_where(list::behind(&query.list, after, column, id())?);
    }
    list::sort(&mut select, &query.list, column, id());
    select.limit(u64::from(page.limit.get()) + 1);
    Ok(select)
}

fn id() -> Expr {
    Expr::col(("e", "id"))
}

/// The column of `e` that a field is compared and sorted by.
fn column(field: &str) -> Expr {
    Expr::col(match field {
        "last_name" => ("e", "last_name_key"),
        "first_name" => ("e", "first_name_key"),
        "work_email" => ("e", "work_email_key"),
        "hire_date" => ("e", "hire_date"),
        _ => ("e", "employee_number"),
    })
}

/// The rows of a page with their employments and the names of what those refer to.
///
/// In two steps, each in the order of the list, which keeps the planner from mixing them: one index
/// look-up a row for its employment (see `profile::employed`), then the names, of whole small
/// tables or one by one, as it finds cheaper.
pub(super) fn joined(rows: SelectStatement, query: &EmployeeQuery) -> SelectStatement {
    let day = as_of(query.day);
    let mut employment = Query::select();
    employment
        .expr(Expr::cust(employment!()))
        .from_as("employments", "m")
        .and_where(Expr::cust(format!(
            "m.employee_id = e.id AND m.valid_from <= {day} \
             AND (m.valid_to IS NULL OR m.valid_to > {day})"
        )))
        .order_by(("m", "valid_from"), Order::Desc);
    let mut employed = Query::select();
    employed
        .expr(Expr::cust(concat!("e.*, ", employment!())))
        .from_subquery(rows, "e")
        .join_lateral(JoinType::LeftJoin, employment, "m", Expr::cust("true"));
    list::sort(&mut employed, &query.list, column, id());
    let mut named = Query::select();
    named
        .expr(Expr::cust(columns!()))
        .from_subquery(employed, "e");
    for (table, alias, on) in [
        ("departments", "d", "d.id = e.department_id"),
        ("job_titles", "j", "j.id = e.job_title_id"),
        ("locations", "l", "l.id = e.location_id"),
        ("employees", "b", "b.id = e.manager_id"),
    ] {
        named.join_as(JoinType::LeftJoin, table, Alias::new(alias), Expr::cust(on));
    }
    list::sort(&mut named, &query.list, column, id());
    named
}

/// The day as of which `e` is shown: see `profile::as_of`.
fn as_of(day: Date) -> String {
    format!("LEAST(GREATEST(DATE '{day}', e.hire_date), e.employed_until - 1)")
}

/// What the query asks of `e`.
///
/// The day stands in the statement itself: among people hired over decades few begin after today,
/// and a plan that is made without knowing the day would look for them one by one.
fn filter(query: &EmployeeQuery) -> Cond {
    let day = query.day;
    let mut all = Cond::all();
    if let Some(only) = query.only {
        all = all.add(Expr::col(("e", "id")).eq(only.uuid()));
    }
    for condition in &query.list.conditions {
        all = all.add(asked(condition, day));
    }
    for (position, word) in query.list.words.iter().enumerate() {
        all = if position == 0 {
            all.add(found(word))
        } else {
            all.add(begins(word))
        };
    }
    all
}

fn asked(condition: &Condition, day: Date) -> Cond {
    match condition.field {
        "status" => {
            let words = condition.values.iter().filter_map(|value| match value {
                Scalar::Text(word) => word.parse().ok(),
                _ => None,
            });
            let asked = if condition.operator == Operator::NotEqual {
                is_not
            } else {
                is
            };
            words.fold(Cond::any(), |any, status| any.add(asked(status, day)))
        }
        "department_id" | "job_title_id" | "location_id" | "manager_id" | "employment_type"
            if condition.operator != Operator::NotEqual =>
        {
            belongs(condition, day)
        }
        "department_id" | "job_title_id" | "location_id" | "manager_id" | "employment_type" => {
            Cond::all().add(list::compared(shown(condition.field, day), condition))
        }
        field => Cond::all().add(list::compared(column(field), condition)),
    }
}

/// As `EmploymentStatus::on` has it. Who was away in between has left until he comes back; both
/// kinds of those who have left stand in an index of their own, by the condition it has.
fn is(status: EmploymentStatus, day: Date) -> Expr {
    Expr::cust(match status {
        EmploymentStatus::Scheduled => {
            format!("e.hire_date > DATE '{day}' AND e.original_hire_date > DATE '{day}'")
        }
        EmploymentStatus::Active => format!(
            "e.hire_date <= DATE '{day}' \
             AND (e.employed_until IS NULL OR e.employed_until > DATE '{day}')"
        ),
        EmploymentStatus::Terminated => format!(
            "(e.employed_until IS NOT NULL OR e.original_hire_date < e.hire_date) \
             AND CASE WHEN e.hire_date <= DATE '{day}' THEN e.employed_until <= DATE '{day}' \
             ELSE e.original_hire_date <= DATE '{day}' END"
        ),
    })
}

/// Not by `NOT`: of whoever stays it is not false but unknown whether he has left.
fn is_not(status: EmploymentStatus, day: Date) -> Expr {
    Expr::cust(match status {
        EmploymentStatus::Scheduled => {
            format!("(e.hire_date <= DATE '{day}' OR e.original_hire_date <= DATE '{day}')")
        }
        EmploymentStatus::Active => {
            format!("(e.hire_date > DATE '{day}' OR e.employed_until <= DATE '{day}')")
        }
        EmploymentStatus::Terminated => format!(
            "CASE WHEN e.hire_date <= DATE '{day}' \
             THEN e.employed_until IS NULL OR e.employed_until > DATE '{day}' \
             ELSE e.original_hire_date > DATE '{day}' END"
        ),
    })
}

/// A column of the employment as of which `e` is shown.
fn shown(column: &'static str, day: Date) -> Expr {
    let shown = as_of(day);
    let now = Query::select()
        .expr(Expr::col(("o", column)))
        .from_as("employments", "o")
        .and_where(Expr::cust(format!(
            "o.employee_id = e.id AND o.valid_from <= {shown} \
             AND (o.valid_to IS NULL OR o.valid_to > {shown})"
        )))
        .take();
    Expr::from(now)
}

/// Whether the employment as of which `e` is shown refers to one of these, or is of such a type.
///
/// Whoever was there at any time is looked up first, by an equality alone: only that can be turned
/// round into "of all who were, find the person", which is what a small department needs. Most of
/// them still are: the `CASE` says so to the planner, which takes an equality with a query to hold
/// for one in two hundred.
fn belongs(condition: &Condition, day: Date) -> Cond {
    let ever = Query::select()
        .expr(Expr::cust("o.employee_id"))
        .from_as("employments", "o")
        .and_where(list::compared(Expr::col(("o", condition.field)), condition))
        .take();
    let now = list::compared(shown(condition.field, day), condition);
    let still: Expr = Expr::case(now, Expr::cust("true"))
        .finally(Expr::cust("false"))
        .into();
    Cond::all()
        .add(Expr::col(("e", "id")).in_subquery(ever))
        .add(still)
}

/// What somebody may be searched by. A number is stored in upper case.
const SEARCHED: [&str; 4] = [
    "last_name_key",
    "first_name_key",
    "work_email_key",
    "employee_number",
];

fn written(column: &str, word: &str) -> String {
    if column == "employee_number" {
        word.to_uppercase()
    } else {
        word.to_owned()
    }
}

/// The range of a column that begins with a word.
fn range(table: &'static str, column: &'static str, word: &str) -> Cond {
    list::begins(Expr::col((table, column)), &written(column, word))
}

/// The words inside names that begin with a word.
fn inner(word: &str) -> SelectStatement {
    let mut select = Query::select();
    select
        .expr(Expr::cust("w.employee_id"))
        .from_as("name_words", "w")
        .cond_where(range("w", "word_key", word));
    select
}

/// Looks a word up in the index of each column first. Joined by `OR` in one scan the four ranges
/// would be guessed to be wide, and every row of the tenant be read.
fn found(word: &str) -> Expr {
    let mut columns = SEARCHED.into_iter().map(|column| {
        let mut select = Query::select();
        select
            .expr(Expr::cust("s.id"))
            .from_as("employees", "s")
            .cond_where(range("s", column, word));
        select
    });
    let mut ids = columns.next().unwrap_or_default();
    let others = columns.chain([inner(word)]);
    ids.unions(others.map(|select| (UnionType::All, select)));
    Expr::col(("e", "id")).in_subquery(ids)
}

/// Whether a word begins one of the columns of a row that was found by another word, or a word
/// inside its names.
fn begins(word: &str) -> Cond {
    let mut inside = inner(word);
    inside.and_where(Expr::cust("w.employee_id = e.id"));
    SEARCHED
        .into_iter()
        .fold(Cond::any(), |any, column| any.add(range("e", column, word)))
        .add(Expr::exists(inside))
}

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

async fn count<M: Mode>(
    tx: &Tx<Tenant, M>,
    query: &EmployeeQuery,
) -> Result<Option<u64>, StoreError> {
    let mut select = Query::select();
    select
        .expr(Expr::cust("count(*) AS count"))
        .from_as("employees", "e")
        .cond_where(filter(query));
    let rows: Vec<Count> = tx.select(&select).await?;
    Ok(rows.first().and_then(|row| u64::try_from(row.count).ok()))
}
