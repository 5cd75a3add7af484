//! RabbitMQ as what carries messages.
//!
//! The table is the truth, so nothing here has to be remembered. What has to hold is that every
//! message that the broker was not sure about is said to be so, that no call waits for ever, and
//! that a broker that comes back is used again without anybody's help.
//!
//! The client could recover by itself. It is told not to: what it does about confirms, QoS and
//! acknowledgements of a lost channel was mended again and again, and somebody who asks what became
//! of a message needs to know that its channel was lost.

mod call;
mod consume;
mod dial;
mod link;
mod publish;
mod settings;
mod topology;
mod wire;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel::{Ambient, JobId};

use self::{link::Link, publish::Publisher, topology::Names};
use crate::{Broker, BrokerStatus, Deliveries, Envelope, Handed, Queue};

pub use settings::{RabbitSettings, RabbitSettingsError};

/// Carries messages through RabbitMQ: one connection to publish, one to consume, so that a broker
/// that takes no more still hears of what was done.
pub struct RabbitBroker {
    publisher: Arc<Publisher>,
    consuming: Link,
    names: Names,
    patience: Duration,
}

impl RabbitBroker {
    /// Begins to connect, and goes on trying until it is closed: RabbitMQ may come later, and go,
    /// and come back. Must be called on a Tokio runtime.
    ///
    /// # Errors
    /// [`RabbitSettingsError`].
    pub fn start(
        settings: &RabbitSettings,
        ambient: &Ambient,
    ) -> Result<Self, RabbitSettingsError> {
        let names = Names::new(&settings.prefix)?;
        let dialer = settings.dialer()?;
        let publishing = Link::start("publish", dialer.clone(), names.clone(), ambient.clone());
        let consuming = Link::start("consume", dialer, names.clone(), ambient.clone());
        Ok(Self {
            publisher: Arc::new(Publisher::new(publishing, names.clone(), settings)),
            consuming,
            names,
            patience: settings.patience,
        })
    }

    /// Ends both connections in an orderly way; what was not acknowledged, others get.
    pub async fn close(&self) {
        tokio::join!(self.publisher.link().close(), self.consuming.close());
    }
}

impl fmt::Debug for RabbitBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "RabbitBroker({}, {})",
            self.names.prefix(),
            self.status()
        )
    }
}

#[async_trait]
impl Broker for RabbitBroker {
    fn status(&self) -> BrokerStatus {
        let away = self.publisher.link().away();
        match away.or_else(|| self.consuming.away()) {
            Some(reason) => BrokerStatus::Away(reason),
            None => BrokerStatus::Ok,
        }
    }

    fn room(&self, _queue: Queue) -> Option<usize> {
        None
    }

    async fn publish(&self, queue: Queue, messages: Vec<Envelope>) -> Vec<(JobId, Handed)> {
        self.publisher.publish(queue, messages).await
    }

    async fn consume(&self, queue: Queue, prefetch: u16) -> Option<Box<dyn Deliveries>> {
        let state = self.consuming.state();
        let connection = state.borrow().connection()?;
        let line = consume::Line {
            queue,
            names: &self.names,
            publisher: &self.publisher,
            patience: self.patience,
        };
        match line.open(&connection, state, prefetch).await {
            Ok(deliveries) => Some(Box::new(deliveries)),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, %queue, "messages cannot be taken");
                None
            }
        }
    }
}
