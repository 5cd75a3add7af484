//! The feed of events, as a program reads it that keeps something in step.

use serde_json::{Value, json};
use testkit::{Api, Session, Worker};

use crate::scene::{assert_problem, created, eventually, hired, import, text};

const EVENTS: &str = "/api/v1/events";

/// A worker, who gives events their places.
async fn worker(api: &Api) -> Worker {
    Worker::start(&api.database().app_url(), |_| ()).await
}

/// The feed, once so many events are in it.
async fn feed(api: &Api, session: &Session, count: usize) -> Vec<Value> {
    let mut data = Vec::new();
    eventually(async || {
        let answer = api.get(session, &format!("{EVENTS}?limit=200")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        data.clone_from(answer.body["data"].as_array().unwrap());
        data.len() >= count
    })
    .await;
    assert_eq!(data.len(), count, "{data:?}");
    data
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| text(event, "kind")).collect()
}

#[tokio::test]
async fn whoever_is_hired_is_in_the_feed_with_who_did_it_and_in_which_request() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let worker = worker(&api).await;
    let me = api.get(&session, "/api/v1/auth/me").await;
    let department = json!({"name": "Sales", "code": "S"});
    let sales = created(&api, &session, "/api/v1/departments", department).await;
    let body = json!({
        "first_name": "Neena", "last_name": "Yang", "work_email": "neena@acme.example",
        "hire_date": "2024-03-01", "department_id": sales["id"],
        "compensation": {"amount": "5200", "currency": "EUR", "pay_period": "monthly"},
    });
    let answer = api.post(&session, "/api/v1/employees", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let events = feed(&api, &session, 2).await;
    assert_eq!(
        kinds(&events),
        ["department.created.v1", "employee.hired.v1"]
    );
    let event = &events[1];
    assert_eq!(event["position"], 2);
    assert_eq!(
        event["subject"],
        json!({"type": "employee", "id": answer.body["id"]})
    );
    assert_eq!(
        event["data"],
        json!({
            "hire_date": "2024-03-01", "employment_type": "full_time",
            "department_id": sales["id"], "job_title_id": null, "location_id": null,
            "manager_id": null,
            "compensation": {"amount": "5200.00", "currency": "EUR", "pay_period": "monthly"},
        })
    );
    assert_eq!(
        event["request_id"].as_str(),
        answer.header("x-request-id"),
        "the request"
    );
    assert_eq!(event["actor_id"], me.body["user"]["id"], "{}", me.text);
    assert!(text(event, "occurred_at").ends_with('Z'));
    // Neither his name nor his address.
    let told = serde_json::to_string(&events).unwrap();
    assert!(!told.contains("Neena") && !told.contains("neena"), "{told}");
    worker.stop().await;
}

#[tokio::test]
async fn what_was_refused_is_not_in_the_feed_and_what_is_repeated_is_there_once() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let worker = worker(&api).await;
    let wrong = json!({"first_name": "A", "last_name": "B", "hire_date": "2024-03-01",
        "manager_id": crate::scene::NOTHING});
    let refused = api.post(&session, "/api/v1/employees", wrong).await;
    assert_problem(&refused, 422, "validation_failed");
    for _ in 0..2 {
        let request = api
            .signed(&session, reqwest::Method::POST, "/api/v1/employees")
            .header("idempotency-key", "once")
            .json(&json!({"first_name": "A", "last_name": "B", "hire_date": "2024-03-01"}));
        assert_eq!(api.send(request).await.status, 201);
    }
    hired(&api, &session, "C", "D").await;
    let events = feed(&api, &session, 2).await;
    assert_eq!(kinds(&events), ["employee.hired.v1"; 2]);
    worker.stop().await;
}

