//! How requests are answered.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use prometheus_client::metrics::{
    counter::Counter, family::Family, gauge::Gauge, histogram::Histogram,
};

use super::Metrics;

/// From a cached answer to one that is given up, in seconds.
const BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// So many tenants have a number of their own; what others ask for is counted together.
const MOST_TENANTS: usize = 1_000;
/// No slug begins like this.
const OTHER_TENANTS: &str = "_others";
/// What serves no route.
const UNMATCHED: (&str, &str) = ("any", "unmatched");

/// Method, route and class of the status.
type RouteLabels = [(&'static str, String); 3];
type Classes = [RouteLabels; 5];
type OneLabel = [(&'static str, String); 1];

/// Counts and times of the requests of one process.
#[derive(Debug)]
pub struct HttpMetrics {
    /// The labels of each route, by what it does: `GET /api/v1/employees/{id}`.
    routes: HashMap<String, Classes>,
    unmatched: Classes,
    requests: Family<RouteLabels, Counter<u64, AtomicU64>>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    in_flight: Gauge<i64, AtomicI64>,
    abandoned: Counter<u64, AtomicU64>,
    refused: Family<OneLabel, Counter<u64, AtomicU64>>,
    tenants: Family<OneLabel, Counter<u64, AtomicU64>>,
    known_tenants: AtomicUsize,
}

impl HttpMetrics {
    /// Adds them, for routes that do this: `GET /api/v1/employees/{id}`.
    pub fn register(metrics: &mut Metrics, actions: impl IntoIterator<Item = String>) -> Self {
        let labels = |action: String| {
            let (method, route) = action.split_once(' ').unwrap_or(("", &action));
            let classes = classes(method, route);
            (action, classes)
        };
        let all = Self {
            routes: actions.into_iter().map(labels).collect(),
            unmatched: classes(UNMATCHED.0, UNMATCHED.1),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            in_flight: Gauge::default(),
            abandoned: Counter::default(),
            refused: Family::default(),
            tenants: Family::default(),
            known_tenants: AtomicUsize::new(0),
        };
        let registry = &mut metrics.registry;
        registry.register(
            "hrms_http_requests",
            "Requests that were answered, by route and class of status",
            all.requests.clone(),
        );
        registry.register(
            "hrms_http_request_duration_seconds",
            "Time from a request's head to its answer",
            all.durations.clone(),
        );
        registry.register(
            "hrms_http_requests_in_flight",
            "Requests that are being answered",
            all.in_flight.clone(),
        );
        registry.register(
            "hrms_http_requests_abandoned",
            "Requests whose client was gone before they were answered",
            all.abandoned.clone(),
        );
        registry.register(
            "hrms_http_requests_refused",
            "Requests beyond a limit, by the limit",
            all.refused.clone(),
        );
        registry.register(
            "hrms_tenant_requests",
            "Requests for a tenant; of the first thousand that are asked for, and of all others",
            all.tenants.clone(),
        );
        all
    }

    /// A request has come in.
    pub fn begin(&self) -> InFlight<'_> {
        self.in_flight.inc();
        InFlight {
            metrics: self,
            answered: false,
        }
    }

    /// A request was one too many for this limit.
    pub fn refuse(&self, policy: &str) {
        let labels = [("limit", policy.to_owned())];
        self.refused.get_or_create(&labels).inc();
    }

    /// A request is for this tenant.
    pub fn for_tenant(&self, slug: &str) {
        let labels = [("tenant", slug.to_owned())];
        if let Some(counter) = self.tenants.get(&labels) {
            counter.inc();
            return;
        }
        let others = [("tenant", OTHER_TENANTS.to_owned())];
        // Of two that meet here with the thousandth, one more may be let in.
        let is_full = self.known_tenants.load(Ordering::Relaxed) >= MOST_TENANTS;
        if !is_full {
            self.known_tenants.fetch_add(1, Ordering::Relaxed);
        }
        let labels = if is_full { others } else { labels };
        self.tenants.get_or_create(&labels).inc();
    }
}

fn classes(method: &str, route: &str) -> Classes {
    ["1xx", "2xx", "3xx", "4xx", "5xx"].map(|status| {
        [
            ("method", method.to_owned()),
            ("route", route.to_owned()),
            ("status", status.to_owned()),
        ]
    })
}

/// A request that is being answered.
#[must_use = "the request ends with it"]
#[derive(Debug)]
pub struct InFlight<'metrics> {
    metrics: &'metrics HttpMetrics,
    answered: bool,
}

impl InFlight<'_> {
    /// Its answer goes out.
    pub fn answer(mut self, action: Option<&str>, status: u16, elapsed: Duration) {
        self.answered = true;
        let metrics = self.metrics;
        let classes = action
            .and_then(|action| metrics.routes.get(action))
            .unwrap_or(&metrics.unmatched);
        let class = usize::from(status / 100).saturating_sub(1);
        if let Some(labels) = classes.get(class) {
            metrics.requests.get_or_create(labels).inc();
            let durations = metrics.durations.get_or_create(labels);
            durations.observe(elapsed.as_secs_f64());
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
        if !self.answered {
            self.metrics.abandoned.inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> (Metrics, HttpMetrics) {
        let mut all = Metrics::new();
        let actions = ["GET /people/{id}".to_owned()];
        let http = HttpMetrics::register(&mut all, actions);
        (all, http)
    }

    fn has(metrics: &Metrics, line: &str) {
        let text = metrics.text();
        assert!(text.lines().any(|it| it == line), "{line}: {text}");
    }

    #[test]
    fn requests_are_counted_and_timed_by_route_and_class() {
        let (all, http) = metrics();
        let answer = |action, status, millis| {
            http.begin()
                .answer(action, status, Duration::from_millis(millis));
        };
        answer(Some("GET /people/{id}"), 200, 3);
        answer(Some("GET /people/{id}"), 204, 300);
        answer(Some("GET /people/{id}"), 404, 1);
        answer(None, 404, 1);
        let of = "method=\"GET\",route=\"/people/{id}\"";
        for line in [
            format!("hrms_http_requests_total{{{of},status=\"2xx\"}} 2"),
            format!("hrms_http_requests_total{{{of},status=\"4xx\"}} 1"),
            "hrms_http_requests_total{method=\"any\",route=\"unmatched\",status=\"4xx\"} 1"
                .to_owned(),
            format!(
                "hrms_http_request_duration_seconds_bucket{{{of},status=\"2xx\",le=\"0.005\"}} 1"
            ),
            format!(
                "hrms_http_request_duration_seconds_bucket{{{of},status=\"2xx\",le=\"0.5\"}} 2"
            ),
            format!("hrms_http_request_duration_seconds_count{{{of},status=\"2xx\"}} 2"),
            "hrms_http_requests_in_flight 0".to_owned(),
            "hrms_http_requests_abandoned_total 0".to_owned(),
        ] {
            has(&all, &line);
        }
    }

    #[test]
    fn who_is_gone_before_his_answer_is_counted_apart() {
        let (all, http) = metrics();
        let begun = http.begin();
        has(&all, "hrms_http_requests_in_flight 1");
        drop(begun);
        has(&all, "hrms_http_requests_in_flight 0");
        has(&all, "hrms_http_requests_abandoned_total 1");
    }

    #[test]
    fn a_path_that_nobody_serves_never_becomes_a_label() {
        let (all, http) = metrics();
        http.begin()
            .answer(Some("GET /invented"), 404, Duration::ZERO);
        assert!(!all.text().contains("invented"));
    }

    #[test]
    fn so_many_tenants_have_a_number_and_the_rest_one_together() {
        let (all, http) = metrics();
        for _ in 0..2 {
            for n in 0..MOST_TENANTS + 50 {
                http.for_tenant(&format!("t{n}"));
            }
        }
        let text = all.text();
        let shown = text
            .lines()
            .filter(|it| it.starts_with("hrms_tenant_requests_total{"));
        assert_eq!(shown.count(), MOST_TENANTS + 1);
        has(&all, "hrms_tenant_requests_total{tenant=\"t7\"} 2");
        has(&all, "hrms_tenant_requests_total{tenant=\"_others\"} 100");
    }

    #[test]
    fn a_refusal_names_its_limit() {
        let (all, http) = metrics();
        http.refuse("user");
        has(&all, "hrms_http_requests_refused_total{limit=\"user\"} 1");
    }
}
