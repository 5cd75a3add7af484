//! `kill -9` in the middle, and then the same command again.
//!
//! That it was the middle is seen from another connection: it holds a lock that the command needs
//! at a step, sees the command wait for it, kills it there and lets the lock go.

use std::{process::Child, time::Duration};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::scratch::Scratch;

/// A transaction that holds locks until it is released.
struct Held {
    connection: PgConnection,
    pid: i32,
}

impl Held {
    async fn new(scratch: &Scratch, locks: &str) -> Self {
        let mut connection = scratch.superuser().await;
        let pid = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        let begin = AssertSqlSafe(format!("BEGIN; {locks}"));
        sqlx::raw_sql(begin).execute(&mut connection).await.unwrap();
        Self { connection, pid }
    }

    /// Returns once as many backends wait for these locks.
    async fn is_waited_for(&self, scratch: &Scratch, by: usize) {
        let pid = self.pid;
        let waiting = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND wait_event_type = 'Lock' AND {pid} = ANY (pg_blocking_pids(pid))"
        );
        until(scratch, &waiting, by).await;
    }

    async fn release(self) {
        self.connection.close().await.unwrap();
    }
}

/// Returns once the query counts as many; gives up when that will never be.
async fn until(scratch: &Scratch, query: &str, count: usize) {
    let mut counted = String::new();
    for _ in 0..6_000 {
        counted = scratch.ask(query).await;
        if counted == count.to_string() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{counted} instead of {count}: {query}");
}

/// Kills the process where it is, lets it go on there, and returns when PostgreSQL has noticed.
async fn kill(scratch: &Scratch, mut child: Child, held: Held) {
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), None, "it was killed, it did not end");
    held.release().await;
    let connected = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                     AND application_name LIKE 'hrms%'";
    until(scratch, connected, 0).await;
}

fn migration_of(schema: &str) -> String {
    format!("SELECT pg_advisory_xact_lock(hashtextextended('hrms migrate {schema}', 0));")
}

