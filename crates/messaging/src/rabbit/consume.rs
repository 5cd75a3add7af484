//! Taking messages, and telling what became of them.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{FutureExt as _, StreamExt as _};
use lapin::{
    Acker, Channel, Connection, Consumer,
    message::Delivery as Message,
    options::{
        BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
    },
    types::FieldTable,
};
use tokio::{runtime::Handle, sync::watch};

use super::{
    call::{CallError, within},
    link::State,
    publish::Publisher,
    topology::Names,
    wire,
};
use crate::{Deliveries, Delivery, EnvelopeFault, Queue, Receipt};

/// How long a message stays away of which nothing was told. RabbitMQ brings it again at once, and
/// whoever dropped it had a reason that is likely to last.
const GIVE_BACK_PAUSE: Duration = Duration::from_secs(1);

/// What it takes to take messages.
pub(super) struct Line<'a> {
    pub(super) queue: Queue,
    pub(super) names: &'a Names,
    pub(super) publisher: &'a Arc<Publisher>,
    pub(super) patience: Duration,
}

impl Line<'_> {
    /// Begins to take messages on a channel of its own. No more than `prefetch` of them wait here,
    /// although the client's own queue has no end.
    pub(super) async fn open(
        self,
        connection: &Arc<Connection>,
        state: watch::Receiver<State>,
        prefetch: u16,
    ) -> Result<RabbitDeliveries, CallError> {
        let patience = self.patience;
        let channel = within(patience, "a channel", connection.create_channel()).await?;
        self.names.declare(&channel, self.queue, patience).await?;
        // Nought would be no limit at all.
        let qos = channel.basic_qos(prefetch.max(1), BasicQosOptions::default());
        within(patience, "QoS", qos).await?;
        let consuming = channel.basic_consume(
            self.names.queue(self.queue),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = within(patience, "a consumer", consuming).await?;
        let desk = Desk {
            channel,
            queue: self.queue,
            publisher: Arc::clone(self.publisher),
            patience,
            is_over: watch::Sender::new(false),
        };
        Ok(RabbitDeliveries {
            consumer: Some(consumer),
            desk: Arc::new(desk),
            connection: Arc::clone(connection),
            state,
        })
    }
}

/// What messages and their receipts share. As long as one of them lives, so does the channel:
/// what was begun before its worker was told to stop can be acknowledged.
///
/// RabbitMQ closes the channel of a message that was not acknowledged for 30 minutes, and brings
/// it again, as it does with all others of the channel: whoever gets them finds that there is
/// nothing to claim.
struct Desk {
    channel: Channel,
    queue: Queue,
    publisher: Arc<Publisher>,
    patience: Duration,
    /// No more messages come here.
    is_over: watch::Sender<bool>,
}

impl Desk {
    async fn acknowledge(&self, acker: &Acker) {
        let told = acker.ack(BasicAckOptions::default());
        // Untold, it comes again, and there is nothing to claim.
        let _ = within(self.patience, "an acknowledgement", told).await;
    }

    /// Tells that a message is not for us. The channel brings it again, or keeps it apart.
    async fn refuse(&self, acker: &Acker, requeue: bool) {
        let options = BasicNackOptions {
            requeue,
            ..BasicNackOptions::default()
        };
        let told = within(self.patience, "a refusal", acker.nack(options)).await;
        if told.is_err() && self.channel.status().connected() {
            // It would count as taken for ever: all of the channel comes again.
            let closing = self.channel.close(200, "".into());
            let _ = within(self.patience, "a channel's end", closing).await;
        }
    }

    async fn give_back(&self, acker: &Acker) {
        let mut is_over = self.is_over.subscribe();
        tokio::select! {
            () = tokio::time::sleep(GIVE_BACK_PAUSE) => {}
            _ = is_over.wait_for(|it| *it) => {}
        }
        self.refuse(acker, true).await;
    }
}

/// Messages of one queue.
pub(super) struct RabbitDeliveries {
    /// `None` once no more come.
    consumer: Option<Consumer>,
    desk: Arc<Desk>,
    connection: Arc<Connection>,
    state: watch::Receiver<State>,
}

impl RabbitDeliveries {
    fn deliver(&mut self, came: Option<lapin::Result<Message>>) -> Option<Delivery> {
        match came {
            Some(Ok(message)) => Some(Delivery {
                envelope: wire::read(&message),
                receipt: Box::new(RabbitReceipt {
                    message: Some(message),
                    desk: Arc::clone(&self.desk),
                }),
            }),
            Some(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, queue = %self.desk.queue, "messages stopped coming");
                self.end()
            }
            None => self.end(),
        }
    }

    fn end(&mut self) -> Option<Delivery> {
        self.consumer = None;
        self.desk.is_over.send_replace(true);
        None
    }
}

#[async_trait]
impl Deliveries for RabbitDeliveries {
    async fn next(&mut self) -> Option<Delivery> {
        let consumer = self.consumer.as_mut()?;
        let (connection, state) = (&self.connection, &mut self.state);
        let came = tokio::select! {
            came = consumer.next() => came,
            _ = state.wait_for(|it| !it.is_of(connection)) => None,
        };
        self.deliver(came)
    }

    fn next_now(&mut self) -> Option<Delivery> {
        let came = self.consumer.as_mut()?.next().now_or_never()?;
        self.deliver(came)
    }
}

impl Drop for RabbitDeliveries {
    fn drop(&mut self) {
        let desk = Arc::clone(&self.desk);
        let Some(mut consumer) = self.consumer.take() else {
            return;
        };
        if Handle::try_current().is_err() {
            return;
        }
        telemetry::spawn_named("rabbitmq", async move {
            let options = BasicCancelOptions::default();
            let cancelling = desk.channel.basic_cancel(consumer.tag(), options);
            // If it fails, the channel is lost, and all of it comes again.
            let _ = within(desk.patience, "a consumer's end", cancelling).await;
            while let Some(Some(Ok(message))) = consumer.next().now_or_never() {
                desk.refuse(&message.acker, true).await;
            }
            desk.is_over.send_replace(true);
        });
    }
}

/// Tells RabbitMQ what became of a message, once.
struct RabbitReceipt {
    message: Option<Message>,
    desk: Arc<Desk>,
}

#[async_trait]
impl Receipt for RabbitReceipt {
    async fn acknowledge(mut self: Box<Self>) {
        if let Some(message) = self.message.take() {
            self.desk.acknowledge(&message.acker).await;
        }
    }

    async fn reject(mut self: Box<Self>, fault: &EnvelopeFault) {
        let Some(message) = &self.message else {
            return;
        };
        // RabbitMQ cannot write a reason on what it keeps apart: a copy says it.
        let (publisher, queue) = (&self.desk.publisher, self.desk.queue);
        let is_kept = publisher
            .keep_apart(message, queue, &fault.to_string())
            .await;
        let Some(message) = self.message.take() else {
            return;
        };
        if is_kept {
            self.desk.acknowledge(&message.acker).await;
        } else {
            self.desk.refuse(&message.acker, false).await;
        }
    }
}

impl Drop for RabbitReceipt {
    fn drop(&mut self) {
        let Some(message) = self.message.take() else {
            return;
        };
        if Handle::try_current().is_err() {
            return;
        }
        let desk = Arc::clone(&self.desk);
        telemetry::spawn_named("rabbitmq", async move {
            desk.give_back(&message.acker).await;
        });
    }
}
