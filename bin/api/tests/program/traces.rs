//! What a collector of traces is sent, and what it is not.

use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span, status::StatusCode},
};
use prost::Message as _;
use serde_json::json;
use testkit::{Api, USER_PASSWORD};

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
        app::telemetry::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                app::telemetry::spawn(collector.clone().talk(stream));
            }
        });
        format!("http://{address}")
    }

    async fn talk(self, stream: tokio::net::TcpStream) {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            let collector = self.clone();
            app::telemetry::spawn(async move {
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

fn hex(bytes: &[u8]) -> String {
    let append = |text: String, byte| text + &format!("{byte:02x}");
    bytes.iter().fold(String::new(), append)
}
