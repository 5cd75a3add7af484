//! Logs, traces and metrics: how they are written, what they may hold, and which request they belong to.
//!
//! # What it promises
//! - One line an event, as JSON ([`LogFormat::Json`]) or for people ([`LogFormat::Pretty`]), on
//!   standard error. Standard output belongs to what a command prints.
//! - Every event inside a request carries that request's [`fields`], also from a spawned task:
//!   [`spawn`], [`spawn_named`] and [`spawn_blocking`] take the current span along, and nothing
//!   else in the workspace may call `tokio::spawn`.
//! - Logging never holds up a request. Lines go through a bounded queue to a thread of their own;
//!   when the reader of the log is stuck and the queue full, lines are dropped and counted
//!   ([`Guard::dropped_lines`]). What must not be lost (the audit trail) is a row in the database
//!   and never only a line in a log.
//! - A panic is one event with its place, in the span it happened in.
//! - Every event inside a request carries the id of its trace too, that of the caller's
//!   `traceparent` or a new one ([`TraceContext`]).
//!
//! # Traces
//! Where a collector is named ([`TraceSettings`]), each request's span and what was logged inside it
//! are sent to it by OTLP over gRPC, named and described by OpenTelemetry's conventions for HTTP
//! ([`Answered`]): `http.request.method`, `http.route`, `http.response.status_code`, `url.scheme`,
//! `error.type`, and the [`fields`]. No address, path or query of a client is among them.
//!
//! # Metrics
//! [`Metrics`] are the numbers of a process, shown on a listener of their own. Names and labels keep
//! these rules:
//! - a name begins with `hrms_` and what it counts, and ends with its unit (`_seconds`, `_bytes`), or
//!   with `_total` when it only grows; `process_…` are those that every program has;
//! - a label has few values, all known beforehand: a route's template and never a path, the class of
//!   a status, the name of a limit, a cache or a state;
//! - no histogram has a tenant, and a counter by tenant knows a thousand of them at most, then
//!   `_others`; nothing has a user.
//!
//! # No personal data
//! A log outlives the record it speaks of and is read by people who may not read that record.
//! So a line may hold ids, slugs, counts, durations, codes and the names of fields, and never
//! their values: no names, e-mail addresses, amounts, request bodies, query strings, tokens or
//! SQL with values in it. People appear as [`fields::USER`] alone, an id that means nothing
//! outside the tenant's schema. Three walls keep slips small:
//! - libraries, whose debug events print headers and statements, are held at `info` whatever the
//!   general level is; an operator who wants more names the library ([`LogFilter`]);
//! - of a panic only a message without any value in it is logged;
//! - an error that is logged describes what went wrong, never the value it went wrong with.
//!
//! # Example
//! ```
//! use telemetry::{LogFormat, LogSettings, TraceSettings, fields};
//! use tracing::Instrument;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let log = LogSettings {
//!     format: LogFormat::Json,
//!     level: "info,employees=debug".parse()?,
//!     access_log: true,
//! };
//! // Kept until the end of `main`: dropping it writes what is still queued.
//! let _guard = telemetry::init("hrms-example", &log, &TraceSettings::default())?;
//!
//! let draw = || ([1; 16], [2; 8]);
//! let (span, _place) = telemetry::open_request("0192f0c1-7f0a-7000-8000-000000000001", None, draw);
//! span.record(fields::TENANT, "acme");
//! let _request = async { tracing::info!("hired") }.instrument(span);
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

pub mod fields;
mod filter;
mod init;
mod json;
mod metrics;
mod origin;
mod panic;
mod settings;
mod spawn;
mod trace_context;
mod traces;

pub use filter::{ACCESS_LOG, LogFilter, LogFilterError};
pub use init::{Guard, TelemetryError, init};
pub use metrics::{HttpMetrics, InFlight, JobMetrics, Labels, METRICS_MEDIA_TYPE, Metrics};
pub use origin::Origin;
pub use settings::{LogFormat, LogSettings, UnknownLogFormat};
pub use spawn::{spawn, spawn_blocking, spawn_named};
pub use trace_context::TraceContext;
pub use traces::{
    Answered, CollectorUrl, NoCollectorUrl, OpenedJob, TraceSettings, open_job, open_request,
};
