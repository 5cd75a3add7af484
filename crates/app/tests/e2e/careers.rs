//! People over time: what changes of them, and what is told of it.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Api, Session};

use crate::scene::{NOTHING, assert_problem, created, hired, mistakes, text, wrong};

const EMPLOYEES: &str = "/api/v1/employees";
const PAST: &str = "2024-04-30";
const FUTURE: &str = "2090-01-01";

fn of(employee: &Value) -> String {
    format!("{EMPLOYEES}/{}", text(employee, "id"))
}

async fn done(api: &Api, session: &Session, path: &str, verb: &str, body: Value) -> Value {
    let answer = api.post(session, &format!("{path}/{verb}"), body).await;
    assert_eq!(answer.status, 200, "{verb}: {}", answer.text);
    let version = answer.body["version"].to_string();
    assert_eq!(
        answer.header("etag"),
        Some(format!("\"{version}\"").as_str())
    );
    answer.body
}

/// Somebody who is transferred to Sales on this day, and Sales.
async fn transferred(api: &Api, session: &Session, day: &str) -> (Value, Value) {
    let sales = json!({"name": "Sales"});
    let sales = created(api, session, "/api/v1/departments", sales).await;
    let yang = hired(api, session, "Neena", "Yang").await;
    let transfer = json!({"effective_date": day, "department_id": sales["id"]});
    done(api, session, &of(&yang), "transfer", transfer).await;
    (yang, sales)
}

