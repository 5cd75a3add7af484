//! The use cases.

mod all_jobs;
mod feed;
mod own_jobs;

pub use all_jobs::AllJobs;
pub use feed::{Feed, Reader};
pub use own_jobs::{OwnJobs, Shown};
