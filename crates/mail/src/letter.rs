//! A mail, and what it is made of.

use std::time::SystemTime;

use kernel::{EmailAddress, JobId};
use lettre::{
    Address, Message,
    message::{
        MultiPart, SinglePart,
        header::{Header, HeaderName, HeaderValue},
    },
};
use time::OffsetDateTime;

use crate::MailError;

/// A text on one line, as headers have it: what would end the line, or hide in it, is a blank.
/// Of a longer one, 200 characters remain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(String);

impl Line {
    const LONGEST: usize = 200;

    /// Makes a line of a text.
    pub fn new(text: &str) -> Self {
        let blanked = text.replace(|it| !kernel::is_printable(it), " ");
        let words: Vec<&str> = blanked.split_whitespace().collect();
        let cut: String = words.join(" ").chars().take(Self::LONGEST).collect();
        Self(cut.trim_end().to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Somebody's name and address. A person: `Debug` output, which may reach a log, shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// How he is called.
    pub name: Line,
    /// Where his mail goes.
    pub address: EmailAddress,
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailbox(…)")
    }
}

/// What a mail says, the same twice: as text, and as HTML.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// What it is about.
    pub subject: Line,
    /// For programs and people that prefer it.
    pub text: String,
    /// A whole document. What came from people is escaped in it.
    pub html: String,
}

/// It speaks to a person: not for a log.
impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Content(…)")
    }
}

/// A mail to one reader.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The job that sends it: however often it does, it is the same mail.
    pub id: JobId,
    /// The tenant, by way of the platform's address: [`Mailer::sender`](crate::Mailer::sender).
    pub from: Mailbox,
    /// The reader.
    pub to: Mailbox,
    /// What it says.
    pub content: Content,
}

impl Mail {
    /// As it goes over the wire.
    pub(crate) fn message(&self, now: OffsetDateTime) -> Result<Message, MailError> {
        let Self {
            id,
            from,
            to,
            content,
        } = self;
        let sender = address(&from.address).ok_or(MailError::Unwritable("its sender"))?;
        let reader = address(&to.address).ok_or(MailError::Reader)?;
        let message_id = format!("<{id}@{}>", sender.domain());
        let alternatives = MultiPart::alternative()
            .build()
            .singlepart(SinglePart::plain(content.text.clone()))
            .singlepart(SinglePart::html(content.html.clone()));
        Message::builder()
            .message_id(Some(message_id))
            .date(SystemTime::from(now))
            .from(mailbox(&from.name, sender))
            .to(mailbox(&to.name, reader))
            .subject(content.subject.as_str())
            .header(AutoSubmitted)
            .multipart(alternatives)
            .map_err(|_missing| MailError::Unwritable("its headers"))
    }
}

fn mailbox(name: &Line, address: Address) -> lettre::message::Mailbox {
    let name = Some(name.as_str().to_owned()).filter(|it| !it.is_empty());
    lettre::message::Mailbox::new(name, address)
}

/// As mail servers have it: the domain in ASCII (RFC 5891), so that none has to know SMTPUTF8 for
/// it.
pub(crate) fn address(address: &EmailAddress) -> Option<Address> {
    let (user, domain) = address.as_str().rsplit_once('@')?;
    let domain = idna::domain_to_ascii_strict(domain).ok()?;
    Address::new(user, domain).ok()
}

/// No person wrote it, and no program shall answer (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_it_is_made_of() {
        for (text, line) in [
            ("Müller & Söhne", "Müller & Söhne"),
            (
                "Acme\r\nBcc: all@acme.example",
                "Acme Bcc: all@acme.example",
            ),
            ("a\u{0}b\u{2028}c\u{202E}d\te", "a b c d e"),
            ("  \n ", ""),
        ] {
            assert_eq!(Line::new(text).as_str(), line);
        }
        assert_eq!(Line::new(&"ä".repeat(500)).as_str().chars().count(), 200);
    }

    #[test]
    fn an_address_in_another_script_has_its_domain_in_ascii() {
        let written = |text: &str| address(&text.parse().unwrap()).map(|it| it.to_string());
        assert_eq!(
            written("jörg@müller.example").as_deref(),
            Some("jörg@xn--mller-kva.example")
        );
        assert_eq!(written("a@b.example").as_deref(), Some("a@b.example"));
    }

    #[test]
    fn neither_a_person_nor_what_is_said_to_him_reaches_a_log() {
        let jane = Mailbox {
            name: Line::new("Jane"),
            address: "jane@acme.example".parse().unwrap(),
        };
        let mail = Mail {
            id: JobId::new(uuid::Uuid::nil()),
            from: jane.clone(),
            to: jane,
            content: Content {
                subject: Line::new("Jane"),
                text: "Jane".to_owned(),
                html: "Jane".to_owned(),
            },
        };
        let shown = format!("{mail:?}");
        assert!(!shown.to_lowercase().contains("jane"), "{shown}");
    }
}
