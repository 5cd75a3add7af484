//! How jobs are done.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::metrics::{counter::Counter, family::Family, histogram::Histogram};

use super::Metrics;

/// From a job that has next to nothing to do to one that takes an hour, in seconds.
const BUCKETS: [f64; 13] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0, 3_600.0,
];

type EndedLabels = [(&'static str, String); 3];
type OneLabel = [(&'static str, String); 1];

/// Counts and times of the jobs of one process.
#[derive(Debug)]
pub struct JobMetrics {
    ended: Family<EndedLabels, Counter<u64, AtomicU64>>,
    durations: Family<OneLabel, Histogram, fn() -> Histogram>,
    refused: Counter<u64, AtomicU64>,
}

impl JobMetrics {
    /// Adds them.
    pub fn register(metrics: &mut Metrics) -> Self {
        let all = Self {
            ended: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            refused: Counter::default(),
        };
        let registry = &mut metrics.registry;
        registry.register(
            "hrms_job_attempts",
            "Tries of jobs that have ended, by kind, queue and what came of them",
            all.ended.clone(),
        );
        registry.register(
            "hrms_job_duration_seconds",
            "Time that a try took",
            all.durations.clone(),
        );
        registry.register(
            "hrms_job_messages_refused",
            "Messages that contradict the registry or the job, and were not followed",
            all.refused.clone(),
        );
        all
    }

    /// A try has ended. Kinds are words of the program: there are few.
    pub fn ended(&self, kind: &str, queue: &str, outcome: &str, took: Duration) {
        let labels = [
            ("kind", kind.to_owned()),
            ("queue", queue.to_owned()),
            ("outcome", outcome.to_owned()),
        ];
        self.ended.get_or_create(&labels).inc();
        let labels = [("kind", kind.to_owned())];
        let durations = self.durations.get_or_create(&labels);
        durations.observe(took.as_secs_f64());
    }

    /// A message was not followed.
    pub fn refused(&self) {
        self.refused.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_counted_by_what_came_of_them() {
        let mut metrics = Metrics::new();
        let jobs = JobMetrics::register(&mut metrics);
        jobs.ended("mail.send", "critical", "done", Duration::from_millis(20));
        jobs.ended("mail.send", "critical", "done", Duration::from_millis(20));
        jobs.ended("mail.send", "critical", "dead", Duration::from_millis(20));
        jobs.refused();
        let text = metrics.text();
        for line in [
            "hrms_job_attempts_total{kind=\"mail.send\",queue=\"critical\",outcome=\"done\"} 2",
            "hrms_job_attempts_total{kind=\"mail.send\",queue=\"critical\",outcome=\"dead\"} 1",
            "hrms_job_duration_seconds_count{kind=\"mail.send\"} 3",
            "hrms_job_messages_refused_total 1",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
    }
}
