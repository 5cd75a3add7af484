//! Events on a real PostgreSQL: recorded with the change, put in order after it, heard in that order.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot arrange its scene has failed"
)]

mod hearing;
mod many;
mod reading;
mod recording;
mod scene;
mod sequencing;
