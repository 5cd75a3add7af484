//! What each query reads of a company of 20,000 in a pool, beside a neighbour of the same size: a
//! page's worth, whatever the size. Explained in the role of the schema, under row security, as the
//! queries run.

use database::TenantContext;
use kernel::{Limit, PageRequest, Position, Scalar};
use sea_orm::{FromQueryResult, Value, sea_query::PostgresQueryBuilder};
use serde_json::Value as Json;
use testkit::{DedicatedAndPooled, TestDatabase};
use time::macros::date;
use uuid::Uuid;

use super::{events, history, line, list, profile, report};
use crate::{lists, repository::EmployeeQuery};

const PEOPLE: i64 = 20_000;

/// 200 departments, the first with half of the people, 50 jobs, 20 places; number 1 leads, and each leads eight others. One in fifty
/// has left, one in five hundred is still to come, one in four worked elsewhere before, a tenth of them with a break, one in two has a
/// name of two words.
const SEED: [&str; 6] = [
    "INSERT INTO departments (id, code, name, name_key, created_at, updated_at) \
     SELECT lpad(to_hex(n), 32, '0')::uuid, n::text, 'Department ' || n, 'department ' || n, now(), now() \
     FROM generate_series(0, 199) n",
    "INSERT INTO job_titles (id, code, name, name_key, created_at, updated_at) \
     SELECT md5('j' || n)::uuid, n::text, 'Job ' || n, 'job ' || n, now(), now() \
     FROM generate_series(0, 49) n",
    "INSERT INTO locations (id, code, name, name_key, country, created_at, updated_at) \
     SELECT md5('l' || n)::uuid, n::text, 'Place ' || n, 'place ' || n, 'DE', now(), now() \
     FROM generate_series(0, 19) n",
    "INSERT INTO employees (id, employee_number, first_name, last_name, first_name_key, \
     last_name_key, work_email, work_email_key, original_hire_date, hire_date, employed_until, \
     created_at, updated_at) SELECT md5('e' || n)::uuid, n::text, 'F' || md5('f' || n), \
     'L' || md5('l' || n), 'f' || md5('f' || n), 'l' || md5('l' || n), \
     'p' || n || '@example.com', 'p' || n || '@example.com', \
     CASE WHEN n % 40 = 0 THEN hired - 400 ELSE hired END, hired, \
     CASE WHEN n % 50 = 3 THEN DATE '2026-01-01' + (n % 300)::int END, now(), now() \
     FROM generate_series(1, $1::bigint) n CROSS JOIN LATERAL (SELECT CASE WHEN n % 500 = 7 \
     THEN DATE '2026-12-01' ELSE DATE '2006-01-01' + (n % 7000)::int END AS hired) dates",
    "INSERT INTO name_words (id, employee_id, word_key) \
     SELECT md5('w' || n)::uuid, md5('e' || n)::uuid, 'w' || md5('w' || n) \
     FROM generate_series(1, $1::bigint, 2) n",
    "INSERT INTO employments (id, employee_id, valid_from, valid_to, department_id, job_title_id, \
     location_id, manager_id, employment_type, created_at, updated_at) \
     SELECT md5('m' || e.employee_number || past)::uuid, e.id, \
     CASE WHEN past = 1 THEN e.original_hire_date WHEN n % 4 = 0 AND n % 40 <> 0 \
     THEN e.hire_date + 200 ELSE e.hire_date END, \
     CASE WHEN past = 0 THEN e.employed_until WHEN n % 40 = 0 THEN e.hire_date - 10 \
     ELSE e.hire_date + 200 END, \
     lpad(to_hex(CASE WHEN n % 2 = 0 THEN 0 ELSE (n + past) % 200 END), 32, '0')::uuid, md5('j' || n % 50)::uuid, md5('l' || n % 20)::uuid, \
     CASE WHEN n > 1 THEN md5('e' || (n - 2) / 8 + 1)::uuid END, 'full_time', now(), now() \
     FROM employees e CROSS JOIN LATERAL (SELECT e.employee_number::bigint AS n) numbered \
     CROSS JOIN generate_series(0, 1) past WHERE past = 0 OR n % 4 = 0",
];

