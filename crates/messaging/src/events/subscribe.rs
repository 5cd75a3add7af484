//! Who wants to hear of what.

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use database::TenantTx;

use super::Event;
use crate::{JobError, Run};

/// Hears of events, one after the other for each subject, in a transaction of their tenant.
///
/// It hears of what is recorded from when a worker knows it; what was before, it reads from the
/// [feed](super::EventFeed).
#[async_trait]
pub trait Subscriber: Send + Sync + 'static {
    /// Its name for ever: `leave.entitlements`. What it has yet to hear is kept under it.
    const NAME: &'static str;

    /// What it wants to hear of: `employee.hired.v1`.
    const KINDS: &'static [&'static str];

    /// Hears of one event. That it has heard is committed with what it does, or neither is: so it may
    /// hear again of what it could not take. While it cannot, it hears of nothing else of that subject.
    ///
    /// # Errors
    /// [`JobError`]: nothing of what was done about this event remains.
    async fn handle(&self, tx: &TenantTx, event: &Event, run: &Run) -> Result<(), JobError>;
}

/// A [`Subscriber`], whichever it is.
#[async_trait]
trait AnySubscriber: Send + Sync {
    async fn handle(&self, tx: &TenantTx, event: &Event, run: &Run) -> Result<(), JobError>;
}

#[async_trait]
impl<S: Subscriber> AnySubscriber for S {
    async fn handle(&self, tx: &TenantTx, event: &Event, run: &Run) -> Result<(), JobError> {
        Subscriber::handle(self, tx, event, run).await
    }
}

/// Everybody who wants to hear of something.
#[derive(Default)]
pub struct Subscribers {
    by_name: BTreeMap<&'static str, Subscribed>,
}

struct Subscribed {
    kinds: &'static [&'static str],
    subscriber: Box<dyn AnySubscriber>,
}

impl Subscribers {
    /// Nobody wants to hear of anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes on somebody.
    ///
    /// # Panics
    /// When somebody has that name already: the composition is wrong, and no worker starts.
    #[must_use]
    pub fn with<S: Subscriber>(mut self, subscriber: S) -> Self {
        let entry = Subscribed {
            kinds: S::KINDS,
            subscriber: Box::new(subscriber),
        };
        let earlier = self.by_name.insert(S::NAME, entry);
        assert!(earlier.is_none(), "two subscribers are `{}`", S::NAME);
        self
    }

    /// Who wants to hear of which kinds.
    pub(crate) fn interests(&self) -> Vec<(&'static str, &'static str)> {
        let all = self.by_name.iter();
        all.flat_map(|(name, it)| it.kinds.iter().map(|kind| (*name, *kind)))
            .collect()
    }

    /// Whether there is a subscriber of this name.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Lets a subscriber hear of an event.
    pub(super) async fn tell(
        &self,
        name: &str,
        tx: &TenantTx,
        event: &Event,
        run: &Run,
    ) -> Result<(), JobError> {
        match self.by_name.get(name) {
            Some(it) => it.subscriber.handle(tx, event, run).await,
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Subscribers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}
