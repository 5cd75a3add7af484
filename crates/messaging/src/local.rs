//! The pipe of an installation without a broker: the process itself.
//!
//! Whoever hands jobs over does so to the workers of its own process. What parts the processes is
//! the table: a job that one of them has taken to hand over, no other one takes.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use kernel::JobId;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::{
    Broker, BrokerStatus, Deliveries, Delivery, Envelope, EnvelopeFault, Handed, Queue, Receipt,
};

/// Carries messages within the process, a bounded number a queue.
pub struct LocalBroker {
    senders: BTreeMap<Queue, Sender<Envelope>>,
    receivers: Mutex<BTreeMap<Queue, Receiver<Envelope>>>,
}

impl LocalBroker {
    /// With room for so many messages of each queue.
    pub fn new(rooms: impl IntoIterator<Item = (Queue, usize)>) -> Self {
        let (mut senders, mut receivers) = (BTreeMap::new(), BTreeMap::new());
        for (queue, room) in rooms {
            let (sender, receiver) = channel(room.max(1));
            senders.insert(queue, sender);
            receivers.insert(queue, receiver);
        }
        Self {
            senders,
            receivers: Mutex::new(receivers),
        }
    }
}

impl fmt::Debug for LocalBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalBroker")
    }
}

#[async_trait]
impl Broker for LocalBroker {
    fn status(&self) -> BrokerStatus {
        BrokerStatus::Disabled
    }

    fn room(&self, queue: Queue) -> Option<usize> {
        Some(self.senders.get(&queue).map_or(0, Sender::capacity))
    }

    async fn publish(&self, queue: Queue, messages: Vec<Envelope>) -> Vec<(JobId, Handed)> {
        let sender = self.senders.get(&queue);
        let handed = messages.into_iter().map(|message| {
            let id = message.job_id;
            let sent = sender.is_some_and(|sender| sender.try_send(message).is_ok());
            (id, if sent { Handed::Over } else { Handed::Back })
        });
        handed.collect()
    }

    async fn consume(&self, queue: Queue, _prefetch: u16) -> Option<Box<dyn Deliveries>> {
        let mut receivers = self
            .receivers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let receiver = receivers.remove(&queue)?;
        Some(Box::new(LocalDeliveries(receiver)))
    }
}

struct LocalDeliveries(Receiver<Envelope>);

#[async_trait]
impl Deliveries for LocalDeliveries {
    async fn next(&mut self) -> Option<Delivery> {
        self.0.recv().await.map(deliver)
    }

    fn next_now(&mut self) -> Option<Delivery> {
        self.0.try_recv().ok().map(deliver)
    }
}

fn deliver(envelope: Envelope) -> Delivery {
    Delivery {
        envelope: Ok(envelope),
        receipt: Box::new(NoReceipt),
    }
}

/// There is nobody to tell.
struct NoReceipt;

#[async_trait]
impl Receipt for NoReceipt {
    async fn acknowledge(self: Box<Self>) {}

    async fn reject(self: Box<Self>, fault: &EnvelopeFault) {
        tracing::error!(%fault, "a job that this process handed over contradicts itself");
    }
}
