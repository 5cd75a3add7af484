//! What a collector of traces is sent, and what it is not.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use app::telemetry::{self, LogFormat, LogSettings, TraceSettings};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span, status::StatusCode},
};
use prost::Message as _;
use serde_json::json;
use testkit::{Api, USER_PASSWORD, Worker};

use crate::{Program, free_address, is_ready, program, terminate};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// A collector: gRPC is HTTP/2, five bytes before each message, and a status in the trailers.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

impl Collector {
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let collector = self.clone();
        telemetry::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                telemetry::spawn(collector.clone().talk(stream));
            }
        });
        format!("http://{address}")
    }

    async fn talk(self, stream: tokio::net::TcpStream) {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            let collector = self.clone();
            telemetry::spawn(async move {
                assert_eq!(request.uri().path(), EXPORT);
                let mut body = request.into_body();
                let mut bytes = Vec::new();
                while let Some(Ok(chunk)) = body.data().await {
                    let _ = body.flow_control().release_capacity(chunk.len());
                    bytes.extend_from_slice(&chunk);
                }
                let message = bytes.get(5..).unwrap();
                let message = ExportTraceServiceRequest::decode(message).unwrap();
                collector.0.lock().unwrap().push(message);
                let head = http::Response::builder()
                    .header("content-type", "application/grpc")
                    .body(())
                    .unwrap();
                let mut answer = respond.send_response(head, false).unwrap();
                answer.send_data(vec![0; 5].into(), false).unwrap();
                let mut status = http::HeaderMap::new();
                status.insert("grpc-status", http::HeaderValue::from_static("0"));
                answer.send_trailers(status).unwrap();
            });
        }
    }

    fn spans(&self) -> Vec<Span> {
        let batches = self.0.lock().unwrap();
        let resources = batches.iter().flat_map(|batch| &batch.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.clone()?.value? {
        Value::StringValue(text) => Some(text),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{key}: {other:?}"),
    }
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_is_sent_each_request_and_nothing_about_a_person() {
    let api = Api::start().await;
    let collector = Collector::default();
    let address = free_address();
    let mut command = program(&api.database().app_url(), &address);
    command
        .env("HRMS_TRACES__ENDPOINT", collector.listen().await)
        .env("HRMS_LOG__LEVEL", "debug");
    let mut running = Program(command.spawn().unwrap());
    let client = reqwest::Client::new();
    is_ready(&client, &address).await;

    let email = "administrator@acme.example";
    let login = client
        .post(format!("http://{address}/api/v1/auth/login"))
        .header("x-tenant-slug", "acme")
        .header("traceparent", PARENT)
        .header("tracestate", "vendor=1")
        .json(&json!({"email": email, "password": USER_PASSWORD}))
        .send()
        .await
        .unwrap();
    let place = login.headers()["traceparent"].to_str().unwrap().to_owned();
    let login: serde_json::Value = login.json().await.unwrap();
    let token = login["access_token"].as_str().unwrap();
    let listed = client
        .get(format!("http://{address}/api/v1/employees?q=Lovelace"))
        .header("x-tenant-slug", "acme")
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(listed.status(), 200);
    let begun = listed.headers()["traceparent"].to_str().unwrap().to_owned();
    assert!(begun.ends_with("-01"), "it is kept: {begun}");
    terminate(&running);
    // Ending sends what was still queued.
    assert!(running.0.wait().unwrap().success());

    let spans = collector.spans();
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let login = named("POST /api/v1/auth/login");
    assert_eq!(hex(&login.trace_id), TRACE);
    assert_eq!(hex(&login.parent_span_id), "00f067aa0ba902b7");
    assert_eq!(login.trace_state, "vendor=1");
    assert_eq!(place, format!("00-{TRACE}-{}-01", hex(&login.span_id)));
    let list = named("GET /api/v1/employees");
    let ids = format!("00-{}-{}-01", hex(&list.trace_id), hex(&list.span_id));
    assert_eq!(ids, begun);
    assert!(list.parent_span_id.is_empty());
    for (key, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/api/v1/employees"),
        ("http.response.status_code", "200"),
        ("url.scheme", "http"),
        ("tenant", "acme"),
    ] {
        assert_eq!(text(&list.attributes, key).as_deref(), Some(value), "{key}");
    }
    let has_failed = |span: &Span| {
        let status = span.status.as_ref().map(|status| status.code);
        status == Some(StatusCode::Error as i32)
    };
    assert!(!has_failed(login) && !has_failed(list));

    let sent = format!("{spans:?}");
    for personal in [email, USER_PASSWORD, token, "Lovelace", "127.0.0.1"] {
        assert!(!sent.contains(personal), "{personal} was sent: {sent}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_holds_up_neither_a_request_nor_the_end() {
    let api = Api::start().await;
    let address = free_address();
    let mut command = program(&api.database().app_url(), &address);
    command.env(
        "HRMS_TRACES__ENDPOINT",
        format!("http://{}", free_address()),
    );
    let mut running = Program(command.spawn().unwrap());
    let client = reqwest::Client::new();
    is_ready(&client, &address).await;
    for _ in 0..100 {
        let url = format!("http://{address}/api/v1/tenant");
        assert_eq!(client.get(url).send().await.unwrap().status(), 200);
    }
    terminate(&running);
    assert!(running.0.wait().unwrap().success());
}

/// The request is answered by `hrms-api`, the job that it put down is done in this process, and RabbitMQ
/// stands between them; both tell the same collector.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_goes_from_the_request_through_rabbitmq_to_the_job_that_it_put_down() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let collector = Collector::default();
    let endpoint = collector.listen().await;
    let address = free_address();
    let mut command = program(&api.database().app_url(), &address);
    command.env("HRMS_TRACES__ENDPOINT", &endpoint);
    let mut running = Program(command.spawn().unwrap());
    let log = LogSettings {
        format: LogFormat::Json,
        level: "warn".parse().unwrap(),
        access_log: false,
    };
    let traces = TraceSettings {
        endpoint: Some(endpoint.parse().unwrap()),
        sample_one_in: 1,
    };
    let guard = telemetry::init("hrms-worker", &log, &traces).unwrap();
    let url = api.database().app_url();
    let worker = Worker::start(&url, |settings| {
        settings.broker.url = Some(rabbitmq().into());
        settings.broker.prefix = "test-traces".to_owned();
    });
    let worker = worker.await;
    let client = reqwest::Client::new();
    is_ready(&client, &address).await;

    let mut csv = "employee_number,first_name,last_name,hire_date\n".to_owned();
    for number in 0..1_001 {
        writeln!(csv, "N{number},Ada,Byron {number},2020-01-01").unwrap();
    }
    let asked = client
        .post(format!("http://{address}/api/v1/imports?kind=employees"))
        .header("x-tenant-slug", "acme")
        .header("content-type", "text/csv")
        .header("traceparent", PARENT)
        .bearer_auth(session.token())
        .body(csv)
        .send()
        .await
        .unwrap();
    assert_eq!(asked.status(), 202);
    let job = asked.headers()["location"].to_str().unwrap().to_owned();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let shown = api.get(&session, &job).await;
        if shown.body["state"] == "done" {
            break;
        }
        assert!(Instant::now() < deadline, "{}", shown.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let broker: String = sqlx::query_scalar("SELECT broker FROM platform.workers")
        .fetch_one(&mut api.database().superuser().await)
        .await
        .unwrap();
    // What is carried, RabbitMQ carries: without it the worker would do nothing.
    assert_ne!(broker, "disabled");
    worker.stop().await;
    terminate(&running);
    assert!(running.0.wait().unwrap().success());
    // Sends what was still queued.
    drop(guard);

    let spans = collector.spans();
    let of_trace = spans.iter().filter(|span| hex(&span.trace_id) == TRACE);
    let of_trace: Vec<_> = of_trace.collect();
    let named = |name: &str| *of_trace.iter().find(|span| span.name == name).unwrap();
    let request = named("POST /api/v1/imports");
    assert_eq!(hex(&request.parent_span_id), "00f067aa0ba902b7");
    let import = named("employees.import");
    assert_eq!(hex(&import.parent_span_id), hex(&request.span_id));
    let id = job.rsplit('/').next();
    assert_eq!(text(&import.attributes, "job").as_deref(), id);
    assert_eq!(text(&import.attributes, "tenant").as_deref(), Some("acme"));
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests take their server from the environment"
)]
fn rabbitmq() -> String {
    std::env::var("HRMS_TEST_RABBITMQ_URL")
        .unwrap_or_else(|_| panic!("HRMS_TEST_RABBITMQ_URL names the RabbitMQ to test on"))
}

fn hex(bytes: &[u8]) -> String {
    let append = |text: String, byte| text + &format!("{byte:02x}");
    bytes.iter().fold(String::new(), append)
}
