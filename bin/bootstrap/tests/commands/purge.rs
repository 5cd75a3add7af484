//! `purge`: what is over goes, and nothing else.

use crate::scratch::Scratch;

#[tokio::test]
async fn sessions_that_are_over_go_in_every_placement() {
    let scratch = Scratch::ready().await;
    assert_eq!(scratch.run(&["demo"]).code, 0);
    for schema in ["t_acme", "pool_0001"] {
        // Of everybody one session that is over and one that is not.
        scratch
            .change(&format!(
                "INSERT INTO {schema}.sessions (tenant_id, id, user_id, created_at, last_used_at, \
                 expires_at, absolute_expires_at, auth_time, amr) \
                 SELECT u.tenant_id, gen_random_uuid(), u.id, now(), now(), now() + days, \
                 now() + days, now(), 'pwd' FROM {schema}.users u, \
                 (VALUES (interval '-2 days'), (interval '2 days')) AS lives (days)"
            ))
            .await;
    }
    let of_one = scratch.run(&["purge", "sessions", "--tenant", "acme"]);
    assert_eq!(of_one.code, 0, "{}", of_one.json);
    assert_eq!(
        of_one.json,
        serde_json::json!({ "tenants": 1, "sessions": 3, "refresh_tokens": 0 })
    );
    let of_all = scratch.run(&["purge", "sessions"]);
    assert_eq!(
        of_all.json,
        serde_json::json!({ "tenants": 3, "sessions": 3, "refresh_tokens": 0 })
    );
    for schema in ["t_acme", "pool_0001"] {
        let left = format!("SELECT count(*) FROM {schema}.sessions WHERE expires_at > now()");
        assert_eq!(scratch.ask(&left).await, "3");
        let over = format!("SELECT count(*) FROM {schema}.sessions WHERE expires_at < now()");
        assert_eq!(scratch.ask(&over).await, "0");
    }

    let nobody = scratch.run(&["purge", "sessions", "--tenant", "nobody"]);
    assert_eq!((nobody.code, nobody.error()), (4, "tenant_not_found"));
}

#[tokio::test]
async fn answers_that_are_out_of_date_go_though_nobody_sends_a_key_any_more() {
    let scratch = Scratch::ready().await;
    assert_eq!(scratch.run(&["demo"]).code, 0);
    for schema in ["t_acme", "pool_0001"] {
        // More than one transaction deletes, and one that is still kept.
        scratch
            .change(&format!(
                "INSERT INTO {schema}.idempotency_keys (tenant_id, id, actor_id, route, key, \
                 request_hash, status, body, expires_at) \
                 SELECT u.tenant_id, gen_random_uuid(), u.id, 'POST /x', 'key-' || n, \
                 sha256('x'), 200, 'x', now() + CASE n WHEN 0 THEN interval '1 hour' \
                 ELSE interval '-2 hours' END \
                 FROM (SELECT * FROM {schema}.users LIMIT 1) u, generate_series(0, 1200) n"
            ))
            .await;
    }
    let of_one = scratch.run(&["purge", "answers", "--tenant", "acme"]);
    assert_eq!(of_one.code, 0, "{}", of_one.told);
    let told = serde_json::json!({ "tenants": 1, "answers": 1200 });
    assert_eq!(of_one.json, told);
    let of_all = scratch.run(&["purge", "answers"]);
    assert_eq!(
        of_all.json,
        serde_json::json!({ "tenants": 3, "answers": 1200 })
    );
    for schema in ["t_acme", "pool_0001"] {
        let left = format!("SELECT string_agg(key, ',') FROM {schema}.idempotency_keys");
        assert_eq!(scratch.ask(&left).await, "key-0");
    }
}

#[tokio::test]
async fn a_tenant_that_cannot_be_purged_is_named_and_stops_no_other() {
    let scratch = Scratch::ready().await;
    assert_eq!(scratch.run(&["demo"]).code, 0);
    scratch
        .change(
            "INSERT INTO pool_0001.sessions (tenant_id, id, user_id, created_at, last_used_at, \
             expires_at, absolute_expires_at, auth_time, amr) \
             SELECT tenant_id, gen_random_uuid(), id, now(), now(), now() - interval '2 days', \
             now(), now(), 'pwd' FROM pool_0001.users; \
             ALTER TABLE t_acme.sessions RENAME TO elsewhere",
        )
        .await;
    let done = scratch.run(&["purge", "sessions"]);
    assert_eq!((done.code, done.error()), (1, "purge"), "{}", done.json);
    let message = done.json["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("1 of 3 tenants could not be purged: acme ("),
        "{message}"
    );
    assert_eq!(
        scratch.ask("SELECT count(*) FROM pool_0001.sessions").await,
        "0"
    );
}