async fn company() -> (TestDatabase, DedicatedAndPooled) {
    let test = TestDatabase::create().await;
    let on = test.tenants().await;
    for tenant in [&on.initech, &on.umbrella] {
        let tx = on.database.begin_tenant(tenant).await.unwrap();
        for statement in SEED {
            let people = statement.contains("$1").then_some(Value::from(PEOPLE));
            tx.run(statement, people).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let mut superuser = test.superuser().await;
    sqlx::query("ANALYZE")
        .execute(&mut superuser)
        .await
        .unwrap();
    (test, on)
}

#[derive(FromQueryResult)]
struct Explained {
    #[sea_orm(alias = "QUERY PLAN")]
    plan: Json,
}

/// Runs a statement as often as PostgreSQL needs to decide between a plan for these values and one
/// for any, and answers with the greatest number of rows that it had to look at.
async fn rows_read(
    on: &DedicatedAndPooled,
    tenant: &TenantContext,
    statement: &str,
    parameters: &str,
    arguments: &str,
) -> u64 {
    let prepare: &'static str = format!("PREPARE explained {parameters} AS {statement}").leak();
    let explain: &'static str =
        format!("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE explained {arguments}").leak();
    let tx = on.database.begin_tenant(tenant).await.unwrap();
    tx.run(prepare, []).await.unwrap();
    let mut most = 0;
    for _ in 0..7 {
        let explained: Option<Explained> = tx.row(explain, []).await.unwrap();
        most = most.max(scanned(&explained.unwrap().plan[0]["Plan"]));
    }
    tx.run("DEALLOCATE explained", []).await.unwrap();
    tx.rollback().await.unwrap();
    most
}

/// How many rows about people the scans of a plan looked at, those included that a filter removed.
/// Departments, jobs and places may be read whole: a few hundred are cheaper to read than to find.
fn scanned(plan: &Json) -> u64 {
    let number = |key: &str| plan[key].as_f64().unwrap_or_default();
    let relation = plan["Relation Name"].as_str().unwrap_or_default();
    let own = if ["employees", "employments", "compensations", "name_words"].contains(&relation) {
        let each = number("Actual Rows")
            + number("Rows Removed by Filter")
            + number("Rows Removed by Index Recheck");
        (each * number("Actual Loops")).round()
    } else {
        0.0
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count"
    )]
    let own = own as u64;
    let below = plan["Plans"].as_array().into_iter().flatten();
    own + below.map(scanned).sum::<u64>()
}

fn asked(parameters: &[(&str, &str)]) -> EmployeeQuery {
    let parameters = parameters.iter().copied();
    EmployeeQuery {
        day: date!(2026 - 11 - 23),
        only: None,
        list: lists::EMPLOYEES.read(parameters, |_| true).unwrap(),
    }
}

#[expect(clippy::too_many_lines, reason = "a table, a query a line")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_reads_a_pages_worth_of_20_000_people() {
    let (_test, on) = company().await;
    let mut expensive = Vec::new();
    for (what, query, after, most) in lists() {
        let request = PageRequest {
            limit: Limit::default(),
            after,
            count: false,
        };
        let (statement, values) =
            list::joined(list::rows(&query, &request).unwrap(), &query).build(PostgresQueryBuilder);
        // As `database` sends it: the limit, which is the last value, in the text.
        let limit = format!("LIMIT ${}", values.0.len());
        let statement = statement.replace(&limit, "LIMIT 26");
        let (_limit, bound) = values.0.split_last().unwrap();
        let bound: Vec<String> = bound.iter().map(ToString::to_string).collect();
        let arguments = if bound.is_empty() {
            String::new()
        } else {
            format!("({})", bound.join(", "))
        };
        let read = rows_read(&on, &on.initech, &statement, "", &arguments).await;
        if read > most {
            expensive.push(format!("{what}: {read} rows, at most {most} expected"));
        }
    }
    let id = "'11111111-1111-1111-1111-111111111111'";
    for (what, statement, parameters, arguments, most) in [
        (
            "detail",
            profile::PAID,
            "(uuid, date)",
            "(md5('e77')::uuid, '2026-11-23')".to_owned(),
            10,
        ),
        (
            "history",
            history::PAGE,
            "(uuid, date)",
            "(md5('e76')::uuid, '9999-12-31')".to_owned(),
            20,
        ),
        (
            "detail as of a day of an earlier service",
            profile::PAID_ON,
            "(uuid, date)",
            "(md5('e77')::uuid, '2006-11-23')".to_owned(),
            10,
        ),
        (
            "the employments of a timeline",
            history::UNTIL,
            "(uuid, date)",
            "(md5('e76')::uuid, '9999-12-31')".to_owned(),
            20,
        ),
        (
            "the pay of a timeline",
            events::PAY,
            "(uuid, date)",
            "(md5('e76')::uuid, '9999-12-31')".to_owned(),
            20,
        ),
        (
            "whether a line of five steps would close a circle",
            line::CIRCLE,
            "(text, uuid)",
            "(json_build_array(json_build_object('employee_id', md5('e20000')::uuid, \
             'valid_from', '2026-11-23'))::text, md5('e19999')::uuid)"
                .to_owned(),
            40,
        ),
        (
            "who reports to somebody from a day on",
            line::REPORTS,
            "(uuid, date)",
            "(md5('e9')::uuid, '2026-11-23')".to_owned(),
            40,
        ),
        (
            "direct reports",
            report::LEVEL,
            "(uuid, date, int, text, uuid)",
            format!("(md5('e9')::uuid, '2026-11-23', 1, '', {id})"),
            100,
        ),
        (
            "reports 2 steps away",
            report::LEVEL,
            "(uuid, date, int, text, uuid)",
            format!("(md5('e9')::uuid, '2026-11-23', 2, '', {id})"),
            400,
        ),
        (
            "the direct reports of who leads all",
            report::LEVEL,
            "(uuid, date, int, text, uuid)",
            format!("(md5('e1')::uuid, '2026-11-23', 1, '', {id})"),
            100,
        ),
    ] {
        let statement = statement
            .replace("LIMIT $6", "LIMIT 26")
            .replace("LIMIT $3", "LIMIT 26");
        let read = rows_read(&on, &on.initech, &statement, parameters, &arguments).await;
        if read > most {
            expensive.push(format!("{what}: {read} rows, at most {most} expected"));
        }
    }
    assert!(expensive.is_empty(), "{expensive:#?}");
}

