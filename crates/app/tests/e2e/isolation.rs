//! What one tenant can learn of another, or do to it: nothing. Two have schemas of their own, two
//! share one; each attacks each.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use testkit::{Answer, Api, Session, USER_PASSWORD, email};

use crate::scene::{
    NOTHING, assert_problem, created, hired, indistinguishable, mistakes, text, whole, wrong,
};

const TENANTS: [&str; 4] = ["acme", "globex", "initech", "umbrella"];
/// Every list there is, with two items and more in every company.
const LISTS: [&str; 6] = [
    "/api/v1/employees",
    "/api/v1/departments",
    "/api/v1/job-titles",
    "/api/v1/locations",
    "/api/v1/employees/{manager}/reports",
    "/api/v1/employees/{manager}/employments",
];

/// A company with somebody in it.
struct Company {
    administrator: Session,
    department: String,
    job_title: String,
    location: String,
    manager: String,
    employee: String,
}

impl Company {
    async fn found(api: &Api, tenant: &str) -> Self {
        let administrator = api.sign_in(tenant, "administrator").await;
        let make = async |path: &str, body: Value| {
            let body = created(api, &administrator, path, body).await;
            text(&body, "id").to_owned()
        };
        // Word for word the same in every company: what is unique is so within one.
        let department = make(
            "/api/v1/departments",
            json!({"code": "OPS", "name": "Operations"}),
        );
        let department = department.await;
        let part = json!({"code": "IT", "name": "Computers", "parent_id": department});
        make("/api/v1/departments", part).await;
        make("/api/v1/job-titles", json!({"code": "B", "name": "Baker"})).await;
        let job_title = make("/api/v1/job-titles", json!({"code": "C", "name": "Clerk"})).await;
        let oxford = json!({"code": "OXF", "name": "Oxford", "country": "GB"});
        let location = make("/api/v1/locations", oxford).await;
        make(
            "/api/v1/locations",
            json!({"code": "ULM", "name": "Ulm", "country": "DE"}),
        )
        .await;
        let manager = make(
            "/api/v1/employees",
            json!({
                "employee_number": "E-1", "first_name": "Maria", "last_name": "Boss",
                "work_email": "maria.boss@example.com", "hire_date": "2020-01-01",
            }),
        );
        let manager = manager.await;
        let mut hire = json!({
            "first_name": "Otto", "last_name": "Worker", "hire_date": "2021-01-01",
            "department_id": department, "job_title_id": job_title, "location_id": location,
            "manager_id": manager,
            "compensation": {"amount": "5200.00", "currency": "EUR", "pay_period": "monthly"},
        });
        let employee = make("/api/v1/employees", hire.clone()).await;
        hire["first_name"] = json!("Olga");
        make("/api/v1/employees", hire).await;
        Self {
            administrator,
            department,
            job_title,
            location,
            manager,
            employee,
        }
    }

    /// Everything that can be seen of it.
    async fn seen(&self, api: &Api) -> Vec<Value> {
        let mut all = Vec::new();
        for list in LISTS {
            let list = list.replace("{manager}", &self.manager);
            all.extend(whole(api, &self.administrator, &list).await);
        }
        all
    }
}

/// Four companies, and the twelve ways in which one can attack another.
async fn attacks(api: &Api, mut attack: impl AsyncFnMut(&Company, &Company)) {
    let mut companies = Vec::new();
    for tenant in TENANTS {
        companies.push(Company::found(api, tenant).await);
    }
    let mut before = Vec::new();
    for company in &companies {
        before.push(company.seen(api).await);
    }
    for attacker in &companies {
        for victim in &companies {
            if attacker.administrator.tenant != victim.administrator.tenant {
                attack(attacker, victim).await;
            }
        }
    }
    for (company, before) in companies.iter().zip(before) {
        assert_eq!(company.seen(api).await, before, "nothing has changed");
    }
}

/// Sends two requests that differ in one value, and demands one answer to both.
async fn one_answer(
    api: &Api,
    request: impl Fn(&str) -> RequestBuilder,
    foreign: &str,
    nothing: &str,
) -> Answer {
    let ask = async |value: &str| api.send(request(value).header("x-request-id", "one")).await;
    let (to_foreign, to_nothing) = (ask(foreign).await, ask(nothing).await);
    assert_eq!(
        indistinguishable(&to_foreign, foreign),
        indistinguishable(&to_nothing, nothing)
    );
    to_foreign
}

#[tokio::test]
async fn an_id_of_another_tenant_in_a_path_is_an_id_of_nothing() {
    let api = Api::start().await;
    attacks(&api, async |attacker, victim| {
        for (path, id) in [
            ("/api/v1/employees/{}", &victim.employee),
            ("/api/v1/employees/{}", &victim.manager),
            ("/api/v1/employees/{}/reports?depth=20", &victim.manager),
            ("/api/v1/employees/{}/reports?count=exact", &victim.employee),
            ("/api/v1/employees/{}/employments", &victim.employee),
            ("/api/v1/departments/{}", &victim.department),
            ("/api/v1/job-titles/{}", &victim.job_title),
            ("/api/v1/locations/{}", &victim.location),
        ] {
            let request = |id: &str| {
                api.signed(
                    &attacker.administrator,
                    Method::GET,
                    &path.replace("{}", id),
                )
            };
            let answer = one_answer(&api, request, id, NOTHING).await;
            assert_problem(&answer, 404, "not_found");
            // It is there all right, for its own people.
            let own = api
                .get(&victim.administrator, &path.replace("{}", id))
                .await;
            assert_eq!(own.status, 200, "{path}: {}", own.text);
        }
    })
    .await;
}

