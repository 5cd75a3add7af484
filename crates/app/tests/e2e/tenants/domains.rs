//! Domains.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use testkit::{ACME, Answer, Api, Fixture, GLOBEX, PUBLIC, Session};

use super::{of, platform, profile, shown, two, version};
use crate::scene::{assert_problem, eventually, mistakes, text, whole, wrong};

async fn add(api: &Api, session: &Session, tenant: Fixture, domain: &str) -> Answer {
    let body = json!({ "domain": domain });
    api.post(session, &of(tenant, "/domains"), body).await
}

async fn remove(
    api: &Api,
    session: &Session,
    tenant: Fixture,
    domain: &str,
    version: Option<&str>,
) -> Answer {
    let path = of(tenant, &format!("/domains/{domain}"));
    let request = api.signed(session, Method::DELETE, &path);
    api.send(match version {
        Some(version) => request.header("if-match", version),
        None => request,
    })
    .await
}

async fn domains(api: &Api, session: &Session, tenant: Fixture) -> Vec<String> {
    let all = whole(api, session, &of(tenant, "/domains?limit=1")).await;
    all.iter().map(|it| text(it, "domain").to_owned()).collect()
}

#[tokio::test]
async fn a_domain_leads_to_its_tenant_in_every_process_until_it_is_taken_away() {
    let (one, other) = two().await;
    let session = platform(&one).await;
    let host = "xn--bcher-kva.example";
    // Asked for before it is anybody's: that it is nobody's is not remembered for long.
    assert_problem(&profile(&one, host).await, 404, "tenant_not_found");
    assert_problem(&profile(&other, host).await, 404, "tenant_not_found");
    let added = add(&one, &session, ACME, " BÜCHER.example. ").await;
    assert_eq!(added.status, 201, "{}", added.text);
    assert_eq!(added.body["domain"], host);
    let location = format!("/domains/{host}");
    assert_eq!(added.header("location"), Some(of(ACME, &location).as_str()));
    let listed = whole(&one, &session, &of(ACME, "/domains")).await;
    assert_eq!(listed[1], added.body);
    assert_eq!(domains(&one, &session, ACME).await, ["acme.test", host]);
    assert_eq!(shown(&one, &session, ACME).await["version"], 2);
    for spelled in [host, "XN--BCHER-KVA.EXAMPLE.", "xn--bcher-kva.example:443"] {
        assert_eq!(
            profile(&one, spelled).await.body["slug"],
            "acme",
            "{spelled}"
        );
    }
    eventually(async || profile(&other, host).await.body["slug"] == "acme").await;

    let unseen = remove(&one, &session, ACME, host, None).await;
    assert_problem(&unseen, 428, "precondition_required");
    let stale = remove(&one, &session, ACME, host, Some("\"1\"")).await;
    assert_problem(&stale, 412, "version_mismatch");
    assert_eq!(profile(&one, host).await.status, 200);
    // The path knows a name by all its spellings, too.
    let removed = remove(&one, &session, ACME, "B%C3%BCcher.example", Some("\"2\"")).await;
    assert_eq!((removed.status, removed.text.as_str()), (204, ""));
    assert_problem(&profile(&one, host).await, 404, "tenant_not_found");
    eventually(async || profile(&other, host).await.status == 404).await;
    let gone = remove(&one, &session, ACME, host, Some("\"3\"")).await;
    assert_problem(&gone, 404, "not_found");

    // The last one may go as well.
    let last = remove(&one, &session, ACME, "acme.test", Some("\"3\"")).await;
    assert_eq!(last.status, 204, "{}", last.text);
    assert_eq!(domains(&one, &session, ACME).await, Vec::<String>::new());
    assert_eq!(profile(&one, "acme.localhost").await.body["slug"], "acme");
}

#[tokio::test]
async fn what_can_be_no_tenants_domain_is_refused() {
    let api = Api::start_with(|settings| {
        settings.http.base_domains = vec![url::Host::parse("hr.example.com").unwrap()];
        settings
            .http
            .neutral_hosts
            .push(url::Host::parse("api.example.com").unwrap());
    })
    .await;
    let session = platform(&api).await;
    for (domain, code) in [
        ("", "invalid"),
        ("a b.example", "invalid"),
        ("https://people.acme.example", "invalid"),
        ("people.acme.example:443", "invalid"),
        ("user@people.acme.example", "invalid"),
        ("people..example", "invalid"),
        ("xn--a.example", "invalid"),
        ("intranet", "invalid"),
        ("10.0.0.7", "invalid"),
        ("[::1]", "invalid"),
        ("my_host.example", "invalid"),
        ("localhost", "reserved"),
        ("people.localhost", "reserved"),
        ("acme.invalid", "reserved"),
        ("API.example.com.", "reserved"),
        ("hr.example.com", "reserved"),
        ("globex.hr.example.com", "reserved"),
        ("a.b.hr.example.com", "reserved"),
    ] {
        for tenant in [ACME, PUBLIC] {
            let answer = add(&api, &session, tenant, domain).await;
            assert_problem(&answer, 422, "validation_failed");
            assert_eq!(mistakes(&answer), wrong([("/domain", code)]), "{domain}");
        }
    }
    let no_name = remove(&api, &session, ACME, "a%20b", None).await;
    assert_eq!(mistakes(&no_name), wrong([("domain", "invalid_parameter")]));
    assert_eq!(shown(&api, &session, ACME).await["version"], 1);
}

