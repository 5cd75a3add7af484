//! How tenants are told apart, and what is each one's own. That no route and no table lets one to
//! another is shown by the tests in `isolation/`.

use reqwest::Method;
use testkit::{Answer, Api};

use crate::scene::{assert_problem, hired, text, whole};

const TENANTS: [&str; 4] = ["acme", "globex", "initech", "umbrella"];

#[tokio::test]
async fn a_number_series_and_a_search_know_their_own_tenant_alone() {
    let api = Api::start().await;
    let mut numbers = Vec::new();
    for tenant in TENANTS {
        let session = api.sign_in(tenant, "administrator").await;
        let first = hired(&api, &session, "Anna", tenant).await;
        numbers.push(text(&first, "employee_number").to_owned());
        for other in TENANTS {
            let found = whole(&api, &session, &format!("/api/v1/employees?q={other}")).await;
            assert_eq!(
                found.len(),
                usize::from(other == tenant),
                "{tenant} {other}"
            );
        }
        let answer = api.get(&session, "/api/v1/employees?count=exact").await;
        assert_eq!(answer.body["page"]["total"], 1);
    }
    numbers.dedup();
    assert_eq!(numbers.len(), 1, "each begins its series anew: {numbers:?}");
}

/// Who answers to a header and a host.
async fn named(api: &Api, slugs: &[&str], host: Option<&str>) -> Answer {
    let mut request = api.request(Method::GET, "/api/v1/tenant");
    for slug in slugs {
        request = request.header("x-tenant-slug", *slug);
    }
    if let Some(host) = host {
        request = request.header("host", host);
    }
    api.send(request).await
}

#[tokio::test]
async fn header_and_host_name_one_tenant_or_none() {
    let api = Api::start().await;
    for (slug, host, tenant) in [
        (None, None, "public"),
        (None, Some("localhost:8080"), "public"),
        (Some("acme"), None, "acme"),
        (Some("public"), None, "public"),
        (None, Some("acme.test"), "acme"),
        (None, Some("ACME.Test.:443"), "acme"),
        (None, Some("initech.localhost"), "initech"),
        (Some("umbrella"), Some("umbrella.test"), "umbrella"),
        (Some("globex"), Some("globex.localhost"), "globex"),
        // A host that is nobody's: the header alone decides.
        (Some("globex"), Some("unknown.test"), "globex"),
    ] {
        let answer = named(&api, slug.as_slice(), host).await;
        let body = &answer.body;
        assert_eq!(body["slug"], tenant, "{slug:?} {host:?}: {}", answer.text);
    }
    for (slug, host) in [
        ("globex", "acme.test"),
        ("umbrella", "initech.test"),
        ("initech", "umbrella.localhost"),
        ("public", "acme.test"),
        ("acme", "globex.localhost:8080"),
    ] {
        let answer = named(&api, &[slug], Some(host)).await;
        assert_problem(&answer, 400, "tenant_ambiguous");
    }
    for slugs in [["acme", "globex"], ["acme", "acme"], ["nobody", "acme"]] {
        assert_problem(&named(&api, &slugs, None).await, 400, "tenant_ambiguous");
    }
    for (slug, host) in [
        (Some("nobody"), None),
        (Some("nobody"), Some("acme.test")),
        (Some(""), Some("acme.test")),
        (Some("ACME"), None),
        (Some("acme,globex"), None),
        (Some("acme' OR ''='"), None),
        (Some("t_acme"), None),
        (Some("pool_0001"), None),
        (None, Some("unknown.test")),
        (None, Some("acme.test.evil.example")),
        (None, Some("x.acme.test")),
        (None, Some("10.0.0.1")),
    ] {
        let answer = named(&api, slug.as_slice(), host).await;
        assert_problem(&answer, 404, "tenant_not_found");
    }
}

#[tokio::test]
async fn nothing_else_in_a_request_names_a_tenant() {
    let api = Api::start().await;
    let acme = api.sign_in("acme", "administrator").await;
    for (name, value) in [
        ("x-forwarded-host", "globex.test"),
        ("forwarded", "host=globex.test"),
        ("x-original-host", "globex.test"),
        ("x-tenant", "globex"),
        ("x-tenant-id", "01920000-0000-7000-8000-000000000003"),
        ("cookie", "tenant=globex; x-tenant-slug=globex"),
    ] {
        let request = api
            .signed(&acme, Method::GET, "/api/v1/auth/me")
            .header(name, value);
        let answer = api.send(request).await;
        assert_eq!(
            answer.body["tenant"]["slug"], "acme",
            "{name}: {}",
            answer.text
        );
    }
    // The token alone does not either: without a header this is the public tenant.
    let request = api
        .request(Method::GET, "/api/v1/auth/me")
        .bearer_auth(acme.token());
    assert_problem(&api.send(request).await, 403, "tenant_mismatch");
    let request = api
        .request(Method::GET, "/api/v1/auth/me")
        .header("host", "globex.test")
        .bearer_auth(acme.token());
    assert_problem(&api.send(request).await, 403, "tenant_mismatch");
}