async fn as_of(api: &Api, session: &Session, path: &str, day: &str) -> Answer {
    let answer = api.get(session, &format!("{path}?as_of={day}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("etag"), None, "another day is no version");
    answer
}

async fn patch(api: &Api, session: &Session, path: &str, version: &str, body: &Value) -> Answer {
    let request = api.signed(session, Method::PATCH, path).json(body);
    api.send(request.header("If-Match", version)).await
}

/// In both placements.
#[expect(
    clippy::too_many_lines,
    reason = "a story, told from its beginning to its end"
)]
#[tokio::test]
async fn a_career_is_what_was_done_in_it_on_every_day() {
    let api = Api::start().await;
    for tenant in ["acme", "umbrella"] {
        let session = api.sign_in(tenant, "hr_manager").await;
        let make = async |path: &str, name: &str| {
            let path = format!("/api/v1/{path}");
            created(&api, &session, &path, json!({"name": name})).await
        };
        let (sales, finance) = (
            make("departments", "Sales").await,
            make("departments", "IT").await,
        );
        let head = make("job-titles", "Head").await;
        let boss = hired(&api, &session, "Steven", "King").await;
        let yang = hired(&api, &session, "Neena", "Yang").await;
        let path = of(&yang);

        let into = |department: &Value, day: &str| json!({"effective_date": day, "department_id": department["id"], "manager_id": boss["id"]});
        let shown = done(&api, &session, &path, "transfer", into(&sales, PAST)).await;
        assert_eq!(shown["department"]["name"], "Sales");
        assert_eq!(shown["version"], 2);
        let shown = done(&api, &session, &path, "transfer", into(&finance, FUTURE)).await;
        assert_eq!(shown["department"]["name"], "Sales", "scheduled");
        let pay = json!({
            "effective_date": PAST, "amount": "4000", "currency": "EUR", "pay_period": "monthly",
            "commission_percent": "5",
        });
        done(&api, &session, &path, "change-compensation", pay).await;
        let promotion = json!({
            "effective_date": "2025-01-01", "job_title_id": head["id"],
            "compensation": {"amount": "5000", "currency": "EUR", "pay_period": "monthly"},
        });
        let shown = done(&api, &session, &path, "promote", promotion).await;
        assert_eq!(shown["job_title"]["name"], "Head");
        assert_eq!(shown["compensation"]["amount"], "5000.00");
        assert_eq!(shown["compensation"]["commission_percent"], "5.00");

        let before = as_of(&api, &session, &path, "2024-04-29").await.body;
        assert_eq!(
            (&before["department"], &before["compensation"]),
            (&Value::Null, &Value::Null)
        );
        let then = as_of(&api, &session, &path, PAST).await.body;
        assert_eq!(then["department"]["name"], "Sales");
        assert_eq!(then["compensation"]["amount"], "4000.00");
        assert_eq!(
            as_of(&api, &session, &path, FUTURE).await.body["department"]["name"],
            "IT"
        );
        let hire_date = text(&yang, "hire_date");
        assert_eq!(
            as_of(&api, &session, &path, "1990-01-01").await.body["status"],
            "scheduled"
        );
        assert_eq!(
            as_of(&api, &session, &path, hire_date).await.body["status"],
            "active"
        );

        let left = json!({"last_day": "2025-06-30", "reason": "resignation"});
        let shown = done(&api, &session, &path, "terminate", left).await;
        assert_eq!(shown["status"], "terminated");
        let again = json!({"hire_date": "2025-09-01", "department_id": finance["id"]});
        let shown = done(&api, &session, &path, "rehire", again).await;
        assert_eq!(shown["status"], "active");
        assert_eq!(shown["hire_date"], "2025-09-01");
        assert_eq!(shown["original_hire_date"], hire_date);
        let gap = as_of(&api, &session, &path, "2025-08-01").await.body;
        assert_eq!(
            (&gap["status"], &gap["hire_date"]),
            (&json!("terminated"), &json!(hire_date))
        );

        let timeline = format!("{path}/timeline");
        let all = api.get(&session, &format!("{timeline}?count=exact")).await;
        let told: Vec<(&str, &str)> = all.body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| (text(event, "date"), text(event, "type")))
            .collect();
        let expected = [
            ("2025-09-01", "rehired"),
            ("2025-06-30", "terminated"),
            ("2025-01-01", "compensation_changed"),
            ("2025-01-01", "promoted"),
            (PAST, "compensation_changed"),
            (PAST, "transferred"),
            (hire_date, "hired"),
        ];
        assert_eq!(told, expected);
        assert_eq!(all.body["page"]["total"], 7);
        let transferred = &all.body["data"][5];
        assert_eq!(
            transferred,
            &json!({
                "type": "transferred", "date": PAST, "scheduled": false,
                "department": {"from": null, "to": {"id": sales["id"], "name": "Sales"}},
                "manager": {"from": null, "to": {"id": boss["id"], "name": "Steven King"}},
            })
        );
        assert_eq!(all.body["data"][1]["reason"], "resignation");
        assert_eq!(
            all.body["data"][2]["compensation"]["from"]["amount"],
            "4000.00"
        );
        assert_eq!(
            crate::scene::whole(&api, &session, &timeline).await.len(),
            7
        );
        let csv = api
            .signed(&session, Method::GET, &timeline)
            .header("accept", "text/csv");
        let csv = api.send(csv).await;
        assert_eq!(csv.status, 200, "{}", csv.text);
        assert_eq!(csv.text.lines().count(), 8);
    }
}

#[tokio::test]
async fn what_is_said_of_a_person_is_changed_for_the_version_that_was_seen() {
    let api = Api::start().await;
    let session = api.sign_in("initech", "administrator").await;
    let yang = hired(&api, &session, "Neena", "Yang").await;
    let king = hired(&api, &session, "Steven", "King").await;
    let path = of(&yang);
    let shown = api.get(&session, &path).await;
    assert!(shown.header("etag").unwrap().starts_with("\"1-"));
    let has = api
        .signed(&session, Method::GET, &path)
        .header("If-None-Match", shown.header("etag").unwrap());
    assert_eq!(api.send(has).await.status, 304);

    let change =
        json!({"last_name": "De Haan", "phone": null, "work_email": "Haan@initech.example"});
    let changed = patch(&api, &session, &path, "\"1\"", &change).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(changed.header("etag"), Some("\"2\""));
    assert_eq!(changed.body["last_name"], "De Haan");
    assert_eq!(api.get(&session, &path).await.body, changed.body);
    let found = api.get(&session, &format!("{EMPLOYEES}?q=haan")).await;
    assert_eq!(found.body["data"][0]["id"], yang["id"]);

    assert_problem(
        &patch(&api, &session, &path, "\"1\"", &change).await,
        412,
        "version_mismatch",
    );
    let silent = api.signed(&session, Method::PATCH, &path).json(&change);
    assert_problem(&api.send(silent).await, 428, "precondition_required");
    let taken = json!({"employee_number": king["employee_number"]});
    let taken = patch(&api, &session, &path, "\"2\"", &taken).await;
    assert_problem(&taken, 409, "conflict");
    assert_eq!(mistakes(&taken), wrong([("/employee_number", "taken")]));
    let odd = json!({"first_name": null, "work_email": "x", "hire_date": "2020-01-01", "id": null});
    let odd = patch(&api, &session, &path, "\"2\"", &odd).await;
    assert_problem(&odd, 422, "validation_failed");
    let missing = patch(
        &api,
        &session,
        &format!("{EMPLOYEES}/{NOTHING}"),
        "\"1\"",
        &change,
    )
    .await;
    assert_problem(&missing, 404, "not_found");
}

