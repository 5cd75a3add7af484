//! Who changed what of somebody, and who saw what he is paid, over HTTP.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Api, Session};

use crate::scene::{assert_problem, created, number, text, whole};

const EMPLOYEES: &str = "/api/v1/employees";

/// How many records of an action there are about somebody, of this user's requests.
async fn recorded(api: &Api, schema: &str, action: &str, whom: Option<&str>) -> i64 {
    let about = whom.map_or_else(String::new, |id| format!(" AND targets->0->>'id' = '{id}'"));
    let query = format!(
        "SELECT count(*) FROM {schema}.audit_events WHERE action = '{action}' AND actor_type = 'user' \
         AND actor_id IS NOT NULL AND session_id IS NOT NULL AND request_id IS NOT NULL \
         AND address IS NOT NULL{about}"
    );
    number(api, &query).await
}

async fn paid(api: &Api, session: &Session, last_name: &str) -> Value {
    let hire = json!({"first_name": "Neena", "last_name": last_name, "hire_date": "2024-01-01",
        "compensation": {"amount": "4000", "currency": "EUR", "pay_period": "monthly"}});
    created(api, session, EMPLOYEES, hire).await
}

/// In both placements.
#[tokio::test]
async fn a_history_is_read_page_by_page_and_says_who_changed_what() {
    let api = Api::start().await;
    for (tenant, schema) in [("acme", "t_acme"), ("umbrella", "pool_0001")] {
        let session = api.sign_in(tenant, "hr_manager").await;
        let yang = paid(&api, &session, "Yang").await;
        let id = text(&yang, "id");
        let path = format!("{EMPLOYEES}/{id}");
        let edit = api
            .signed(&session, Method::PATCH, &path)
            .header("If-Match", "\"1\"")
            .json(&json!({"last_name": "De Haan"}));
        assert_eq!(api.send(edit).await.status, 200);
        let raise = json!({"effective_date": "2025-01-01", "amount": "5000", "currency": "EUR",
            "pay_period": "monthly"});
        let verb = format!("{path}/change-compensation");
        let raised = api.post(&session, &verb, raise);
        assert_eq!(raised.await.status, 200);

        let history = format!("{path}/history");
        let all = api.get(&session, &format!("{history}?count=exact")).await;
        assert_eq!(all.status, 200, "{}", all.text);
        assert_eq!(all.body["page"]["total"], 3);
        let data = all.body["data"].as_array().unwrap();
        let actions: Vec<_> = data.iter().map(|event| text(event, "action")).collect();
        assert_eq!(
            actions,
            [
                "employee.compensation_changed.v1",
                "employee.updated.v1",
                "employee.hired.v1"
            ]
        );
        let edited = &data[1];
        assert_eq!(
            edited["changes"],
            json!([{"field": "last_name", "hidden": false, "before": "Yang", "after": "De Haan"}])
        );
        assert_eq!(edited["actor"]["type"], "user");
        assert!(edited["actor"]["id"].is_string() && edited["request_id"].is_string());
        assert_eq!(
            (&edited["erased"], &edited["outcome"]),
            (&json!(false), &json!("success"))
        );
        assert_eq!(whole(&api, &session, &history).await.len(), 3);
        let csv = api
            .signed(&session, Method::GET, &history)
            .header("accept", "text/csv");
        let csv = api.send(csv).await;
        assert_eq!(
            (csv.status, csv.text.lines().count()),
            (200, 4),
            "{}",
            csv.text
        );
        assert!(recorded(&api, schema, "employee.history_read.v1", Some(id)).await >= 3);

        // Whoever sees himself alone has no history to read.
        let employee = api.sign_in(tenant, "employee").await;
        let refused = api.get(&employee, &history).await;
        assert_problem(&refused, 403, "permission_denied");
    }
}

#[tokio::test]
async fn whoever_sees_pay_over_http_is_recorded() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let yang = paid(&api, &session, "Yang").await;
    let id = text(&yang, "id");
    let seen = async || recorded(&api, "t_acme", "employee.compensation_read.v1", Some(id)).await;
    let path = format!("{EMPLOYEES}/{id}");
    assert_eq!(seen().await, 0);
    for unpaid in [
        "?fields=id,last_name",
        "/timeline?fields=date",
        "/employments",
    ] {
        let answer = api.get(&session, &format!("{path}{unpaid}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    assert_eq!(seen().await, 0);
    for (paid, so_far) in [("", 1), ("/timeline", 2), ("?as_of=2024-06-01", 3)] {
        let answer = api.get(&session, &format!("{path}{paid}")).await;
        assert!(answer.text.contains("4000.00"), "{}", answer.text);
        assert_eq!(seen().await, so_far);
    }
    let exported = async || recorded(&api, "t_acme", "employees.exported.v1", None).await;
    let listed = api.get(&session, EMPLOYEES).await;
    assert_eq!((listed.status, exported().await), (200, 0));
    let csv = api
        .signed(&session, Method::GET, EMPLOYEES)
        .header("accept", "text/csv");
    assert_eq!(api.send(csv).await.status, 200);
    assert_eq!(exported().await, 1);
}
