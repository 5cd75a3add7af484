//! The operator's command line, as an operator meets it, on databases of its own.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot arrange its scene has failed"
)]

mod cut_off;
mod demo;
mod diagnose;
mod scratch;
mod tenant;
mod up;
