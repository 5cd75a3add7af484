//! The use cases.

mod all_jobs;
mod own_jobs;

pub use all_jobs::AllJobs;
pub use own_jobs::{OwnJobs, Shown};
