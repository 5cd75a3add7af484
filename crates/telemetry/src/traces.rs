//! Sending what was done for a request to a collector (OTLP), so that it is seen beside what other
//! services did for the same one. Off unless a collector is named.

use std::{
    fmt::{self, Display},
    str::FromStr,
    time::Duration,
};

use opentelemetry::{
    Context, KeyValue,
    trace::{
        SpanContext, SpanId, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
        TracerProvider as _,
    },
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{ParentBasedSampler, Sampler, SdkTracer, SdkTracerProvider},
};
use tokio::runtime::{self, Runtime};
use tracing::{Span, Subscriber, field::Empty};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::{TelemetryError, TraceContext, fields};

/// How long what is still queued may take to be sent when the process ends.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// How long the collector may take to accept a batch.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where traces go, and how many of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceSettings {
    /// The collector; `None` to send nothing.
    pub endpoint: Option<CollectorUrl>,
    /// One trace in so many is sent, 0 counts as 1. Which ones is decided by the trace's id, so that
    /// services with the same number send the same ones.
    pub sample_one_in: u64,
}

/// Address of a collector that speaks OTLP over gRPC: `http://127.0.0.1:4317`.
///
/// Without TLS: a collector stands beside the process or within the same network, and brings what
/// it gathered further by its own means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorUrl(String);

/// A text that is no [`CollectorUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a collector's address has the form `http://host:port`")]
pub struct NoCollectorUrl;

impl FromStr for CollectorUrl {
    type Err = NoCollectorUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let authority = text.strip_prefix("http://").ok_or(NoCollectorUrl)?;
        let (host, port) = authority.rsplit_once(':').ok_or(NoCollectorUrl)?;
        let is_host = !host.is_empty() && !host.contains(['/', '@', '?', '#', ' ']);
        let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
        (is_host && is_port)
            .then(|| Self(text.to_owned()))
            .ok_or(NoCollectorUrl)
    }
}

impl fmt::Display for CollectorUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Keeps the sending going; dropping it sends what is queued, for a few seconds at most.
#[derive(Debug)]
pub(crate) struct Sending {
    provider: SdkTracerProvider,
    /// gRPC needs a runtime: its own, so that it neither waits for the process's nor dies before
    /// the last batch.
    runtime: Option<Runtime>,
}

impl Drop for Sending {
    fn drop(&mut self) {
        // A collector that is away is no reason to end otherwise.
        let _ = self.provider.shutdown_with_timeout(LAST_WORDS);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

type Spans<S> = OpenTelemetryLayer<S, SdkTracer>;

/// Begins to send, if a collector is named.
///
/// Spans wait in a bounded queue for a thread that sends them in batches. When the collector is
/// slow or away they are dropped: tracing never holds up a request.
pub(crate) fn start<S>(
    program: &'static str,
    settings: &TraceSettings,
) -> Result<Option<(Spans<S>, Sending)>, TelemetryError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let Some(endpoint) = &settings.endpoint else {
        return Ok(None);
    };
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("traces")
        .enable_all()
        .build()
        .map_err(TelemetryError::NoThread)?;
    let entered = runtime.enter();
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint.0.as_str())
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|error| TelemetryError::NoExporter(Box::new(error)))?;
    let resource = Resource::builder_empty()
        .with_service_name(program)
        .with_attribute(KeyValue::new("service.namespace", "hrms"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler(settings.sample_one_in))
        .with_resource(resource)
        .build();
    drop(entered);
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("hrms"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        // Nothing here asks OpenTelemetry which span is the current one.
        .with_context_activation(false);
    let runtime = Some(runtime);
    Ok(Some((layer, Sending { provider, runtime })))
}

/// A caller that asks for its trace to be kept is one vote among ours: it would else decide how
/// much is sent.
fn sampler(one_in: u64) -> ParentBasedSampler {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a ratio of so many traces needs no more digits"
    )]
    let share = || Sampler::TraceIdRatioBased(1.0 / one_in.max(1) as f64);
    Sampler::parent_based(share()).with_remote_parent_sampled(share())
}

