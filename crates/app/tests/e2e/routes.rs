//! Every route there is, attacked alike. What is called comes from the API's own description, so a
//! new route is attacked from its first day; one that this suite cannot call fails it.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use testkit::{Answer, Api, Session, email};

use crate::scene::{NOTHING, assert_dressed, assert_problem, without_roles};

const TENANTS: [&str; 5] = ["public", "acme", "globex", "initech", "umbrella"];

/// What the description says that an operation needs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    Tenant,
    Token,
    Permission(String),
}

/// An operation, and how to call it.
#[derive(Clone, Debug)]
struct Operation {
    method: Method,
    /// As the description has it.
    template: String,
    /// With something in the place of every parameter.
    path: String,
    query: &'static str,
    takes_query: bool,
    body: Option<(&'static str, &'static str)>,
    needs: Needs,
}

impl Operation {
    /// # Panics
    /// When the suite does not know how to call it.
    fn read(method: &str, template: &str, described: &Value) -> Self {
        let name = format!("{method} {template}");
        let text = |key: &str| described[key].as_str();
        let needs = match (text("x-permission"), text("x-access")) {
            (Some(permission), None) => Needs::Permission(permission.to_owned()),
            (None, Some("open")) => Needs::Nothing,
            (None, Some("tenant")) => Needs::Tenant,
            (None, Some("signed_in")) => Needs::Token,
            other => panic!("{name} needs {other:?}"),
        };
        let segments = template.split('/').map(|segment| match segment {
            "{id}" => NOTHING,
            "{domain}" => "nothing.example",
            "{file}" => "swagger-ui.css",
            literal if !literal.contains('{') => literal,
            unknown => panic!("{name}: nothing is known that fits {unknown}"),
        });
        let parameters = described["parameters"].as_array();
        let required = parameters.into_iter().flatten().filter_map(|parameter| {
            let is_asked = parameter["in"] == "query" && parameter["required"] == true;
            is_asked.then(|| parameter["name"].as_str().unwrap())
        });
        let query = match required.collect::<Vec<_>>().as_slice() {
            [] => "",
            ["kind"] => "?kind=employees",
            unknown => panic!("{name}: nothing is known that fits {unknown:?}"),
        };
        let content = described["requestBody"]["content"].as_object();
        let body = content.map(|types| {
            match types
                .keys()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .as_slice()
            {
                ["application/json"] => ("application/json", "{}"),
                ["application/merge-patch+json"] => ("application/merge-patch+json", "{}"),
                ["text/csv"] => ("text/csv", "unknown_column\n"),
                unknown => panic!("{name}: nothing is known of the type {unknown:?}"),
            }
        });
        Self {
            method: method.to_uppercase().parse().unwrap(),
            template: template.to_owned(),
            path: segments.collect::<Vec<_>>().join("/"),
            query,
            takes_query: parameters
                .into_iter()
                .flatten()
                .any(|it| it["in"] == "query"),
            body,
            needs,
        }
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    /// Whether it exists in the public tenant alone.
    fn is_the_platforms(&self) -> bool {
        self.template.starts_with("/api/v1/platform/")
    }

    /// A tenant in which it exists.
    fn home(&self) -> &'static str {
        if self.is_the_platforms() {
            "public"
        } else {
            "acme"
        }
    }

    /// The request, to another spelling of the path, without a tenant and without a token.
    fn at(&self, api: &Api, path: &str) -> RequestBuilder {
        let request = api.request(self.method.clone(), &format!("{path}{}", self.query));
        match self.body {
            Some((content_type, body)) => request.header("content-type", content_type).body(body),
            None => request,
        }
    }

    fn request(&self, api: &Api) -> RequestBuilder {
        self.at(api, &self.path)
    }

    async fn as_somebody(&self, api: &Api, session: &Session, tenant: &str) -> Answer {
        let request = self
            .request(api)
            .header("x-tenant-slug", tenant)
            .bearer_auth(session.token());
        self.send(api, request).await
    }

    async fn send(&self, api: &Api, request: RequestBuilder) -> Answer {
        let answer = api.send(request).await;
        assert_dressed(&answer, &self.name());
        assert!(answer.status < 500, "{}: {}", self.name(), answer.text);
        answer
    }
}

/// Every operation of the description.
fn operations() -> Vec<Operation> {
    let document = app::openapi_document();
    let all: Vec<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, operations)| {
            let operations = operations.as_object().unwrap();
            operations
                .iter()
                .map(|(method, described)| Operation::read(method, path, described))
        })
        .collect();
    assert!(all.len() >= 24, "{} operations", all.len());
    all
}