/// A page of 26 rows has as many employments and managers, and a fourth of the people have a past
/// employment.
#[expect(clippy::too_many_lines, reason = "a table, a query a line")]
fn lists() -> Vec<(&'static str, EmployeeQuery, Option<Position>, u64)> {
    let after = |key: Scalar| {
        Some(Position {
            keys: vec![key],
            id: Uuid::from_u128(u128::MAX / 2),
        })
    };
    let l8 = || after(Scalar::Text("l8".to_owned()));
    let sorted = |sort| asked(&[("sort", sort)]);
    let status = |status| asked(&[("status", status)]);
    let department = |number| {
        let id = Uuid::from_u128(number).to_string();
        asked(&[("department_id", &id)])
    };
    vec![
        ("by name", asked(&[]), None, 150),
        ("by name, from the middle", asked(&[]), l8(), 150),
        (
            "by name, backwards from the middle",
            sorted("-last_name"),
            l8(),
            150,
        ),
        ("by first name", sorted("first_name"), None, 150),
        (
            "by number",
            sorted("employee_number"),
            after(Scalar::Text("17777".to_owned())),
            150,
        ),
        ("by date of hire", sorted("hire_date"), None, 150),
        (
            "by date of hire, backwards from the middle",
            sorted("-hire_date"),
            after(Scalar::Date(date!(2015 - 01 - 01))),
            150,
        ),
        (
            "by name, and the last hired first, from the middle",
            sorted("last_name,-hire_date"),
            Some(Position {
                keys: vec![
                    Scalar::Text("l8".to_owned()),
                    Scalar::Date(date!(2015 - 01 - 01)),
                ],
                id: Uuid::from_u128(1),
            }),
            250,
        ),
        (
            "hired since",
            asked(&[("hire_date[gte]", "2024-01-01"), ("sort", "hire_date")]),
            None,
            150,
        ),
        ("of a name", asked(&[("last_name", "L1b")]), None, 50),
        (
            "of an address",
            asked(&[("work_email", "p77@example.com")]),
            None,
            50,
        ),
        ("the active", status("active"), None, 150),
        ("the terminated", status("terminated"), None, 150),
        ("the scheduled", status("scheduled"), None, 150),
        (
            "those who have left or are to come",
            asked(&[("status[ne]", "active")]),
            None,
            2_000,
        ),
        ("a small department", department(43), None, 600),
        ("a large department", department(0), None, 600),
        (
            "of a job title",
            asked(&[("job_title_id", "9596280d-73f4-c278-a287-8e7d6383b5eb")]), // md5('j7')
            None,
            1_500,
        ),
        (
            "of a location",
            asked(&[("location_id", "a34c997d-a8f6-2c67-51a1-1b90efa0703d")]), // md5('l7')
            None,
            1_500,
        ),
        (
            "of a type that nobody has",
            asked(&[("employment_type", "intern")]),
            None,
            50,
        ),
        (
            "of the type that everybody has",
            asked(&[("employment_type", "full_time")]),
            None,
            400,
        ),
        (
            "outside a department",
            {
                let id = Uuid::from_u128(0).to_string();
                asked(&[("department_id[ne]", &id)])
            },
            None,
            400,
        ),
        (
            "of a manager",
            {
                let id = "a3b2c1d0-0000-0000-0000-000000000000";
                asked(&[("manager_id", id)])
            },
            None,
            100,
        ),
        (
            "the beginning of a name",
            asked(&[("q", "la1b")]),
            None,
            150,
        ),
        (
            "the beginning of nothing",
            asked(&[("q", "zzz")]),
            None,
            100,
        ),
        ("a number", asked(&[("q", "17777")]), None, 100),
        ("a word inside a name", asked(&[("q", "wa1b")]), None, 150),
        ("two words", asked(&[("q", "la1b fa")]), None, 200),
        (
            "a word inside a name and another",
            asked(&[("q", "wa1b l")]),
            None,
            200,
        ),
    ]
}
