//! What becomes of handlers that fail in ways they should not.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot arrange its scene has failed"
)]

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::{
    App, HttpResponse,
    body::to_bytes,
    http::header::HeaderMap,
    middleware::from_fn,
    test::{TestRequest, init_service, try_call_service},
    web::{Data, get, to},
};
use async_trait::async_trait;
use database::TenantContext;
use kernel::{Actor, Ambient, Authorizer, ErrorKind, Permission, Reach};
use serde_json::{Value, json};
use telemetry::{HttpMetrics, Metrics};
use tracing::{Event, Level, Metadata, Subscriber, span};
use web::{
    Authenticator, Edge, Pipeline, Problem, Refusal, RefusalLog, RouteTable, Signed,
    TenantResolver, TokenOwner, nothing_here, pipeline,
};

/// No route here needs any of these.
struct Unasked;

#[async_trait]
impl TenantResolver for Unasked {
    async fn resolve(
        &self,
        _header: Option<&str>,
        _host: Option<&str>,
    ) -> Result<TenantContext, Problem> {
        panic!("no route here needs a tenant")
    }
}

#[async_trait]
impl Authenticator for Unasked {
    async fn authenticate(&self, _tenant: &TenantContext, _token: &str) -> Result<Actor, Problem> {
        panic!("no route here needs a token")
    }

    async fn owner(&self, _token: &str) -> Option<TokenOwner> {
        panic!("no route here takes a token")
    }
}

#[async_trait]
impl RefusalLog for Unasked {
    async fn refused(&self, _refusal: Refusal<'_>) {
        panic!("nobody is refused here")
    }
}

impl Authorizer for Unasked {
    fn reach(&self, _actor: &Actor, _permission: Permission) -> Option<Reach> {
        None
    }
}

const PATHS: [&str; 5] = ["/panics", "/hangs", "/asks-too-much", "/busy", "/works"];

async fn panics() -> HttpResponse {
    panic!("a secret of the handler")
}

async fn hangs() -> HttpResponse {
    pending().await
}

/// Its route declares that nobody needs to sign in.
async fn asks_too_much(_signed: Signed) -> HttpResponse {
    HttpResponse::Ok().finish()
}

async fn busy() -> Result<HttpResponse, Problem> {
    Err(Problem::new(ErrorKind::Unavailable, "Others are served."))
}

async fn works() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

fn composed() -> Pipeline {
    let open = json!({"get": {"x-access": "open"}});
    let paths = PATHS.map(|path| (path.to_owned(), open.clone()));
    let document = json!({ "paths": Value::Object(paths.into_iter().collect()) });
    Pipeline {
        routes: RouteTable::from_openapi(&document).unwrap(),
        tenants: Arc::new(Unasked),
        authenticator: Arc::new(Unasked),
        refusals: Arc::new(Unasked),
        authorizer: Arc::new(Unasked),
        edge: Edge::default(),
        metrics: HttpMetrics::register(&mut Metrics::new(), []),
        ambient: Ambient::system(),
        request_timeout: Duration::from_millis(50),
        long_request_timeout: Duration::from_millis(500),
    }
}

/// Status, headers and body of what is answered.
async fn answer(path: &str) -> (u16, HeaderMap, Value) {
    let app = App::new()
        .app_data(Data::new(composed()))
        .route("/panics", get().to(panics))
        .route("/hangs", get().to(hangs))
        .route("/asks-too-much", get().to(asks_too_much))
        .route("/busy", get().to(busy))
        .route("/works", get().to(works))
        .default_service(to(nothing_here))
        .wrap(from_fn(pipeline));
    let app = init_service(app).await;
    let request = TestRequest::get().uri(path).to_request();
    // The server turns an error into its response in the same way.
    let response = match try_call_service(&app, request).await {
        Ok(response) => response.into_parts().1,
        Err(error) => error.error_response(),
    };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = to_bytes(response.into_body()).await.unwrap();
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    (status, headers, body)
}

/// Notes the level of every event but those of the access log.
#[derive(Clone, Default)]
struct Levels(Arc<Mutex<Vec<Level>>>);

impl Subscriber for Levels {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        if event.metadata().target() == "web::pipeline" {
            self.0.lock().unwrap().push(*event.metadata().level());
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[actix_web::test]
async fn a_defect_is_an_error_in_the_log_and_a_busy_house_a_warning() {
    for (path, level) in [
        ("/asks-too-much", Some(Level::ERROR)),
        ("/hangs", Some(Level::WARN)),
        ("/busy", Some(Level::WARN)),
        ("/nowhere", None),
        ("/works", None),
    ] {
        let levels = Levels::default();
        let _logged = tracing::subscriber::set_default(levels.clone());
        answer(path).await;
        let told = levels.0.lock().unwrap().clone();
        assert_eq!(told, Vec::from_iter(level), "{path}");
    }
}

#[actix_web::test]
async fn a_panic_is_one_failed_request_that_tells_nothing() {
    let (status, headers, body) = answer("/panics").await;
    assert_eq!((status, &body["error"]), (500, &json!("internal")));
    let content_type = headers.get("content-type").unwrap();
    assert_eq!(content_type, "application/problem+json");
    assert!(headers.contains_key("x-request-id") && headers.contains_key("x-content-type-options"));
    assert!(!body.to_string().contains("secret"), "{body}");
}

#[actix_web::test]
async fn a_handler_that_hangs_is_given_up() {
    let (status, headers, body) = answer("/hangs").await;
    assert_eq!((status, &body["error"]), (503, &json!("unavailable")));
    assert!(headers.contains_key("retry-after"));
}

#[actix_web::test]
async fn a_handler_gets_no_more_than_its_route_declares() {
    let (status, _, body) = answer("/asks-too-much").await;
    assert_eq!((status, &body["error"]), (500, &json!("internal")));
}

#[actix_web::test]
async fn a_handler_that_works_is_left_alone() {
    let (status, headers, body) = answer("/works").await;
    assert_eq!((status, body), (204, Value::Null));
    assert!(headers.contains_key("x-request-id"));
}