#[tokio::test]
async fn without_a_token_every_route_that_needs_one_answers_401() {
    let api = Api::start().await;
    for operation in operations() {
        let home = operation.home();
        let tenant = operation.request(&api).header("x-tenant-slug", home);
        let answer = operation.send(&api, tenant).await;
        match operation.needs {
            Needs::Token | Needs::Permission(_) => {
                assert_problem(&answer, 401, "unauthenticated");
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            }
            Needs::Nothing => assert_eq!(answer.status, 200, "{}", operation.name()),
            Needs::Tenant => assert_ne!(answer.status, 401, "{}", operation.name()),
        }
        // Another spelling is no way around.
        let (rest, last) = operation.path.split_at(operation.path.len() - 1);
        let spelled = format!("{rest}%{:02x}", last.as_bytes().first().unwrap());
        let request = operation.at(&api, &spelled).header("x-tenant-slug", home);
        let answer = operation.send(&api, request).await;
        if matches!(operation.needs, Needs::Token | Needs::Permission(_)) {
            assert!(
                [401, 404].contains(&answer.status),
                "{spelled}: {}",
                answer.text
            );
        }
    }
}

#[tokio::test]
async fn a_route_that_needs_no_token_looks_at_none_and_one_that_needs_no_tenant_at_none() {
    let api = Api::start().await;
    let globex = api.sign_in("globex", "administrator").await;
    for operation in operations() {
        let of_nobody = operation
            .request(&api)
            .header("x-tenant-slug", "nobody")
            .header("authorization", "Bearer nonsense");
        let answer = operation.send(&api, of_nobody).await;
        if operation.needs == Needs::Nothing {
            assert_eq!(answer.status, 200, "{}: {}", operation.name(), answer.text);
            continue;
        }
        if operation.is_the_platforms() {
            assert_problem(&answer, 404, "not_found");
            continue;
        }
        assert_problem(&answer, 404, "tenant_not_found");
        if operation.needs == Needs::Tenant {
            let plain = operation.request(&api).header("x-tenant-slug", "acme");
            let plain = operation.send(&api, plain).await;
            for authorization in ["Bearer nonsense", "Basic YTpi", "x", globex.token()] {
                let request = operation
                    .request(&api)
                    .header("x-tenant-slug", "acme")
                    .header("authorization", authorization);
                let answer = operation.send(&api, request).await;
                assert_eq!(answer.comparable(), plain.comparable(), "{authorization}");
            }
        }
    }
}

#[tokio::test]
async fn a_permission_opens_its_route_and_its_lack_is_named() {
    let api = Api::start().await;
    let mut permissions = 0;
    for (tenant, schema) in [
        ("acme", "t_acme"),
        ("initech", "pool_0001"),
        ("public", "public"),
    ] {
        without_roles(&api, schema, &email("employee", tenant)).await;
        let nobody = api.sign_in(tenant, "employee").await;
        let administrator = api.sign_in(tenant, "administrator").await;
        for operation in operations() {
            let Needs::Permission(permission) = &operation.needs else {
                continue;
            };
            let of_the_platform = permission.starts_with("platform:");
            if of_the_platform && tenant != "public" {
                continue;
            }
            permissions += 1;
            let answer = operation.as_somebody(&api, &nobody, tenant).await;
            assert_problem(&answer, 403, "permission_denied");
            let detail = answer.body["detail"].as_str().unwrap();
            let named = format!("`{permission}`");
            assert!(detail.contains(&named), "{}: {detail}", operation.name());
            let answer = operation.as_somebody(&api, &administrator, tenant).await;
            assert_ne!(answer.status, 403, "{}: {}", operation.name(), answer.text);
            assert_ne!(answer.status, 401, "{}: {}", operation.name(), answer.text);
        }
    }
    assert!(permissions >= 3 * 15, "{permissions}");
}

/// One that is spelled wrong, or that another path takes, would be a request for something else.
#[tokio::test]
async fn a_parameter_that_a_path_does_not_take_is_refused_and_nothing_is_done() {
    let api = Api::start().await;
    let mut tried = 0;
    for operation in operations() {
        if !operation.path.starts_with("/api/v1/") || operation.takes_query {
            continue;
        }
        tried += 1;
        let session = api.sign_in(operation.home(), "administrator").await;
        let request = operation
            .at(&api, &format!("{}?dry_run=true", operation.path))
            .header("x-tenant-slug", operation.home())
            .bearer_auth(session.token());
        let answer = operation.send(&api, request).await;
        assert_problem(&answer, 400, "invalid_parameter");
        assert_eq!(answer.body["errors"][0]["pointer"], "dry_run");
        // It was no log-out either.
        let me = api.get(&session, "/api/v1/auth/me").await;
        assert_eq!(me.status, 200, "{}", operation.name());
    }
    assert!(tried >= 20, "{tried}");
}

