//! What happens behind the answers: the jobs of a tenant and of the platform, over HTTP.
//!
//! Long work is not waited for: a route answers 202 with a `Location`, and there the work is looked
//! at until it has ended ([`OwnJobs`]). Those who run the platform see all jobs, and let them be
//! tried again or take them back ([`AllJobs`]). What a job is, and who does it, is `messaging`'s.
//!
//! # Invariants
//! - A tenant sees its own jobs alone, and of these what people wanted ([`Shown`]): what the platform
//!   does by itself in a tenant is nobody's to take back.
//! - Who sees his own jobs alone ([`kernel::Reach::Own`]) sees those that he wanted; any other is
//!   answered as one that does not exist.
//! - Why a job failed is told to those who run the platform: it may name what is inside.

#![deny(missing_docs)]

mod error;
mod http;
mod lists;
pub mod permission;
mod service;

pub use error::ActivityError;
pub use http::configure;
pub use service::{AllJobs, OwnJobs, Shown};
