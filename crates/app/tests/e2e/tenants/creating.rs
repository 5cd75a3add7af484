//! Creating tenants.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Api, Session, Worker};

use super::{TENANTS, platform, profile};
use crate::scene::{assert_problem, eventually, mistakes, sql, text, wrong};

const PASSWORD: &str = "a red stapler of my own";

fn wanted(slug: &str) -> Value {
    json!({
        "slug": slug,
        "name": "Chotchkie's",
        "administrator": {"email": "joanna@chotchkies.example", "password": PASSWORD},
    })
}

pub(super) async fn provisioner(api: &Api) -> Worker {
    let admin_url = api.database().migrator_url();
    Worker::start(&api.database().app_url(), |settings| {
        settings.worker.provisioning = 2;
        settings.database.admin_url = Some(admin_url.into());
    })
    .await
}

/// The job that an answer points to, once it has ended.
pub(super) async fn ended(api: &Api, session: &Session, answer: &Answer) -> Value {
    let job = answer.header("location").unwrap().to_owned();
    let mut last = Value::Null;
    eventually(async || {
        let answer = api.get(session, &job).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        last = answer.body;
        ["done", "dead", "cancelled"].contains(&text(&last, "state"))
    })
    .await;
    last
}

#[tokio::test]
async fn a_tenant_is_claimed_at_once_and_served_once_its_job_is_done() {
    let api = Api::start().await;
    let session = platform(&api).await;
    for placement in ["dedicated", "pooled"] {
        let slug = format!("chotchkies-{placement}");
        let mut body = wanted(&slug);
        body["placement"] = json!(placement);
        body["locale"] = json!("de");
        body["time_zone"] = json!("Europe/Berlin");
        let accepted = api.post(&session, TENANTS, body.clone()).await;
        assert_eq!(accepted.status, 202, "{}", accepted.text);
        let shown = ["slug", "status", "placement", "locale", "time_zone"];
        assert_eq!(
            json!(shown.map(|name| &accepted.body[name])),
            json!([slug, "creating", placement, "de", "Europe/Berlin"])
        );
        assert!(!accepted.text.contains(PASSWORD), "{}", accepted.text);

        // Nobody else gets the slug, and nobody is served yet.
        let second = api.post(&session, TENANTS, body).await;
        assert_problem(&second, 409, "slug_taken");
        let email = "joanna@chotchkies.example";
        let early = api.log_in(&slug, email, PASSWORD).await;
        assert_problem(&early, 503, "tenant_unavailable");
        assert!(early.header("retry-after").is_some());
        let waiting = api
            .get(&session, accepted.header("location").unwrap())
            .await;
        assert_eq!(text(&waiting.body, "state"), "ready");

        let worker = provisioner(&api).await;
        let job = ended(&api, &session, &accepted).await;
        worker.stop().await;
        assert_eq!(
            json!([job["state"], job["kind"], job["result_location"]]),
            json!([
                "done",
                "tenants.provision",
                format!("{TENANTS}/{}", text(&accepted.body, "id"))
            ])
        );
        let tenant = api.get(&session, text(&job, "result_location")).await;
        assert_eq!(text(&tenant.body, "status"), "active");
        eventually(async || api.log_in(&slug, email, PASSWORD).await.status == 200).await;
        let wrong = api.log_in(&slug, email, "another stapler of mine").await;
        assert_problem(&wrong, 401, "invalid_credentials");
        let page = profile(&api, &format!("{slug}.localhost")).await;
        assert_eq!(text(&page.body, "name"), "Chotchkie's");
    }
    // Of what was asked for, nothing is left but the tenants.
    let left = "DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM platform.first_administrators); END $$";
    sql(&api, left.to_owned()).await;
}

#[tokio::test]
async fn of_many_that_want_one_slug_at_once_one_gets_it() {
    let api = Api::start().await;
    let session = platform(&api).await;
    for placement in ["dedicated", "pooled"] {
        let mut body = wanted(&format!("popular-{placement}"));
        body["placement"] = json!(placement);
        let asked = (0..8).map(|_| api.post(&session, TENANTS, body.clone()));
        let mut statuses: Vec<u16> = join_all(asked).await.iter().map(|it| it.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [202, 409, 409, 409, 409, 409, 409, 409]);
    }
    // The pool counts those who live there.
    let counted = "DO $$ BEGIN ASSERT (SELECT bool_and(tenant_count = \
         (SELECT count(*) FROM platform.tenants t WHERE t.schema_name = p.schema_name)) \
         FROM platform.pools p); END $$";
    sql(&api, counted.to_owned()).await;
}

#[tokio::test]
async fn the_same_request_is_one_tenant_and_its_password_is_nowhere() {
    let api = Api::start().await;
    let session = platform(&api).await;
    let send = async |body: Value| {
        let request = api
            .signed(&session, Method::POST, TENANTS)
            .header("idempotency-key", "one")
            .json(&body);
        api.send(request).await
    };
    let first = send(wanted("chotchkies")).await;
    let again = send(wanted("chotchkies")).await;
    assert_eq!((first.status, again.status), (202, 202), "{}", again.text);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(first.header("location"), again.header("location"));
    let mut other = wanted("chotchkies");
    other["administrator"]["password"] = json!("a blue stapler of my own");
    assert_problem(&send(other).await, 422, "idempotency_key_reused");
    // A digest that anybody could compute would let him try passwords by the million.
    let body = wanted("chotchkies").to_string();
    let tried = format!(
        "DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM public.idempotency_keys WHERE request_hash IN \
         (sha256('{body}'), sha256(convert_to(E'\\n', 'UTF8') || sha256('{body}')))); END $$",
        body = body.replace('\'', "''"),
    );
    sql(&api, tried).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_tenant_is_told_at_once_and_claims_nothing() {
    let api = Api::start().await;
    let session = platform(&api).await;
    let body = json!({
        "slug": "Not A Slug", "name": " ", "placement": "basement", "locale": "klingon!",
        "time_zone": "Mars/Base",
        "administrator": {"email": "nobody", "password": "short"},
    });
    let refused = api.post(&session, TENANTS, body).await;
    assert_problem(&refused, 422, "validation_failed");
    assert_eq!(
        mistakes(&refused),
        wrong([
            ("/administrator/email", "invalid"),
            ("/administrator/password", "too_short"),
            ("/locale", "invalid"),
            ("/name", "invalid"),
            ("/placement", "invalid"),
            ("/slug", "invalid"),
            ("/time_zone", "invalid"),
        ])
    );
    assert!(!refused.text.contains("\"short\""), "{}", refused.text);
    let taken = api.post(&session, TENANTS, wanted("acme")).await;
    assert_problem(&taken, 409, "slug_taken");
    let reserved = api.post(&session, TENANTS, wanted("public")).await;
    assert_problem(&reserved, 422, "validation_failed");
    assert_eq!(mistakes(&reserved), wrong([("/slug", "invalid")]));
    let nobody = api.sign_in("public", "hr_manager").await;
    let refused = api.post(&nobody, TENANTS, wanted("chotchkies")).await;
    assert_problem(&refused, 403, "permission_denied");
    let acme = api.sign_in("acme", "administrator").await;
    let refused = api.post(&acme, TENANTS, wanted("chotchkies")).await;
    assert_problem(&refused, 404, "not_found");
}
