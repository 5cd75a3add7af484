//! Jobs on a real PostgreSQL: what becomes of them when all goes well, when it does not, and when
//! somebody means ill.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot arrange its scene has failed"
)]

mod enqueueing;
mod failures;
mod fairness;
mod losses;
mod messages;
mod operating;
mod scene;
mod tenants;
