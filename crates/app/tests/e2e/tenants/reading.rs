//! Reading.

use reqwest::{Method, Url};
use serde_json::{Value, json};
use testkit::{ACME, Api, FIXTURES, INITECH};

use super::{TENANTS, of, platform, shown};
use crate::scene::{NOTHING, assert_problem, mistakes, sql, text, whole, wrong};

fn slugs(data: &[Value]) -> Vec<&str> {
    data.iter().map(|one| text(one, "slug")).collect()
}

#[tokio::test]
async fn whoever_runs_the_platform_reads_every_tenant() {
    let api = Api::start().await;
    let session = platform(&api).await;
    let all = whole(&api, &session, TENANTS).await;
    assert_eq!(
        slugs(&all),
        ["acme", "globex", "initech", "public", "umbrella"]
    );
    for tenant in FIXTURES {
        let body = shown(&api, &session, tenant).await;
        assert!(all.contains(&body), "{body}");
        assert_eq!(body["slug"], tenant.slug);
        assert_eq!(body["schema_name"], tenant.schema);
    }
    let acme = shown(&api, &session, ACME).await;
    assert_eq!(
        json!([
            acme["status"],
            acme["placement"],
            acme["subscription_state"],
            acme["grace_until"],
            acme["branding"],
            acme["version"]
        ]),
        json!(["active", "dedicated", "active", null,
            {"primary_color": null, "logo_url": null}, 1])
    );
    let grace = "UPDATE platform.tenants SET subscription_state = 'grace', \
                 grace_until = '2030-01-31T12:00:00Z' WHERE slug = 'initech'";
    sql(&api, grace.to_owned()).await;
    let initech = shown(&api, &session, INITECH).await;
    assert_eq!(initech["placement"], "pooled");
    assert_eq!(initech["grace_until"], "2030-01-31T12:00:00Z");
}

#[tokio::test]
async fn to_everybody_else_there_are_no_tenants() {
    let api = Api::start().await;
    for tenant in ["acme", "initech"] {
        let session = api.sign_in(tenant, "administrator").await;
        for path in [TENANTS.to_owned(), of(ACME, ""), of(ACME, "/domains")] {
            let nothing = "/api/v1/platform/nothing";
            let hidden = api.get(&session, &path).await;
            assert_problem(&hidden, 404, "not_found");
            let unknown = api.get(&session, nothing).await;
            assert_eq!(hidden.comparable(), unknown.comparable());
            // Not even by asking in the public tenant's name.
            let request = api
                .request(Method::GET, &path)
                .header("x-tenant-slug", "public")
                .bearer_auth(session.token());
            assert_problem(&api.send(request).await, 403, "tenant_mismatch");
        }
    }
    // Who works in the public tenant does not run the platform by that.
    for role in ["hr_manager", "employee"] {
        let session = api.sign_in("public", role).await;
        assert_problem(&api.get(&session, TENANTS).await, 403, "permission_denied");
    }
}

#[tokio::test]
async fn the_platforms_token_opens_nothing_on_a_tenants_own_host() {
    let api = Api::start().await;
    let session = platform(&api).await;
    let ask = async |path: &str, host: &str| {
        let request = api.request(Method::GET, path).header("host", host);
        api.send(request.bearer_auth(session.token())).await
    };
    for host in ["acme.test", "acme.localhost", "initech.test"] {
        assert_problem(&ask(TENANTS, host).await, 404, "not_found");
        let employees = ask("/api/v1/employees", host).await;
        assert_problem(&employees, 403, "tenant_mismatch");
    }
    assert_eq!(ask(TENANTS, "localhost").await.status, 200);
}

