//! The API as its users meet it, over HTTP, on a real PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot arrange its scene has failed"
)]

mod audit;
mod auth;
mod browser;
mod careers;
mod changes;
mod conventions;
mod crowd;
mod edge;
mod employees;
mod events;
mod freshness;
mod health;
mod histories;
mod imports;
mod isolation;
mod jobs;
mod lists;
mod operate;
mod oracle_hr;
mod platform;
mod provisioning;
mod routes;
mod scene;
mod subscription;
mod tenants;
mod waiting;