#[tokio::test]
async fn what_is_scheduled_is_no_reason_to_show_what_was() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let (yang, _) = transferred(&api, &session, FUTURE).await;
    let path = of(&yang);
    let seen = api.get(&session, &path).await;
    let seen = seen.header("etag").unwrap();
    let ask = async || {
        let request = api
            .signed(&session, Method::GET, &path)
            .header("If-None-Match", seen);
        api.send(request).await
    };
    assert_eq!(ask().await.status, 304);
    // As if that day had come, and nobody had done anything.
    let id = text(&yang, "id");
    crate::scene::sql(
        &api,
        format!(
            "SET session_replication_role = replica; \
             DELETE FROM t_acme.employments WHERE employee_id = '{id}' AND valid_to IS NOT NULL; \
             UPDATE t_acme.employments SET valid_from = '2020-01-01' WHERE employee_id = '{id}'"
        ),
    )
    .await;
    let answer = ask().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["department"]["name"], "Sales");
    assert!(answer.header("etag").unwrap().starts_with("\"2-"));
}

#[tokio::test]
async fn a_department_that_gets_another_name_is_a_reason_to_show_its_people_again() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let (yang, sales) = transferred(&api, &session, PAST).await;
    let path = of(&yang);
    let seen = api.get(&session, &path).await;
    let department = format!("/api/v1/departments/{}", text(&sales, "id"));
    let renamed = json!({"name": "Selling"});
    let renamed = patch(&api, &session, &department, "\"1\"", &renamed).await;
    assert_eq!(renamed.status, 200, "{}", renamed.text);
    let request = api
        .signed(&session, Method::GET, &path)
        .header("If-None-Match", seen.header("etag").unwrap());
    let again = api.send(request).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.body["department"]["name"], "Selling");
    // His own record is as it was: who has seen it may change it.
    let seen = seen.header("etag").unwrap();
    let changed = patch(&api, &session, &path, seen, &json!({"phone": null})).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
}

