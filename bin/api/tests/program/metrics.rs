//! What a scraper of metrics is told.

use testkit::Api;

use crate::{Program, free_address, is_ready, program, terminate};

async fn scrape(address: &str) -> (String, String) {
    let url = format!("http://{address}/metrics");
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), 200);
    let media_type = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    (media_type, answer.text().await.unwrap())
}

/// The value of the one line that begins like this.
fn value(text: &str, begin: &str) -> f64 {
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with(begin))
        .collect();
    let [line] = lines.as_slice() else {
        panic!("{begin}: {lines:?}");
    };
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_shown_on_a_listener_of_their_own() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let (address, own) = (free_address(), free_address());
    let mut command = program(&api.database().app_url(), &address);
    command
        .env("HRMS_METRICS__LISTEN", &own)
        .env("HRMS_LIMITS__USER_RATE", "1")
        .env("HRMS_LIMITS__USER_BURST", "5");
    let mut running = Program(command.spawn().unwrap());
    let client = reqwest::Client::new();
    is_ready(&client, &address).await;
    let ask = async |path: &str, tenant: &str| {
        let request = client
            .get(format!("http://{address}{path}"))
            .header("x-tenant-slug", tenant)
            .bearer_auth(session.token());
        request.send().await.unwrap().status().as_u16()
    };
    let person = "/api/v1/employees/0192ffff-ffff-7fff-8fff-ffffffffffff";
    assert_eq!(ask(person, "acme").await, 404);
    assert_eq!(ask("/api/v1/employees", "acme").await, 200);
    assert_eq!(ask("/api/v1/employees", "globex").await, 403);
    assert_eq!(ask("/api/v1/invented", "acme").await, 404);
    assert_eq!(ask("/metrics", "acme").await, 404, "not beside the API");
    while ask("/api/v1/employees", "acme").await != 429 {}

    let (media_type, text) = scrape(&own).await;
    assert_eq!(media_type, "text/plain; version=0.0.4; charset=utf-8");
    let person = "{method=\"GET\",route=\"/api/v1/employees/{id}\",status=\"4xx\"";
    let unmatched = "{method=\"any\",route=\"unmatched\",status=\"4xx\"}";
    for (begin, expected) in [
        (format!("hrms_http_requests_total{person}"), 1.0),
        (
            format!("hrms_http_request_duration_seconds_count{person}"),
            1.0,
        ),
        (format!("hrms_http_requests_total{unmatched}"), 2.0),
        (
            "hrms_http_requests_refused_total{limit=\"user\"}".to_owned(),
            1.0,
        ),
        (
            "hrms_tenant_requests_total{tenant=\"globex\"}".to_owned(),
            1.0,
        ),
        (
            "hrms_auth_cache_requests_total{cache=\"token\",result=\"miss\"}".to_owned(),
            1.0,
        ),
        ("hrms_http_requests_in_flight".to_owned() + " ", 0.0),
        ("hrms_database_connections_max".to_owned(), 10.0),
        ("hrms_database_waiting".to_owned() + " ", 0.0),
        ("hrms_log_lines_dropped_total".to_owned(), 0.0),
        ("hrms_build_info{version=\"".to_owned(), 1.0),
    ] {
        assert!(
            (value(&text, &begin) - expected).abs() < f64::EPSILON,
            "{begin}: {text}"
        );
    }
    for begin in [
        "hrms_auth_cache_requests_total{cache=\"token\",result=\"hit\"}",
        "hrms_database_connections{state=\"idle\"}",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_open_fds",
    ] {
        assert!(value(&text, begin) > 0.0, "{begin}: {text}");
    }
    // Nobody's times are told apart, and nothing that was made up becomes a name.
    let histograms = text.lines().filter(|line| line.contains("_bucket{"));
    assert!(histograms.into_iter().all(|line| !line.contains("tenant")));
    assert!(
        !text.contains("invented") && !text.contains("0192ffff"),
        "{text}"
    );

    terminate(&running);
    assert!(running.0.wait().unwrap().success());
}

#[tokio::test]
async fn a_listener_for_metrics_that_is_taken_keeps_the_api_from_starting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = program("postgres://x@127.0.0.1:1/x", &free_address());
    command.env("HRMS_METRICS__LISTEN", &address);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&format!("metrics.listen {address} cannot be used")),
        "{said}"
    );
}