#[tokio::test]
async fn a_domain_is_one_tenants_and_whose_it_is_is_not_told() {
    let api = Api::start().await;
    let session = platform(&api).await;
    let of_another = add(&api, &session, ACME, "globex.test").await;
    assert_problem(&of_another, 409, "conflict");
    assert_eq!(mistakes(&of_another), wrong([("/domain", "taken")]));
    let its_own = add(&api, &session, GLOBEX, "GLOBEX.test").await;
    assert_eq!(of_another.comparable(), its_own.comparable());
    for secret in [GLOBEX.id.to_string(), GLOBEX.schema.to_owned()] {
        assert!(!of_another.text.contains(&secret), "{}", of_another.text);
    }
    let seen = version(&api, &session, ACME).await;
    let stolen = remove(&api, &session, ACME, "globex.test", Some(&seen)).await;
    assert_problem(&stolen, 404, "not_found");
    let nothing = remove(&api, &session, ACME, "nothing.test", Some(&seen)).await;
    assert_eq!(stolen.comparable(), nothing.comparable());
    assert_eq!(profile(&api, "globex.test").await.body["slug"], "globex");
    assert_eq!(version(&api, &session, ACME).await, seen);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_want_one_domain_one_tenant_gets_it() {
    let api = Api::start().await;
    let session = platform(&api).await;
    let all = (0..20).map(async |number| {
        let tenant = if number % 2 == 0 { ACME } else { GLOBEX };
        add(&api, &session, tenant, "people.example").await
    });
    let mut answers = join_all(all).await;
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(answers[0].status, 201, "{}", answers[0].text);
    for late in &answers[1..] {
        assert_problem(late, 409, "conflict");
    }
    let owner = profile(&api, "people.example").await.body["slug"].clone();
    let (acme, globex) = (
        domains(&api, &session, ACME).await,
        domains(&api, &session, GLOBEX).await,
    );
    assert_eq!(acme.len() + globex.len(), 3);
    assert_eq!(acme.len() == 2, owner == "acme");
}

#[tokio::test]
async fn domains_are_listed_by_name_and_a_request_that_comes_again_adds_one() {
    let api = Api::start().await;
    let session = platform(&api).await;
    let keyed = async |domain: &str| {
        let request = api
            .signed(&session, Method::POST, &of(ACME, "/domains"))
            .header("idempotency-key", "once")
            .json(&json!({ "domain": domain }));
        api.send(request).await
    };
    let first = keyed("z.example").await;
    let again = keyed("z.example").await;
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_problem(&keyed("y.example").await, 422, "idempotency_key_reused");
    assert_eq!(add(&api, &session, ACME, "b.example").await.status, 201);
    let all = ["acme.test", "b.example", "z.example"];
    assert_eq!(domains(&api, &session, ACME).await, all);
    let page = api
        .get(&session, &of(ACME, "/domains?limit=1&count=exact"))
        .await;
    assert_eq!(page.body["page"]["total"], 3);
    let cursor = text(&page.body["page"], "next_cursor");
    let elsewhere = of(GLOBEX, &format!("/domains?cursor={cursor}"));
    assert_problem(&api.get(&session, &elsewhere).await, 400, "invalid_cursor");
    let request = api.signed(&session, Method::GET, &of(ACME, "/domains?fields=domain"));
    let table = api.send(request.header("accept", "text/csv")).await;
    assert_eq!(
        table.text,
        "domain\r\nacme.test\r\nb.example\r\nz.example\r\n"
    );
}

/// It could not be registered again: who runs the platform would have shut his own door.
#[tokio::test]
async fn the_platforms_own_domain_is_not_taken_from_it() {
    let api = Api::start().await;
    let session = platform(&api).await;
    crate::scene::sql(
        &api,
        format!(
            "INSERT INTO platform.domains (host, tenant_id) VALUES \
             ('localhost', '{id}'), ('run.platform.example', '{id}') ON CONFLICT DO NOTHING",
            id = PUBLIC.id
        ),
    )
    .await;
    let seen = version(&api, &session, PUBLIC).await;
    let own = remove(&api, &session, PUBLIC, "localhost", Some(&seen)).await;
    assert_problem(&own, 422, "validation_failed");
    assert_eq!(mistakes(&own), wrong([("/domain", "reserved")]));
    let other = remove(&api, &session, PUBLIC, "run.platform.example", Some(&seen)).await;
    assert_eq!(other.status, 204, "{}", other.text);
}