/// Opens the span that everything done for one request happens in, and tells its place in the
/// trace of `parent`, or in a new one.
///
/// [`fields::TENANT`], [`fields::USER`] and [`fields::ACTION`] are recorded on it
/// (`span.record(fields::TENANT, slug)`) as soon as they are known. The span has the level `error`,
/// so that a log reduced to errors still says which request each of them belongs to. Ids come from
/// `draw`, unless a collector is named: then they are those of the span that it is sent.
#[must_use]
pub fn open_request(
    request_id: impl Display,
    parent: Option<&TraceContext>,
    draw: impl FnOnce() -> ([u8; 16], [u8; 8]),
) -> (Span, TraceContext) {
    let span = tracing::error_span!(
        "request",
        { fields::REQUEST_ID } = %request_id,
        { fields::TRACE_ID } = Empty,
        { fields::TENANT } = Empty,
        { fields::USER } = Empty,
        { fields::ACTION } = Empty,
    );
    let place = put_into_trace(&span, parent, draw);
    (span, place)
}

/// A job, as its span tells of it.
#[derive(Debug, Clone, Copy)]
pub struct OpenedJob<'a> {
    /// Its id.
    pub job: &'a str,
    /// What is done: `employees.import`.
    pub kind: &'a str,
    /// Slug of the tenant whose it is; `platform` for the platform's own.
    pub tenant: &'a str,
    /// Id of the request that wanted it.
    pub request_id: Option<&'a str>,
    /// Id of the user who wanted it.
    pub user: Option<&'a str>,
}

/// Opens the span that everything done for one job happens in, as [`open_request`] does for a
/// request. It lies in the trace of the request that wanted the job.
#[must_use]
pub fn open_job(
    job: OpenedJob<'_>,
    parent: Option<&TraceContext>,
    draw: impl FnOnce() -> ([u8; 16], [u8; 8]),
) -> (Span, TraceContext) {
    let span = tracing::error_span!(
        parent: None,
        "job",
        { fields::JOB } = job.job,
        { fields::TENANT } = job.tenant,
        { fields::ACTION } = job.kind,
        { fields::REQUEST_ID } = job.request_id,
        { fields::USER } = job.user,
        { fields::TRACE_ID } = Empty,
    );
    let place = put_into_trace(&span, parent, draw);
    span.context().span().update_name(job.kind.to_owned());
    (span, place)
}

/// Puts a span into the trace of `parent`, or begins one.
fn put_into_trace(
    span: &Span,
    parent: Option<&TraceContext>,
    draw: impl FnOnce() -> ([u8; 16], [u8; 8]),
) -> TraceContext {
    if let Some(parent) = parent {
        // Fails when nothing is sent, which is what it is then.
        let _ = span.set_parent(Context::new().with_remote_span_context(remote(parent)));
    }
    let context = span.context();
    let sent = context.span().span_context().clone();
    let place = match parent {
        Some(parent) if sent.is_valid() => parent.child(sent.span_id().to_bytes()),
        Some(parent) => parent.child(draw().1),
        None if sent.is_valid() => {
            let (trace_id, span_id) = (sent.trace_id().to_bytes(), sent.span_id().to_bytes());
            TraceContext::begin(trace_id, span_id).sampled(sent.is_sampled())
        }
        None => {
            let (trace_id, span_id) = draw();
            TraceContext::begin(trace_id, span_id)
        }
    };
    span.record(fields::TRACE_ID, place.trace_id());
    place
}

fn remote(parent: &TraceContext) -> SpanContext {
    let flags = if parent.is_sampled() {
        TraceFlags::SAMPLED
    } else {
        TraceFlags::NOT_SAMPLED
    };
    let state = parent.state().and_then(|state| state.parse().ok());
    SpanContext::new(
        TraceId::from(parent.trace_id_bits()),
        SpanId::from(parent.span_id_bits()),
        flags,
        true,
        state.unwrap_or(TraceState::NONE),
    )
}

