//! Handing messages over, and knowing of each what became of it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kernel::JobId;
use lapin::{
    Channel, Confirmation, Connection, PublisherConfirm,
    message::Delivery,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::ShortString,
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};

use super::{
    call::{CallError, within},
    link::Link,
    settings::RabbitSettings,
    topology::Names,
    wire::{self, Letter},
};
use crate::{Envelope, Handed, Queue};

/// Where messages go: to a queue, or to the dead letters.
type Line = Option<Queue>;

/// A channel, and the connection it belongs to.
struct Open {
    channel: Channel,
    connection: Arc<Connection>,
}

/// Publishes, one batch at a time for each line, on a channel of the line's own.
pub(super) struct Publisher {
    link: Link,
    names: Names,
    patience: Duration,
    confirm_patience: Duration,
    lines: BTreeMap<Line, Mutex<Option<Open>>>,
}

impl Publisher {
    pub(super) fn new(link: Link, names: Names, settings: &RabbitSettings) -> Self {
        let lines = Queue::ALL.iter().copied().map(Some).chain([None]);
        Self {
            link,
            names,
            patience: settings.patience,
            confirm_patience: settings.confirm_patience,
            lines: lines.map(|it| (it, Mutex::default())).collect(),
        }
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    pub(super) async fn publish(
        &self,
        queue: Queue,
        messages: Vec<Envelope>,
    ) -> Vec<(JobId, Handed)> {
        let letters = messages.iter().map(wire::write).collect();
        let handed = self.send(Some(queue), letters).await;
        messages.iter().map(|it| it.job_id).zip(handed).collect()
    }

    /// Puts a copy of a message to the dead letters, with the reason; whether it is there.
    pub(super) async fn keep_apart(&self, message: &Delivery, queue: Queue, reason: &str) -> bool {
        let letter = wire::apart(message, queue, reason);
        self.send(None, vec![letter]).await == [Handed::Over]
    }

    /// What became of each, in order.
    async fn send(&self, line: Line, letters: Vec<Letter>) -> Vec<Handed> {
        let count = letters.len();
        let deadline = Instant::now() + self.confirm_patience;
        let nothing = || vec![Handed::Back; count];
        let (Some(connection), Some(slot)) = (self.link.up(), self.lines.get(&line)) else {
            return nothing();
        };
        let Ok(mut slot) = timeout_at(deadline, slot.lock()).await else {
            return nothing();
        };
        // It is put back only when all went well: what is late would be taken for what comes next.
        let kept = slot.take().filter(|it| {
            Arc::ptr_eq(&it.connection, &connection) && it.channel.status().connected()
        });
        let channel = match kept {
            Some(open) => open.channel,
            None => match timeout_at(deadline, self.open(&connection, line)).await {
                Ok(Ok(channel)) => channel,
                Ok(Err(error)) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, line = name(line), "nothing can be published");
                    return nothing();
                }
                Err(_elapsed) => return nothing(),
            },
        };
        let mut batch = Batch {
            channel: &channel,
            names: &self.names,
            line,
            deadline,
        };
        let handed = batch.send(letters).await;
        if handed.iter().all(|it| *it == Handed::Over) {
            *slot = Some(Open {
                channel,
                connection,
            });
        } else {
            tracing::warn!(line = name(line), ?handed, "not every message was taken");
        }
        handed
    }

    async fn open(&self, connection: &Connection, line: Line) -> Result<Channel, CallError> {
        let patience = self.patience;
        let channel = within(patience, "a channel", connection.create_channel()).await?;
        match line {
            Some(queue) => self.names.declare(&channel, queue, patience).await?,
            None => self.names.declare_dead(&channel, patience).await?,
        }
        let confirms = channel.confirm_select(ConfirmSelectOptions::default());
        within(patience, "confirms", confirms).await?;
        Ok(channel)
    }
}

fn name(line: Line) -> &'static str {
    line.map_or("dead", Queue::as_str)
}

struct Batch<'a> {
    channel: &'a Channel,
    names: &'a Names,
    line: Line,
    deadline: Instant,
}

/// What RabbitMQ said of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Yes,
    No,
    Nothing,
}

impl Batch<'_> {
    async fn send(&mut self, letters: Vec<Letter>) -> Vec<Handed> {
        let count = letters.len();
        let mut ids = Vec::with_capacity(count);
        let mut confirms = Vec::with_capacity(count);
        for letter in letters {
            ids.push(letter.properties.message_id().clone());
            let publishing = self.publish(letter);
            let Ok(Ok(confirm)) = timeout_at(self.deadline, publishing).await else {
                // It may have been sent. Those behind it were not.
                break;
            };
            confirms.push(confirm);
        }
        let attempted = ids.len();
        let mut said = Vec::with_capacity(count);
        let mut returned = Vec::new();
        for confirm in confirms {
            let (answer, message) = self.ask(confirm).await;
            said.push(answer);
            returned.extend(message);
        }
        said.resize(attempted, Said::Nothing);
        // A message that comes back is confirmed, and the client hands it out with whichever
        // confirm comes next: which one it was, it says itself.
        let handed = said.into_iter().zip(ids).map(|(said, id)| match said {
            _ if returned.contains(&id) => Handed::Back,
            Said::Yes => Handed::Over,
            Said::No => Handed::Back,
            Said::Nothing => Handed::Unknown,
        });
        let mut handed: Vec<Handed> = handed.collect();
        handed.resize(count, Handed::Back);
        handed
    }

    async fn publish(&self, letter: Letter) -> lapin::Result<PublisherConfirm> {
        let (exchange, key) = match self.line {
            Some(queue) => (self.names.jobs(), queue.as_str()),
            None => (self.names.dead(), ""),
        };
        // Without it, a message that no queue wants is confirmed and gone.
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        self.channel
            .basic_publish(
                exchange,
                key.into(),
                options,
                &letter.body,
                letter.properties,
            )
            .await
    }

    /// What is said of a message, and the id of one that came back.
    async fn ask(&self, confirm: PublisherConfirm) -> (Said, Option<Option<ShortString>>) {
        match timeout_at(self.deadline, confirm).await {
            Ok(Ok(Confirmation::Ack(returned))) => (
                Said::Yes,
                returned.map(|it| it.properties.message_id().clone()),
            ),
            Ok(Ok(Confirmation::Nack(returned))) => (
                Said::No,
                returned.map(|it| it.properties.message_id().clone()),
            ),
            Ok(Ok(Confirmation::NotRequested) | Err(_)) | Err(_) => (Said::Nothing, None),
        }
    }
}
