//! The sink as clients see it that keep to nothing.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot arrange its scene has failed"
)]

use std::os::unix::fs::PermissionsExt as _;

use kernel::Ambient;
use smtp_sink::{Arrived, Folder, Sink};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Says all of it at once, and returns the codes of the answers.
async fn codes(sink: &Sink, said: &[u8]) -> Vec<String> {
    let mut stream = TcpStream::connect(sink.address()).await.unwrap();
    stream.write_all(said).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    let last = answers
        .lines()
        .filter(|it| it.as_bytes().get(3) == Some(&b' '));
    last.map(|it| it[..3].to_owned()).collect()
}

#[tokio::test]
async fn what_is_said_in_one_breath_is_understood() {
    let sink = Sink::start().await.unwrap();
    let said =
        b"EHLO me\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nRCPT TO:<c@x.example>\r\n\
        DATA\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe=1B[2J?=\r\n\r\n..dot\r\n.\r\nNOOP\r\nQUIT\r\n";
    let codes = codes(&sink, said).await;
    assert_eq!(
        codes,
        [
            "220", "250", "250", "250", "250", "354", "250", "250", "221"
        ]
    );
    let mail = sink.next().await;
    assert_eq!(mail.to, ["b@x.example", "c@x.example"]);
    assert!(mail.bytes.ends_with(b"\r\n\r\n.dot\r\n"));
    // Nothing in it moves the cursor of a terminal.
    assert_eq!(mail.subject(), "Grüße[2J");
}

#[tokio::test]
async fn what_is_out_of_order_too_much_or_no_command_is_refused_and_the_next_is_heard() {
    let sink = Sink::start().await.unwrap();
    let begin = "EHLO me\r\nMAIL FROM:<a@x.example>\r\n";
    let recipient = "RCPT TO:<b@x.example>\r\n";
    for (said, expected) in [
        (
            "RCPT TO:<b@x.example>\r\nNOOP\r\n".to_owned(),
            vec!["503", "250"],
        ),
        ("DATA\r\nNOOP\r\n".to_owned(), vec!["503", "250"]),
        ("HELLO?\r\nNOOP\r\n".to_owned(), vec!["500", "250"]),
        ("MAIL FROM:<\r\nNOOP\r\n".to_owned(), vec!["501", "250"]),
        (format!("NOOP {}\r\n", "x".repeat(20_000)), vec![]),
    ] {
        let codes = codes(&sink, said.as_bytes()).await;
        let rest = codes.iter().skip(1).take(expected.len());
        assert!(rest.eq(expected.iter()), "{said:.40} {codes:?}");
    }
    let crowd = format!("{begin}{}", recipient.repeat(101));
    assert_eq!(codes(&sink, crowd.as_bytes()).await.last().unwrap(), "452");
    let large = "x".repeat(1024 * 1024);
    let large = format!("{begin}{recipient}DATA\r\n{large}\r\n.\r\nNOOP\r\n");
    let codes = codes(&sink, large.as_bytes()).await;
    assert_eq!(codes, ["220", "250", "250", "250", "354", "552", "250"]);
    assert_eq!(sink.take(), None);
}

#[test]
fn a_mail_is_a_file_that_nobody_else_reads_and_the_oldest_of_many_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mail");
    let kept = Folder::open(&path, Ambient::system()).unwrap();
    let mail = |text: &str| Arrived {
        from: String::new(),
        to: Vec::new(),
        signed_in: None,
        bytes: text.into(),
    };
    let first = kept.write(&mail("first")).unwrap();
    assert_eq!(std::fs::read(&first).unwrap(), b"first");
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&first), mode(&path)), (0o600, 0o700));
    for _ in 0..500 {
        kept.write(&mail("later")).unwrap();
    }
    assert!(!first.exists());
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 500);
}
