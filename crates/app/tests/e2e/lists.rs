//! What every list keeps: filters, orders, fields, pages, and CSV.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{ACME, Answer, Api, Session};

use crate::jobs::put_down;
use crate::scene::{assert_problem, created, hired, import, mistakes, text, whole, wrong};

const EMPLOYEES: &str = "/api/v1/employees";

async fn csv(api: &Api, session: &Session, path: &str) -> Answer {
    let request = api
        .signed(session, Method::GET, path)
        .header("accept", "text/csv");
    api.send(request).await
}

fn names(list: &Answer) -> Vec<&str> {
    assert_eq!(list.status, 200, "{}", list.text);
    let data = list.body["data"].as_array().unwrap();
    data.iter().map(|item| text(item, "last_name")).collect()
}

/// Every parameter that the description says a list has, with its example.
fn described(path: &str) -> Vec<(String, String)> {
    let document = app::openapi_document();
    let parameters = document["paths"][path]["get"]["parameters"]
        .as_array()
        .unwrap();
    parameters
        .iter()
        .filter(|parameter| parameter["in"] == "query" && parameter["name"] != "cursor")
        .map(|parameter| {
            let example = match &parameter["example"] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (parameter["name"].as_str().unwrap().to_owned(), example)
        })
        .collect()
}

fn lists() -> Vec<String> {
    let document = app::openapi_document();
    let paths = document["paths"].as_object().unwrap();
    let is_list = |path: &str| {
        let content = &document["paths"][path]["get"]["responses"]["200"]["content"];
        content["text/csv"].is_object() && content["application/json"].is_object()
    };
    paths.keys().filter(|path| is_list(path)).cloned().collect()
}

/// Whether those who run the platform alone have this list.
fn is_the_platforms(template: &str) -> bool {
    template.starts_with("/api/v1/platform/")
}

#[tokio::test]
async fn every_list_takes_every_parameter_that_it_describes() {
    let api = Api::start().await;
    let acme = api.sign_in("acme", "administrator").await;
    let public = api.sign_in("public", "administrator").await;
    let person = hired(&api, &acme, "Neena", "Yang").await;
    let lists = lists();
    assert!(lists.len() >= 8, "{lists:?}");
    for template in lists {
        let (session, id) = if is_the_platforms(&template) {
            (public.clone(), ACME.id.to_string())
        } else {
            (acme.clone(), text(&person, "id").to_owned())
        };
        let path = template.replace("{id}", &id);
        for (name, example) in described(&template) {
            let answer = api.get(&session, &format!("{path}?{name}={example}")).await;
            assert_eq!(answer.status, 200, "{name}={example}: {}", answer.text);
        }
        let unknown = api.get(&session, &format!("{path}?colour=red")).await;
        assert_problem(&unknown, 400, "invalid_parameter");
        assert_eq!(mistakes(&unknown), wrong([("colour", "invalid_parameter")]));
        let whole = csv(&api, &session, &path).await;
        assert_eq!(whole.status, 200, "{path}: {}", whole.text);
        let kind = whole.header("content-type");
        assert_eq!(kind, Some("text/csv; charset=utf-8; header=present"));
        let neither = api
            .signed(&session, Method::GET, &path)
            .header("accept", "image/png");
        assert_problem(&api.send(neither).await, 406, "not_acceptable");
    }
}

#[tokio::test]
async fn the_fields_that_can_be_asked_for_are_those_that_are_shown() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let public = api.sign_in("public", "administrator").await;
    let boss = hired(&api, &session, "Steven", "King").await;
    let body = json!({"first_name": "Neena", "last_name": "Yang", "hire_date": "2024-03-01",
        "manager_id": boss["id"]});
    let person = created(&api, &session, EMPLOYEES, body).await;
    let pay = json!({"min": {"amount": "1", "currency": "EUR"}, "max": {"amount": "2", "currency": "EUR"}});
    created(
        &api,
        &session,
        "/api/v1/departments",
        json!({"name": "Sales"}),
    )
    .await;
    created(
        &api,
        &session,
        "/api/v1/job-titles",
        json!({"name": "Clerk", "pay_range": pay}),
    )
    .await;
    created(
        &api,
        &session,
        "/api/v1/locations",
        json!({"name": "Oxford", "country": "GB"}),
    )
    .await;
    put_down(&api, 1, "acme", "employees.import", "administrator").await;
    for template in lists() {
        let (session, id) = if is_the_platforms(&template) {
            (&public, ACME.id.to_string())
        } else if template.ends_with("/reports") {
            (&session, text(&boss, "id").to_owned())
        } else {
            (&session, text(&person, "id").to_owned())
        };
        let path = template.replace("{id}", &id);
        let list = api.get(session, &path).await;
        let item = list.body["data"][0]
            .as_object()
            .unwrap_or_else(|| panic!("{}", list.text));
        let shown: Vec<&String> = item.keys().collect();
        let parameters = described(&template);
        let header = csv(&api, session, &path).await;
        let header = header.text.lines().next().unwrap().to_owned();
        for field in &shown {
            let one = api.get(session, &format!("{path}?fields={field}")).await;
            assert_eq!(one.status, 200, "{field}: {}", one.text);
            let keys: Vec<_> = one.body["data"][0].as_object().unwrap().keys().collect();
            assert_eq!(keys, [*field]);
            let part = format!("{field}_");
            let is_column = |column: &str| column == *field || column.starts_with(&part);
            assert!(
                header.split(',').any(is_column),
                "{path}: {field} of {header}"
            );
        }
        assert!(parameters.iter().any(|(name, _)| name == "fields"));
    }
    let unknown = api
        .get(&session, &format!("{EMPLOYEES}?fields=id,salary"))
        .await;
    assert_eq!(mistakes(&unknown), wrong([("fields", "invalid_parameter")]));
    let one = api
        .get(
            &session,
            &format!("{EMPLOYEES}/{}?fields=id,last_name", text(&person, "id")),
        )
        .await;
    assert_eq!(one.body, json!({"id": person["id"], "last_name": "Yang"}));
    assert_eq!(one.header("etag"), None);
}

