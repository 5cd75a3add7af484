//! What is needed of others: the registry of tenants, and something that carries messages.

use std::fmt;

use async_trait::async_trait;
use database::TenantContext;
use kernel::{JobId, TenantId};

use crate::{Envelope, EnvelopeFault, Queue};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// The registry cannot be asked, or what is known of it is too old.
#[derive(Debug, thiserror::Error)]
#[error("the registry of tenants cannot be asked")]
pub struct TenantsUnknown(#[source] pub Source);

/// The registry of tenants.
#[async_trait]
pub trait Tenants: Send + Sync {
    /// The way into a tenant, and what the registry says of it; `None` when there is none.
    ///
    /// # Errors
    /// [`TenantsUnknown`].
    async fn find(&self, id: TenantId) -> Result<Option<TenantContext>, TenantsUnknown>;

    /// Returns when what is known is not older than the call.
    async fn catch_up(&self);
}

/// How the pipe between who hands over and who does is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokerStatus {
    /// There is none but the process itself.
    Disabled,
    /// It carries.
    Ok,
    /// It does not, and why.
    Away(String),
}

impl fmt::Display for BrokerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("disabled"),
            Self::Ok => f.write_str("ok"),
            Self::Away(reason) => write!(f, "away: {reason}"),
        }
    }
}

/// What became of a message that was to be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// The broker has it.
    Over,
    /// The broker does not have it.
    Back,
    /// Nobody knows: the broker may have it.
    Unknown,
}

/// Carries messages from who hands over to who does. It is fast and forgetful: PostgreSQL is the
/// truth, and what gets lost on the way is handed over again.
#[async_trait]
pub trait Broker: Send + Sync {
    /// How it is.
    fn status(&self) -> BrokerStatus;

    /// How many more messages it takes for a queue; `None` when that is for the queue's workers to
    /// say.
    fn room(&self, queue: Queue) -> Option<usize>;

    /// Hands messages over, and says of each what became of it. Takes seconds at most.
    async fn publish(&self, queue: Queue, messages: Vec<Envelope>) -> Vec<(JobId, Handed)>;

    /// Begins to take messages of a queue, `prefetch` at a time. `None` while it is away.
    async fn consume(&self, queue: Queue, prefetch: u16) -> Option<Box<dyn Deliveries>>;
}

/// Messages that come.
#[async_trait]
pub trait Deliveries: Send {
    /// The next one, as soon as there is one; `None` when no more come, and
    /// [`Broker::consume`] has to be called again.
    async fn next(&mut self) -> Option<Delivery>;

    /// One that is there already.
    fn next_now(&mut self) -> Option<Delivery>;
}

/// A message that came.
pub struct Delivery {
    /// What it says, if that can be read.
    pub envelope: Result<Envelope, EnvelopeFault>,
    /// How the broker hears of it.
    pub receipt: Box<dyn Receipt>,
}

/// Tells the broker what became of a message. Dropped, it tells nothing: the broker brings the
/// message again.
#[async_trait]
pub trait Receipt: Send {
    /// It was seen to, one way or the other.
    async fn acknowledge(self: Box<Self>);

    /// It is not followed; it is kept apart, with the reason.
    async fn reject(self: Box<Self>, fault: &EnvelopeFault);
}
