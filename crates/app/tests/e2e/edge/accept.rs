//! What a client can be answered with.

use reqwest::{Method, RequestBuilder};
use testkit::Api;

use crate::scene::assert_problem;

#[tokio::test]
async fn who_takes_no_json_is_told_so_and_nothing_is_done() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let department = |name: &str, accept: &str| -> RequestBuilder {
        api.signed(&session, Method::POST, "/api/v1/departments")
            .header("accept", accept)
            .json(&serde_json::json!({"code": name, "name": name}))
    };
    for accept in [
        "text/html",
        "application/xml",
        "*/*;q=0",
        "image/*",
        "nonsense",
    ] {
        let refused = api.send(department("X", accept)).await;
        assert_problem(&refused, 406, "not_acceptable");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains("application/json"), "{detail}");
        let health = api
            .request(Method::GET, "/api/health")
            .header("accept", accept);
        assert_problem(&api.send(health).await, 406, "not_acceptable");
    }
    for (n, accept) in [
        "application/json",
        "*/*",
        "application/*",
        "text/html, application/xhtml+xml, */*;q=0.8",
        "APPLICATION/JSON; charset=utf-8",
    ]
    .into_iter()
    .enumerate()
    {
        let answer = api.send(department(&format!("D{n}"), accept)).await;
        assert_eq!(answer.status, 201, "{accept}: {}", answer.text);
    }
    // A refusal is a problem, whether that was asked for or not.
    let path = "/api/v1/employees/7";
    let request = api
        .signed(&session, Method::GET, path)
        .header("accept", "application/json");
    assert_problem(&api.send(request).await, 400, "invalid_parameter");
}

#[tokio::test]
async fn an_answer_without_content_suits_everybody() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let logout = api
        .signed(&session, Method::POST, "/api/v1/auth/logout")
        .header("accept", "text/html");
    assert_eq!(api.send(logout).await.status, 204);
}
