//! Turning logging on, once a process.

use std::io::{self, BufWriter, IsTerminal};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::{Layered, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, Registry};

use crate::json::JsonLines;
use crate::traces::Sending;
use crate::{LogFilter, LogFormat, LogSettings, Metrics, TraceSettings};

/// Lines that may wait for a slow reader: about three seconds of a fully loaded API, 10 MB.
const QUEUED_LINES: usize = 32_768;

/// Why logging could not be turned on.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The process logs already: `init` was called twice.
    #[error("logging is on already")]
    AlreadyOn(#[source] TryInitError),
    /// The thread that sends traces does not start.
    #[error("the thread that sends traces does not start")]
    NoThread(#[source] io::Error),
    /// Traces cannot be sent to the collector that is named.
    #[error("traces cannot be sent")]
    NoExporter(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Keeps log and traces going; dropping it writes and sends what is queued. Belongs into `main`.
#[must_use = "logging ends when the guard is dropped"]
#[derive(Debug)]
pub struct Guard {
    dropped: ErrorCounter,
    // Dropped before the log: it may have something to say.
    _traces: Option<Sending>,
    _writer: WorkerGuard,
}

impl Guard {
    /// Lines that were lost since the start because nobody read the log fast enough.
    #[must_use]
    pub fn dropped_lines(&self) -> usize {
        self.dropped.dropped_lines()
    }
}

impl Guard {
    /// Adds what is known of the log to the metrics of the process.
    pub fn show(&self, metrics: &mut Metrics) {
        let dropped = self.dropped.clone();
        metrics.watch_total(
            "hrms_log_lines_dropped",
            "Lines that were lost because nobody read the log fast enough.",
            move || {
                let lines = u32::try_from(dropped.dropped_lines()).unwrap_or(u32::MAX);
                vec![(Vec::new(), f64::from(lines))]
            },
        );
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let lines = self.dropped_lines();
        if lines > 0 {
            tracing::warn!(
                lines,
                "log lines were lost: the reader of the log was too slow"
            );
        }
    }
}

/// Turns logging on for the whole process, for `tracing` and the `log` crate alike, and makes
/// panics events.
///
/// Lines go to standard error through a bounded queue and a thread that writes them in batches.
/// When the queue is full a line is dropped, not waited for: a log that nobody reads must not stop
/// the service that writes it. Traces are sent by `program` as [`TraceSettings`] say.
pub fn init(
    program: &'static str,
    settings: &LogSettings,
    traces: &TraceSettings,
) -> Result<Guard, TelemetryError> {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(QUEUED_LINES)
        .lossy(true)
        .thread_name("log")
        .finish(BufWriter::new(io::stderr()));
    let dropped = writer.error_counter();
    let filter = settings.level.clone().with_access_log(settings.access_log);
    let (spans, sending) = crate::traces::start(program, traces)?.unzip();
    tracing_subscriber::registry()
        .with(filter)
        .with(lines(settings.format, writer))
        .with(spans)
        .try_init()
        .map_err(TelemetryError::AlreadyOn)?;
    crate::panic::install_hook();
    Ok(Guard {
        dropped,
        _traces: sending,
        _writer: guard,
    })
}

type Filtered = Layered<LogFilter, Registry>;

fn lines(format: LogFormat, writer: NonBlocking) -> Box<dyn Layer<Filtered> + Send + Sync> {
    match format {
        LogFormat::Json => JsonLines(writer).boxed(),
        LogFormat::Pretty => tracing_subscriber::fmt::layer()
            .with_writer(writer)
            .with_ansi(io::stderr().is_terminal())
            .boxed(),
    }
}
