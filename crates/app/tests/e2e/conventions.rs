//! What every route keeps: the shape of errors, headers, methods, pages.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Api, Session};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::scene::{
    NOTHING, assert_dressed, assert_problem, created, eventually, hired, ids, import, mistakes,
    sql, text, whole, wrong,
};

const EMPLOYEES: &str = "/api/v1/employees";

/// Posts a body as it is.
async fn raw(api: &Api, session: &Session, content_type: &str, body: impl Into<String>) -> Answer {
    let request = api
        .signed(session, Method::POST, EMPLOYEES)
        .header("content-type", content_type)
        .body(body.into());
    api.send(request).await
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_a_problem_of_its_own_kind() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    for body in [
        "",
        "{",
        "nonsense",
        "{\"first_name\": \"A\",}",
        "{\"first_name\": \"A\"} {}",
        r#"{"first_name": "A", "last_name": "B", "hire_date": "2024-01-01", "last_name": "C"}"#,
        "\u{0}",
    ] {
        let answer = raw(&api, &session, "application/json", body).await;
        assert_problem(&answer, 400, "malformed_request");
    }
    let request = api
        .signed(&session, Method::POST, EMPLOYEES)
        .header("content-type", "application/json")
        .body(vec![b'{', b'"', 0xff, b'"', b':', b'1', b'}']);
    assert_problem(&api.send(request).await, 400, "malformed_request");
    for depth in [200, 100_000] {
        let nested = "[".repeat(depth) + &"]".repeat(depth);
        let answer = raw(&api, &session, "application/json", nested).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
    }
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "text/json",
        "x",
    ] {
        let answer = raw(&api, &session, content_type, "{}").await;
        assert_problem(&answer, 415, "unsupported_media_type");
    }
    let request = api.signed(&session, Method::POST, EMPLOYEES).body("{}");
    assert_problem(&api.send(request).await, 415, "unsupported_media_type");
    let answer = raw(&api, &session, "application/json; charset=utf-8", "{}").await;
    assert_problem(&answer, 422, "validation_failed");
    let large = format!("{{\"first_name\": \"{}\"}}", "a".repeat(1024 * 1024));
    let answer = raw(&api, &session, "application/json", large).await;
    assert_problem(&answer, 413, "too_large");
    assert_eq!(whole(&api, &session, EMPLOYEES).await, Vec::<Value>::new());
}

