//! Attacks on the walls between tenants, on a real PostgreSQL.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot arrange its scene has failed"
)]

mod cancelled;
mod collisions;
mod entities;
mod fairness;
mod files;
mod freshness;
mod isolation;
mod savepoints;
mod unit_of_work;
