//! Events: what happened, said once for everybody whom it concerns.
//!
//! A use case records what it did in its own transaction ([`EventLog`]): the change and its event are
//! committed together, or neither is. A moment after the commit the event gets its place in the feed of
//! its tenant ([`EventSequencer`]), and with it whoever wants to hear of it has a job ([`Subscriber`]).
//!
//! ```text
//! use case ──record──▶ recorded_events ──sequence──▶ events (1, 2, 3, … a tenant) ──▶ feed
//!                        (its number)                 └─▶ event_deliveries ──▶ job of the lane
//! ```
//!
//! # Order
//! An event draws its number when it is recorded. Whoever changes a thing holds a lock on it (its row,
//! or the lock of its tree) from before the change until the commit, and records under that lock: so of
//! two events of one subject the one that was committed first has the smaller number, and whoever sees
//! the second sees the first. Places are given in the order of the numbers that are visible: in each
//! feed the events of a subject stand in the order of their commits. Between subjects the order is that
//! of recording, except that what is committed later comes later.
//!
//! **Whoever records an event of a thing without holding it gives this up for that thing.** What was
//! made in the same transaction nobody else can hold.
//!
//! # Invariants
//! - A feed has no gaps: places are given after the commit, under the lock on the feed's row. Nobody
//!   sees a place before all places in front of it.
//! - A subscriber hears of the events of one subject in their order, one after the other; an event that
//!   it cannot take keeps those behind it waiting, and no other subject.
//! - The effects of hearing an event happen once in the database.
//! - An event of a subject that is gone is a tombstone, `….deleted.v1`, and its last one.

mod deliver;
mod feed;
mod record;
mod sequence;
mod subscribe;

pub use deliver::Deliver;
pub(crate) use deliver::Delivers;
pub use feed::{Event, EventFeed, FeedQuery};
pub use record::{DomainEvent, EventLog};
pub use sequence::{EventSequencer, Sequenced};
pub use subscribe::{Subscriber, Subscribers};

use kernel::Permission;

/// What is known of the events of a kind: declared by the domain that records them, read by whoever
/// shows them.
#[derive(Clone, Copy, Debug)]
pub struct EventKind {
    /// Its name for ever: `employee.hired.v1`.
    pub name: &'static str,
    /// What it tells, in a sentence.
    pub description: &'static str,
    /// What somebody must be allowed to do to be shown its data.
    pub permission: Permission,
    /// The fields of its data that need more than that.
    pub guarded: &'static [(&'static str, Permission)],
}