#[tokio::test]
async fn every_mistake_in_a_body_is_told_at_once_and_where_it_is() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let told = async |body: Value| {
        let answer = api.post(&session, EMPLOYEES, body).await;
        assert_problem(&answer, 422, "validation_failed");
        mistakes(&answer)
    };
    let shapes = json!({
        "first_name": 5, "hire_date": "2024-01-01", "colour": "red", "department_id": "7",
        "compensation": {"amount": 5200, "currency": "EUR", "pay_period": "daily", "bonus": "1"},
    });
    assert_eq!(
        told(shapes).await,
        wrong([
            ("/colour", "unknown_field"),
            ("/compensation/amount", "invalid"),
            ("/compensation/bonus", "unknown_field"),
            ("/compensation/pay_period", "invalid"),
            ("/department_id", "invalid"),
            ("/first_name", "invalid"),
            ("/last_name", "required"),
        ])
    );
    let keys = json!({"a`b`c": 1, "x/y~z": 2, "": 3});
    assert_eq!(
        told(keys).await,
        wrong([
            ("/", "unknown_field"),
            ("/a`b`c", "unknown_field"),
            ("/first_name", "required"),
            ("/hire_date", "required"),
            ("/last_name", "required"),
            ("/x~1y~0z", "unknown_field"),
        ])
    );
    let values = json!({
        "first_name": " ", "last_name": "a".repeat(1_000), "hire_date": "2024-02-30",
        "work_email": "nobody", "employee_number": "no number!", "phone": "\n",
        "compensation": {"amount": "1.234", "currency": "EUR", "pay_period": "monthly"},
    });
    let told_of_values = told(values).await;
    let pointers: Vec<_> = told_of_values.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/compensation/amount",
            "/employee_number",
            "/first_name",
            "/hire_date",
            "/last_name",
            "/phone",
            "/work_email",
        ]
    );
    for body in [json!([]), json!("text"), json!(null), json!(7)] {
        let answer = api.post(&session, EMPLOYEES, body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text);
    }
    assert_eq!(whole(&api, &session, EMPLOYEES).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_parameter_that_is_unknown_or_wrong_is_named() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    for (path, name) in [
        ("/api/v1/employees?colour=red", "colour"),
        ("/api/v1/employees?Limit=1", "Limit"),
        ("/api/v1/employees?limit=0", "limit"),
        ("/api/v1/employees?limit=201", "limit"),
        ("/api/v1/employees?limit=-1", "limit"),
        ("/api/v1/employees?limit=1.5", "limit"),
        ("/api/v1/employees?limit=", "limit"),
        ("/api/v1/employees?limit=99999999999999999999", "limit"),
        ("/api/v1/employees?limit=1&limit=2", "limit"),
        ("/api/v1/employees?count=yes", "count"),
        ("/api/v1/employees?count=", "count"),
        ("/api/v1/employees?sort=salary", "sort"),
        ("/api/v1/employees?sort=last_name,-last_name", "sort"),
        ("/api/v1/employees?sort=last_name%3BDROP%20TABLE", "sort"),
        ("/api/v1/employees?status=gone", "status"),
        ("/api/v1/employees?department_id=7", "department_id"),
        ("/api/v1/employees?q=a%00b", "q"),
        ("/api/v1/employees?q=%ff", "q"),
        ("/api/v1/employees?q=%C3", "q"),
        ("/api/v1/employees?%ff=a", "query"),
        ("/api/v1/employees?a%60b=1", "a`b"),
        ("/api/v1/employees/7", "id"),
        (&format!("/api/v1/employees/%7B{NOTHING}%7D"), "id"),
        (&format!("/api/v1/employees/urn:uuid:{NOTHING}"), "id"),
        (
            &format!("/api/v1/employees/{}", NOTHING.replace('-', "")),
            "id",
        ),
        ("/api/v1/employees/%27%20OR%201=1", "id"),
        ("/api/v1/employees/null/reports", "id"),
        ("/api/v1/departments?status=active", "status"),
        ("/api/v1/departments/7", "id"),
        ("/api/v1/job-titles?limit=x", "limit"),
        ("/api/v1/locations?count=1", "count"),
        (
            &format!("/api/v1/employees/{NOTHING}/reports?depth=21"),
            "depth",
        ),
        (
            &format!("/api/v1/employees/{NOTHING}/reports?depth=0"),
            "depth",
        ),
        (
            &format!("/api/v1/employees/{NOTHING}/employments?depth=1"),
            "depth",
        ),
    ] {
        let answer = api.get(&session, path).await;
        assert_problem(&answer, 400, "invalid_parameter");
        assert_eq!(
            mistakes(&answer),
            wrong([(name, "invalid_parameter")]),
            "{path}"
        );
        let detail = text(&answer.body, "detail");
        assert!(detail.contains(&format!("`{name}`")), "{path}: {detail}");
    }
    for (path, name) in [
        ("/api/v1/imports", "kind"),
        ("/api/v1/imports?kind=secrets", "kind"),
        ("/api/v1/imports?kind=employees&dry_run=1", "dry_run"),
    ] {
        let request = api
            .signed(&session, Method::POST, path)
            .header("content-type", "text/csv")
            .body("first_name,last_name,hire_date\n");
        let answer = api.send(request).await;
        assert_problem(&answer, 400, "invalid_parameter");
        assert_eq!(
            mistakes(&answer),
            wrong([(name, "invalid_parameter")]),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_request_id_is_echoed_when_it_is_harmless_and_made_when_it_is_not() {
    let api = Api::start().await;
    let ask = async |id: Option<&[u8]>| {
        let mut request = api.request(Method::GET, "/api/v1/nothing");
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        let answer = api.send(request).await;
        assert_problem(&answer, 404, "not_found");
        answer.header("x-request-id").unwrap().to_owned()
    };
    let longest = "a".repeat(128);
    for id in ["1", "abc-1.2_3", longest.as_str()] {
        assert_eq!(ask(Some(id.as_bytes())).await, id);
    }
    let mut made = vec![ask(None).await, ask(None).await];
    let too_long = "a".repeat(129);
    for id in ["", "a b", "a\"b", "a/b", "<script>", "ä", too_long.as_str()] {
        made.push(ask(Some(id.as_bytes())).await);
    }
    for id in &made {
        assert!(id.parse::<uuid::Uuid>().is_ok(), "{id}");
    }
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 9, "each is made anew");
}

#[tokio::test]
async fn head_is_get_without_the_body_and_options_tells_the_methods() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    hired(&api, &session, "Neena", "Yang").await;
    for (path, status) in [
        ("/api/v1/employees", 200),
        ("/api/v1/employees?limit=0", 400),
        ("/api/v1/employees/7", 400),
        ("/api/v1/nothing", 404),
        ("/api/health/", 200),
        ("/api/openapi.json", 200),
        ("/api/v1/auth/login", 405),
    ] {
        let get = api.get(&session, path).await;
        let head = api.send(api.signed(&session, Method::HEAD, path)).await;
        assert_dressed(&head, path);
        assert_eq!((head.status, head.text.as_str()), (status, ""), "{path}");
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"));
        let length = head
            .header("content-length")
            .and_then(|text| text.parse::<usize>().ok());
        assert!(
            length.is_some_and(|length| length > 0),
            "{path}: {length:?}"
        );
    }
    let unsigned = api
        .request(Method::HEAD, EMPLOYEES)
        .header("x-tenant-slug", "acme");
    assert_eq!(api.send(unsigned).await.status, 401);
    let options = api.send(api.request(Method::OPTIONS, EMPLOYEES)).await;
    assert_problem(&options, 405, "method_not_allowed");
    assert_eq!(options.header("allow"), Some("GET, HEAD, POST"));
    // No page of another origin is let in.
    let request = api
        .signed(&session, Method::GET, EMPLOYEES)
        .header("origin", "https://evil.example");
    let answer = api.send(request).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

/// Writes a request byte by byte and reads the whole answer.
async fn spoken(api: &Api, request: &str) -> String {
    let address = api.base().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_request_that_two_readers_could_read_differently_is_refused() {
    let api = Api::start().await;
    let speak = async |lines: &[&str]| {
        let request = format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"));
        spoken(&api, &request).await
    };
    let (ask, acme, globex) = (
        "GET /api/v1/tenant HTTP/1.1",
        "Host: acme.test",
        "Host: globex.test",
    );
    let log_in = "POST /api/v1/auth/login HTTP/1.1";
    for (what, lines) in [
        ("two hosts", vec![ask, acme, globex]),
        ("one host twice", vec![ask, acme, acme]),
        (
            "two lengths",
            vec![log_in, acme, "Content-Length: 1", "Content-Length: 2"],
        ),
        (
            "a length and chunks",
            vec![
                log_in,
                acme,
                "Content-Length: 5",
                "Transfer-Encoding: chunked",
            ],
        ),
        (
            "a folded header",
            vec![ask, acme, "X-Tenant-Slug: ac", " me"],
        ),
        ("a header without a name", vec![ask, acme, ": x"]),
        (
            "a blank before the colon",
            vec![ask, acme, "X-Tenant-Slug : acme"],
        ),
        ("no path", vec!["GET HTTP/1.1", acme]),
        (
            "a name before the host",
            vec![
                "GET http://acme.test@globex.test/api/v1/tenant HTTP/1.1",
                acme,
            ],
        ),
        (
            "a name before the host, and a header",
            vec![
                "GET http://acme.localhost@globex.localhost/api/v1/tenant HTTP/1.1",
                "Host: globex.localhost",
                "X-Tenant-Slug: acme",
            ],
        ),
        (
            "a host that is none",
            vec![ask, "Host: acme.test/globex.test", "X-Tenant-Slug: acme"],
        ),
        (
            "two hosts in one",
            vec![ask, "Host: acme.test, globex.test"],
        ),
    ] {
        let answer = speak(&lines).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{what}: {answer}");
    }
    for (lines, slug) in [
        (vec![ask, acme], "acme"),
        // Whoever names a host in the target means that one (RFC 9112, 3.2.2).
        (
            vec!["GET http://globex.test/api/v1/tenant HTTP/1.1", acme],
            "globex",
        ),
        (
            vec!["GET http://globex.test/api/v1/tenant/ HTTP/1.1", acme],
            "globex",
        ),
        (vec!["GET /api/v1/tenant HTTP/1.0", globex], "globex"),
    ] {
        let answer = speak(&lines).await;
        assert!(
            answer.contains(&format!("\"slug\":\"{slug}\"")),
            "{lines:?}: {answer}"
        );
    }
    let dots = speak(&["GET /api/v1/auth/../tenant HTTP/1.1", acme]).await;
    assert!(dots.contains("\"error\":\"not_found\""), "{dots}");
    let nobody = speak(&["GET /api/v1/tenant HTTP/1.0"]).await;
    assert!(
        nobody.contains("\"error\":\"tenant_not_found\""),
        "{nobody}"
    );
}

#[tokio::test]
async fn a_defect_is_one_failed_request_and_shows_nothing_of_itself() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    sql(
        &api,
        "ALTER TABLE t_acme.job_titles RENAME TO secret_titles".to_owned(),
    )
    .await;
    for path in [
        "/api/v1/job-titles",
        &format!("/api/v1/job-titles/{NOTHING}"),
    ] {
        let answer = api.get(&session, path).await;
        assert_problem(&answer, 500, "internal");
        for internal in [
            "job_titles",
            "secret",
            "SELECT",
            "relation",
            "t_acme",
            "postgres",
        ] {
            assert!(!answer.text.contains(internal), "{}", answer.text);
        }
    }
    // The connection it happened on is as good as new, and so is everything else.
    for _ in 0..8 {
        assert_eq!(api.get(&session, "/api/v1/departments").await.status, 200);
    }
    sql(
        &api,
        "ALTER TABLE t_acme.secret_titles RENAME TO job_titles".to_owned(),
    )
    .await;
    assert_eq!(api.get(&session, "/api/v1/job-titles").await.status, 200);
}

#[tokio::test]
async fn a_tenant_that_is_not_in_service_is_told_so_before_anything_else() {
    let api = Api::start().await;
    let session = api.sign_in("globex", "administrator").await;
    for (status, code, error) in [
        ("suspended", 403, "tenant_suspended"),
        ("creating", 503, "tenant_unavailable"),
        ("migrating", 503, "tenant_unavailable"),
        ("moving", 503, "tenant_unavailable"),
    ] {
        let change =
            format!("UPDATE platform.tenants SET status = '{status}' WHERE slug = 'globex'");
        sql(&api, change).await;
        let told = async || api.get(&session, "/api/v1/tenant").await.error() == Some(error);
        eventually(told).await;
        for path in [EMPLOYEES, "/api/v1/tenant", "/api/v1/auth/me"] {
            let answer = api.get(&session, path).await;
            assert_problem(&answer, code, error);
            assert_eq!(
                answer.header("retry-after").is_some(),
                code == 503,
                "{status}"
            );
        }
        assert_eq!(api.get(&session, "/api/v1/nothing").await.status, 404);
        assert_eq!(api.get(&session, "/api/health/").await.status, 200);
    }
    sql(
        &api,
        "UPDATE platform.tenants SET status = 'active'".to_owned(),
    )
    .await;
    eventually(async || api.get(&session, EMPLOYEES).await.status == 200).await;
}

/// Imports a company of 103 people who share names, dates of hire and departments.
async fn crowd(api: &Api, session: &Session) -> Vec<String> {
    let mut departments = Vec::new();
    for name in ["Sales", "Ärzte", "operations"] {
        let department = created(api, session, "/api/v1/departments", json!({"name": name})).await;
        departments.push(department);
    }
    let mut csv = "first_name,last_name,hire_date,department_code,last_day\n".to_owned();
    for number in 0..103 {
        // Ties in every order, and people who have left or have not begun.
        let last = [
            "Ölmez", "olsen", "Yang", "yang", "Zoë", "de Haan", "O'Brien",
        ][number % 7];
        let year = if number % 11 == 0 {
            2190
        } else {
            2010 + number % 5
        };
        let code = departments
            .get(number % 4)
            .map_or("", |department| text(department, "code"));
        let left = if number % 6 == 1 && year < 2100 {
            "2020-12-31"
        } else {
            ""
        };
        writeln!(csv, "P{number},{last},{year}-03-01,{code},{left}").unwrap();
    }
    let answer = import(api, session, "employees", csv).await;
    assert_eq!(answer.body["employees"], 103, "{}", answer.text);
    departments
        .iter()
        .map(|one| text(one, "id").to_owned())
        .collect()
}

#[tokio::test]
async fn the_pages_of_a_list_are_the_list() {
    let api = Api::start().await;
    for tenant in ["acme", "initech"] {
        let session = api.sign_in(tenant, "hr_manager").await;
        let departments = crowd(&api, &session).await;
        let sales = departments.first().unwrap();
        let everybody = whole(&api, &session, "/api/v1/employees?limit=200").await;
        assert_eq!(everybody.len(), 103);
        for filter in [
            String::new(),
            format!("department_id={sales}&"),
            "status=active&".to_owned(),
            "status=scheduled&".to_owned(),
            "status=terminated&".to_owned(),
            format!("department_id={sales}&status=active&"),
            "q=yang&".to_owned(),
            "q=p1%20o&".to_owned(),
            "q=%C3%96L&status=active&".to_owned(),
        ] {
            let expected: Vec<_> = everybody
                .iter()
                .filter(|one| fits(one, &filter, sales))
                .collect();
            assert!(
                !expected.is_empty() && (filter.is_empty() || expected.len() < 103),
                "{filter}"
            );
            for sort in ["last_name", "-last_name", "hire_date", "-hire_date"] {
                let list = format!("/api/v1/employees?{filter}sort={sort}");
                let at_once = whole(&api, &session, &format!("{list}&limit=200")).await;
                assert_eq!(
                    sorted(ids(&at_once)),
                    sorted(expected.iter().map(|one| text(one, "id")).collect()),
                    "{list}"
                );
                assert_in_order(&at_once, sort);
                for limit in [7, 25] {
                    let paged = whole(&api, &session, &format!("{list}&limit={limit}")).await;
                    assert_eq!(ids(&paged), ids(&at_once), "{list} by {limit}");
                }
                let counted = api
                    .get(&session, &format!("{list}&limit=1&count=exact"))
                    .await;
                assert_eq!(counted.body["page"]["total"], expected.len(), "{list}");
                assert_eq!(counted.body["page"]["limit"], 1);
            }
        }
        let page = api.get(&session, EMPLOYEES).await.body;
        assert_eq!(page["data"].as_array().map(Vec::len), Some(25));
        assert_eq!(page["page"]["limit"], 25);
        assert_eq!(page["page"].get("total"), None);
        for list in ["departments", "job-titles", "locations"] {
            let list = format!("/api/v1/{list}");
            let at_once = whole(&api, &session, &list).await;
            let paged = whole(&api, &session, &format!("{list}?limit=1")).await;
            assert_eq!(paged, at_once, "{list}");
        }
    }
}

/// What the filters mean, said a second time.
fn fits(employee: &Value, filter: &str, department: &str) -> bool {
    filter
        .split('&')
        .filter(|part| !part.is_empty())
        .all(|part| {
            let last = text(employee, "last_name").to_lowercase();
            match part.split_once('=').unwrap() {
                ("department_id", _) => employee["department"]["id"] == department,
                ("status", status) => employee["status"] == status,
                ("q", "yang") => last == "yang",
                ("q", "p1%20o") => {
                    text(employee, "first_name").starts_with("P1") && last.starts_with('o')
                }
                ("q", "%C3%96L") => last.starts_with("öl"),
                other => panic!("{other:?}"),
            }
        })
}

fn sorted(mut ids: Vec<&str>) -> Vec<&str> {
    ids.sort_unstable();
    ids
}

/// Demands that neighbours stand as they should; ties are broken by id, the same way round.
fn assert_in_order(list: &[Value], sort: &str) {
    let field = sort.trim_start_matches('-');
    let keys: Vec<_> = list
        .iter()
        .map(|one| {
            let key = if field == "hire_date" {
                text(one, field).to_owned()
            } else {
                text(one, field).to_lowercase()
            };
            (key, text(one, "id"))
        })
        .collect();
    let is_sorted = if sort.starts_with('-') {
        keys.iter().rev().is_sorted()
    } else {
        keys.iter().is_sorted()
    };
    assert!(is_sorted, "{sort}: {keys:?}");
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_and_as_it_was_given() {
    let api = Api::start().await;
    let session = api.sign_in("globex", "administrator").await;
    let boss = hired(&api, &session, "Maria", "Boss").await;
    let boss = text(&boss, "id");
    for name in ["A", "B", "C"] {
        let body = json!({
            "first_name": name, "last_name": "Worker", "hire_date": "2024-01-01",
            "manager_id": boss,
        });
        created(&api, &session, EMPLOYEES, body).await;
        created(&api, &session, "/api/v1/departments", json!({"name": name})).await;
    }
    let list = "/api/v1/employees?limit=2&status=active";
    let page = api.get(&session, list).await.body;
    let cursor = page["page"]["next_cursor"].as_str().unwrap();
    let next = api.get(&session, &format!("{list}&cursor={cursor}")).await;
    assert_eq!(next.body["data"].as_array().map(Vec::len), Some(2));
    // Another page size is the same list.
    let path = format!("/api/v1/employees?status=active&limit=100&cursor={cursor}");
    assert_eq!(
        api.get(&session, &path).await.body["data"],
        next.body["data"]
    );

    let mut swapped = cursor.to_owned();
    let first = swapped.remove(0);
    swapped.insert(0, if first == 'A' { 'B' } else { 'A' });
    for path in [
        format!("/api/v1/employees?cursor={cursor}"),
        format!("/api/v1/employees?status=terminated&cursor={cursor}"),
        format!("/api/v1/employees?status=active&sort=-last_name&cursor={cursor}"),
        format!("/api/v1/employees?status=active&q=a&cursor={cursor}"),
        format!("/api/v1/employees?status=active&department_id={NOTHING}&cursor={cursor}"),
        format!("/api/v1/departments?cursor={cursor}"),
        format!("/api/v1/employees/{boss}/reports?cursor={cursor}"),
        format!("/api/v1/employees/{boss}/employments?cursor={cursor}"),
        format!("{list}&cursor={swapped}"),
        format!("{list}&cursor={cursor}A"),
        format!("{list}&cursor="),
        format!("{list}&cursor=null"),
        format!("{list}&cursor=%00"),
    ] {
        assert_problem(&api.get(&session, &path).await, 400, "invalid_cursor");
    }
    let reports = format!("/api/v1/employees/{boss}/reports?limit=1");
    let page = api.get(&session, &reports).await.body;
    let cursor = page["page"]["next_cursor"].as_str().unwrap();
    let deeper = format!("{reports}&depth=2&cursor={cursor}");
    assert_problem(&api.get(&session, &deeper).await, 400, "invalid_cursor");
}
