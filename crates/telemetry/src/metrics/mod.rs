//! Metrics: numbers about the process, in Prometheus' text format.
//!
//! Written with `prometheus-client`, Prometheus' own library for Rust: it has no global state, adds
//! two small crates, and a value that another part keeps already is read when it is asked for
//! ([`Metrics::watch`]). `metrics` with an exporter keeps everything behind a global recorder, and
//! `opentelemetry-prometheus` is no longer kept up.

mod http;
mod jobs;
mod process;

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, prometheus_text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};

pub use http::{HttpMetrics, InFlight};
pub use jobs::JobMetrics;

/// The media type of [`Metrics::text`].
pub const METRICS_MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Label and value, each a word without a person in it.
pub type Labels = Vec<(&'static str, String)>;

/// Every metric of the process.
pub struct Metrics {
    registry: Registry,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Begins with what every process has: memory, processor time, files, its start, its version.
    #[must_use]
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
        };
        process::register(&mut metrics);
        metrics
    }

    /// Shows a value that goes up and down, read when somebody asks. Its name ends with its unit.
    pub fn watch(
        &mut self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> Vec<(Labels, f64)> + Send + Sync + 'static,
    ) {
        self.collect(name, help, MetricType::Gauge, Box::new(read));
    }

    /// Shows a value that only grows, read when somebody asks. `_total` is added to its name.
    pub fn watch_total(
        &mut self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> Vec<(Labels, f64)> + Send + Sync + 'static,
    ) {
        self.collect(name, help, MetricType::Counter, Box::new(read));
    }

    fn collect(&mut self, name: &'static str, help: &'static str, kind: MetricType, read: Read) {
        let watched = Watched {
            name,
            help,
            kind,
            read,
        };
        self.registry.register_collector(Box::new(watched));
    }

    /// All of it, in Prometheus' text format (0.0.4).
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string can't fail.
        let _ = prometheus_text::encode(&mut text, &self.registry);
        text
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

type Read = Box<dyn Fn() -> Vec<(Labels, f64)> + Send + Sync>;

struct Watched {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    read: Read,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Collector for Watched {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let values = (self.read)();
        if values.is_empty() {
            return Ok(());
        }
        let mut metric = encoder.encode_descriptor(self.name, self.help, None, self.kind)?;
        for (labels, value) in values {
            let one = metric.encode_family(&labels)?;
            match self.kind {
                MetricType::Counter => ConstCounter::new(value).encode(one)?,
                _ => ConstGauge::new(value).encode(one)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_watched_is_read_when_it_is_asked_for() {
        let mut metrics = Metrics::new();
        metrics.watch("hrms_things", "Things.", || {
            vec![(vec![("state", "new".to_owned())], 2.5)]
        });
        metrics.watch_total("hrms_events", "Events.", || vec![(Vec::new(), 7.0)]);
        metrics.watch("hrms_unknown", "Nobody knows.", Vec::new);
        let text = metrics.text();
        for line in [
            "# HELP hrms_things Things.",
            "# TYPE hrms_things gauge",
            "hrms_things{state=\"new\"} 2.5",
            "# TYPE hrms_events_total counter",
            "hrms_events_total 7.0",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
        assert!(!text.contains("hrms_unknown"), "{text}");
    }
}
