//! The one middleware.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    HttpMessage as _, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{RequestHead, ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        Method, StatusCode, Uri,
        header::{self, HeaderMap},
    },
    middleware::Next,
    web,
};
use database::TenantContext;
use futures_util::FutureExt as _;
use kernel::{Ambient, Authorizer, ErrorKind, Standing};
use telemetry::{Answered, HttpMetrics, InFlight, fields};
use tracing::Instrument as _;

use crate::{
    Access, Authenticator, Problem, RouteTable, TenantResolver, accept,
    context::RequestState,
    edge::{ClientTime, Edge, answer::Dress, limits, upload::Upload},
    route::{Found, is_platform},
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
    let time = pipeline.time_of(&request, &path);

    let work = async {
        if let Some(answer) = pipeline.preflight(request.head(), &path).await? {
            return Ok(request.into_response(answer));
        }
        let state = pipeline
            .admit(request.head(), &path, &span, &mut dress)
            .await?;
        request.extensions_mut().insert(state);
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
    /// How long a request may take. Who asks for what takes long is waited for as long.
    fn time_of(&self, request: &ServiceRequest, path: &str) -> Duration {
        match self.routes.find(request.method(), path) {
            Found::Route(route) if route.takes_long => {
                if let Some(patience) = request.request().conn_data::<ClientTime>() {
                    patience.extend(self.long_request_timeout);
                }
                self.long_request_timeout
            }
            _ => self.request_timeout,
        }
    }

    /// Everything between the request line and the handler.
    async fn admit<'pipeline>(
        &'pipeline self,
        head: &RequestHead,
        path: &str,
        span: &tracing::Span,
        dress: &mut Dress<'pipeline>,
    ) -> Result<RequestState, Problem> {
        let (method, headers) = (&head.method, &head.headers);
        let found = self.routes.find(method, path);
        if matches!(found, Found::Nothing) {
            return Err(Problem::not_found());
        }
        let is_platform = is_platform(path);
        let mut is_probe = false;
        if let Found::Route(route) = &found {
            is_probe = route.is_probe;
            if !is_platform {
                span.record(fields::ACTION, route.action.as_str());
                dress.action = Some(&route.action);
            }
        }
        // Before anybody is looked up: whose tenant it is, is asked of the registry.
        if let Some(limits) = &self.edge.limits {
            let client = self.edge.proxies.client(head);
            limits
                .admit_address(client, is_probe, &mut dress.standing)
                .inspect_err(|_| self.count_refusal(dress))?;
        }
        let mut resolved = None;
        if is_platform {
            resolved = self.public_tenant(head).await?;
            if resolved.is_none() {
                // As of a path that does not exist.
                dress.standing = limits::Standing::default();
                return Err(Problem::not_found());
            }
        }
        let route = match found {
            Found::Route(route) => route,
            Found::OtherMethods(methods) => {
                let detail = format!("This path answers to {methods}.");
                return Err(Problem::new(ErrorKind::MethodNotAllowed, detail).allow(methods));
            }
            Found::Nothing => return Err(Problem::not_found()),
        };
        span.record(fields::ACTION, route.action.as_str());
        dress.action = Some(&route.action);
        dress.scheme = self.edge.proxies.scheme(head)?;
        let can_answer =
            route.produces.is_empty() || accept::preferred(headers, &route.produces).is_some();
        if !can_answer {
            let detail = format!("This path answers with {}.", route.produces.join(" or "));
            return Err(Problem::new(ErrorKind::NotAcceptable, detail));
        }
        if route.access == Access::Open {
            return Ok(RequestState {
                tenant: None,
                actor: None,
            });
        }
        let tenant = match resolved {
            Some(tenant) => tenant,
            None => self.tenant(head).await?,
        };
        span.record(fields::TENANT, tenant.slug().as_str());
        self.metrics.for_tenant(tenant.slug().as_str());
        let mut actor = None;
        if route.access != Access::Tenant {
            let token = bearer(headers)?;
            let found = self.authenticator.authenticate(&tenant, token).await?;
            if found.tenant_id != tenant.id() {
                // The authenticator has refused this already; nothing rests on one check alone.
                return Err(Problem::new(
                    ErrorKind::TenantMismatch,
                    "This token belongs to another tenant.",
                ));
            }
            span.record(fields::USER, tracing::field::display(found.user_id));
            actor = Some(found);
        }
        match tenant.record().subscription.at(self.ambient.now()) {
            Standing::InGrace(until) => dress.grace_until = Some(until),
            Standing::Over if route.needs_subscription => return Err(expired()),
            Standing::Good | Standing::Over => {}
        }
        if let Some(actor) = &actor
            && let Some(limits) = &self.edge.limits
        {
            limits
                .admit_user(actor.tenant_id, actor.user_id, &mut dress.standing)
                .inspect_err(|_| self.count_refusal(dress))?;
        }
        Ok(RequestState {
            tenant: Some(tenant),
            actor,
        })
    }

    /// The public tenant, if the request is for it. To all others the platform's paths are nothing,
    /// whatever else may be wrong with the request; only that nobody can tell is told.
    async fn public_tenant(&self, head: &RequestHead) -> Result<Option<TenantContext>, Problem> {
        match self.tenant(head).await {
            Ok(tenant) => Ok(Some(tenant).filter(TenantContext::is_public)),
            Err(problem) if problem.kind() == ErrorKind::Unavailable => Err(problem),
            Err(_elsewhere) => Ok(None),
        }
    }

    fn count_refusal(&self, dress: &Dress<'_>) {
        if let Some(limit) = dress.standing.last() {
            self.metrics.refuse(limit);
        }
    }

    /// The answer to a browser that asks whether a page may send its request.
    async fn preflight(
        &self,
        head: &RequestHead,
        path: &str,
    ) -> Result<Option<HttpResponse>, Problem> {
        if head.method != Method::OPTIONS {
            return Ok(None);
        }
        let Found::OtherMethods(methods) = self.routes.find(&head.method, path) else {
            return Ok(None);
        };
        if is_platform(path) && self.public_tenant(head).await?.is_none() {
            return Ok(None);
        }
        Ok(self.edge.cors.preflight(head, &methods))
    }

    async fn tenant(&self, head: &RequestHead) -> Result<TenantContext, Problem> {
        let mut slugs = head.headers.get_all("x-tenant-slug");
        let header = slugs.next().map(|value| value.to_str().unwrap_or("?"));
        if slugs.next().is_some() {
            return Err(Problem::new(
                ErrorKind::TenantAmbiguous,
                "The header X-Tenant-Slug is given twice.",
            ));
        }
        let host = self.edge.proxies.host(head)?;
        self.tenants.resolve(header, host).await
    }
}

