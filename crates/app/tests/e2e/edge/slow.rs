//! Clients that take their time, to keep something from others meanwhile.

use std::time::Duration;

use app::settings::Settings;
use futures_util::future::join_all;
use testkit::{Api, Session};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::sleep,
};

/// A head has as long as a body, and both have less than a request, which outlasts the test.
fn impatient(settings: &mut Settings) {
    settings.http.client_timeout = Duration::from_millis(500);
    settings.http.body_timeout = Duration::from_millis(500);
    settings.http.request_timeout = Duration::from_mins(10);
    settings.http.keep_alive = Duration::from_mins(10);
    settings.database.pool_size = 1;
}

async fn connect(api: &Api) -> TcpStream {
    let address = api.base().strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// Sends the beginning, then a piece again and again, until the server closes; what it said.
async fn drip(api: &Api, begin: &str, piece: &str) -> String {
    let mut stream = connect(api).await;
    stream.write_all(begin.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let reading = async {
        let mut answer = Vec::new();
        // A connection that is reset is closed as well.
        let _ = read.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    let writing = async {
        while write.write_all(piece.as_bytes()).await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
        std::future::pending::<()>().await;
    };
    // Far longer than any timeout here: who is still served then is never cut off.
    let cut_off = tokio::time::timeout(Duration::from_mins(1), async {
        tokio::select! {
            answer = reading => answer,
            () = writing => unreachable!("it never ends"),
        }
    });
    cut_off.await.unwrap()
}

fn head(session: &Session, path: &str, content_type: &str, framing: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Tenant-Slug: {}\r\n\
         Authorization: Bearer {}\r\nContent-Type: {content_type}\r\n{framing}\r\n\r\n",
        session.tenant,
        session.token()
    )
}

#[tokio::test]
async fn who_drips_a_head_is_cut_off() {
    let api = Api::start_with(impatient).await;
    for piece in ["G", "X: y\r\n"] {
        let begin = if piece == "G" {
            ""
        } else {
            "GET /api/health HTTP/1.1\r\n"
        };
        let answer = drip(&api, begin, piece).await;
        let is_refused = answer.is_empty()
            || ["HTTP/1.1 408 ", "HTTP/1.1 400 "]
                .iter()
                .any(|start| answer.starts_with(start));
        assert!(is_refused, "{answer}");
    }
    // Nor does it help to say nothing at all.
    assert!(drip(&api, "", "").await.starts_with("HTTP/1.1 408 "));
}

#[tokio::test]
async fn who_drips_a_body_is_cut_off_and_holds_nothing_that_others_need() {
    let api = Api::start_with(impatient).await;
    let session = api.sign_in("acme", "administrator").await;
    let other = api.sign_in("globex", "administrator").await;
    let employees = "/api/v1/employees";
    let imports = "/api/v1/imports?kind=employees";
    let attacks = [
        (
            employees,
            "application/json",
            "Content-Length: 1000000",
            " ",
        ),
        (
            employees,
            "application/json",
            "Transfer-Encoding: chunked",
            "1\r\n \r\n",
        ),
        (imports, "text/csv", "Content-Length: 1000000", "a"),
        (
            imports,
            "text/csv",
            "Transfer-Encoding: chunked",
            "1\r\na\r\n",
        ),
    ];
    let attack = async |(path, content_type, framing, piece)| {
        let answer = drip(&api, &head(&session, path, content_type, framing), piece).await;
        // Only so many imports have a turn, of them a tenant's share.
        let has_no_turn = path == imports && answer.starts_with("HTTP/1.1 503 ");
        let is_late =
            answer.contains("\"error\":\"malformed_request\"") && answer.contains("in time");
        assert!(is_late || has_no_turn, "{path}, {framing}: {answer}");
    };
    let attacked = join_all(attacks.iter().cycle().take(24).copied().map(attack));
    // One connection to the database has to do for everybody.
    let served = async {
        for _ in 0..20 {
            for session in [&session, &other] {
                let answer = api.get(session, "/api/v1/employees").await;
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
        }
    };
    tokio::join!(attacked, served);
}

#[tokio::test]
async fn a_body_that_nobody_wants_is_not_waited_for() {
    let api = Api::start_with(impatient).await;
    let session = api.sign_in("acme", "administrator").await;
    for (framing, piece) in [
        ("Content-Length: 1000000", " "),
        ("Transfer-Encoding: chunked", "1\r\n \r\n"),
    ] {
        for (path, content_type, status) in [
            ("/api/v1/nothing", "application/json", 404),
            ("/api/v1/auth/login", "text/plain", 415),
        ] {
            let answer = drip(&api, &head(&session, path, content_type, framing), piece).await;
            let refused = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&refused), "{path}, {framing}: {answer}");
        }
    }
}

#[tokio::test]
async fn who_drips_a_later_head_is_cut_off_too() {
    let api = Api::start_with(|settings| {
        impatient(settings);
        settings.http.request_timeout = Duration::from_secs(1);
    })
    .await;
    let first = "GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let answer = drip(&api, &format!("{first}GET /api/health"), "/").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn who_does_not_read_what_he_asked_for_is_cut_off() {
    let api = Api::start_with(|settings| {
        impatient(settings);
        settings.http.request_timeout = Duration::from_secs(1);
    })
    .await;
    let mut stream = connect(&api).await;
    let request = "GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let asked = async {
        // More than the sockets between the two hold, and then a byte now and then.
        let _ = stream.write_all(request.repeat(200).as_bytes()).await;
        while stream.write_all(b"G").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let cut_off = tokio::time::timeout(Duration::from_mins(1), asked).await;
    assert!(cut_off.is_ok(), "he is waited for, for ever");
}

#[tokio::test]
async fn who_is_slow_but_steady_is_served() {
    let api = Api::start_with(|settings| {
        impatient(settings);
        settings.http.body_timeout = Duration::from_secs(30);
    })
    .await;
    let session = api.sign_in("acme", "administrator").await;
    let body = r#"{"code": "IT", "name": "Computers"}"#;
    let framing = format!("Content-Length: {}\r\nConnection: close", body.len());
    let head = head(
        &session,
        "/api/v1/departments",
        "application/json",
        &framing,
    );
    let mut stream = connect(&api).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    for byte in body.as_bytes() {
        stream.write_all(&[*byte]).await.unwrap();
        sleep(Duration::from_millis(20)).await;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}

#[tokio::test]
async fn a_connection_is_kept_when_all_of_a_body_was_read() {
    let api = Api::start_with(impatient).await;
    let session = api.sign_in("acme", "administrator").await;
    let mut stream = connect(&api).await;
    for framing in [
        "Content-Length: 2\r\n\r\n{}",
        "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ] {
        for _ in 0..3 {
            let head = head(&session, "/api/v1/employees", "application/json", framing);
            let whole = head.strip_suffix("\r\n\r\n").unwrap();
            stream.write_all(whole.as_bytes()).await.unwrap();
            let mut buffer = vec![0; 8_192];
            let length = stream.read(&mut buffer).await.unwrap();
            let answer = String::from_utf8_lossy(&buffer[..length]).into_owned();
            assert!(answer.starts_with("HTTP/1.1 422 "), "{framing}: {answer}");
            assert!(!answer.contains("connection: close"), "{framing}: {answer}");
        }
    }
}