#[tokio::test]
async fn a_reference_is_shown_whole_where_that_is_asked_for() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let sales = created(
        &api,
        &session,
        "/api/v1/departments",
        json!({"name": "Sales"}),
    )
    .await;
    let boss = hired(&api, &session, "Steven", "King").await;
    let body = json!({"first_name": "Neena", "last_name": "Yang", "hire_date": "2024-03-01",
        "manager_id": boss["id"], "department_id": sales["id"]});
    let person = created(&api, &session, EMPLOYEES, body).await;

    let path = format!("{EMPLOYEES}?last_name=yang&expand=department,manager");
    let list = api.get(&session, &path).await;
    let item = &list.body["data"][0];
    assert_eq!(item["department"], sales);
    assert_eq!(item["manager"]["employee_number"], boss["employee_number"]);
    assert_eq!(item["manager"].get("compensation"), None);
    assert_eq!(item["location"], Value::Null);
    let one = api
        .get(
            &session,
            &format!("{EMPLOYEES}/{}?expand=department", text(&person, "id")),
        )
        .await;
    assert_eq!(one.body["department"], sales);
    assert_eq!(
        one.body["manager"],
        json!({"id": boss["id"], "name": "Steven King"})
    );
    let deeper = api
        .get(&session, &format!("{EMPLOYEES}?expand=manager.department"))
        .await;
    assert_eq!(mistakes(&deeper), wrong([("expand", "invalid_parameter")]));

    let employee = api.sign_in("acme", "employee").await;
    for expand in ["manager", "department"] {
        let answer = api
            .get(&employee, &format!("{EMPLOYEES}?expand={expand}"))
            .await;
        assert_problem(&answer, 403, "permission_denied");
    }
}

#[tokio::test]
async fn filters_hold_together_and_cursors_keep_them() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    for (first, last, day) in [
        ("Ann", "Yang", "2024-01-01"),
        ("Bea", "King", "2024-02-01"),
        ("Cid", "Yang", "2024-03-01"),
        ("Dan", "Yang", "2024-04-01"),
    ] {
        let body = json!({"first_name": first, "last_name": last, "hire_date": day});
        created(&api, &session, EMPLOYEES, body).await;
    }
    let path = format!(
        "{EMPLOYEES}?last_name=YANG&hire_date[gte]=2024-02-01&sort=-hire_date&limit=1&count=exact"
    );
    let all = whole(&api, &session, &path).await;
    let first: Vec<_> = all.iter().map(|item| text(item, "first_name")).collect();
    assert_eq!(first, ["Dan", "Cid"]);
    let page = api.get(&session, &path).await;
    assert_eq!(page.body["page"]["total"], 2);
    let cursor = page.body["page"]["next_cursor"].as_str().unwrap();
    // The order of the parameters makes no other list; another filter, order or route does.
    let same = format!(
        "{EMPLOYEES}?cursor={cursor}&sort=-hire_date&hire_date[gte]=2024-02-01&last_name=YANG&fields=id"
    );
    assert_eq!(api.get(&session, &same).await.status, 200);
    for other in [
        format!("{EMPLOYEES}?cursor={cursor}"),
        format!(
            "{EMPLOYEES}?cursor={cursor}&sort=-hire_date&hire_date[gte]=2024-02-01&last_name=KING"
        ),
        format!(
            "{EMPLOYEES}?cursor={cursor}&sort=hire_date&hire_date[gte]=2024-02-01&last_name=YANG"
        ),
        format!("/api/v1/departments?cursor={cursor}"),
    ] {
        assert_problem(&api.get(&session, &other).await, 400, "invalid_cursor");
    }
    let contains = api
        .get(&session, &format!("{EMPLOYEES}?last_name[contains]=an"))
        .await;
    assert_eq!(names(&contains), ["Yang", "Yang", "Yang"]);
    let several = api
        .get(
            &session,
            &format!("{EMPLOYEES}?first_name[in]=bea,CID&sort=last_name"),
        )
        .await;
    assert_eq!(names(&several), ["King", "Yang"]);
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_list_is_told_at_once() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let path = format!("{EMPLOYEES}?colour=red&status=gone&sort=salary&hire_date[gte]=soon");
    let answer = api.get(&session, &path).await;
    assert_problem(&answer, 400, "invalid_parameter");
    assert_eq!(
        mistakes(&answer),
        wrong([
            ("colour", "invalid_parameter"),
            ("hire_date[gte]", "invalid_parameter"),
            ("sort", "invalid_parameter"),
            ("status", "invalid_parameter"),
        ])
    );
    for (query, name) in [
        ("limit=0", "limit"),
        ("limit=1&limit=2", "limit"),
        ("count=some", "count"),
        ("q=%ff", "q"),
        ("cursor=x&fields=nothing", "fields"),
    ] {
        let answer = api.get(&session, &format!("{EMPLOYEES}?{query}")).await;
        assert_eq!(
            mistakes(&answer),
            wrong([(name, "invalid_parameter")]),
            "{query}"
        );
    }
}

