//! A mail server that delivers nothing: it takes every mail and shows it.
//!
//! `./just up` runs it as a program (`hrms-smtp-sink`), so that a mail can be read where no mail
//! server is; tests run it in their own process ([`Sink::start`]), read what arrived
//! ([`Sink::next`]), and let it refuse ([`Sink::answer_next`]). It is no part of what production
//! runs, and listens on this machine's own address alone.
//!
//! What clients say is read by `smtp-proto`, which a real mail server is made of; what is here is
//! the little that is left.
//!
//! # Invariants
//! - Everything has a bound: a mail's size, its recipients, connections at a time, mails that
//!   nobody has taken yet, and how long a client may be silent.
//! - A mail is kept before its client is told so.
//! - No password is kept: of a client that signs in, only as whom.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! use smtp_sink::{Sink, Stage};
//!
//! let sink = Sink::start().await?;
//! sink.answer_next(Stage::Recipient, "451 4.3.0 not now");
//! assert!(sink.url().starts_with("smtp://127.0.0.1:"));
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

mod folder;
mod session;
mod sink;

pub use folder::Folder;
pub use sink::{Arrived, Sink, Stage};
