//! The one middleware.

mod admission;

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    HttpMessage as _, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{Method, StatusCode, Uri},
    middleware::Next,
    web,
};
use futures_util::FutureExt as _;
use kernel::{Ambient, Authorizer, ErrorKind};
use telemetry::{Answered, HttpMetrics, InFlight};
use tracing::Instrument as _;

use admission::Admitted;

use crate::{
    Authenticator, Problem, Refusal, RefusalLog, RouteTable, TenantResolver,
    edge::{ClientTime, Edge, answer::Dress, upload::Upload},
    route::Found,
};

/// What the pipeline works with. One for all workers, in the application's data.
pub struct Pipeline {
    /// Which routes there are.
    pub routes: RouteTable,
    /// Finds the tenant.
    pub tenants: Arc<dyn TenantResolver>,
    /// Finds out who a token belongs to.
    pub authenticator: Arc<dyn Authenticator>,
    /// Decides who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// Records who was refused.
    pub refusals: Arc<dyn RefusalLog>,
    /// What is decided before anybody looks at what is asked.
    pub edge: Edge,
    /// Counts and times of what is answered.
    pub metrics: HttpMetrics,
    /// Time and randomness, for request ids.
    pub ambient: Ambient,
    /// How long a request may take, from its first byte in the application to its answer.
    pub request_timeout: Duration,
    /// The same of a route that takes long: `x-duration: long` in its description.
    pub long_request_timeout: Duration,
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pipeline")
    }
}

/// Leads every request to its handler, or to its refusal, and every answer to its client.
///
/// # Errors
/// An error that carries its whole answer: whatever goes wrong is told as a [`Problem`].
pub async fn pipeline(
    pipeline: web::Data<Pipeline>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let begun = Instant::now();
    let edge = &pipeline.edge;
    let in_flight = pipeline.metrics.begin();
    let (mut dress, span) = Dress::begin(&pipeline.ambient, edge, request.head());
    trim_slash(&mut request);
    let method = request.method().clone();
    head_as_get(&mut request);
    let upload = Upload::watch(&mut request, edge.body_timeout);
    let path = request.path().to_owned();
    let found = pipeline.routes.find(request.method(), &path);
    let time = pipeline.time_of(&request, &found);

    let work = async {
        let admitting = pipeline.admit(request.head(), &path, found, &span, &mut dress);
        match admitting.await? {
            Admitted::Preflight(answer) => return Ok(request.into_response(answer)),
            Admitted::Request(state) => request.extensions_mut().insert(state),
        };
        let response = next.call(request).await.map_err(|error| refusal(&error))?;
        match response.response().error() {
            Some(error) => Err(refusal(error)),
            None => Ok(response.map_into_boxed_body()),
        }
    };
    // A panic in a handler is one failed request, not a dead connection.
    let work = AssertUnwindSafe(work).catch_unwind();
    let outcome = tokio::time::timeout(time, work).instrument(span.clone());
    let answered = match outcome.await {
        Ok(Ok(answered)) => answered,
        Ok(Err(_panic)) => Err(Problem::new(
            ErrorKind::Internal,
            "Something went wrong on our side. It was recorded; quote the request id when you ask \
             about it.",
        )),
        Err(_elapsed) => Err(Problem::new(
            ErrorKind::Unavailable,
            "The request took too long and was given up. Nothing of it was kept, unless it had \
             been done already: look before you repeat it.",
        )),
    };
    if let Err(problem) = &answered {
        let recording = pipeline.record_refusal(&dress, problem);
        recording.instrument(span.clone()).await;
    }
    let _entered = span.enter();
    let whole = |mut response: HttpResponse| {
        dress.put_on(edge, response.headers_mut());
        record(&span, &method, &dress, response.status(), begun, in_flight);
        match upload {
            Some(upload) => upload.end_with(response),
            None => response,
        }
    };
    match answered {
        Ok(response) => {
            let (request, response) = response.into_parts();
            Ok(ServiceResponse::new(request, whole(response)))
        }
        Err(problem) => {
            report(&problem);
            let response = whole(problem.render(&dress.request_id, &path));
            Err(InternalError::from_response(problem, response).into())
        }
    }
}