/// What is told of a request and its answer, in the words of OpenTelemetry's HTTP conventions.
/// Neither the client's address nor the path: both may say who somebody is.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// What was done: `GET /api/v1/employees/{id}`; `None` when nothing is there.
    pub action: Option<&'a str>,
    /// The method.
    pub method: &'a str,
    /// What the client speaks: `http` or `https`.
    pub scheme: &'static str,
    /// The answer's status.
    pub status: u16,
}

impl Answered<'_> {
    /// Completes a request's span for the collector.
    pub fn describe(self, span: &Span) {
        let context = span.context();
        let sent = context.span();
        if !sent.is_recording() {
            return;
        }
        sent.set_attribute(KeyValue::new("http.request.method", self.method.to_owned()));
        sent.set_attribute(KeyValue::new("url.scheme", self.scheme));
        sent.set_attribute(KeyValue::new(
            "http.response.status_code",
            i64::from(self.status),
        ));
        if let Some(action) = self.action {
            let route = action.split_once(' ').map_or(action, |(_, route)| route);
            sent.set_attribute(KeyValue::new("http.route", route.to_owned()));
            sent.update_name(action.to_owned());
        }
        if self.status >= 500 {
            sent.set_attribute(KeyValue::new("error.type", self.status.to_string()));
            sent.set_status(Status::error(""));
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::trace::{SamplingDecision, ShouldSample as _};

    use super::*;

    fn sends(one_in: u64, parent: Option<&str>, trace_id: u128) -> bool {
        let parent = parent.map(|header| {
            let context = TraceContext::parse(header).unwrap();
            Context::new().with_remote_span_context(remote(&context))
        });
        let kind = opentelemetry::trace::SpanKind::Server;
        let decided = sampler(one_in).should_sample(
            parent.as_ref(),
            TraceId::from(trace_id),
            "request",
            &kind,
            &[],
            &[],
        );
        decided.decision == SamplingDecision::RecordAndSample
    }

    const ASKED_FOR: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const UNWANTED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    #[test]
    fn a_caller_can_ask_for_less_and_never_for_more() {
        let trace_id = 0xa3ce_929d_0e0e_4736;
        assert!(sends(1, None, trace_id) && sends(1, Some(ASKED_FOR), trace_id));
        assert!(!sends(1, Some(UNWANTED), trace_id));
        assert!(!sends(1_000, Some(ASKED_FOR), trace_id));
        assert!(!sends(1_000, None, trace_id));
    }

    #[test]
    fn one_trace_in_so_many_is_sent() {
        let ids =
            (0..10_000_u128).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        let sent = ids.filter(|id| sends(10, None, *id)).count();
        assert!((900..1_100).contains(&sent), "{sent}");
    }

    #[test]
    fn a_collector_is_an_address_without_tls_and_without_a_path() {
        for url in [
            "http://127.0.0.1:4317",
            "http://[::1]:4317",
            "http://otel:4317",
        ] {
            assert_eq!(url.parse::<CollectorUrl>().unwrap().to_string(), url);
        }
        for wrong in [
            "",
            "otel:4317",
            "https://otel:4317",
            "http://otel",
            "http://:4317",
            "http://otel:0",
            "http://otel:4317/v1/traces",
            "http://user@otel:4317",
        ] {
            assert!(wrong.parse::<CollectorUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn without_a_collector_a_request_has_the_ids_that_were_drawn() {
        let (_span, begun) = open_request("r-1", None, || ([1; 16], [2; 8]));
        assert_eq!(begun, TraceContext::begin([1; 16], [2; 8]));
        let parent = TraceContext::parse(ASKED_FOR).unwrap().with_state("a=1");
        let (_span, place) = open_request("r-1", Some(&parent), || ([1; 16], [2; 8]));
        assert_eq!(place, parent.child([2; 8]));
    }
}