/// A step of creating a tenant.
struct Step {
    name: &'static str,
    /// What is locked before the command begins, and what while it waits for that.
    locks: [Option<String>; 2],
    /// What is left of it: the tenant's status, whether its schema is there, how many users it has.
    leaves: [&'static str; 3],
}

fn steps(placement: &str, slug: &str, schema: &str) -> Vec<Step> {
    let step = |name, first: &str, second: Option<&str>, leaves| Step {
        name,
        locks: [Some(first.to_owned()), second.map(str::to_owned)],
        leaves,
    };
    let schema_begins = migration_of(schema);
    let row = format!("SELECT FROM platform.tenants WHERE slug = '{slug}' FOR UPDATE");
    let registry = "LOCK TABLE platform.tenants IN SHARE ROW EXCLUSIVE MODE";
    let record = "LOCK TABLE platform.schema_migrations IN SHARE ROW EXCLUSIVE MODE";
    let pools = "LOCK TABLE platform.pools IN SHARE ROW EXCLUSIVE MODE";
    let users = format!("LOCK TABLE {schema}.users IN SHARE ROW EXCLUSIVE MODE");
    let pooled = placement == "pooled";
    let home = if pooled { "true" } else { "false" };
    let claimed = ["creating", home, "0"];
    let mut steps = vec![
        step("claiming the slug", registry, None, ["none", home, "0"]),
        step("the schema", &schema_begins, None, claimed),
    ];
    if pooled {
        let noting = ("noting the pool", &schema_begins, Some(pools));
        steps.extend([
            step("placing in a pool", pools, None, ["none", home, "0"]),
            step(noting.0, noting.1, noting.2, claimed),
            step("the administrator", &users, None, claimed),
        ]);
    } else {
        steps.push(step("the schema, all made", record, None, claimed));
    }
    let served = ("putting it into service", &schema_begins, Some(row));
    let leaves = ["creating", "true", "1"];
    steps.push(step(served.0, served.1, served.2.as_deref(), leaves));
    steps
}

fn create<'a>(slug: &'a str, placement: &'a str) -> Vec<&'a str> {
    let (name, email) = (["--name", "Cut"], ["--admin-email", "a@cut.example"]);
    let command = ["tenant", "create", "--slug", slug, "--placement", placement];
    [command.as_slice(), &name, &email].concat()
}

#[tokio::test]
async fn provisioning_a_schema_that_is_killed_at_any_step_is_completed_by_the_same_command() {
    let scratch = Scratch::ready().await;
    for number in 0..4 {
        let (slug, schema) = (format!("cut-{number}"), format!("t_cut_{number}"));
        let step = steps("dedicated", &slug, &schema).swap_remove(number);
        is_killed_and_completed(&scratch, ["dedicated", &slug, &schema], &step).await;
    }
}

#[tokio::test]
async fn provisioning_in_a_pool_that_is_killed_at_any_step_is_completed_by_the_same_command() {
    let scratch = Scratch::ready().await;
    assert_eq!(scratch.run(&create("neighbour", "pooled")).code, 0);
    for number in 0..6 {
        let slug = format!("cut-{number}");
        let step = steps("pooled", &slug, "pool_0001").swap_remove(number);
        is_killed_and_completed(&scratch, ["pooled", &slug, "pool_0001"], &step).await;
    }
}

async fn is_killed_and_completed(scratch: &Scratch, tenant: [&str; 3], step: &Step) {
    let [placement, slug, schema] = tenant;
    let what = format!("{placement}, {}", step.name);
    let create = create(slug, placement);
    let [first, second] = &step.locks;
    let mut held = Held::new(scratch, first.as_deref().unwrap()).await;
    let child = scratch.command(&create).spawn().unwrap();
    held.is_waited_for(scratch, 1).await;
    if let Some(second) = second {
        let next = Held::new(scratch, second).await;
        std::mem::replace(&mut held, next).release().await;
        held.is_waited_for(scratch, 1).await;
    }
    kill(scratch, child, held).await;

    let row = |column| format!("SELECT {column} FROM platform.tenants WHERE slug = '{slug}'");
    let status = format!("SELECT coalesce(({}), 'none')", row("status"));
    let home = format!("SELECT to_regclass('{schema}.users') IS NOT NULL");
    let users = format!(
        "SELECT count(*) FROM {schema}.users WHERE tenant_id = ({})",
        row("id")
    );
    let mut left = [
        scratch.ask(&status).await,
        scratch.ask(&home).await,
        "0".to_owned(),
    ];
    if left[1] == "true" {
        left[2] = scratch.ask(&users).await;
    }
    assert_eq!(left, step.leaves, "{what}");

    let again = scratch.run(&create);
    assert_eq!(again.code, 0, "{what}: {}", again.json);
    assert_eq!(scratch.ask(&status).await, "active", "{what}");
    assert_eq!(scratch.ask(&users).await, "1", "{what}");
    let wrong_counts = "SELECT count(*) FROM platform.pools WHERE tenant_count <> ( \
                            SELECT count(*) FROM platform.tenants \
                            WHERE tenants.schema_name = pools.schema_name)";
    assert_eq!(scratch.ask(wrong_counts).await, "0", "{what}");
    let diagnosis = scratch.run(&["diagnose"]);
    assert_eq!(diagnosis.code, 0, "{what}: {}", diagnosis.json);
}

/// How many of the fifty schemas have all their migrations.
const WHOLE: &str = "SELECT count(*) FROM (SELECT FROM platform.schema_migrations \
     WHERE schema_name LIKE 't_late_%' GROUP BY schema_name HAVING count(*) = ( \
         SELECT count(*) FROM platform.schema_migrations WHERE schema_name = 'public')) whole";

/// How many of them have any, or any table.
const TOUCHED: &str = "SELECT count(*) FROM (SELECT schema_name FROM platform.schema_migrations \
     WHERE schema_name LIKE 't_late_%' UNION SELECT relnamespace::regnamespace::text FROM pg_class \
     WHERE relnamespace::regnamespace::text LIKE 't_late_%') touched";

#[tokio::test]
async fn migrating_fifty_schemas_that_is_killed_is_completed_by_the_same_command() {
    let scratch = Scratch::ready().await;
    // Fifty schemas that have seen none of their migrations yet.
    scratch
        .change(
            "INSERT INTO platform.tenants \
             (id, slug, name, name_key, schema_name, placement, status, created_at, updated_at) \
             SELECT gen_random_uuid(), 'late-' || n, 'Late', 'late', 't_late_' || n, 'dedicated', 'active', \
                    now(), now() FROM generate_series(10, 59) n",
        )
        .await;
    // They are migrated in the order of their names, four at a time.
    let some = ["t_late_20", "t_late_21", "t_late_22", "t_late_23"].map(migration_of);
    let record = "LOCK TABLE platform.schema_migrations IN SHARE ROW EXCLUSIVE MODE";
    for (locks, waiting, whole) in [
        // Four are about to begin.
        (some.concat(), 4, "10"),
        // Four have made every table.
        (record.to_owned(), 4, "10"),
        // One is about to begin, all the others are done.
        (migration_of("t_late_59"), 1, "49"),
    ] {
        let held = Held::new(&scratch, &locks).await;
        let child = scratch.command(&["migrate"]).spawn().unwrap();
        held.is_waited_for(&scratch, waiting).await;
        until(&scratch, WHOLE, whole.parse().unwrap()).await;
        kill(&scratch, child, held).await;
        assert_eq!(scratch.ask(WHOLE).await, whole);
        assert_eq!(
            scratch.ask(TOUCHED).await,
            whole,
            "all of a schema or nothing"
        );
        assert_eq!(scratch.run(&["diagnose"]).code, 1, "{whole} of 50");
    }
    let again = scratch.run(&["migrate"]);
    assert_eq!(again.code, 0, "{}", again.json);
    assert_eq!(scratch.ask(WHOLE).await, "50");
    let diagnosis = scratch.run(&["diagnose"]);
    assert_eq!(diagnosis.code, 0, "{}", diagnosis.json);
}