/// Tells the operator what the client is not told. A defect is an error; being busy, or without the
/// database, is not: whoever asks for enough brings it about, and would fill the log of errors.
fn report(problem: &Problem) {
    let code = problem.kind().as_str();
    match problem.status() {
        StatusCode::SERVICE_UNAVAILABLE => {
            tracing::warn!(code, cause = problem.chain(), "not served");
        }
        status if status.is_server_error() => {
            tracing::error!(code, cause = problem.chain(), "failed");
        }
        _ => {}
    }
}

/// What is kept of a request: an event of the access log, numbers, and the span if it is sent
/// somewhere.
fn record(
    span: &tracing::Span,
    method: &Method,
    dress: &Dress<'_>,
    status: StatusCode,
    begun: Instant,
    in_flight: InFlight<'_>,
) {
    let elapsed = begun.elapsed();
    tracing::info!(
        target: telemetry::ACCESS_LOG,
        method = method.as_str(),
        status = status.as_u16(),
        micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        "answered",
    );
    let answered = Answered {
        action: dress.action,
        method: method.as_str(),
        scheme: dress.scheme,
        status: status.as_u16(),
    };
    answered.describe(span);
    in_flight.answer(dress.action, status.as_u16(), elapsed);
}

impl Pipeline {
    /// Records a refusal for want of a right, or with another tenant's token. That a token has expired
    /// is none.
    async fn record_refusal(&self, dress: &Dress<'_>, problem: &Problem) {
        let is_refusal = problem.status() == StatusCode::FORBIDDEN;
        let (true, Some(tenant), Some(action)) = (is_refusal, &dress.tenant, dress.action) else {
            return;
        };
        let refusal = Refusal {
            tenant,
            origin: dress.origin_of(dress.actor.as_ref()),
            action,
            kind: problem.kind(),
            reason: problem.detail(),
            owner: dress.owner,
        };
        self.refusals.refused(refusal).await;
    }

    /// How long a request may take. Who asks for what takes long is waited for as long.
    fn time_of(&self, request: &ServiceRequest, found: &Found<'_>) -> Duration {
        match found {
            Found::Route(route) if route.takes_long => {
                if let Some(patience) = request.request().conn_data::<ClientTime>() {
                    patience.extend(self.long_request_timeout);
                }
                self.long_request_timeout
            }
            _ => self.request_timeout,
        }
    }
}

/// With and without a trailing slash a path is the same resource (older clients send the slash).
fn trim_slash(request: &mut ServiceRequest) {
    let path = request.path();
    if path.len() < 2 || !path.ends_with('/') {
        return;
    }
    let trimmed = path.trim_end_matches('/');
    let trimmed = if trimmed.is_empty() { "/" } else { trimmed };
    let with_query = match request.uri().query() {
        Some(query) => format!("{trimmed}?{query}"),
        None => trimmed.to_owned(),
    };
    let mut parts = request.head().uri.clone().into_parts();
    if let Ok(path_and_query) = with_query.parse() {
        parts.path_and_query = Some(path_and_query);
        if let Ok(uri) = Uri::from_parts(parts) {
            request.match_info_mut().get_mut().update(&uri);
            request.head_mut().uri = uri;
        }
    }
}

/// HEAD is GET without the body, which the server leaves out (RFC 9110, 9.3.2): whatever is asked
/// of the one is asked of the other.
fn head_as_get(request: &mut ServiceRequest) {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
}

/// What an error of the framework or of a handler is to the client. A [`Problem`] is taken as it
/// is; what the framework refuses by itself (a payload it cannot read) becomes one.
fn refusal(error: &actix_web::Error) -> Problem {
    if let Some(problem) = error.as_error::<Problem>() {
        return problem.copy();
    }
    let status = error.as_response_error().status_code();
    match status.as_u16() {
        404 => Problem::not_found(),
        405 => Problem::new(
            ErrorKind::MethodNotAllowed,
            "The method is not allowed here.",
        ),
        413 => Problem::new(
            ErrorKind::TooLarge,
            "The body is larger than this API accepts.",
        ),
        415 => Problem::new(
            ErrorKind::UnsupportedMediaType,
            "This media type is not understood.",
        ),
        400..=499 => Problem::new(ErrorKind::MalformedRequest, "The request cannot be read."),
        _ => Problem::new(
            ErrorKind::Internal,
            "Something went wrong on our side. It was recorded; quote the request id when you ask \
             about it.",
        )
        .caused_by(error.to_string()),
    }
}

/// Answers 404 where no route is: `App::default_service`. The pipeline has refused before.
pub async fn nothing_here() -> HttpResponse {
    HttpResponse::from_error(Problem::not_found())
}