#[expect(
    clippy::too_many_lines,
    reason = "a story, told from its beginning to its end"
)]
#[tokio::test]
async fn what_cannot_be_is_refused_with_the_field_and_changes_nothing() {
    let api = Api::start().await;
    let session = api.sign_in("globex", "hr_manager").await;
    let king = hired(&api, &session, "Steven", "King").await;
    let yang = hired(&api, &session, "Neena", "Yang").await;
    let path = of(&yang);
    let under_king = json!({"effective_date": PAST, "manager_id": king["id"]});
    done(&api, &session, &path, "transfer", under_king).await;
    let day = |day: &str| json!({"effective_date": day, "manager_id": yang["id"]});
    let expect = async |path: &str, verb: &str, body: Value, status, code, fields| {
        let answer = api.post(&session, &format!("{path}/{verb}"), body).await;
        assert_problem(&answer, status, code);
        assert_eq!(mistakes(&answer), fields, "{verb}");
    };
    let boss = of(&king);
    let invalid = "validation_failed";
    expect(
        &boss,
        "transfer",
        day(PAST),
        422,
        invalid,
        wrong([("/manager_id", "cycle")]),
    )
    .await;
    let early = wrong([("/effective_date", "not_employed")]);
    expect(
        &path,
        "transfer",
        json!({"effective_date": "1990-01-01"}),
        422,
        invalid,
        early,
    )
    .await;
    let no_day = json!({"effective_date": "2026-02-30"});
    expect(
        &path,
        "transfer",
        no_day,
        422,
        invalid,
        wrong([("/effective_date", "invalid")]),
    )
    .await;
    let gone = wrong([("/job_title_id", "not_found")]);
    let promotion = json!({"effective_date": PAST, "job_title_id": NOTHING});
    expect(&path, "promote", promotion, 422, invalid, gone).await;
    let pay = json!({
        "effective_date": PAST, "amount": "-1", "currency": "EUR", "pay_period": "monthly",
        "commission_percent": "101",
    });
    let negative = wrong([("/amount", "invalid"), ("/commission_percent", "invalid")]);
    expect(&path, "change-compensation", pay, 422, invalid, negative).await;
    let alone = wrong([("/successor_id", "required")]);
    let leave = json!({"last_day": PAST});
    expect(&boss, "terminate", leave, 409, "state_conflict", alone).await;
    let himself = json!({"last_day": PAST, "successor_id": king["id"]});
    expect(
        &boss,
        "terminate",
        himself,
        422,
        invalid,
        wrong([("/successor_id", "invalid")]),
    )
    .await;
    let works = wrong([("/hire_date", "employed")]);
    expect(
        &path,
        "rehire",
        json!({"hire_date": PAST}),
        409,
        "state_conflict",
        works,
    )
    .await;
    let reason = json!({"last_day": PAST, "reason": "boredom"});
    let answer = api
        .post(&session, &format!("{path}/terminate"), reason)
        .await;
    assert_problem(&answer, 422, invalid);
    let as_of = api.get(&session, &format!("{path}?as_of=soon")).await;
    assert_problem(&as_of, 400, "invalid_parameter");
    assert_eq!(api.get(&session, &path).await.body["version"], 2);
    // What is not there comes before what is wrong with the body.
    for verb in [
        "transfer",
        "promote",
        "change-compensation",
        "terminate",
        "rehire",
    ] {
        let nowhere = format!("{EMPLOYEES}/{NOTHING}/{verb}");
        assert_problem(
            &api.post(&session, &nowhere, json!({})).await,
            404,
            "not_found",
        );
        let unknown = api
            .post(&session, &format!("{path}/{verb}"), json!({"x": 1}))
            .await;
        assert_problem(&unknown, 422, invalid);
        assert!(mistakes(&unknown).contains(&("/x".to_owned(), "unknown_field".to_owned())));
    }
}

#[tokio::test]
async fn a_change_is_done_once_however_often_it_is_sent() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let yang = hired(&api, &session, "Neena", "Yang").await;
    let path = format!("{}/terminate", of(&yang));
    let send = async || {
        let request = api
            .signed(&session, Method::POST, &path)
            .json(&json!({"last_day": PAST}));
        api.send(request.header("Idempotency-Key", "leave-1")).await
    };
    let first = send().await;
    assert_eq!(first.status, 200, "{}", first.text);
    let again = send().await;
    assert_eq!((again.status, &again.text), (200, &first.text));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(api.get(&session, &of(&yang)).await.body["version"], 2);
}

#[tokio::test]
async fn an_employee_changes_nobody_not_even_himself() {
    let api = Api::start().await;
    let boss = api.sign_in("initech", "administrator").await;
    let yang = hired(&api, &boss, "Neena", "Yang").await;
    let session = api.sign_in("initech", "employee").await;
    let path = of(&yang);
    for verb in [
        "transfer",
        "promote",
        "change-compensation",
        "terminate",
        "rehire",
    ] {
        let answer = api
            .post(&session, &format!("{path}/{verb}"), json!({}))
            .await;
        assert_problem(&answer, 403, "permission_denied");
    }
    let answer = patch(&api, &session, &path, "\"1\"", &json!({})).await;
    assert_problem(&answer, 403, "permission_denied");
    let timeline = api.get(&session, &format!("{path}/timeline")).await;
    assert_problem(&timeline, 404, "not_found");
}
