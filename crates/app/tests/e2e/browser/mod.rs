//! The page about the API in a browser, as people meet it. `./just test-full` installs Chromium and
//! runs these; without Chromium they fail.

mod chromium;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Api, USER_PASSWORD, email};

use chromium::{Chromium, Page};

/// Every operation of the page, as `GET /api/v1/employees/{id}`.
const SHOWN: &str = r#"
    [...document.querySelectorAll(".opblock")].map((block) => {
        const method = block.querySelector(".opblock-summary-method").textContent;
        const path = block.querySelector("[data-path]").getAttribute("data-path");
        return `${method} ${path}`;
    }).sort()
"#;

async fn open(browser: &Chromium, api: &Api, path: &str) -> Page {
    let page = browser.open(&format!("{}{path}", api.base())).await;
    page.until("document.querySelectorAll('.opblock').length > 0")
        .await;
    page
}

fn described() -> Value {
    let document = app::openapi_document();
    let paths = document["paths"].as_object().unwrap();
    let mut all: Vec<_> = paths
        .iter()
        .flat_map(|(path, operations)| {
            let methods = operations.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    all.sort();
    json!(all)
}

#[tokio::test]
#[ignore = "needs Chromium: ./just test-full"]
async fn the_page_shows_every_operation_and_runs_nothing_but_its_own_files() {
    let api = Api::start().await;
    let browser = Chromium::start().await;
    for path in ["/api/docs", "/api/docs/"] {
        let page = open(&browser, &api, path).await;
        assert_eq!(page.evaluate(SHOWN).await, described(), "{path}");
        // What the policy forbids, and what fails to load, the browser complains of.
        assert_eq!(page.complaints(), Vec::<String>::new(), "{path}");
    }
}

#[tokio::test]
#[ignore = "needs Chromium: ./just test-full"]
async fn an_operation_is_tried_on_the_page() {
    let api = Api::start().await;
    let browser = Chromium::start().await;
    let page = open(&browser, &api, "/api/docs/").await;
    let body = json!({"email": email("administrator", "acme"), "password": USER_PASSWORD});
    let status = try_it(&page, "login", &[("X-Tenant-Slug", "acme")], Some(body)).await;
    assert_eq!(status, "200");
    let answer = page.evaluate(&answered("login")).await;
    let answer: Value = serde_json::from_str(answer.as_str().unwrap()).unwrap();
    // The page signs in as people do: by its button.
    let token = answer["access_token"].as_str().unwrap();
    page.click(".btn.authorize").await;
    page.fill(".auth-container input", token).await;
    page.click(".auth-btn-wrapper .authorize").await;
    page.click(".btn-done").await;
    let status = try_it(&page, "show_me", &[("X-Tenant-Slug", "acme")], None).await;
    assert_eq!(status, "200");
    let me = page.evaluate(&answered("show_me")).await;
    assert!(
        me.as_str().unwrap().contains("administrator@acme.example"),
        "{me}"
    );
    assert_eq!(page.complaints(), Vec::<String>::new());
    // Nothing of it was the page's own invention.
    let request = api
        .request(Method::GET, "/api/v1/auth/me")
        .header("x-tenant-slug", "acme")
        .bearer_auth(token);
    assert_eq!(api.send(request).await.status, 200);
}

/// The block of an operation.
fn block(operation: &str) -> String {
    format!("[id$='-{operation}'].opblock")
}

/// The body of what an operation answered on the page.
fn answered(operation: &str) -> String {
    let shown = format!(
        "{} .live-responses-table tbody .highlight-code pre",
        block(operation)
    );
    format!("document.querySelector({}).textContent", json!(shown))
}

/// Unfolds an operation, fills it in, executes it; the status that is shown.
async fn try_it(
    page: &Page,
    operation: &str,
    parameters: &[(&str, &str)],
    body: Option<Value>,
) -> String {
    let block = block(operation);
    page.click(&format!("{block} .opblock-summary-control"))
        .await;
    for (name, value) in parameters {
        let field = format!("{block} tr[data-param-name='{name}'] input");
        page.fill(&field, value).await;
    }
    if let Some(body) = body {
        page.fill(&format!("{block} .body-param__text"), &body.to_string())
            .await;
    }
    page.click(&format!("{block} .execute")).await;
    let status = format!("{block} .live-responses-table tbody .response-col_status");
    let status = json!(status);
    page.until(&format!("document.querySelector({status})"))
        .await;
    let text = page
        .evaluate(&format!("document.querySelector({status}).textContent"))
        .await;
    text.as_str().unwrap().trim().to_owned()
}
