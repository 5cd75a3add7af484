//! Jobs, as tenants and those who run the platform look at them.

use serde_json::{Value, json};
use testkit::{Api, Session};

use crate::scene::{NOTHING, assert_problem, ids, mistakes, sql, text, whole};

const JOBS: &str = "/api/v1/platform/jobs";

/// Puts a job down in a tenant, wanted by one of its users, or by nobody; its id.
pub(crate) async fn put_down(
    api: &Api,
    number: u32,
    tenant: &str,
    kind: &str,
    wanted_by: &str,
) -> String {
    let id = format!("0192eeee-eeee-7eee-8eee-{number:012}");
    let schema = match tenant {
        "public" => "public".to_owned(),
        dedicated => format!("t_{dedicated}"),
    };
    sql(
        api,
        format!(
            "INSERT INTO platform.jobs (id, tenant_id, kind, payload_version, payload, queue, \
             max_attempts, run_at, created_at, enqueued_by) \
             SELECT '{id}', id, '{kind}', 1, '{{}}', 'bulk', 8, now(), now(), \
             (SELECT id FROM {schema}.users WHERE email = '{wanted_by}@{tenant}.example') \
             FROM platform.tenants WHERE slug = '{tenant}'"
        ),
    )
    .await;
    id
}

fn own(id: &str, below: &str) -> String {
    format!("/api/v1/jobs/{id}{below}")
}

fn any(id: &str, below: &str) -> String {
    format!("{JOBS}/{id}{below}")
}

async fn status(api: &Api, session: &Session, path: &str) -> u16 {
    api.get(session, path).await.status
}

#[tokio::test]
async fn somebody_sees_the_jobs_that_he_wanted_and_an_administrator_all_of_his_tenant() {
    let api = Api::start().await;
    let administrator = api.sign_in("acme", "administrator").await;
    let manager = api.sign_in("acme", "hr_manager").await;
    let employee = api.sign_in("acme", "employee").await;
    let stranger = api.sign_in("globex", "administrator").await;
    let import = "employees.import";
    let managers = put_down(&api, 1, "acme", import, "hr_manager").await;
    let administrators = put_down(&api, 2, "acme", import, "administrator").await;
    let nobodys = put_down(&api, 3, "acme", "tenants.clear_away", "administrator").await;

    assert_eq!(status(&api, &manager, &own(&managers, "")).await, 200);
    assert_eq!(status(&api, &administrator, &own(&managers, "")).await, 200);
    assert_eq!(
        status(&api, &administrator, &own(&administrators, "")).await,
        200
    );
    for (session, id) in [
        (&manager, administrators.as_str()),
        (&administrator, nobodys.as_str()),
        (&stranger, managers.as_str()),
        (&administrator, NOTHING),
    ] {
        assert_problem(&api.get(session, &own(id, "")).await, 404, "not_found");
        let cancel = api.post(session, &own(id, "/cancel"), Value::Null).await;
        assert_problem(&cancel, 404, "not_found");
    }
    let refused = api.get(&employee, &own(&managers, "")).await;
    assert_problem(&refused, 403, "permission_denied");
}

#[tokio::test]
async fn a_job_tells_how_far_it_is_and_is_taken_back_until_it_has_ended() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let id = put_down(&api, 1, "acme", "employees.import", "administrator").await;
    let running = "state = 'running', lease_token = gen_random_uuid(), worker_id = gen_random_uuid(), \
         lease_until = now() + interval '1 minute', attempt = 1, started_at = now()";
    let set = format!(
        "UPDATE platform.jobs SET {running}, progress_done = 1200, progress_total = 5000, \
         last_error = 'connection to 10.0.0.7 refused'"
    );
    sql(&api, set).await;
    let shown = api.get(&session, &own(&id, "")).await;
    assert_eq!(
        json!([
            shown.body["state"],
            shown.body["progress"],
            shown.body["result"]
        ]),
        json!(["running", {"done": 1200, "total": 5000}, null])
    );
    // Why a try failed may tell of what is inside.
    assert!(!shown.text.contains("10.0.0.7"), "{}", shown.text);
    let fields = api.get(&session, &own(&id, "?fields=id,state")).await;
    assert_eq!(fields.body, json!({"id": id, "state": "running"}));

    let cancelled = api.post(&session, &own(&id, "/cancel"), Value::Null).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    assert_eq!(text(&cancelled.body, "state"), "cancelled");
    assert!(cancelled.body["ended_at"].is_string());
    let again = api.post(&session, &own(&id, "/cancel"), Value::Null).await;
    assert_problem(&again, 409, "state_conflict");

    // Half a tenant is worse than one too many.
    let platform = api.sign_in("public", "administrator").await;
    let provision = put_down(&api, 2, "public", "tenants.provision", "administrator").await;
    assert_eq!(status(&api, &platform, &own(&provision, "")).await, 200);
    let refused = api
        .post(&platform, &own(&provision, "/cancel"), Value::Null)
        .await;
    assert_problem(&refused, 409, "state_conflict");
}

