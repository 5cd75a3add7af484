//! The checks.
//!
//! They ask PostgreSQL on a connection beside the pool, so that they say how PostgreSQL is and not
//! how busy the platform is. What they answer is for strangers too: it names the schemas
//! `platform` and `public` alone and counts the customers'. Their names are for the log.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    time::Duration,
};

use database::{Freshness, PoolStatus, StoreError, TenantContext};
use kernel::Slug;
use messaging::Jobs;
use migration::fit::Misfit;
use sea_orm::FromQueryResult;
use tokio::time::Instant;

use super::{Check, Parts};
use crate::fit;

/// What the checks found.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) database: Check,
    pub(super) freshness: Check,
    pub(super) migrations: Check,
    pub(super) public_tenant: Check,
    pub(super) worker: Check,
    pub(super) broker: Check,
    /// What is wrong with which schema: for the log alone.
    pub(super) schemas: Vec<String>,
}

impl Findings {
    /// All that is wrong, in a line for the log; empty when nothing is.
    pub(super) fn problems(&self) -> String {
        /// A thousand schemas that wait for a migration are one problem.
        const NAMED: usize = 20;
        let checks = [
            ("database", &self.database),
            ("freshness", &self.freshness),
            ("migrations", &self.migrations),
            ("public_tenant", &self.public_tenant),
            ("worker", &self.worker),
            ("broker", &self.broker),
        ];
        let reasons = checks.iter().filter_map(|(name, check)| {
            let (_, reason) = check.reason()?;
            Some(format!("{name}: {reason}"))
        });
        let schemas = self.schemas.iter().take(NAMED).cloned();
        let rest = self.schemas.len().saturating_sub(NAMED);
        let rest = (rest > 0).then(|| format!("and {rest} more"));
        reasons
            .chain(schemas)
            .chain(rest)
            .collect::<Vec<_>>()
            .join("; ")
    }

    pub(super) fn into_checks(self) -> BTreeMap<&'static str, Check> {
        BTreeMap::from([
            ("database", self.database),
            ("freshness", self.freshness),
            ("migrations", self.migrations),
            ("public_tenant", self.public_tenant),
            ("worker", self.worker),
            ("broker", self.broker),
            // It is no part of this release: there is nothing to configure.
            ("cache", Check::Disabled),
        ])
    }
}

/// Runs every check; all of them together have an end.
pub(super) async fn run(parts: &Parts, timeout: Duration) -> Findings {
    let deadline = Deadline {
        at: Instant::now() + timeout,
        timeout,
    };
    let mut schemas = Vec::new();
    let database = deadline.hold(database(parts)).await;
    let unknown = || Check::failed("unknown while the database does not answer");
    let (migrations, public_tenant, (worker, broker)) = if matches!(database, Check::Failed(_)) {
        (unknown(), unknown(), (unknown(), unknown()))
    } else {
        (
            deadline.hold(migrations(parts, &mut schemas)).await,
            deadline.hold(public_tenant(parts)).await,
            deadline.look(attendance(parts)).await,
        )
    };
    Findings {
        database,
        freshness: freshness(&parts.freshness),
        migrations,
        public_tenant,
        worker,
        broker,
        schemas,
    }
}

#[derive(Clone, Copy)]
struct Deadline {
    at: Instant,
    timeout: Duration,
}

impl Deadline {
    async fn hold<E: Display>(self, asking: impl Future<Output = Result<Check, E>>) -> Check {
        self.ask(asking).await.unwrap_or_else(|failed| failed)
    }

    /// Holds an answer that says of two things how they are.
    async fn look<E: Display>(
        self,
        asking: impl Future<Output = Result<(Check, Check), E>>,
    ) -> (Check, Check) {
        let asked = self.ask(asking).await;
        asked.unwrap_or_else(|failed| (failed.clone(), failed))
    }

