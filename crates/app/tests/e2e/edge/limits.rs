//! How much one client may ask for, and that no other is slowed by one who asks for more.

use app::settings::Settings;
use futures_util::future::join_all;
use reqwest::Method;
use testkit::{Answer, Api, Session};

use crate::scene::assert_problem;

const EMPLOYEES: &str = "/api/v1/employees?limit=1";

/// One request a second is earned back: more are sent in that time, however slow the machine.
fn narrow(rate: &mut u32, burst: &mut u32, requests: u32) {
    (*rate, *burst) = (1, requests);
}

fn few_for_an_address(settings: &mut Settings) {
    let limits = &mut settings.limits;
    narrow(&mut limits.address_rate, &mut limits.address_burst, 10);
    settings.http.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
}

async fn from(api: &Api, path: &str, forwarded: &[&str]) -> Answer {
    let begun = api.request(Method::GET, path);
    let request = forwarded.iter().fold(begun, |request, line| {
        request.header("x-forwarded-for", *line)
    });
    api.send(request).await
}

/// Asks until it is too often.
async fn refused(mut ask: impl AsyncFnMut(usize) -> Answer) -> Answer {
    for attempt in 0..1_000 {
        let answer = ask(attempt).await;
        if answer.status == 429 {
            return answer;
        }
    }
    panic!("nothing was too much");
}

fn assert_refused(answer: &Answer, policy: &str) {
    assert_problem(answer, 429, "rate_limited");
    let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    let limit = answer.header("ratelimit").unwrap();
    let none_left = format!("\"{policy}\";r=0;t=");
    assert!(limit.contains(&none_left), "{limit}");
}

