//! `kill -9` anywhere, and then the same command again.

use std::{process::Child, thread, time::Duration};

use crate::scratch::Scratch;

/// Kills the process after a while, unless it is done by then.
fn kill_after(mut child: Child, pause: Duration) {
    thread::sleep(pause);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn provisioning_that_was_killed_is_completed_by_the_same_command() {
    let scratch = Scratch::ready().await;
    let mut completed = 0;
    for number in 0_u64..16 {
        let (slug, placement) = (
            format!("cut-{number}"),
            if number % 2 == 0 {
                "dedicated"
            } else {
                "pooled"
            },
        );
        let create = [
            "tenant",
            "create",
            "--slug",
            &slug,
            "--name",
            "Cut",
            "--placement",
            placement,
            "--admin-email",
            "a@cut.example",
        ];
        let child = scratch.command(&create).spawn().unwrap();
        kill_after(child, Duration::from_millis(40 + 25 * number));
        let status = format!(
            "SELECT coalesce((SELECT status FROM platform.tenants WHERE slug = '{slug}'), 'none')"
        );
        let left = scratch.ask(&status).await;
        completed += usize::from(left == "creating");
        if left != "active" {
            let again = scratch.run(&create);
            assert_eq!(again.code, 0, "{left}: {}", again.json);
        }
        assert_eq!(scratch.ask(&status).await, "active");
    }
    eprintln!("{completed} of 16 were cut off in the middle");
    let wrong_counts = "SELECT count(*) FROM platform.pools WHERE tenant_count <> ( \
                            SELECT count(*) FROM platform.tenants \
                            WHERE tenants.schema_name = pools.schema_name)";
    assert_eq!(scratch.ask(wrong_counts).await, "0");
    let diagnosis = scratch.run(&["diagnose"]);
    assert_eq!(diagnosis.code, 0, "{}", diagnosis.json);
}

#[tokio::test]
async fn migrating_fifty_schemas_that_was_killed_is_completed_by_the_same_command() {
    let scratch = Scratch::ready().await;
    // Fifty schemas that have seen none of their migrations yet.
    scratch
        .change(
            "INSERT INTO platform.tenants \
             (id, slug, name, schema_name, placement, status, created_at, updated_at) \
             SELECT gen_random_uuid(), 'late-' || n, 'Late', 't_late_' || n, 'dedicated', 'active', \
                    now(), now() FROM generate_series(10, 59) n",
        )
        .await;
    let whole = "SELECT count(*) FROM (SELECT schema_name FROM platform.schema_migrations \
                 WHERE schema_name LIKE 't_late_%' GROUP BY 1) whole";
    let mut done = Vec::new();
    for _ in 0..3 {
        let child = scratch.command(&["migrate"]).spawn().unwrap();
        kill_after(child, Duration::from_millis(600));
        done.push(scratch.ask(whole).await);
    }
    eprintln!("after each kill, so many schemas were whole: {done:?}");
    let diagnosis = scratch.run(&["diagnose"]);
    assert!(diagnosis.code == 0 || done.iter().any(|count| count != "50"));
    let again = scratch.run(&["migrate"]);
    assert_eq!(again.code, 0, "{}", again.json);
    assert_eq!(scratch.ask(whole).await, "50");
    let half = "SELECT count(DISTINCT applied) FROM (SELECT count(*) AS applied \
                FROM platform.schema_migrations WHERE schema_name <> 'platform' \
                GROUP BY schema_name) counts";
    assert_eq!(
        scratch.ask(half).await,
        "1",
        "every schema has as many migrations as any other"
    );
    assert_eq!(scratch.run(&["diagnose"]).code, 0);
}