    async fn ask<T, E: Display>(
        self,
        asking: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Check> {
        match tokio::time::timeout_at(self.at, asking).await {
            // The error's own text names what an operator can act on and holds no secret.
            Ok(answer) => answer.map_err(Check::failed),
            Err(_elapsed) => {
                let ms = self.timeout.as_millis();
                Err(Check::failed(format!("no answer within {ms} ms")))
            }
        }
    }
}

/// Whether somebody does the jobs that wait, and whether they reach him: what the workers said of
/// themselves, for a broker is theirs and not this process's.
async fn attendance(parts: &Parts) -> Result<(Check, Check), StoreError> {
    let platform = parts.registry.platform();
    let tx = parts.aside.begin_platform_read(platform).await?;
    let seen = Jobs::attendance(&tx).await?;
    tx.commit().await?;
    let worker = match (seen.unattended, seen.unknown) {
        (Some(queues), _) => Check::Degraded(format!(
            "jobs have been waiting for more than a minute and no worker serves their queue \
             ({queues}): start `hrms-worker`"
        )),
        (None, Some(kinds)) => Check::Degraded(format!(
            "jobs wait that no worker which runs can do ({kinds}): start the `hrms-worker` of the \
             release that put them down"
        )),
        (None, None) if seen.workers == 0 => Check::Disabled,
        (None, None) => Check::Ok,
    };
    let broker = match seen.away {
        Some(reason) => Check::Failed(reason),
        None if seen.with_broker == 0 => Check::Disabled,
        None => Check::Ok,
    };
    Ok((worker, broker))
}

/// Whether PostgreSQL answers, and whether the pool still has a connection for who asks next.
async fn database(parts: &Parts) -> Result<Check, StoreError> {
    let platform = parts.registry.platform();
    let tx = parts.aside.begin_platform_read(platform).await?;
    tx.commit().await?;
    Ok(busy(parts.pool.status()))
}

/// Whether this process hears of changes in time to serve tenants as they are.
fn freshness(freshness: &Freshness) -> Check {
    if !freshness.is_fresh() {
        let age = freshness.age().unwrap_or_default().as_secs();
        Check::failed(format!(
            "the registry was last seen {age} s ago: nobody knows any more which tenants may be \
             served, and requests are refused until it is seen again"
        ))
    } else if freshness.is_listening() {
        Check::Ok
    } else {
        Check::Degraded(
            "PostgreSQL cannot tell of changes (LISTEN); they count when they are looked for"
                .into(),
        )
    }
}

fn busy(pool: PoolStatus) -> Check {
    if pool.in_use >= pool.size && pool.waiting > 0 {
        let size = pool.size;
        Check::Degraded(format!(
            "each of the {size} connections is in use and requests wait for one"
        ))
    } else {
        Check::Ok
    }
}

/// Registered schemas that PostgreSQL does not have.
const ABSENT: &str = "SELECT schema_name FROM tenants \
                      WHERE placement = 'dedicated' AND status <> 'creating' \
                      UNION ALL SELECT schema_name FROM pools \
                      EXCEPT SELECT nspname::text FROM pg_catalog.pg_namespace ORDER BY 1";

#[derive(FromQueryResult)]
struct Absent {
    schema_name: String,
}

/// Whether every schema is there and as this program's migrations make it.
async fn migrations(parts: &Parts, schemas: &mut Vec<String>) -> Result<Check, StoreError> {
    let platform = parts.registry.platform();
    let tx = parts.aside.begin_platform_read(platform).await?;
    let misfits = fit::misfits(&tx).await?;
    let absent: Vec<Absent> = tx.rows(ABSENT, []).await?;
    tx.commit().await?;
    let absent = absent.into_iter().map(|Absent { schema_name }| {
        let problem = format!("schema `{schema_name}` does not exist");
        (schema_name, problem)
    });
    let misfits = misfits
        .iter()
        .map(|misfit: &Misfit| (misfit.schema().to_owned(), misfit.to_string()));
    Ok(wholeness(absent.chain(misfits).collect(), schemas))
}

/// Without these nobody can work.
const VITAL_SCHEMAS: [&str; 2] = ["platform", "public"];

/// Without `platform` and `public` nobody can work. A tenant's schema that is not whole keeps out
/// that tenant (all tenants of a pool), and must not keep out the others: `adr/0006`.
fn wholeness(problems: Vec<(String, String)>, schemas: &mut Vec<String>) -> Check {
    let (ours, tenants): (Vec<_>, Vec<_>) = problems
        .into_iter()
        .partition(|(schema, _)| VITAL_SCHEMAS.contains(&schema.as_str()));
    let affected: BTreeSet<&str> = tenants.iter().map(|(schema, _)| schema.as_str()).collect();
    let check = match (ours.first(), affected.len()) {
        (Some((_, first)), _) => Check::failed(format!("{first} ({} in all)", ours.len())),
        (None, 0) => Check::Ok,
        (None, count) => Check::Degraded(format!(
            "tenants' schemas that are missing or not as this program's migrations make them: \
             {count}; the log names them"
        )),
    };
    let all = ours.into_iter().chain(tenants);
    schemas.extend(all.map(|(_, problem)| problem));
    check
}

#[derive(FromQueryResult)]
struct Found {
    status: String,
    signs: bool,
}

/// Whether those who run the platform can sign in and work.
async fn public_tenant(parts: &Parts) -> Result<Check, StoreError> {
    let slug = Slug::public();
    let platform = parts.registry.platform();
    let tx = parts.aside.begin_platform_read(platform).await?;
    let found: Option<Found> = tx
        .row(
            "SELECT status, \
                    EXISTS (SELECT FROM signing_keys WHERE state = 'active') AS signs \
             FROM tenants WHERE slug = $1",
            [slug.as_str().into()],
        )
        .await?;
    tx.commit().await?;
    match found {
        None => {
            return Ok(Check::failed(
                "there is no public tenant: run `hrms-bootstrap up`",
            ));
        }
        Some(Found { status, .. }) if status != "active" => {
            return Ok(Check::failed(format!("the public tenant is {status}")));
        }
        Some(Found { signs: false, .. }) => {
            return Ok(Check::failed(
                "there is no key to sign tokens with, nobody can sign in: run `hrms-bootstrap up`",
            ));
        }
        Some(Found { signs: true, .. }) => {}
    }
    Ok(match users(parts, door(parts).await?).await {
        Ok(()) => Check::Ok,
        Err(error) => Check::failed(format!(
            "the users of the public tenant cannot be read: {error}"
        )),
    })
}

/// The way into the public tenant. It is found once, for it never moves, and by way of the pool,
/// which is why the process looks at its health before it serves.
async fn door(parts: &Parts) -> Result<&TenantContext, StoreError> {
    let find = async || {
        let found = Box::pin(parts.registry.by_slug(&Slug::public())).await?;
        found
            .map(|registered| registered.context)
            .ok_or_else(|| StoreError::corrupt("the public tenant came and went"))
    };
    parts.public.get_or_try_init(find).await
}

#[derive(FromQueryResult)]
struct Anybody {
    #[expect(dead_code, reason = "that it can be read is the answer")]
    id: uuid::Uuid,
}

async fn users(parts: &Parts, public: &TenantContext) -> Result<(), StoreError> {
    let tx = parts.aside.begin_tenant_read(public).await?;
    let _anybody: Option<Anybody> = tx.row("SELECT id FROM users LIMIT 1", []).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wholeness_of(problems: &[(&str, &str)]) -> (Check, Vec<String>) {
        let owned = |(schema, problem): &(&str, &str)| ((*schema).into(), (*problem).into());
        let mut schemas = Vec::new();
        let check = wholeness(problems.iter().map(owned).collect(), &mut schemas);
        (check, schemas)
    }

    #[test]
    fn what_tenants_lack_is_counted_in_public_and_named_in_the_log() {
        let problems = [("t_acme", "acme's"), ("t_acme", "acme's too")];
        let (Check::Degraded(reason), log) = wholeness_of(&problems) else {
            panic!("it is degraded");
        };
        assert!(
            reason.contains(": 1;") && !reason.contains("acme"),
            "{reason}"
        );
        assert_eq!(log, ["acme's", "acme's too"]);
    }

    #[test]
    fn what_platform_or_public_lack_fails_and_is_named() {
        let problems = [("t_acme", "acme's"), ("public", "public's")];
        let (check, log) = wholeness_of(&problems);
        assert_eq!(check, Check::failed("public's (1 in all)"));
        assert_eq!(log, ["public's", "acme's"]);
    }

    #[test]
    fn a_pool_is_full_when_somebody_waits_and_none_is_free() {
        let pool = |in_use, waiting| {
            busy(PoolStatus {
                size: 8,
                in_use,
                idle: 0,
                waiting,
            })
        };
        assert_eq!(pool(8, 0), Check::Ok);
        // A tenant that has its share waits for itself.
        assert_eq!(pool(6, 64), Check::Ok);
        assert!(matches!(pool(8, 1), Check::Degraded(_)));
    }
}