#[tokio::test]
async fn an_id_of_another_tenant_in_a_filter_finds_nothing() {
    let api = Api::start().await;
    attacks(&api, async |attacker, victim| {
        for filter in ["", "&count=exact", "&status=active&sort=-hire_date", "&q=o"] {
            let request = |id: &str| {
                let path = format!("/api/v1/employees?department_id={id}{filter}");
                api.signed(&attacker.administrator, Method::GET, &path)
            };
            let answer = one_answer(&api, request, &victim.department, NOTHING).await;
            assert_eq!((answer.status, &answer.body["data"]), (200, &json!([])));
        }
    })
    .await;
}

#[tokio::test]
async fn an_id_of_another_tenant_in_a_body_refers_to_nothing() {
    let api = Api::start().await;
    attacks(&api, async |attacker, victim| {
        let post = async |path: &str, body: &dyn Fn(&str) -> Value, id: &str, pointer: &str| {
            let session = &attacker.administrator;
            let request = |id: &str| api.signed(session, Method::POST, path).json(&body(id));
            let answer = one_answer(&api, request, id, NOTHING).await;
            assert_problem(&answer, 422, "validation_failed");
            assert_eq!(mistakes(&answer), wrong([(pointer, "not_found")]));
        };
        for (field, id) in [
            ("department_id", &victim.department),
            ("job_title_id", &victim.job_title),
            ("location_id", &victim.location),
            ("manager_id", &victim.manager),
        ] {
            let hire = |id: &str| {
                json!({"first_name": "X", "last_name": "Y", "hire_date": "2024-01-01", field: id})
            };
            post("/api/v1/employees", &hire, id, &format!("/{field}")).await;
        }
        for (field, id) in [
            ("parent_id", &victim.department),
            ("manager_id", &victim.manager),
        ] {
            let department = |id: &str| json!({"name": "Spies", field: id});
            post("/api/v1/departments", &department, id, &format!("/{field}")).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_cursor_of_another_tenant_is_no_cursor() {
    let api = Api::start().await;
    attacks(&api, async |attacker, victim| {
        for list in LISTS {
            // The very same path: the other's manager in it as well.
            let list = list.replace("{manager}", &victim.manager);
            let page = api
                .get(&victim.administrator, &format!("{list}?limit=1"))
                .await;
            let Some(cursor) = page.body["page"]["next_cursor"].as_str() else {
                assert!(list.ends_with("/employments"), "{list}: {}", page.text);
                continue;
            };
            let request = |cursor: &str| {
                let path = format!("{list}?limit=1&cursor={cursor}");
                api.signed(&attacker.administrator, Method::GET, &path)
            };
            let answer = one_answer(&api, request, cursor, "bm9uc2Vuc2U").await;
            assert_problem(&answer, 400, "invalid_cursor");
            let own = format!("{list}?limit=1&cursor={cursor}");
            assert_eq!(api.get(&victim.administrator, &own).await.status, 200);
        }
    })
    .await;
}

#[tokio::test]
async fn a_login_and_a_refresh_token_of_another_tenant_are_unknown() {
    let api = Api::start().await;
    attacks(&api, async |attacker, victim| {
        let (here, there) = (&attacker.administrator.tenant, &victim.administrator.tenant);
        let post = |path: &str, body: Value| {
            api.request(Method::POST, path)
                .header("x-tenant-slug", here)
                .json(&body)
        };
        let log_in = |address: &str| {
            let body = json!({"email": address, "password": USER_PASSWORD});
            post("/api/v1/auth/login", body)
        };
        let address = email("administrator", there);
        let answer = one_answer(&api, log_in, &address, "nobody@nowhere.example").await;
        assert_problem(&answer, 401, "invalid_credentials");

        let victim = api.sign_in(there, "hr_manager").await;
        let refresh = |token: &str| post("/api/v1/auth/refresh", json!({"refresh_token": token}));
        let random = "kx0Zc6vTqgkA1vH2Yl8mB0u7x1n6S3yqJq5dQ9r2f4E";
        let answer = one_answer(&api, refresh, victim.refresh_token(), random).await;
        assert_problem(&answer, 401, "unauthenticated");
        // Neither used up nor its session ended.
        let at_home = api
            .request(Method::POST, "/api/v1/auth/refresh")
            .header("x-tenant-slug", there)
            .json(&json!({"refresh_token": victim.refresh_token()}));
        assert_eq!(api.send(at_home).await.status, 200);
    })
    .await;
}

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
