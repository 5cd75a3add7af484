//! The audit on a real database.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot arrange or look has failed"
)]

mod append_only;
mod flushing;
mod many;
mod recording;
mod refusals;
mod retiring;
mod scene;
mod sealing;
mod stolen;
mod tampering;