#[tokio::test]
async fn the_platform_is_administered_from_the_public_tenant_alone() {
    let api = Api::start().await;
    let acme = api.sign_in("acme", "administrator").await;
    let mut there = 0;
    for operation in operations() {
        let permission = match &operation.needs {
            Needs::Permission(permission) => permission.as_str(),
            _ => "",
        };
        let lives_there = operation.template.starts_with("/api/v1/platform/");
        assert_eq!(
            permission.starts_with("platform:"),
            lives_there,
            "{} needs `{permission}`",
            operation.name()
        );
        if lives_there {
            there += 1;
            let answer = operation.as_somebody(&api, &acme, "acme").await;
            assert_problem(&answer, 404, "not_found");
        }
    }
    assert!(there >= 8, "{there}");
}

#[tokio::test]
async fn a_token_is_refused_on_every_route_of_every_other_tenant() {
    let api = Api::start().await;
    let mut refused = 0;
    for holder in TENANTS {
        let session = api.sign_in(holder, "administrator").await;
        for other in TENANTS.into_iter().filter(|other| *other != holder) {
            for operation in operations() {
                if matches!(operation.needs, Needs::Token | Needs::Permission(_)) {
                    let answer = operation.as_somebody(&api, &session, other).await;
                    if operation.is_the_platforms() && other != "public" {
                        assert_problem(&answer, 404, "not_found");
                    } else {
                        assert_problem(&answer, 403, "tenant_mismatch");
                    }
                    refused += 1;
                }
            }
        }
        // It was not ended by any of that: logout was among the routes.
        assert_eq!(api.get(&session, "/api/v1/auth/me").await.status, 200);
    }
    assert!(refused >= 20 * 17, "{refused}");
}

#[tokio::test]
async fn an_unknown_path_is_not_found_whoever_asks_for_whatever_tenant() {
    let api = Api::start().await;
    let acme = api.sign_in("acme", "administrator").await;
    for path in [
        "/",
        "/api",
        "/api/v1",
        "/api/v2/employees",
        "/api/v1/employees/x/y",
        "/api/v1/Employees",
        "/api/v1/employees%2f",
        "/api//v1/employees",
        "/api/v1/platform",
        "/api/v1/platform/nothing",
        "/metrics",
        "/%00",
        "/%ff",
    ] {
        let request = || api.request(Method::GET, path).header("x-request-id", "one");
        let nobody = api.send(request()).await;
        assert_problem(&nobody, 404, "not_found");
        for slug in ["acme", "nobody", "no slug", ""] {
            let answer = api.send(request().header("x-tenant-slug", slug)).await;
            assert_eq!(answer.text, nobody.text, "{path} {slug}");
            let signed = request()
                .header("x-tenant-slug", slug)
                .header("host", "globex.test")
                .bearer_auth(acme.token());
            assert_eq!(api.send(signed).await.text, nobody.text, "{path} {slug}");
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let api = Api::start().await;
    let all = operations();
    let mut refused = 0;
    for operation in &all {
        let mut allowed: Vec<_> = all
            .iter()
            .filter(|other| other.path == operation.path)
            .map(|other| other.method.as_str())
            .collect();
        if allowed.contains(&"GET") {
            allowed.push("HEAD");
        }
        allowed.sort_unstable();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
            if allowed.contains(&method) {
                continue;
            }
            let request = api.request(method.parse().unwrap(), &operation.path);
            let answer = api.send(request).await;
            assert_problem(&answer, 405, "method_not_allowed");
            let mut told: Vec<_> = answer.header("allow").unwrap().split(", ").collect();
            told.sort_unstable();
            assert_eq!(told, allowed, "{}", operation.path);
            refused += 1;
        }
    }
    assert!(refused > all.len(), "{refused}");
}

#[tokio::test]
async fn with_and_without_a_trailing_slash_a_path_is_the_same() {
    let api = Api::start().await;
    for operation in operations() {
        // Every time anew: one of the routes ends the session.
        let administrator = api.sign_in("acme", "administrator").await;
        let ask = async |path: &str, session: &Session| {
            let request = operation
                .at(&api, path)
                .header("x-tenant-slug", "acme")
                .bearer_auth(session.token());
            operation.send(&api, request).await
        };
        let with = ask(&format!("{}/", operation.path), &administrator).await;
        let administrator = api.sign_in("acme", "administrator").await;
        let without = ask(&operation.path, &administrator).await;
        if operation.path.starts_with("/api/v1/audit/") {
            // Each look makes the audit longer.
            assert_eq!(with.status, without.status, "{}", operation.name());
        } else {
            let (with, without) = (with.comparable(), without.comparable());
            assert_eq!(with, without, "{}", operation.name());
        }
        assert_ne!(with.error(), Some("method_not_allowed"));
    }
}
