//! Queues and exchanges: what they are called, and what they promise.
//!
//! ```text
//! hrms.<prefix>.jobs ──<queue>──▶ hrms.<prefix>.<queue> ──rejected──▶ hrms.<prefix>.dead (both)
//! ```
//!
//! Everything is declared again whenever a channel is opened: RabbitMQ says nothing about what is
//! there already, and makes what somebody has deleted.

use std::{sync::Arc, time::Duration};

use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, ShortString},
};

use super::{
    call::{CallError, within},
    settings::RabbitSettingsError,
};
use crate::Queue;

/// Nobody hands over more than twice what all workers can do. RabbitMQ refuses what is beyond it:
/// a queue without an end would fill its disk. Part of the queue's identity, hence no setting.
const LONGEST_QUEUE: i32 = 100_000;

/// The names of one installation.
#[derive(Clone)]
pub(super) struct Names(Arc<str>);

impl Names {
    pub(super) fn new(prefix: &str) -> Result<Self, RabbitSettingsError> {
        let is_fine =
            |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || matches!(it, b'-' | b'_');
        if (1..=64).contains(&prefix.len()) && prefix.bytes().all(is_fine) {
            Ok(Self(prefix.into()))
        } else {
            Err(RabbitSettingsError::Prefix)
        }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.0
    }

    fn of(&self, what: &str) -> ShortString {
        // 64 characters at most, and a word.
        ShortString::try_new(format!("hrms.{}.{what}", self.0)).unwrap_or_default()
    }

    pub(super) fn queue(&self, queue: Queue) -> ShortString {
        self.of(queue.as_str())
    }

    /// Where messages are published.
    pub(super) fn jobs(&self) -> ShortString {
        self.of("jobs")
    }

    /// Where messages go that are not followed: the exchange, and the queue behind it.
    pub(super) fn dead(&self) -> ShortString {
        self.of("dead")
    }

    /// Makes a queue, and what its messages come from and go to.
    pub(super) async fn declare(
        &self,
        channel: &Channel,
        queue: Queue,
        patience: Duration,
    ) -> Result<(), CallError> {
        self.declare_dead(channel, patience).await?;
        let exchange = channel.exchange_declare(
            self.jobs(),
            ExchangeKind::Direct,
            ExchangeDeclareOptions {
                durable: true,
                ..ExchangeDeclareOptions::default()
            },
            FieldTable::default(),
        );
        within(patience, "an exchange", exchange).await?;
        let mut arguments = quorum();
        arguments.insert(
            "x-dead-letter-exchange".into(),
            AMQPValue::LongString(self.dead().to_string().into()),
        );
        // Needs `reject-publish`. Without it, a message on its way to the dead letters is lost
        // when RabbitMQ dies.
        arguments.insert(
            "x-dead-letter-strategy".into(),
            AMQPValue::LongString("at-least-once".into()),
        );
        declare_queue(channel, self.queue(queue), arguments, patience).await?;
        let key = queue.as_str().into();
        bind(channel, self.queue(queue), self.jobs(), key, patience).await
    }

    /// Makes what messages go to that are not followed.
    pub(super) async fn declare_dead(
        &self,
        channel: &Channel,
        patience: Duration,
    ) -> Result<(), CallError> {
        let exchange = channel.exchange_declare(
            self.dead(),
            ExchangeKind::Fanout,
            ExchangeDeclareOptions {
                durable: true,
                ..ExchangeDeclareOptions::default()
            },
            FieldTable::default(),
        );
        within(patience, "an exchange", exchange).await?;
        declare_queue(channel, self.dead(), quorum(), patience).await?;
        bind(channel, self.dead(), self.dead(), "".into(), patience).await
    }
}

/// A queue that outlives the loss of a node. There is no limit to how often it brings a message
/// again: an outage of PostgreSQL would use it up, and the job's row counts its tries.
fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert(
        "x-queue-type".into(),
        AMQPValue::LongString("quorum".into()),
    );
    arguments.insert(
        "x-overflow".into(),
        AMQPValue::LongString("reject-publish".into()),
    );
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(LONGEST_QUEUE));
    arguments
}

async fn declare_queue(
    channel: &Channel,
    name: ShortString,
    arguments: FieldTable,
    patience: Duration,
) -> Result<(), CallError> {
    let options = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    let declared = channel.queue_declare(name, options, arguments);
    within(patience, "a queue", declared).await?;
    Ok(())
}

async fn bind(
    channel: &Channel,
    queue: ShortString,
    exchange: ShortString,
    key: ShortString,
    patience: Duration,
) -> Result<(), CallError> {
    let options = QueueBindOptions::default();
    let bound = channel.queue_bind(queue, exchange, key, options, FieldTable::default());
    within(patience, "a binding", bound).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_bears_the_name_of_its_installation() {
        let names = Names::new("acme-prod_1").unwrap();
        assert_eq!(names.queue(Queue::Bulk).as_str(), "hrms.acme-prod_1.bulk");
        assert_eq!(names.dead().as_str(), "hrms.acme-prod_1.dead");
    }

    #[test]
    fn a_prefix_that_could_be_another_name_is_refused() {
        for prefix in ["", "a.b", "A", "ü", "a b", "x".repeat(65).as_str()] {
            assert_eq!(
                Names::new(prefix).err(),
                Some(RabbitSettingsError::Prefix),
                "{prefix}"
            );
        }
    }
}
