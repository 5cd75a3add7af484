//! Every operation of the description leaves its record: what changes something, what reads what is
//! sensitive, and every refusal.

use reqwest::Method;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use testkit::{ACME, Answer, FIXTURES, INITECH, PUBLIC, Session};

use crate::{
    document::{Needs, Operation},
    known,
    scene::{Name, Request, Scene},
};

/// What was recorded of one request among everything that a tenant did.
async fn of_request(superuser: &mut PgConnection, schema: &str, request: &str) -> Vec<Value> {
    let sql = format!(
        "SELECT to_jsonb(e) FROM {schema}.audit_events e WHERE request_id = $1 ORDER BY at, id"
    );
    let query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(request.to_owned());
    query.fetch_all(superuser).await.unwrap()
}

fn schema_of(session: &Session) -> &'static str {
    let mut fixtures = FIXTURES.iter();
    fixtures
        .find(|it| it.slug == session.tenant)
        .unwrap()
        .schema
}

/// Whoever may call an operation, calls it; what was recorded.
async fn called(scene: &Scene, of: &Operation, session: &Session) -> (Answer, Vec<Value>) {
    let request = scene.request(of, session).await;
    sent(scene, request, named(of, session), session).await
}

async fn sent(
    scene: &Scene,
    request: Request,
    name: Name<'_>,
    session: &Session,
) -> (Answer, Vec<Value>) {
    let id = format!("request-{}", scene.number());
    let request = request.with_header("x-request-id", &id);
    let answer = scene.send(&request, name).await;
    let mut superuser = scene.api.database().superuser().await;
    let recorded = of_request(&mut superuser, schema_of(session), &id).await;
    (answer, recorded)
}

fn named<'a>(of: &Operation, session: &'a Session) -> Name<'a> {
    Name {
        session: (of.needs != Needs::Tenant).then_some(session),
        ..Name::of(session)
    }
}

fn is_sensitive(of: &Operation) -> bool {
    of.method == Method::GET && known::SENSITIVE.contains(&of.name().as_str())
}

fn is_change(of: &Operation) -> bool {
    of.method != Method::GET
}

/// What is wrong with the record of a call that was answered.
fn faults(of: &Operation, answer: &Answer, recorded: &[Value]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |what: String| faults.push(format!("{}: {what}", of.name()));
    if answer.status >= 300 {
        fault(format!("{} {}", answer.status, answer.text));
    }
    match (is_change(of) || is_sensitive(of), recorded.is_empty()) {
        (true, true) => fault("leaves no record".to_owned()),
        (false, false) => fault("leaves a record: is it sensitive? known.rs must say".to_owned()),
        _ => {}
    }
    for event in recorded {
        let category = event["category"].as_str().unwrap_or_default();
        let may = match (is_change(of), is_sensitive(of)) {
            (true, _) => ["data_write", "admin", "auth", "data_read"].contains(&category),
            _ => category == "data_read",
        };
        if !may || event["outcome"] != "success" {
            fault(format!("is recorded as {event}"));
        }
        if event["actor_type"] != "user" || event["actor_id"].is_null() {
            fault(format!("does not say who: {event}"));
        }
        if event["trace_id"].is_null() || event["address"].is_null() {
            fault(format!("does not say where from: {event}"));
        }
    }
    faults
}

#[tokio::test]
async fn every_change_and_every_read_of_what_is_sensitive_leaves_its_record() {
    let scene = Scene::new().await;
    let mut all = Vec::new();
    let mut called_once = 0;
    for tenant in [ACME, INITECH, PUBLIC] {
        for of in scene.operations.clone() {
            let is_there = match of.needs {
                Needs::Nothing => false,
                Needs::Tenant | Needs::Token => true,
                Needs::Platform => tenant.slug == PUBLIC.slug,
            };
            if !is_there {
                continue;
            }
            // Whoever signs out does so alone.
            let session = scene.api.sign_in(tenant.slug, "administrator").await;
            let (answer, recorded) = called(&scene, &of, &session).await;
            all.extend(faults(&of, &answer, &recorded));
            called_once += 1;
        }
    }
    assert!(all.is_empty(), "{} faults:\n{}", all.len(), all.join("\n"));
    assert!(called_once > 2 * scene.operations.len(), "{called_once}");
}

#[tokio::test]
async fn every_refusal_for_want_of_a_right_leaves_its_record() {
    let scene = Scene::new().await;
    let (mut refused, mut all) = (0, Vec::new());
    for tenant in [ACME, INITECH, PUBLIC] {
        for of in scene.operations.clone() {
            let is_there = of.needs == Needs::Token
                || (of.needs == Needs::Platform && tenant.slug == PUBLIC.slug);
            if !is_there {
                continue;
            }
            let holder = scene.api.sign_in(tenant.slug, "administrator").await;
            let request = scene.request(&of, &holder).await;
            // Somebody new each time: whoever asks too often is counted.
            let nobody = scene.api.sign_in(tenant.slug, "employee").await;
            let (answer, recorded) = sent(&scene, request, Name::of(&nobody), &nobody).await;
            if answer.status != 403 {
                continue;
            }
            refused += 1;
            let denied = recorded
                .iter()
                .filter(|it| it["action"] == "access.denied.v1");
            let denied: Vec<&Value> = denied.collect();
            let is_told = matches!(denied.as_slice(), [one]
                if one["outcome"] == "denied" && one["category"] == "denied"
                    && one["details"]["error"] == "permission_denied"
                    && one["details"]["reason"].as_str().is_some_and(|it| it.contains(':'))
                    && one["details"]["route"] == of.name());
            // Of one user's refusals in a minute the first twenty are told, the rest is counted.
            if !is_told && refused <= 20 {
                all.push(format!("{}: {recorded:?}", of.name()));
            }
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
    assert!(refused > scene.operations.len() / 2, "{refused}");
}

#[tokio::test]
async fn an_attempt_with_another_tenants_token_is_recorded_where_the_token_belongs() {
    let scene = Scene::new().await;
    let thief = scene.api.sign_in(INITECH.slug, "administrator").await;
    let list = |it: &&Operation| it.name() == "GET /api/v1/employees";
    let of = scene.operations.iter().find(list).unwrap().clone();
    let request = scene.request(&of, &thief).await;
    let there = Name {
        slug: Some(ACME.slug),
        ..Name::of(&thief)
    };
    let (answer, recorded) = sent(&scene, request, there, &thief).await;
    assert_eq!(answer.error(), Some("tenant_mismatch"));
    let [one] = recorded.as_slice() else {
        panic!("{recorded:?}")
    };
    assert_eq!(one["action"], "access.tenant_mismatch.v1");
    assert_eq!(one["actor_id"], thief.login["user"]["id"]);
    assert_eq!(one["details"]["requested_tenant"], ACME.slug);
    let mut superuser = scene.api.database().superuser().await;
    let there: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM t_acme.audit_events WHERE action = 'access.tenant_mismatch.v1'",
    )
    .fetch_one(&mut superuser)
    .await
    .unwrap();
    assert_eq!(there, 0, "the other tenant is not told who it was");
}
