//! What arrives.

use kernel::Ambient;
use mail::{Line, MailError, Mailer, Outlook};
use mail_parser::{Address, Message, MessageParser, MimeHeaders as _};
use smtp_sink::{Arrived, Sink};

use crate::scene::{ID, mail, mailer};

fn parsed(arrived: &Arrived) -> Message<'_> {
    MessageParser::default().parse(&arrived.bytes).unwrap()
}

/// Names and addresses.
fn people(address: Option<&Address<'_>>) -> Vec<(String, String)> {
    let text = |it: Option<&str>| it.unwrap_or_default().to_owned();
    let people = address.unwrap().iter();
    people
        .map(|it| (text(it.name()), text(it.address())))
        .collect()
}

#[tokio::test]
async fn a_mail_arrives_as_text_and_as_html_from_the_tenant_to_the_reader() {
    let sink = Sink::start().await.unwrap();
    let mailer = mailer(&sink.url());
    mailer.send(&mail(&mailer, "Müller & Söhne")).await.unwrap();

    let arrived = sink.next().await;
    assert_eq!(arrived.from, "no-reply@hrms.example");
    assert_eq!(arrived.to, ["joerg@acme.example"]);
    let message = parsed(&arrived);
    assert_eq!(
        people(message.from()),
        [(
            "Müller & Söhne".to_owned(),
            "no-reply@hrms.example".to_owned()
        )]
    );
    assert_eq!(
        people(message.to()),
        [("Jörg Müller".to_owned(), "joerg@acme.example".to_owned())]
    );
    assert_eq!(message.subject(), Some("Ihr Import für Köln ist beendet"));
    let id = format!("{ID}@hrms.example");
    assert_eq!(message.message_id(), Some(id.as_str()));
    assert_eq!(message.date().unwrap().to_rfc3339(), "2026-11-27T17:05:09Z");
    let automatic = message.header_raw("Auto-Submitted");
    assert_eq!(automatic.map(str::trim), Some("auto-generated"));

    let kind = message.content_type().unwrap();
    assert_eq!(
        (kind.ctype(), kind.subtype()),
        ("multipart", Some("alternative"))
    );
    let text = message.body_text(0).unwrap().replace("\r\n", "\n");
    assert_eq!(text.trim_end(), "Grüße\n.\n\n-- \nHRMS");
    let html = message.body_html(0).unwrap();
    assert!(html.contains("<p>Grüße &amp; mehr</p>"), "{html}");
    assert_eq!(
        (message.text_body_count(), message.html_body_count()),
        (1, 1)
    );
    assert_eq!(message.attachment_count(), 0);
    // The richest comes last (RFC 2046, 5.1.4).
    let kinds = message.parts.iter().filter_map(|it| it.content_type());
    let kinds: Vec<_> = kinds.filter_map(|it| it.subtype()).collect();
    assert_eq!(kinds, ["alternative", "plain", "html"]);
    assert!(arrived.bytes.is_ascii(), "old mail servers take it too");
}

#[tokio::test]
async fn nobody_writes_a_header_by_his_name_or_a_subject() {
    const EVIL: &str = "Acme\r\nBcc: everybody@acme.example\r\nX-Evil: yes\r\n\r\n<script>";
    let sink = Sink::start().await.unwrap();
    let mailer = mailer(&sink.url());
    for evil in [
        EVIL,
        "Acme\nBcc: everybody@acme.example",
        "Acme\rBcc: everybody@acme.example",
        "Acme\u{2028}Bcc: everybody@acme.example",
        "Acme\" <evil@evil.example>, \"",
        "=?utf-8?q?Acme=0D=0ABcc:_everybody@acme.example?=",
        "Acme, evil@evil.example; <evil@evil.example>",
        &format!("{}\r\nBcc: everybody@acme.example", "x".repeat(5_000)),
    ] {
        let mut mail = mail(&mailer, evil);
        mail.to.name = Line::new(evil);
        mail.content.subject = Line::new(evil);
        mailer.send(&mail).await.unwrap();
        let arrived = sink.next().await;
        assert_eq!(arrived.to, ["joerg@acme.example"], "{evil}");
        let message = parsed(&arrived);
        let names: Vec<_> = message
            .headers()
            .iter()
            .map(|it| it.name().to_owned())
            .collect();
        assert_eq!(
            names,
            [
                "Message-ID",
                "Date",
                "From",
                "To",
                "Subject",
                "Auto-Submitted",
                "MIME-Version",
                "Content-Type",
            ],
            "{evil}"
        );
        for (who, address) in [
            (message.from(), "no-reply@hrms.example"),
            (message.to(), "joerg@acme.example"),
        ] {
            let people = people(who);
            assert_eq!(people.len(), 1, "{evil}: {people:?}");
            assert_eq!(people[0].1, address, "{evil}");
        }
        assert_eq!(message.text_body_count(), 1, "{evil}");
    }
}

#[tokio::test]
async fn a_reader_may_have_an_address_in_his_own_script() {
    let sink = Sink::start().await.unwrap();
    let mailer = mailer(&sink.url());
    let mut mail = mail(&mailer, "Acme");
    mail.to.address = "jörg@müller.example".parse().unwrap();
    mailer.send(&mail).await.unwrap();
    assert_eq!(sink.next().await.to, ["jörg@xn--mller-kva.example"]);
}

#[tokio::test]
async fn without_a_mail_server_nothing_is_sent_and_that_is_said() {
    let mailer = Mailer::new(None, Ambient::system());
    let error = mailer.sender("Acme").unwrap_err();
    assert_eq!(error, MailError::NotConfigured);
    assert_eq!(error.outlook(), Outlook::OnceRepaired);
    assert_eq!(mailer.check().await, Err(MailError::NotConfigured));
}
