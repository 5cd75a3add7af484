//! Lists of employees.
//!
//! A page reads an index in the order of the list and stops when it is full; only then the rows of
//! the page are joined with what their employments refer to. What is rare among the rows (a status,
//! the beginning of a name) has an index of its own and is looked up first.

use database::{Mode, StoreError, Tenant, Tx};
use kernel::{DepartmentId, Direction, Page, PageRequest, prefix_end};
use sea_orm::{
    FromQueryResult, JoinType,
    sea_query::{Alias, Cond, Expr, ExprTrait as _, Order, Query, SelectStatement, UnionType},
};
use time::Date;

use super::profile::{ProfileRow, columns, employment};
use crate::{
    model::{EmployeeProfile, EmploymentStatus},
    repository::{EmployeeKey, EmployeeQuery, EmployeeSort},
};

pub(super) async fn page<M: Mode>(
    tx: &Tx<Tenant, M>,
    query: &EmployeeQuery,
    page: &PageRequest<EmployeeKey>,
) -> Result<Page<EmployeeProfile, EmployeeKey>, StoreError> {
    let rows: Vec<ProfileRow> = tx.select(&joined(rows(query, page), query)).await?;
    let total = if page.count {
        count(tx, query).await?
    } else {
        None
    };
    let keyed = rows
        .into_iter()
        .map(|row| {
            let key = match query.sort {
                EmployeeSort::LastName => {
                    EmployeeKey::LastName(row.last_name_key.clone(), row.id())
                }
                EmployeeSort::HireDate => EmployeeKey::HireDate(row.hire_date, row.id()),
            };
            Ok((key, row.into_profile(query.day)?))
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    let page = Page::of_surplus(keyed, page.limit, total, |(key, _)| key.clone());
    Ok(page.map(|(_, profile)| profile))
}

/// The rows of the page, one more than asked for, from the table `employees` alone.
pub(super) fn rows(query: &EmployeeQuery, page: &PageRequest<EmployeeKey>) -> SelectStatement {
    let mut select = Query::select();
    select
        .expr(Expr::cust("e.*"))
        .from_as("employees", "e")
        .cond_where(filter(query));
    if let Some(after) = &page.after {
        let (column, value, id): (_, Expr, _) = match after {
            EmployeeKey::LastName(name, id) => ("last_name_key", name.as_str().into(), id),
            EmployeeKey::HireDate(date, id) => ("hire_date", (*date).into(), id),
        };
        let key = Expr::tuple([Expr::col(("e", column)), Expr::col(("e", "id"))]);
        let end = Expr::tuple([value, id.uuid().into()]);
        select.and_where(match query.direction {
            Direction::Ascending => key.gt(end),
            Direction::Descending => key.lt(end),
        });
    }
    order(&mut select, query);
    select.limit(u64::from(page.limit.get()) + 1);
    select
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
    order(&mut employed, query);
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
    order(&mut named, query);
    named
}

fn order(select: &mut SelectStatement, query: &EmployeeQuery) {
    let column = match query.sort {
        EmployeeSort::LastName => "last_name_key",
        EmployeeSort::HireDate => "hire_date",
    };
    let order = match query.direction {
        Direction::Ascending => Order::Asc,
        Direction::Descending => Order::Desc,
    };
    select
        .order_by(("e", column), order.clone())
        .order_by(("e", "id"), order);
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
    if let Some(status) = query.status {
        all = all.add(Expr::cust(match status {
            EmploymentStatus::Scheduled => format!("e.hire_date > DATE '{day}'"),
            EmploymentStatus::Active => format!(
                "e.hire_date <= DATE '{day}' \
                 AND (e.employed_until IS NULL OR e.employed_until > DATE '{day}')"
            ),
            EmploymentStatus::Terminated => {
                format!("e.hire_date <= DATE '{day}' AND e.employed_until <= DATE '{day}'")
            }
        }));
    }
    if let Some(department) = query.department {
        all = all.add(belongs(department, day));
    }
    for (position, word) in query.words.iter().enumerate() {
        all = if position == 0 {
            all.add(found(word))
        } else {
            all.add(begins(word))
        };
    }
    all
}

/// Whether the employment as of which `e` is shown is in the department.
///
/// Whoever was in the department at any time is looked up first, by an equality alone: only that
/// can be turned round into "of all who were, find the person", which is what a small one needs.
/// Most of them still are: the `CASE` says so to the planner, which takes an equality with a query
/// to hold for one in two hundred.
fn belongs(department: DepartmentId, day: Date) -> Cond {
    let shown = as_of(day);
    let ever = Query::select()
        .expr(Expr::cust("o.employee_id"))
        .from_as("employments", "o")
        .and_where(Expr::col(("o", "department_id")).eq(department.uuid()))
        .take();
    let now = Query::select()
        .expr(Expr::cust("o.department_id"))
        .from_as("employments", "o")
        .and_where(Expr::cust(format!(
            "o.employee_id = e.id AND o.valid_from <= {shown} \
             AND (o.valid_to IS NULL OR o.valid_to > {shown})"
        )))
        .take();
    let still: Expr = Expr::case(Expr::from(now).eq(department.uuid()), Expr::cust("true"))
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
    let prefix = written(column, word);
    let end = prefix_end(&prefix);
    Cond::all()
        .add(Expr::col((table, column)).gte(prefix))
        .add_option(end.map(|end| Expr::col((table, column)).lt(end)))
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
