//! Whether the platform works, truthfully: each check asks the part itself.

mod checks;
mod http;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use database::{Database, Freshness, TenantContext};
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use tenancy::Registry;
use tokio::sync::{Mutex, OnceCell};
use utoipa::ToSchema;

pub(crate) use http::configure;

/// What the health endpoints report about.
#[derive(Clone)]
pub(crate) struct Health {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    cache_ttl: Duration,
    check_timeout: Duration,
    /// One check at a time, whoever asks: health cannot be used to load the database.
    memory: Mutex<Memory>,
}

/// What is asked.
struct Parts {
    /// The pool, to see how busy it is.
    pool: Database,
    /// The connection beside it.
    aside: Database,
    registry: Arc<Registry>,
    freshness: Freshness,
    /// The way into the public tenant, once it was found.
    public: OnceCell<TenantContext>,
}

#[derive(Default)]
struct Memory {
    last: Option<(Instant, Arc<Report>)>,
    told: Told,
}

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Health")
    }
}

impl Health {
    /// Checks through these.
    pub(crate) fn new(
        database: Database,
        registry: Arc<Registry>,
        freshness: Freshness,
        cache_ttl: Duration,
        check_timeout: Duration,
    ) -> Self {
        let parts = Parts {
            aside: database.aside(),
            pool: database,
            registry,
            freshness,
            public: OnceCell::new(),
        };
        Self {
            inner: Arc::new(Inner {
                parts,
                cache_ttl,
                check_timeout,
                memory: Mutex::default(),
            }),
        }
    }

    /// How the platform is, or was less than `cache_ttl` ago.
    pub(crate) async fn report(&self) -> Arc<Report> {
        let mut memory = self.inner.memory.lock().await;
        if let Some((at, report)) = &memory.last
            && at.elapsed() < self.inner.cache_ttl
        {
            return Arc::clone(report);
        }
        let findings = checks::run(&self.inner.parts, self.inner.check_timeout).await;
        let problems = findings.problems();
        let now = Instant::now();
        if memory.told.is_news(&problems, now) {
            tracing::warn!(problems, "the platform is not whole");
        }
        let report = Arc::new(Report::of(findings.into_checks()));
        memory.last = Some((now, Arc::clone(&report)));
        report
    }
}

/// What the log was told last, and when: health is asked every second, and the log read by people.
#[derive(Default)]
struct Told(Option<(Instant, String)>);

impl Told {
    const AGAIN: Duration = Duration::from_mins(1);

    /// Whether this is worth a line, which is noted.
    fn is_news(&mut self, problems: &str, now: Instant) -> bool {
        let known = self.0.as_ref().is_some_and(|(at, told)| {
            told == problems && now.saturating_duration_since(*at) < Self::AGAIN
        });
        if problems.is_empty() || known {
            return false;
        }
        self.0 = Some((now, problems.to_owned()));
        true
    }
}

/// The state of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// It works.
    Ok,
    /// It is not configured, which is no degradation.
    Disabled,
    /// It works, but not as it should, and why.
    Degraded(String),
    /// It does not work, and why, for an operator to act on.
    Failed(String),
}

impl Check {
    fn failed(reason: impl std::fmt::Display) -> Self {
        Self::Failed(reason.to_string())
    }

    /// What to say of it, when there is something.
    fn reason(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Ok | Self::Disabled => None,
            Self::Degraded(reason) => Some(("degraded", reason)),
            Self::Failed(reason) => Some(("failed", reason)),
        }
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.reason() {
            None if *self == Self::Disabled => serializer.serialize_str("disabled"),
            None => serializer.serialize_str("ok"),
            Some((status, reason)) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("status", status)?;
                map.serialize_entry("reason", reason)?;
                map.end()
            }
        }
    }
}

/// The state of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = HealthStatus)]
pub enum Status {
    /// Everything that is configured works.
    Ok,
    /// Requests are answered, but something does not work, or not for everybody.
    Degraded,
    /// Requests cannot be answered.
    Failed,
}

/// How the platform is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = HealthReport)]
pub struct Report {
    /// The whole.
    pub status: Status,
    /// The program's version.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
    /// Each part: `"ok"`, `"disabled"` (not configured), or `{ "status": …, "reason": … }`.
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>,
             example = json!({
                 "database": "ok", "migrations": "ok", "public_tenant": "ok", "cache": "disabled",
                 "broker": { "status": "failed", "reason": "the broker does not answer" },
             }))]
    pub checks: BTreeMap<&'static str, Check>,
}

/// Without these no request can be answered.
const VITAL: [&str; 4] = ["database", "freshness", "migrations", "public_tenant"];

impl Report {
    fn of(checks: BTreeMap<&'static str, Check>) -> Self {
        let failed = |name: &&str| matches!(checks.get(*name), Some(Check::Failed(_)));
        let status = if VITAL.iter().any(failed) {
            Status::Failed
        } else if checks.values().any(|check| check.reason().is_some()) {
            Status::Degraded
        } else {
            Status::Ok
        };
        Self {
            status,
            version: env!("CARGO_PKG_VERSION"),
            checks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(checks: &[(&'static str, Check)]) -> Status {
        Report::of(checks.iter().cloned().collect()).status
    }

    #[test]
    fn what_is_not_configured_is_no_degradation() {
        assert_eq!(
            report(&[("database", Check::Ok), ("cache", Check::Disabled)]),
            Status::Ok
        );
    }

    #[test]
    fn a_vital_part_fails_the_whole_and_any_other_degrades_it() {
        let failed = || Check::Failed("gone".to_owned());
        assert_eq!(
            report(&[("migrations", failed()), ("cache", Check::Ok)]),
            Status::Failed
        );
        assert_eq!(
            report(&[("database", Check::Ok), ("cache", failed())]),
            Status::Degraded
        );
        let degraded = Check::Degraded("some".to_owned());
        assert_eq!(report(&[("migrations", degraded)]), Status::Degraded);
    }

    #[test]
    fn the_log_is_told_when_something_changes_and_once_a_minute_else() {
        let mut told = Told::default();
        let start = Instant::now();
        let later = |seconds| start + Duration::from_secs(seconds);
        assert!(!told.is_news("", start));
        assert!(told.is_news("t_acme", start));
        assert!(!told.is_news("t_acme", later(59)));
        assert!(!told.is_news("", later(59)));
        assert!(told.is_news("t_acme, t_globex", later(59)));
        assert!(!told.is_news("t_acme, t_globex", later(118)));
        assert!(told.is_news("t_acme, t_globex", later(119)));
    }

    #[test]
    fn a_check_that_is_not_ok_says_why() {
        let failed = serde_json::to_value(Check::Failed("no route".to_owned())).unwrap();
        assert_eq!(
            failed,
            serde_json::json!({"status": "failed", "reason": "no route"})
        );
        let degraded = serde_json::to_value(Check::Degraded("busy".to_owned())).unwrap();
        assert_eq!(
            degraded,
            serde_json::json!({"status": "degraded", "reason": "busy"})
        );
        assert_eq!(serde_json::to_value(Check::Disabled).unwrap(), "disabled");
    }
}
