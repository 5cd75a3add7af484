//! The trace that a request belongs to.

use reqwest::Method;
use telemetry::TraceContext;
use testkit::{Answer, Api};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn ask(api: &Api, path: &str, headers: &[(&str, &str)]) -> Answer {
    let begun = api.request(Method::GET, path);
    let request = headers.iter().fold(begun, |request, (name, value)| {
        request.header(*name, *value)
    });
    api.send(request).await
}

fn told(answer: &Answer) -> TraceContext {
    TraceContext::parse(answer.header("traceparent").unwrap()).unwrap()
}

#[tokio::test]
async fn an_answer_stands_in_the_trace_of_its_request_or_in_a_new_one() {
    let api = Api::start().await;
    // An answer of a handler, a refusal of the pipeline, and one of a handler.
    for path in ["/api/health/live", "/nowhere", "/api/v1/employees"] {
        let sent = [("traceparent", PARENT), ("tracestate", "a=1,b=2")];
        let answer = ask(&api, path, &sent).await;
        let trace = answer.header("traceparent").unwrap();
        assert!(trace.starts_with(&PARENT[..36]), "{path}: {trace}");
        assert!(trace.ends_with("-01") && trace != PARENT, "{path}: {trace}");
        assert_eq!(answer.header("tracestate"), Some("a=1,b=2"), "{path}");

        let mut begun: Vec<String> = Vec::new();
        for sent in [
            &[][..],
            &[("traceparent", "00-0-0-00")],
            &[("traceparent", PARENT), ("traceparent", PARENT)],
            &[("traceparent", "x"), ("tracestate", "a=1")],
            &[("tracestate", "a=1")],
        ] {
            let answer = ask(&api, path, sent).await;
            begun.push(told(&answer).trace_id());
            assert_eq!(answer.header("tracestate"), None, "{path}: {sent:?}");
        }
        begun.sort();
        begun.dedup();
        assert_eq!(begun.len(), 5, "{path}: each begins a trace of its own");
        assert!(
            !begun.contains(&told(&ask(&api, path, &[("traceparent", PARENT)]).await).trace_id())
        );
    }
}
