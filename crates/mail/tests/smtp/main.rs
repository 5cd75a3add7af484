//! Mails over SMTP, to a server that takes them and to servers that do not.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot arrange its scene has failed"
)]

mod encrypted;
mod refusals;
mod scene;
mod written;