#[tokio::test]
async fn those_who_run_the_platform_find_the_jobs_that_failed_and_have_them_tried_again() {
    let api = Api::start().await;
    let session = api.sign_in("public", "administrator").await;
    let mut made = Vec::new();
    for number in 1..=5 {
        let tenant = if number % 2 == 0 { "acme" } else { "globex" };
        made.push(put_down(&api, number, tenant, "employees.import", "hr_manager").await);
    }
    sql(
        &api,
        format!(
            "UPDATE platform.jobs SET state = 'dead', attempt = 8, ended_at = now(), \
             last_error = 'the disk is full' WHERE id = '{}'",
            made[1]
        ),
    )
    .await;
    let all = whole(&api, &session, &format!("{JOBS}?limit=2")).await;
    let newest_first: Vec<&str> = made.iter().rev().map(String::as_str).collect();
    assert_eq!(ids(&all), newest_first);
    let counted = api
        .get(&session, &format!("{JOBS}?count=exact&limit=1"))
        .await;
    assert_eq!(counted.body["page"]["total"], 5);

    let acme = text(&all[1], "tenant_id").to_owned();
    for (query, expected) in [
        (format!("tenant_id={acme}"), vec![&made[3], &made[1]]),
        (format!("tenant_id={acme}&state=dead"), vec![&made[1]]),
        ("state[in]=dead,done".to_owned(), vec![&made[1]]),
        ("state[ne]=ready".to_owned(), vec![&made[1]]),
        ("state=parked".to_owned(), vec![]),
    ] {
        let found = whole(&api, &session, &format!("{JOBS}?{query}")).await;
        assert_eq!(ids(&found), expected, "{query}");
    }
    let unknown = api.get(&session, &format!("{JOBS}?state=lost")).await;
    assert_problem(&unknown, 400, "invalid_parameter");
    assert_eq!(mistakes(&unknown).len(), 1);

    let dead = api.get(&session, &any(&made[1], "")).await.body;
    assert_eq!(
        json!([dead["tenant_slug"], dead["attempt"], dead["last_error"]]),
        json!(["acme", 8, "the disk is full"])
    );
    assert!(dead.get("payload").is_none());
    let retried = api
        .post(&session, &any(&made[1], "/retry"), Value::Null)
        .await;
    assert_eq!(retried.body, json!({"id": made[1], "state": "retry"}));
    let waiting = api
        .post(&session, &any(&made[0], "/retry"), Value::Null)
        .await;
    assert_problem(&waiting, 409, "state_conflict");
    let cancelled = api
        .post(&session, &any(&made[0], "/cancel"), Value::Null)
        .await;
    assert_eq!(cancelled.body, json!({"id": made[0], "state": "cancelled"}));
    let again = api
        .post(&session, &any(&made[0], "/cancel"), Value::Null)
        .await;
    assert_problem(&again, 409, "state_conflict");
    for below in ["/retry", "/cancel"] {
        let nothing = api.post(&session, &any(NOTHING, below), Value::Null).await;
        assert_problem(&nothing, 404, "not_found");
    }
    let stranger = api.sign_in("acme", "administrator").await;
    assert_problem(&api.get(&stranger, JOBS).await, 404, "not_found");
}
