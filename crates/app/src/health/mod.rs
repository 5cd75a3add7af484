//! Whether the platform works, truthfully: each check asks the part itself.

mod checks;
mod http;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use database::Database;
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use tenancy::Registry;
use tokio::sync::Mutex;
use utoipa::ToSchema;

pub(crate) use http::configure;

/// What the health endpoints report about.
#[derive(Clone)]
pub(crate) struct Health {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    registry: Arc<Registry>,
    cache_ttl: Duration,
    check_timeout: Duration,
    /// One check at a time, whoever asks: health cannot be used to load the database.
    last: Mutex<Option<(Instant, Arc<Report>)>>,
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
        cache_ttl: Duration,
        check_timeout: Duration,
    ) -> Self {
        let last = Mutex::new(None);
        Self {
            inner: Arc::new(Inner {
                database,
                registry,
                cache_ttl,
                check_timeout,
                last,
            }),
        }
    }

    /// How the platform is, or was less than `cache_ttl` ago.
    pub(crate) async fn report(&self) -> Arc<Report> {
        let mut last = self.inner.last.lock().await;
        if let Some((at, report)) = &*last
            && at.elapsed() < self.inner.cache_ttl
        {
            return Arc::clone(report);
        }
        let report = Arc::new(self.check().await);
        *last = Some((Instant::now(), Arc::clone(&report)));
        report
    }

    async fn check(&self) -> Report {
        let Inner {
            database,
            registry,
            check_timeout,
            ..
        } = &*self.inner;
        let checks = checks::run(database, registry, *check_timeout).await;
        Report::of(checks)
    }
}

/// The state of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// It works.
    Ok,
    /// It is not configured, which is no degradation.
    Disabled,
    /// It does not work, and why, for an operator to act on.
    Failed(String),
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Ok => serializer.serialize_str("ok"),
            Self::Disabled => serializer.serialize_str("disabled"),
            Self::Failed(reason) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("status", "failed")?;
                map.serialize_entry("reason", reason)?;
                map.end()
            }
        }
    }
}

/// The state of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Everything that is configured works.
    Ok,
    /// Requests are answered, but something does not work.
    Degraded,
    /// Requests cannot be answered.
    Failed,
}

/// How the platform is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Report {
    /// The whole.
    pub status: Status,
    /// The program's version.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
    /// Each part: `"ok"`, `"disabled"` (not configured), or `{ "status": …, "reason": … }`.
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub checks: BTreeMap<&'static str, Check>,
}

/// Without these no request can be answered.
const VITAL: [&str; 3] = ["database", "migrations", "public_tenant"];

impl Report {
    fn of(checks: BTreeMap<&'static str, Check>) -> Self {
        let failed = |name: &&str| matches!(checks.get(*name), Some(Check::Failed(_)));
        let status = if VITAL.iter().any(failed) {
            Status::Failed
        } else if checks.keys().any(failed) {
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
    }

    #[test]
    fn a_check_that_is_not_ok_says_why() {
        let failed = serde_json::to_value(Check::Failed("no route".to_owned())).unwrap();
        assert_eq!(
            failed,
            serde_json::json!({"status": "failed", "reason": "no route"})
        );
        assert_eq!(serde_json::to_value(Check::Disabled).unwrap(), "disabled");
    }
}
