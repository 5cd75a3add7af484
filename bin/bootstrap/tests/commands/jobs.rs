//! `jobs`: what is done later, for those who run the platform.

use serde_json::Value;

use crate::scratch::Scratch;

/// A platform with a job of each of these states, all of Acme's but the last.
async fn with_jobs() -> (Scratch, Vec<String>) {
    let scratch = Scratch::ready().await;
    assert_eq!(scratch.run(&["demo"]).code, 0);
    let mut ids = Vec::new();
    for (number, state, more) in [
        (1, "ready", "NULL, NULL, NULL, NULL, NULL"),
        (
            2,
            "running",
            "gen_random_uuid(), now() + interval '1 h', gen_random_uuid(), NULL, NULL",
        ),
        (3, "dead", "NULL, NULL, NULL, now(), NULL"),
        (4, "parked", "NULL, NULL, NULL, NULL, 'operator'"),
        (5, "done", "NULL, NULL, NULL, now() - interval '1 h', NULL"),
        (6, "ready", "NULL, NULL, NULL, NULL, NULL"),
    ] {
        let id = format!("01920000-0000-7000-8000-{number:012}");
        let tenant = if number == 6 {
            "'00000000-0000-0000-0000-000000000000'"
        } else {
            "(SELECT id FROM platform.tenants WHERE slug = 'acme')"
        };
        scratch
            .change(&format!(
                "INSERT INTO platform.jobs (id, tenant_id, kind, payload_version, payload, queue, \
                     state, max_attempts, run_at, created_at, lease_token, lease_until, \
                     worker_id, ended_at, parked_for, last_error) \
                 VALUES ('{id}', {tenant}, 'tenants.clear_away', 1, '{{}}', 'bulk', '{state}', 8, \
                     now(), now(), {more}, CASE '{state}' WHEN 'dead' THEN 'it broke' END)"
            ))
            .await;
        ids.push(id);
    }
    (scratch, ids)
}

