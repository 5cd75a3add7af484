//! People and organisation over a real PostgreSQL.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot arrange its scene has failed"
)]

mod company;
mod hiring;
mod organisation;
mod reading;
mod reports;
