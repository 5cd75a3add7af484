//! Who is believed about where a request comes from and what host it is for.

use app::settings::Settings;
use reqwest::Method;
use testkit::{Answer, Api};

use crate::scene::assert_problem;

/// These tests ask from here: now it is a proxy.
fn behind_a_proxy(settings: &mut Settings) {
    settings.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
}

async fn tenant(api: &Api, headers: &[(&str, &str)]) -> Answer {
    let begun = api.request(Method::GET, "/api/v1/tenant");
    let request = headers.iter().fold(begun, |request, (name, value)| {
        request.header(*name, *value)
    });
    api.send(request).await
}

const SPOOFED: &[&[(&str, &str)]] = &[
    &[("x-forwarded-host", "acme.localhost")],
    &[
        ("x-forwarded-host", "a.test"),
        ("x-forwarded-host", "b.test"),
    ],
    &[("x-forwarded-host", "acme.localhost, globex.localhost")],
    &[("x-forwarded-host", "")],
    &[
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "acme.localhost"),
    ],
    &[("forwarded", "for=127.0.0.1;host=acme.localhost;proto=https")],
    &[
        ("x-host", "acme.localhost"),
        ("x-original-host", "acme.localhost"),
    ],
    &[("x-forwarded-server", "acme.localhost")],
];

#[tokio::test]
async fn what_a_stranger_says_of_his_request_changes_nothing() {
    let api = Api::start().await;
    let plain = tenant(&api, &[]).await;
    assert_eq!((plain.status, &plain.body["slug"]), (200, &"public".into()));
    let named = tenant(&api, &[("x-tenant-slug", "globex")]).await;
    for headers in SPOOFED {
        let answer = tenant(&api, headers).await;
        assert_eq!(answer.text, plain.text, "{headers:?}");
        let with_slug = [headers, &[("x-tenant-slug", "globex")][..]].concat();
        let answer = tenant(&api, &with_slug).await;
        assert_eq!(answer.text, named.text, "{headers:?}");
    }
}

#[tokio::test]
async fn a_trusted_proxy_says_which_host_was_asked() {
    let api = Api::start_with(behind_a_proxy).await;
    let slug = async |headers: &[(&str, &str)]| tenant(&api, headers).await.body["slug"].clone();
    assert_eq!(
        slug(&[("x-forwarded-host", "acme.localhost")]).await,
        "acme"
    );
    assert_eq!(
        slug(&[("x-forwarded-host", "ACME.localhost:443")]).await,
        "acme"
    );
    // A host of its own is the proxy's business when the proxy forwards another.
    let forwarded = [
        ("host", "globex.localhost"),
        ("x-forwarded-host", "acme.localhost"),
    ];
    assert_eq!(slug(&forwarded).await, "acme");
    assert_eq!(slug(&[("host", "globex.localhost")]).await, "globex");

    let two = [
        ("x-forwarded-host", "acme.localhost"),
        ("x-tenant-slug", "globex"),
    ];
    assert_problem(&tenant(&api, &two).await, 400, "tenant_ambiguous");
    let nobody = tenant(&api, &[("x-forwarded-host", "nobody.test")]).await;
    assert_problem(&nobody, 404, "tenant_not_found");
    // Who is no proxy of ours is none because the address that he claims is.
    let strangers = [
        ("x-forwarded-for", "8.8.8.8"),
        ("forwarded", "host=globex.localhost"),
    ];
    assert_eq!(slug(&strangers).await, "public");
}

#[tokio::test]
async fn two_forwarded_hosts_are_no_host() {
    let api = Api::start_with(behind_a_proxy).await;
    for headers in [
        &[
            ("x-forwarded-host", "acme.localhost"),
            ("x-forwarded-host", "acme.localhost"),
        ][..],
        &[("x-forwarded-host", "evil.test, acme.localhost")],
        &[("x-forwarded-host", "acme.localhost globex.localhost")],
        &[("x-forwarded-host", "")],
    ] {
        let answer = tenant(&api, headers).await;
        assert_problem(&answer, 400, "malformed_request");
    }
}
