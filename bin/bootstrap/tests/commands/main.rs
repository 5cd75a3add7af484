//! The operator's command line, as an operator meets it, on databases of its own.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot arrange its scene has failed"
)]

mod audit;
mod command_line;
mod cut_off;
mod demo;
mod diagnose;
mod jobs;
mod purge;
mod scratch;
mod secrets;
mod tenant;
mod tenant_life;
mod up;
