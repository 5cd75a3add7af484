//! Servers that do not take a mail.

use std::time::Duration;

use mail::{MailError, Mailer, Outlook, SmtpSettings};
use smtp_sink::{Sink, Stage};
use tokio::{io::AsyncWriteExt as _, net::TcpListener};

use crate::scene::{ID, mail, mailer, mailer_of, settings};

async fn failure(mailer: &Mailer) -> MailError {
    mailer.send(&mail(mailer, "Acme")).await.unwrap_err()
}

/// An address on which nobody listens.
async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("smtp://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_mail_that_is_put_off_arrives_once_when_it_is_sent_again() {
    let sink = Sink::start().await.unwrap();
    let mailer = mailer(&sink.url());
    for stage in [
        Stage::Greeting,
        Stage::Sender,
        Stage::Recipient,
        Stage::Mail,
    ] {
        sink.answer_next(stage, "451 4.3.0 <joerg@acme.example> not now");
        let error = failure(&mailer).await;
        assert_eq!(
            error.to_string(),
            "the mail server put the mail off: 451 4.3.0"
        );
        assert_eq!(error.outlook(), Outlook::Later, "{stage:?}");
        assert_eq!(sink.take(), None, "{stage:?}");
    }
    mailer.send(&mail(&mailer, "Acme")).await.unwrap();
    let arrived = sink.next().await;
    let id = format!("Message-ID: <{ID}@hrms.example>\r\n");
    assert!(String::from_utf8(arrived.bytes).unwrap().contains(&id));
    assert_eq!(sink.take(), None);
}

#[tokio::test]
async fn a_reader_or_a_mail_that_is_refused_is_refused_for_good() {
    let sink = Sink::start().await.unwrap();
    let mailer = mailer(&sink.url());
    for (stage, answer, told) in [
        (
            Stage::Recipient,
            "550 5.1.1 <joerg@acme.example>: who?",
            "550 5.1.1",
        ),
        (Stage::Recipient, "553 no joerg@acme.example", "553"),
        (
            Stage::Mail,
            "554 5.7.1 spam from joerg@acme.example",
            "554 5.7.1",
        ),
    ] {
        sink.answer_next(stage, answer);
        let error = failure(&mailer).await;
        let told = format!("the mail server refused the mail: {told}");
        assert_eq!(error.to_string(), told);
        assert_eq!(error.outlook(), Outlook::Never);
        assert!(!format!("{error:?}").contains("joerg"), "{error:?}");
    }
    assert_eq!(sink.take(), None);
}

#[tokio::test]
async fn who_is_not_let_in_waits_for_a_repair() {
    let sink = Sink::start().await.unwrap();
    let mailer = mailer(&format!("smtp://hrms:hunter2@{}", sink.address()));
    sink.answer_next(Stage::SignIn, "535 5.7.8 not with hunter2");
    let error = failure(&mailer).await;
    assert_eq!(
        error.to_string(),
        "the mail server does not let us in: 535 5.7.8"
    );
    assert_eq!(error.outlook(), Outlook::OnceRepaired);
    assert!(!format!("{error:?} {mailer:?}").contains("hunter2"));
    sink.answer_next(Stage::Greeting, "554 5.3.2 no mail from you");
    assert_eq!(failure(&mailer).await.outlook(), Outlook::OnceRepaired);
    sink.answer_next(Stage::Sender, "530 5.7.0 sign in first");
    assert_eq!(failure(&mailer).await.outlook(), Outlook::OnceRepaired);
    assert_eq!(sink.take(), None);

    mailer.send(&mail(&mailer, "Acme")).await.unwrap();
    assert_eq!(sink.next().await.signed_in.as_deref(), Some("hrms"));
}

#[tokio::test]
async fn a_server_that_is_away_may_come_back() {
    let error = failure(&mailer(&nowhere().await)).await;
    assert!(matches!(error, MailError::Unreachable(_)), "{error:?}");
    assert_eq!(error.outlook(), Outlook::Later);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_long() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let timeout = Duration::from_millis(200);
    let mailer = mailer_of(SmtpSettings {
        timeout,
        ..settings(&format!("smtp://{}", silent.local_addr().unwrap()))
    });
    let error = failure(&mailer).await;
    assert_eq!(error, MailError::Silent(timeout));
    assert_eq!(error.outlook(), Outlook::Later);
}

#[tokio::test]
async fn a_mail_is_no_part_of_the_conversation_in_which_the_one_before_was_cut_off() {
    let sink = Sink::start().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mailer = mailer_of(SmtpSettings {
        timeout: Duration::from_secs(1),
        ..settings(&format!("smtp://{}", listener.local_addr().unwrap()))
    });
    let serving = async {
        let (mut first, _client) = listener.accept().await.unwrap();
        // It is polite until the mail has come, and then says nothing.
        for answer in ["220 a", "250 b", "250 c", "250 d", "354 e"] {
            first
                .write_all(format!("{answer}\r\n").as_bytes())
                .await
                .unwrap();
        }
        let (second, _client) = listener.accept().await.unwrap();
        // The first mail is answered when the second one is spoken of.
        first.write_all(b"250 the first\r\n").await.ok();
        sink.talk(second).await.unwrap();
    };
    let sending = async {
        let cut_off = failure(&mailer).await;
        assert!(matches!(cut_off, MailError::Silent(_)), "{cut_off:?}");
        sink.answer_next(Stage::Recipient, "550 5.1.1 who?");
        let refused = failure(&mailer).await;
        assert_eq!(refused.outlook(), Outlook::Never);
    };
    tokio::join!(serving, sending);
    assert_eq!(sink.take(), None);
}

#[tokio::test]
async fn a_server_can_be_asked_whether_it_lets_us_in() {
    let sink = Sink::start().await.unwrap();
    let mailer = mailer(&sink.url());
    mailer.check().await.unwrap();
    sink.answer_next(Stage::Greeting, "421 4.3.2 closing");
    assert_eq!(mailer.check().await.unwrap_err().outlook(), Outlook::Later);
    assert_eq!(sink.take(), None);
}
