//! The mails of this domain: what is told to whom, in his language.
//!
//! A mail is a type of what it tells, that is rendered to a [`Content`](mail::Content) for a
//! [`Reading`](mail::Reading). Its templates lie in `templates/mail/`, three a language (subject,
//! text, HTML), and are checked when this crate is compiled.

mod import_ended;
mod words;

pub use import_ended::{FaultPlace, ImportEnded, ImportOutcome, TellImportEnded};