#[tokio::test]
async fn tenants_are_filtered_searched_sorted_and_paged() {
    let api = Api::start().await;
    let session = platform(&api).await;
    sql(
        &api,
        "UPDATE platform.tenants SET name = 'Zürich ÖRLIKON', name_key = 'zürich örlikon' \
         WHERE slug = 'acme'; \
         UPDATE platform.tenants SET name = 'alpha', name_key = 'alpha', status = 'suspended', suspended_at = now(), \
             created_at = '2020-01-01T00:00:00Z' WHERE slug = 'umbrella'"
            .to_owned(),
    )
    .await;
    for (query, found) in [
        ("status=suspended", vec!["umbrella"]),
        ("status[ne]=suspended&placement=pooled", vec!["initech"]),
        ("slug[in]=globex,acme", vec!["acme", "globex"]),
        ("name=z%C3%BCrich%20%C3%B6rlikon", vec!["acme"]),
        ("name[contains]=lph", vec!["umbrella"]),
        ("q=%C3%96RL%20z%C3%BCr", vec!["acme"]),
        ("q=umbr", vec!["umbrella"]),
        ("q=%25", vec![]),
        ("created_at[lt]=2020-06-01T00:00:00Z", vec!["umbrella"]),
        ("subscription_state=expired", vec![]),
        (
            "sort=name",
            vec!["umbrella", "globex", "initech", "public", "acme"],
        ),
        (
            "sort=-name",
            vec!["acme", "public", "initech", "globex", "umbrella"],
        ),
        (
            "sort=-slug",
            vec!["umbrella", "public", "initech", "globex", "acme"],
        ),
    ] {
        for limit in [1, 2, 25] {
            let path = format!("{TENANTS}?{query}&limit={limit}&count=exact");
            let all = whole(&api, &session, &path).await;
            assert_eq!(slugs(&all), found, "{query}");
            let first = api.get(&session, &path).await;
            assert_eq!(first.body["page"]["total"], found.len());
        }
    }
    let oldest = whole(
        &api,
        &session,
        &format!("{TENANTS}?sort=created_at,slug&limit=1"),
    )
    .await;
    assert_eq!(oldest.len(), 5);
    assert_eq!(oldest[0]["slug"], "umbrella");
    let answer = api
        .get(
            &session,
            &format!("{TENANTS}?status=gone&sort=version&schema_name=t_acme"),
        )
        .await;
    assert_problem(&answer, 400, "invalid_parameter");
    assert_eq!(
        mistakes(&answer),
        wrong([
            ("schema_name", "invalid_parameter"),
            ("sort", "invalid_parameter"),
            ("status", "invalid_parameter"),
        ])
    );
}

/// What capitals become is the program's to say: to PostgreSQL it depends on the database's locale.
#[tokio::test]
async fn a_tenant_is_found_by_its_name_in_whatever_letters_it_is_written() {
    let api = Api::start().await;
    let session = platform(&api).await;
    for (version, name) in ["ÄRZTE", "ΟΔΟΣ", "İstanbul", "Zwei\u{a0} Worte", "ﬁne"]
        .into_iter()
        .enumerate()
    {
        let rename = api
            .signed(&session, Method::PATCH, &of(ACME, ""))
            .header("if-match", format!("\"{}\"", version + 1))
            .json(&json!({ "name": name }));
        let renamed = api.send(rename).await;
        assert_eq!(renamed.status, 200, "{}", renamed.text);
        for written in [name.to_owned(), name.to_lowercase()] {
            for parameter in ["name", "name[contains]", "q"] {
                let asked = Url::parse_with_params("http://any", [(parameter, &written)]).unwrap();
                let path = format!("{TENANTS}?{}", asked.query().unwrap());
                let found = api.get(&session, &path).await;
                let found = found.body["data"].as_array().unwrap();
                assert_eq!(slugs(found), ["acme"], "{parameter}={written}");
            }
        }
    }
}

#[tokio::test]
async fn the_list_of_tenants_is_a_table_too() {
    let api = Api::start().await;
    let session = platform(&api).await;
    let name = "UPDATE platform.tenants SET name = '=1+1' WHERE slug = 'acme'";
    sql(&api, name.to_owned()).await;
    let path = format!("{TENANTS}?fields=slug,name,status,branding&slug[ne]=public");
    let request = api.signed(&session, Method::GET, &path);
    let answer = api.send(request.header("accept", "text/csv")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        answer.text,
        "slug,name,status,branding_primary_color,branding_logo_url\r\n\
         acme,'=1+1,active,,\r\n\
         globex,globex,active,,\r\n\
         initech,initech,active,,\r\n\
         umbrella,umbrella,active,,\r\n"
    );
    let disposition = answer.header("content-disposition");
    assert_eq!(disposition, Some("attachment; filename=\"tenants.csv\""));
}

#[tokio::test]
async fn a_tenant_has_a_version_by_which_it_need_not_be_read_again() {
    let api = Api::start().await;
    let session = platform(&api).await;
    let first = api.get(&session, &of(ACME, "")).await;
    let etag = first.header("etag").unwrap().to_owned();
    assert_eq!(etag, "\"1\"");
    let request = api.signed(&session, Method::GET, &of(ACME, ""));
    let again = api.send(request.header("if-none-match", &etag)).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    let part = api.get(&session, &of(ACME, "?fields=slug,version")).await;
    assert_eq!(part.body, json!({"slug": "acme", "version": 1}));
    assert_eq!(part.header("etag"), None);
    for below in ["", "/domains"] {
        let nothing = api
            .get(&session, &format!("{TENANTS}/{NOTHING}{below}"))
            .await;
        assert_problem(&nothing, 404, "not_found");
        let no_id = api.get(&session, &format!("{TENANTS}/acme{below}")).await;
        assert_eq!(mistakes(&no_id), wrong([("id", "invalid_parameter")]));
    }
}
