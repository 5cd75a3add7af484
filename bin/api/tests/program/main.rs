//! The program as systemd meets it: start, signals, exit codes.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot arrange its scene has failed"
)]

mod canaries;
mod kill;
mod metrics;
mod traces;

use std::{
    fmt::Write as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use testkit::Api;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A running `hrms-api`, killed when the test ends early.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already when all went well.
        let _ = self.0.kill();
    }
}

fn program(url: &str, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hrms-api"));
    command
        .env_clear()
        .env("HRMS_DATABASE__URL", url)
        .env("HRMS_AUDIT__KEY", testkit::AUDIT_KEY)
        .env("HRMS_HTTP__LISTEN", listen)
        .stderr(Stdio::piped())
        .stdout(Stdio::null());
    command
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

async fn is_ready(client: &reqwest::Client, address: &str) {
    for _ in 0..200 {
        let ready = client
            .get(format!("http://{address}/api/health/ready"))
            .send()
            .await;
        if ready.is_ok_and(|answer| answer.status() == 200) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("hrms-api was not ready within ten seconds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_has_begun_is_finished_after_sigterm() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "administrator").await;
    let address = free_address();
    let mut running = Program(
        program(&api.database().app_url(), &address)
            .env("HRMS_IMPORTS__INLINE_ROWS", "100000")
            .spawn()
            .unwrap(),
    );
    let client = reqwest::Client::new();
    is_ready(&client, &address).await;

    let mut csv = "employee_number,first_name,last_name,hire_date\n".to_owned();
    for number in 0..5_000 {
        writeln!(csv, "N{number},Ada,Byron {number},2020-01-01").unwrap();
    }
    let import = client
        .post(format!("http://{address}/api/v1/imports?kind=employees"))
        .header("x-tenant-slug", "acme")
        .header("content-type", "text/csv")
        .bearer_auth(session.token())
        .body(csv);
    let import = in_the_background(import);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(
        !import.is_finished(),
        "the import must still be under way when the signal comes"
    );
    terminate(&running);

    let answer = import.await.unwrap();
    assert_eq!(answer.0, 200, "{}", answer.1);
    let status = running.0.wait().unwrap();
    assert!(status.success(), "{status}");
    let employees = api
        .get(&session, "/api/v1/employees?limit=1&count=exact")
        .await;
    assert_eq!(employees.body["page"]["total"], 5_000);
}

#[tokio::test]
async fn the_api_serves_on_the_socket_that_systemd_hands_over() {
    // As systemd does: the socket is the program's third descriptor.
    const HAND_OVER: &str = r#"export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" 3<&0 0</dev/null"#;
    let api = Api::start().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut command = Command::new("sh");
    command
        .args(["-c", HAND_OVER, env!("CARGO_BIN_EXE_hrms-api")])
        .env("HRMS_DATABASE__URL", api.database().app_url())
        .env("HRMS_AUDIT__KEY", testkit::AUDIT_KEY)
        // Nobody could bind this one.
        .env("HRMS_HTTP__LISTEN", "192.0.2.1:80")
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(listener)))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut running = Program(command.spawn().unwrap());
    is_ready(&reqwest::Client::new(), &address).await;
    terminate(&running);
    assert!(running.0.wait().unwrap().success());
}

/// Writes to a socket what may be no HTTP, and reads what is answered.
async fn spoken(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may be refused before the last byte.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn what_strangers_send_is_refused_and_fills_no_log_of_errors() {
    let api = Api::start().await;
    let address = free_address();
    let mut running = Program(
        program(&api.database().app_url(), &address)
            .spawn()
            .unwrap(),
    );
    is_ready(&reqwest::Client::new(), &address).await;
    let get = "GET /api/v1/tenant HTTP/1.1\r\nHost: localhost\r\n";
    let many = "A: b\r\n".repeat(200);
    let long = "a".repeat(70_000);
    let endless = "a".repeat(200_000);
    let both = "Content-Length: 5\r\nTransfer-Encoding: chunked";
    for request in [
        format!("{get}X: a\0b\r\n\r\n"),
        format!("{get}{many}\r\n"),
        format!("{get}X: {endless}"),
        format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        format!("POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\n{both}\r\n\r\n0\r\n\r\n"),
        "GET /\r\n".to_owned(),
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}".to_owned(),
    ] {
        let answer = spoken(&address, request.as_bytes()).await;
        let shown = request.get(..80).unwrap_or(&request);
        let is_refused = ["", "HTTP/1.1 400 ", "HTTP/1.1 431 "]
            .iter()
            .any(|start| answer.starts_with(start));
        assert!(is_refused && !answer.contains(" 200 "), "{shown}: {answer}");
    }
    terminate(&running);
    let mut said = String::new();
    let mut pipe = running.0.stderr.take().unwrap();
    std::io::Read::read_to_string(&mut pipe, &mut said).unwrap();
    assert!(running.0.wait().unwrap().success(), "{said}");
    assert!(said.contains("\"message\":\"stopped\""), "{said}");
    assert!(!said.contains("\"ERROR\""), "{said}");
}

fn terminate(running: &Program) {
    let id = running.0.id().to_string();
    let kill = Command::new("kill").args(["-TERM", &id]).status();
    assert!(kill.unwrap().success());
}

/// Sends a request while the test goes on.
fn in_the_background(request: reqwest::RequestBuilder) -> tokio::task::JoinHandle<(u16, String)> {
    tokio::task::spawn_blocking(move || {
        tokio::runtime::Handle::current().block_on(async {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    })
}

#[test]
fn what_keeps_it_from_starting_is_said_in_one_line_and_by_the_exit_code() {
    let unreachable = program(
        "postgres://nobody:secret-word@127.0.0.1:1/x",
        &free_address(),
    );
    let malformed = {
        let mut command = program("postgres://x@127.0.0.1/x", "nowhere");
        command.env("HRMS_DATABASE__POOL_SIZES", "8");
        command
    };
    for (mut command, expected) in [
        (unreachable, "the database cannot be reached"),
        (malformed, "the nearest is `HRMS_DATABASE__POOL_SIZE`"),
    ] {
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(!said.contains("secret-word"), "{said}");
    }
}

#[test]
fn an_address_that_is_taken_is_refused() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = program("postgres://x@127.0.0.1:1/x", &address)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains(&address) && said.contains("http.listen"),
        "{said}"
    );
}