#[tokio::test]
async fn an_address_that_floods_is_refused_and_another_is_served() {
    let api = Api::start_with(few_for_an_address).await;
    let path = "/api/v1/tenant";
    let answer = refused(async |_| from(&api, path, &["203.0.113.9"]).await).await;
    assert_refused(&answer, "address");
    assert_eq!(
        answer.header("ratelimit-policy"),
        Some("\"address\";q=10;w=10")
    );
    for _ in 0..10 {
        let answer = from(&api, path, &["203.0.113.10"]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    // Nor does it help to be one of many in one's own network.
    refused(async |n| from(&api, path, &[&format!("2001:db8::{n:x}")]).await).await;
    assert_eq!(from(&api, path, &["2001:db8:0:1::1"]).await.status, 200);
}

/// Whoever asks for the platform below invented slugs makes the registry look each of them up.
#[tokio::test]
async fn who_floods_the_platforms_paths_from_elsewhere_is_refused_too() {
    let api = Api::start_with(few_for_an_address).await;
    let ask = async |attempt: usize| {
        let request = api
            .request(Method::GET, "/api/v1/platform/tenants")
            .header("x-tenant-slug", format!("nobody-{attempt}"))
            .header("x-forwarded-for", "203.0.113.9");
        api.send(request).await
    };
    let nothing = ask(0).await;
    let unknown = from(&api, "/api/v1/platform/nothing", &["203.0.113.9"]).await;
    for answer in [&nothing, &unknown] {
        assert_problem(answer, 404, "not_found");
        assert_eq!(answer.header("ratelimit"), None);
    }
    assert_refused(&refused(ask).await, "address");
}

#[tokio::test]
async fn no_invented_hop_makes_another_client() {
    let api = Api::start_with(few_for_an_address).await;
    let path = "/api/v1/tenant";
    // The proxy appends the address it was called from, in the same line or in one of its own.
    refused(async |n| from(&api, path, &[&format!("10.0.0.{n}, 203.0.113.9")]).await).await;
    let lines = async |n| from(&api, path, &[&format!("10.0.1.{n}"), "203.0.113.9"]).await;
    assert_eq!(refused(lines).await.status, 429);
    refused(async |n| {
        from(
            &api,
            path,
            &[&format!("10.0.0.{n}, 127.0.0.1, 203.0.113.11")],
        )
        .await
    })
    .await;
    // What is no address counts for the proxy that wrote it.
    refused(async |n| from(&api, path, &[&format!("nonsense{n}")]).await).await;
}

#[tokio::test]
async fn a_stranger_is_limited_whatever_address_he_claims() {
    let api = Api::start_with(|settings| {
        few_for_an_address(settings);
        settings.http.trusted_proxies = Vec::new();
    })
    .await;
    let answer = refused(async |n| {
        from(
            &api,
            "/api/v1/tenant",
            &[&format!("198.51.100.{}", n % 250)],
        )
        .await
    })
    .await;
    assert_refused(&answer, "address");
}

#[tokio::test]
async fn probes_are_not_starved_and_are_no_way_around() {
    let api = Api::start_with(few_for_an_address).await;
    let client = &["203.0.113.9"];
    refused(async |_| from(&api, "/api/v1/tenant", client).await).await;
    for path in ["/api/health", "/api/health/live", "/api/health/ready"] {
        assert_eq!(from(&api, path, client).await.status, 200, "{path}");
    }
    // Something that looks like a probe is none.
    for path in [
        "/api/v1/tenant?/api/health",
        "/api/v1/tenant/",
        "/api/v1/tenant#/api/health",
    ] {
        let answer = refused(async |_| from(&api, path, client).await).await;
        assert_refused(&answer, "address");
    }
    for path in [
        "/api/health/v1/tenant",
        "/api/health//v1/tenant",
        "/api/health%2f..%2fv1/tenant",
    ] {
        assert_eq!(from(&api, path, client).await.status, 404, "{path}");
    }
    // A flood of probes is one, too, and starves nobody else.
    let answer = refused(async |_| from(&api, "/api/health", client).await).await;
    assert_refused(&answer, "address");
    assert_eq!(
        from(&api, "/api/health", &["203.0.113.10"]).await.status,
        200
    );
}

#[tokio::test]
async fn a_user_who_floods_slows_nobody_else() {
    let api = Api::start_with(|settings| {
        let limits = &mut settings.limits;
        narrow(&mut limits.user_rate, &mut limits.user_burst, 10);
    })
    .await;
    let greedy = api.sign_in("acme", "administrator").await;
    let colleague = api.sign_in("acme", "hr_manager").await;
    let elsewhere = api.sign_in("initech", "administrator").await;
    let answer = refused(async |_| api.get(&greedy, EMPLOYEES).await).await;
    assert_refused(&answer, "user");
    // Another session of his is he.
    let again = api.sign_in("acme", "administrator").await;
    refused(async |_| api.get(&again, EMPLOYEES).await).await;
    for session in [&colleague, &elsewhere] {
        for _ in 0..10 {
            let answer = api.get(session, EMPLOYEES).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_tenant_that_floods_slows_no_other_not_even_its_neighbour() {
    let api = Api::start_with(|settings| {
        let limits = &mut settings.limits;
        narrow(&mut limits.tenant_rate, &mut limits.tenant_burst, 20);
    })
    .await;
    let sign_in = async |tenant| {
        let roles = ["administrator", "hr_manager", "employee"];
        join_all(roles.map(|role| api.sign_in(tenant, role))).await
    };
    let flood: Vec<Session> = sign_in("initech").await;
    let neighbours: Vec<Session> = sign_in("umbrella").await;
    let answer = refused(async |n| api.get(&flood[n % 3], "/api/v1/auth/me").await).await;
    assert_refused(&answer, "tenant");
    let serve = async |session| {
        for _ in 0..6 {
            let answer = api.get(session, "/api/v1/auth/me").await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
    };
    let floods = async |session| {
        for _ in 0..50 {
            api.get(session, "/api/v1/auth/me").await;
        }
    };
    tokio::join!(
        join_all(neighbours.iter().map(serve)),
        join_all(flood.iter().map(floods))
    );
}

#[tokio::test]
async fn a_stranger_uses_up_nothing_of_a_tenant() {
    let api = Api::start_with(|settings| {
        let limits = &mut settings.limits;
        narrow(&mut limits.tenant_rate, &mut limits.tenant_burst, 5);
        narrow(&mut limits.user_rate, &mut limits.user_burst, 5);
    })
    .await;
    let session = api.sign_in("acme", "administrator").await;
    for token in ["nonsense", session.token()] {
        for _ in 0..20 {
            // Another tenant's token, or none: refused before anything is counted.
            let request = api
                .request(Method::GET, EMPLOYEES)
                .header(
                    "x-tenant-slug",
                    if token == "nonsense" {
                        "acme"
                    } else {
                        "globex"
                    },
                )
                .bearer_auth(token);
            let answer = api.send(request).await;
            assert!([401, 403].contains(&answer.status), "{}", answer.text);
            let anonymous = api
                .request(Method::GET, "/api/v1/tenant")
                .header("x-tenant-slug", "acme");
            assert_eq!(api.send(anonymous).await.status, 200);
        }
    }
    assert_eq!(api.get(&session, EMPLOYEES).await.status, 200);
}

#[tokio::test]
async fn every_answer_tells_how_it_stands_to_the_limits_unless_there_are_none() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let names = |answer: &Answer| {
        let named = |header| {
            let items = answer.header(header).unwrap().split(", ");
            let names = items.map(|item| item.split(';').next().unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(named("ratelimit"), named("ratelimit-policy"));
        named("ratelimit")
    };
    let answer = api.get(&session, EMPLOYEES).await;
    assert_eq!(names(&answer), ["\"address\"", "\"user\"", "\"tenant\""]);
    let refused = api.get(&session, "/api/v1/employees?limit=0").await;
    assert_eq!(names(&refused), ["\"address\"", "\"user\"", "\"tenant\""]);
    let open = api.request(Method::GET, "/api/health");
    assert_eq!(names(&api.send(open).await), ["\"address\""]);
    // Where there is nothing, nothing is counted.
    let nowhere = api.send(api.request(Method::GET, "/nowhere")).await;
    assert_eq!(nowhere.header("ratelimit"), None);

    let unlimited = Api::start_with(|settings| settings.limits.enabled = false).await;
    let session = unlimited.sign_in("acme", "administrator").await;
    let answer = unlimited.get(&session, EMPLOYEES).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("ratelimit"), None);
    assert_eq!(answer.header("ratelimit-policy"), None);
}
