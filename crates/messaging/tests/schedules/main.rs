//! Schedules on a real PostgreSQL, by a clock that the tests move on.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot arrange its scene has failed"
)]

mod changes;
mod losses;
mod plan;
mod policies;
mod races;
#[path = "../jobs/scene.rs"]
#[expect(dead_code, reason = "the tests of jobs need more of it")]
mod scene;
mod tenants;
mod working;
