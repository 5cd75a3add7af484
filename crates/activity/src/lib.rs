//! What happened, and what happens behind the answers: the events of a tenant, and its jobs and those
//! of the platform, over HTTP.
//!
//! Long work is not waited for: a route answers 202 with a `Location`, and there the work is looked
//! at until it has ended ([`OwnJobs`]). Those who run the platform see all jobs, and let them be
//! tried again or take them back ([`AllJobs`]). What a job is, and who does it, is `messaging`'s.
//!
//! What happened is read from the feed of events, as far as the reader may see it ([`Feed`]).
//!
//! # Invariants
//! - A tenant sees its own jobs alone, and of these what people wanted ([`Shown`]): what the platform
//!   does by itself in a tenant is nobody's to take back.
//! - Who sees his own jobs alone ([`kernel::Reach::Own`]) sees those that he wanted; any other is
//!   answered as one that does not exist.
//! - Every event stands in its place in the feed for everybody who may read it; of what it says, each
//!   sees what its domain has declared to be for him, and nothing of a kind that nobody declares.
//! - Why a job failed is told to those who run the platform: it may name what is inside.

#![deny(missing_docs)]

mod error;
mod http;
mod lists;
pub mod permission;
mod service;

pub use error::ActivityError;
pub use http::configure;
pub use service::{AllJobs, Feed, OwnJobs, Reader, Shown};