fn expired() -> Problem {
    Problem::new(
        ErrorKind::SubscriptionExpired,
        "The subscription of this company is over. Its administrators can still sign in and renew \
         it.",
    )
}

/// The token of `Authorization: Bearer …` (RFC 6750).
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = |detail| Problem::new(ErrorKind::Unauthenticated, detail);
    let mut values = headers.get_all(header::AUTHORIZATION);
    let value = values.next().ok_or_else(|| {
        missing("Sign in first: send the header `Authorization: Bearer <access token>`.")
    })?;
    if values.next().is_some() {
        return Err(missing("The header Authorization is given twice."));
    }
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(|| missing("The header Authorization is not of the form `Bearer <token>`."))?;
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= 8_192 {
        Ok(token)
    } else {
        Err(missing(
            "The header Authorization is not of the form `Bearer <token>`.",
        ))
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

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(
                HeaderName::from_static(name),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        map
    }

    #[test]
    fn a_bearer_token_is_one_header_of_one_form() {
        let token =
            |pairs: &[(&'static str, &'static str)]| bearer(&headers(pairs)).map(str::to_owned);
        assert_eq!(token(&[("authorization", "Bearer abc")]).unwrap(), "abc");
        assert_eq!(token(&[("authorization", "bearer abc")]).unwrap(), "abc");
        for bad in ["", "abc", "Basic abc", "Bearer", "Bearer "] {
            assert!(token(&[("authorization", bad)]).is_err(), "{bad}");
        }
        let twice = token(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]);
        assert!(twice.is_err());
    }
}
