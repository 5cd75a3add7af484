//! Mail that leaves the house: one reader, one tenant as its sender, text and HTML.
//!
//! A [`Mailer`] hands a [`Mail`] to a mail server by SMTP. What a mail says ([`Content`]) is written
//! by the domain that has something to say, in a [`Language`] of the reader's.
//!
//! # Invariants
//! - A mail that was sent was taken by the mail server. One that was not is an error
//!   ([`MailError`]) that says whether it may work later, never, or once somebody has repaired
//!   something ([`Outlook`]).
//! - The same mail that is sent twice has the same `Message-ID`, made of its job's id: who gets it
//!   twice can tell, and mail servers drop the second.
//! - Nobody who names himself, his company or a subject can write a header: names and subjects are
//!   one line ([`Line`]), and addresses are addresses.
//! - A password goes over an encrypted connection, or to this machine, or not at all; no
//!   certificate is taken on trust. It is never printed.
//! - An error holds no text of the server's, which likes to repeat the reader's address: codes only.
//! - Sending has an end. Each mail has a connection of its own, closed with it: a conversation that
//!   was cut off half-way must not be gone on with by the next mail, and a pool would do that.
//!
//! ```
//! use mail::Language;
//!
//! // A reader from Austria gets German; one whose language is not spoken here, his company's.
//! assert_eq!(Language::for_reader(Some("de-AT"), "en"), Language::German);
//! assert_eq!(Language::for_reader(Some("fr"), "de"), Language::German);
//! assert_eq!(Language::for_reader(None, "ja"), Language::English);
//! ```

#![deny(missing_docs)]

mod error;
mod language;
mod letter;
mod mailer;
mod reading;
mod settings;

pub use error::{MailError, Outlook, Status};
pub use language::Language;
pub use letter::{Content, Line, Mail, Mailbox};
pub use mailer::Mailer;
pub use reading::Reading;
pub use settings::{Authority, SmtpSettings, SmtpUrl, SmtpUrlError};