#[tokio::test]
async fn an_export_is_the_whole_list_and_harmless() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let rows = (0..450).map(|n| format!("{n:04},P{n:04},Many,2024-01-01\n"));
    let file = format!(
        "employee_number,last_name,first_name,hire_date\n{}",
        rows.collect::<String>()
    );
    let imported = import(&api, &session, "employees", file).await;
    assert_eq!(imported.status, 200, "{}", imported.text);
    let body = json!({"first_name": "=HYPERLINK(\"http://x\")", "last_name": "@SUM, \"quoted\"",
        "hire_date": "2024-01-01"});
    created(&api, &session, EMPLOYEES, body).await;

    let answer = csv(
        &api,
        &session,
        &format!("{EMPLOYEES}?fields=employee_number,last_name,first_name"),
    )
    .await;
    assert_eq!(answer.status, 200);
    let disposition = answer.header("content-disposition");
    assert_eq!(disposition, Some("attachment; filename=\"employees.csv\""));
    let lines: Vec<_> = answer.text.split("\r\n").collect();
    assert_eq!(lines.len(), 453, "a header, 451 people, and the end");
    assert_eq!(lines[0], "employee_number,first_name,last_name");
    assert!(
        lines[1].ends_with(r#","'=HYPERLINK(""http://x"")","'@SUM, ""quoted""""#),
        "{}",
        lines[1]
    );
    assert_eq!(lines[2], "0000,Many,P0000");
    assert_eq!(lines[451], "0449,Many,P0449");

    let page = api.get(&session, &format!("{EMPLOYEES}?limit=1")).await;
    let cursor = page.body["page"]["next_cursor"].as_str().unwrap();
    for (query, name) in [
        (format!("cursor={cursor}"), "cursor"),
        ("count=exact".to_owned(), "count"),
        ("expand=manager".to_owned(), "expand"),
    ] {
        let refused = csv(&api, &session, &format!("{EMPLOYEES}?{query}")).await;
        assert_eq!(mistakes(&refused), wrong([(name, "invalid_parameter")]));
    }
}

#[tokio::test]
async fn readers_who_stop_reading_keep_no_export_from_anybody() {
    let api = Api::start_with(|settings| {
        settings.http.exports = 1;
        settings.http.exports_per_tenant = 1;
        settings.imports.inline_rows = 100_000;
    })
    .await;
    let acme = api.sign_in("acme", "administrator").await;
    let globex = api.sign_in("globex", "administrator").await;
    // Many pages, which nobody takes: the export waits for its reader.
    let rows = (0..20_000).map(|n| format!("{n},P{n},{},2024-01-01\n", "x".repeat(90)));
    let file = format!(
        "employee_number,last_name,first_name,hire_date\n{}",
        rows.collect::<String>()
    );
    assert_eq!(import(&api, &acme, "employees", file).await.status, 200);
    let mut stalled = Vec::new();
    for _ in 0..8 {
        let request = api
            .signed(&acme, Method::GET, EMPLOYEES)
            .header("accept", "text/csv");
        let reader = request.send().await.unwrap();
        assert_eq!(reader.status(), 200);
        stalled.push(reader);
    }
    assert_eq!(csv(&api, &globex, EMPLOYEES).await.status, 200);
    let again = csv(&api, &acme, EMPLOYEES).await;
    assert_eq!(again.text.lines().count(), 20_001);
    drop(stalled);
}
