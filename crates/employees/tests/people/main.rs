//! People and organisation over a real PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot arrange its scene has failed"
)]

mod auditing;
mod coming_back;
mod company;
mod editing;
mod hiring;
mod histories;
mod lines;
mod organisation;
mod privacy;
mod reading;
mod recording;
mod reports;
mod sequences;
mod telling;
mod terminating;
mod transferring;
