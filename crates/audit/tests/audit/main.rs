//! The audit on a real database.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot arrange or look has failed"
)]

mod flushing;
mod recording;
mod refusals;
mod append_only;
mod many;
mod recording;
mod retiring;
mod scene;
mod sealing;
mod tampering;
