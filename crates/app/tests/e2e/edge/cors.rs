//! Which web pages may call the API.

use reqwest::Method;
use testkit::{Answer, Api};

use crate::scene::assert_problem;

const ALLOWED: &str = "https://hr.example";

async fn start() -> Api {
    Api::start_with(|settings| settings.http.cors_origins = vec![ALLOWED.parse().unwrap()]).await
}

async fn ask(api: &Api, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let begun = api.request(method, path);
    let request = headers.iter().fold(begun, |request, (name, value)| {
        request.header(*name, *value)
    });
    api.send(request).await
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_reads_answers_and_refusals_alike() {
    let api = start().await;
    for (path, status) in [
        ("/api/v1/tenant", 200),
        ("/api/v1/employees", 401),
        ("/api/v1/nothing", 404),
        ("/api/v1/auth/login", 405),
    ] {
        let answer = ask(&api, Method::GET, path, &[("origin", ALLOWED)]).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        let told = |name| answer.header(name);
        assert_eq!(told("access-control-allow-origin"), Some(ALLOWED), "{path}");
        assert_eq!(told("access-control-allow-credentials"), None);
        assert_eq!(told("vary"), Some("Origin"));
        let exposed = told("access-control-expose-headers").unwrap();
        for name in [
            "ETag",
            "Location",
            "RateLimit",
            "Retry-After",
            "X-Request-Id",
        ] {
            assert!(
                exposed.split(", ").any(|it| it == name),
                "{name}: {exposed}"
            );
        }
        for origin in ["https://evil.test", "null", "https://hr.example.evil.test"] {
            let answer = ask(&api, Method::GET, path, &[("origin", origin)]).await;
            assert_eq!(
                answer.header("access-control-allow-origin"),
                None,
                "{origin}"
            );
            assert_eq!(answer.header("vary"), Some("Origin"));
        }
    }
}

#[tokio::test]
async fn a_browser_that_asks_first_is_told_what_a_page_may_send() {
    let api = start().await;
    let before = [
        ("origin", ALLOWED),
        ("access-control-request-method", "POST"),
        (
            "access-control-request-headers",
            "authorization,x-tenant-slug",
        ),
    ];
    // Nobody is signed in yet, and no tenant is named: a preflight has neither.
    for path in ["/api/v1/employees", "/api/v1/employees/"] {
        let answer = ask(&api, Method::OPTIONS, path, &before).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(ALLOWED));
        assert_eq!(
            answer.header("access-control-allow-methods"),
            Some("GET, HEAD, POST")
        );
        let headers = answer.header("access-control-allow-headers").unwrap();
        for name in [
            "Authorization",
            "X-Tenant-Slug",
            "Idempotency-Key",
            "If-Match",
        ] {
            assert!(
                headers.split(", ").any(|it| it == name),
                "{name}: {headers}"
            );
        }
    }
    let nowhere = ask(&api, Method::OPTIONS, "/api/v1/nothing", &before).await;
    assert_problem(&nowhere, 404, "not_found");
    let strangers = [("origin", "https://evil.test"), before[1]];
    let answer = ask(&api, Method::OPTIONS, "/api/v1/employees", &strangers).await;
    assert_problem(&answer, 405, "method_not_allowed");
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn no_page_of_another_origin_may_call_unless_the_operator_says_so() {
    let api = Api::start().await;
    let answer = ask(&api, Method::GET, "/api/v1/tenant", &[("origin", ALLOWED)]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(answer.header("vary"), None);
}