fn listed(scratch: &Scratch, arguments: &[&str]) -> Vec<String> {
    let arguments = [&["jobs", "list"], arguments].concat();
    let listed = scratch.run(&arguments);
    assert_eq!(listed.code, 0, "{}", listed.told);
    let jobs = listed.json.as_array().unwrap().iter();
    jobs.map(|job| job["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn jobs_are_listed_and_shown_without_what_they_are_about() {
    let (scratch, ids) = with_jobs().await;
    let mut newest_first = ids.clone();
    newest_first.reverse();
    assert_eq!(listed(&scratch, &[]), newest_first);
    assert_eq!(listed(&scratch, &["--platform"]), newest_first[..1]);
    assert_eq!(listed(&scratch, &["--tenant", "acme"]), newest_first[1..]);
    assert_eq!(listed(&scratch, &["--state", "dead"]), [ids[2].as_str()]);
    assert_eq!(listed(&scratch, &["--kind", "other.kind"]).len(), 0);
    let page = listed(&scratch, &["--limit", "2", "--before", &newest_first[1]]);
    assert_eq!(page, newest_first[2..4]);

    let shown = scratch.run(&["jobs", "show", &ids[2]]);
    assert_eq!(shown.code, 0, "{}", shown.told);
    let job = &shown.json;
    assert_eq!(job["tenant"], "acme");
    assert_eq!(job["state"], "dead");
    assert_eq!(job["last_error"], "it broke");
    assert_eq!(job.get("payload"), None);
    let nobody = scratch.run(&["tenant", "show", "nobody"]);
    assert_eq!(nobody.code, 4);
    let none = scratch.run(&["jobs", "show", "01920000-0000-7000-8000-000000000099"]);
    assert_eq!((none.code, none.error()), (4, "not_found"));
    let wrong = scratch.run(&["jobs", "list", "--state", "lost"]);
    assert_eq!(wrong.code, 2);
}

#[tokio::test]
async fn a_job_is_tried_again_or_taken_back_where_that_makes_sense() {
    let (scratch, ids) = with_jobs().await;
    let state = |done: &crate::scratch::Done| done.json["state"].clone();
    for (number, may) in [(0, true), (1, false), (2, true), (3, true), (4, false)] {
        let retried = scratch.run(&["jobs", "retry", &ids[number]]);
        if may {
            assert_eq!(retried.code, 0, "{}", retried.told);
            let waits = ["ready", "retry"].map(Value::from);
            assert!(waits.contains(&state(&retried)), "{}", retried.json);
        } else {
            let told = (retried.code, retried.error());
            assert_eq!(told, (4, "state_conflict"), "{}", retried.json);
        }
    }
    for (number, may) in [(0, true), (1, true), (2, true), (3, true), (4, false)] {
        for _ in 0..2 {
            let cancelled = scratch.run(&["jobs", "cancel", &ids[number]]);
            if may {
                assert_eq!(cancelled.code, 0, "{}", cancelled.told);
                assert_eq!(state(&cancelled), "cancelled");
            } else {
                let told = (cancelled.code, cancelled.error());
                assert_eq!(told, (4, "state_conflict"));
            }
        }
    }
}

#[tokio::test]
async fn a_job_that_another_one_stands_for_is_not_tried_again_and_that_is_said() {
    let (scratch, ids) = with_jobs().await;
    let same = format!(
        "UPDATE platform.jobs SET unique_key = 'import' WHERE id IN ('{}', '{}')",
        ids[0], ids[2]
    );
    scratch.change(&same).await;
    let retried = scratch.run(&["jobs", "retry", &ids[2]]);
    let told = (retried.code, retried.error());
    assert_eq!(told, (4, "state_conflict"), "{}", retried.told);
    assert_eq!(scratch.run(&["jobs", "cancel", &ids[0]]).code, 0);
    let retried = scratch.run(&["jobs", "retry", &ids[2]]);
    assert_eq!(retried.code, 0, "{}", retried.told);
}

#[tokio::test]
async fn a_queue_waits_and_goes_on_and_old_jobs_are_deleted() {
    let (scratch, ids) = with_jobs().await;
    for (command, is_paused) in [("pause", true), ("pause", true), ("resume", false)] {
        let done = scratch.run(&["jobs", command, "bulk"]);
        assert_eq!(done.code, 0, "{}", done.told);
        let told = serde_json::json!({"queue": "bulk", "paused": is_paused});
        assert_eq!(done.json, told);
    }
    assert_eq!(scratch.run(&["jobs", "pause", "other"]).code, 2);
    assert_eq!(scratch.run(&["jobs", "pause", "bulk"]).code, 0);
    assert_eq!(scratch.run(&["jobs", "cancel", &ids[2]]).code, 0);
    let seen = scratch.run(&["diagnose", "--phase", "running"]);
    assert!(
        seen.json.to_string().contains("; paused: bulk"),
        "{}",
        seen.json
    );
    assert_eq!(scratch.run(&["jobs", "retry", &ids[2]]).code, 0);

    let purged = scratch.run(&["jobs", "purge", "--older-than", "90m"]);
    assert_eq!(purged.json, serde_json::json!({"jobs": 0}));
    let purged = scratch.run(&["jobs", "purge", "--older-than", "30m"]);
    assert_eq!(purged.json, serde_json::json!({"jobs": 1}));
    let left = listed(&scratch, &[]);
    assert!(left.len() == 5 && !left.contains(&ids[4]), "{left:?}");
}

#[tokio::test]
async fn diagnose_says_when_jobs_are_dead_or_nobody_does_them() {
    let (scratch, ids) = with_jobs().await;
    let problem = |scratch: &Scratch| {
        let diagnosed = scratch.run(&["diagnose", "--phase", "running"]);
        let text = diagnosed.json.to_string() + &diagnosed.told;
        (diagnosed.code, text)
    };
    let (code, told) = problem(&scratch);
    assert!(code == 1 && told.contains("1 jobs are dead"), "{told}");
    assert_eq!(scratch.run(&["jobs", "cancel", &ids[2]]).code, 0);
    let (code, told) = problem(&scratch);
    assert_eq!(code, 0, "{told}");
    scratch
        .change("UPDATE platform.jobs SET run_at = now() - interval '2 min' WHERE state = 'ready'")
        .await;
    let (code, told) = problem(&scratch);
    assert!(
        code == 1 && told.contains("no worker serves: bulk"),
        "{told}"
    );
}