#[tokio::test]
async fn a_program_reads_on_from_where_it_stopped_and_can_begin_again() {
    let api = Api::start().await;
    let session = api.sign_in("globex", "administrator").await;
    let worker = worker(&api).await;
    for number in 0..7 {
        hired(&api, &session, "Ann", &format!("Number {number}")).await;
    }
    let whole = feed(&api, &session, 7).await;
    let (mut read, mut after) = (Vec::new(), json!(0));
    loop {
        let page = api
            .get(&session, &format!("{EVENTS}?after={after}&limit=3"))
            .await;
        assert_eq!(page.body["page"]["limit"], 3);
        let data = page.body["data"].as_array().unwrap();
        if data.is_empty() {
            assert_eq!(page.body["page"]["next_after"], after);
            break;
        }
        after = page.body["page"]["next_after"].clone();
        assert_eq!(data.last().unwrap()["position"], after);
        read.extend(data.clone());
    }
    assert_eq!(read, whole);
    let positions = whole
        .iter()
        .map(|event| event["position"].as_i64().unwrap());
    assert!(positions.eq(1..=7));
    // One subject, one kind.
    let third = text(&whole[2]["subject"], "id");
    let of_one = api
        .get(&session, &format!("{EVENTS}?subject_id={third}"))
        .await;
    assert_eq!(of_one.body["data"], json!([whole[2]]));
    let of_kind = api
        .get(
            &session,
            &format!("{EVENTS}?kind=employee.hired.v1&after=5"),
        )
        .await;
    assert_eq!(of_kind.body["data"], json!(whole[5..]));
    let nothing = api
        .get(&session, &format!("{EVENTS}?kind=employee.deleted.v1"))
        .await;
    assert_eq!(nothing.body["data"], json!([]));
    worker.stop().await;
}

#[tokio::test]
async fn an_import_is_in_the_feed_person_by_person() {
    let api = Api::start().await;
    let session = api.sign_in("initech", "administrator").await;
    let worker = worker(&api).await;
    let rows: Vec<String> = (1..=120)
        .map(|n| format!("{n},Ada,King {n},2020-01-01\n"))
        .collect();
    let rows = rows.concat();
    let csv = format!("employee_number,first_name,last_name,hire_date\n{rows}");
    let imported = import(&api, &session, "employees", csv.clone()).await;
    assert_eq!(imported.status, 200, "{}", imported.text);
    // The same again is refused, and nothing is told of it.
    let again = import(&api, &session, "employees", csv).await;
    assert_problem(&again, 422, "validation_failed");
    let events = feed(&api, &session, 120).await;
    assert!(events.iter().all(|it| it["kind"] == "employee.hired.v1"));
    let request = imported.header("x-request-id");
    assert!(events.iter().all(|it| it["request_id"].as_str() == request));
    worker.stop().await;
}

#[tokio::test]
async fn the_feed_is_for_those_who_may_read_it_and_each_tenants_own() {
    let api = Api::start().await;
    let acme = api.sign_in("acme", "administrator").await;
    let initech = api.sign_in("initech", "administrator").await;
    let umbrella = api.sign_in("umbrella", "administrator").await;
    let worker = worker(&api).await;
    hired(&api, &initech, "A", "B").await;
    hired(&api, &acme, "A", "B").await;
    let events = feed(&api, &initech, 1).await;
    feed(&api, &acme, 1).await;
    feed(&api, &umbrella, 0).await;
    let subject = text(&events[0]["subject"], "id");
    let foreign = api
        .get(&umbrella, &format!("{EVENTS}?subject_id={subject}"))
        .await;
    assert_eq!(foreign.body["data"], json!([]));
    let employee = api.sign_in("acme", "employee").await;
    let refused = api.get(&employee, EVENTS).await;
    assert_problem(&refused, 403, "permission_denied");
    let request = api.request(reqwest::Method::GET, EVENTS);
    let unsigned = api.send(request.header("x-tenant-slug", "acme")).await;
    assert_problem(&unsigned, 401, "unauthenticated");
    worker.stop().await;
}

#[tokio::test]
async fn a_parameter_that_is_none_is_named() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    for (query, named) in [
        ("after=-1", "after"),
        ("after=x", "after"),
        ("after=99999999999999999999", "after"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("subject_id=7", "subject_id"),
        ("cursor=x", "cursor"),
        ("sort=position", "sort"),
        ("after=1&after=2", "after"),
    ] {
        let answer = api.get(&session, &format!("{EVENTS}?{query}")).await;
        assert_problem(&answer, 400, "invalid_parameter");
        assert!(answer.text.contains(named), "{query}: {}", answer.text);
    }
}
