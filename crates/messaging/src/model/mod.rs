//! What a job is, and what can become of it.

mod backoff;
mod envelope;
mod queue;
mod work;

pub use backoff::Backoff;
pub use envelope::{Envelope, EnvelopeFault};
pub use queue::{JobState, Queue, UnknownWord};
pub(crate) use work::{Fate, Progress};
pub use work::{JobError, Order, Run, Work};
