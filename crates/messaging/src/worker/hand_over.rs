//! Handing over: from the table to the broker, in turn.

use std::time::Duration;

use database::StoreError;
use kernel::JobId;
use uuid::Uuid;

use super::Parts;
use crate::{
    BrokerStatus, Envelope, Handed, Queue,
    postgres::{Found, HandOver, Next},
};

/// How many tenants get their turn in one look.
const TENANTS: u32 = 64;

/// How many looks that find nothing follow each other, while there are tenants that have yet to be
/// looked at.
const LOOKS: u32 = 16;

/// How long what the broker did not take waits.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

impl Parts {
    /// Hands over what waits in a queue, until the worker stops.
    pub(super) async fn hand_over_on(&self, queue: Queue) {
        let Some(wanted) = self.wanted.get(&queue) else {
            return;
        };
        let mut from = Uuid::nil();
        let mut failing = false;
        loop {
            tokio::select! {
                () = self.until_stopping() => return,
                () = wanted.notified() => {}
                () = tokio::time::sleep(self.settings.poll_interval) => {}
            }
            if matches!(self.broker.status(), BrokerStatus::Away(_)) {
                continue;
            }
            match self.hand_over(queue, &mut from).await {
                Ok(()) if std::mem::take(&mut failing) => {
                    tracing::info!(%queue, "jobs are handed over again");
                }
                Ok(()) => {}
                Err(error) if !failing => {
                    failing = true;
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, %queue, "jobs cannot be handed over");
                }
                Err(_again) => {}
            }
        }
    }

    /// Looks until something is found, or everybody was looked at.
    async fn hand_over(&self, queue: Queue, from: &mut Uuid) -> Result<(), StoreError> {
        for _ in 0..LOOKS {
            let began_with_the_first = from.is_nil();
            let found = self.look(queue, *from).await?;
            *from = match found.next {
                Next::Same => return Ok(()),
                Next::After(tenant) => after(tenant),
                Next::First => Uuid::nil(),
            };
            if !found.envelopes.is_empty() {
                return self.publish(queue, found.envelopes).await;
            }
            if began_with_the_first && found.next == Next::First {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn look(&self, queue: Queue, from: Uuid) -> Result<Found, StoreError> {
        let room = self.broker.room(queue);
        if room == Some(0) {
            return Ok(Found::default());
        }
        let wanted = HandOver {
            queue,
            from,
            room,
            tenants: TENANTS,
            patience: self.settings.hand_over_patience,
        };
        self.store.hand_over(wanted).await
    }

    async fn publish(&self, queue: Queue, envelopes: Vec<Envelope>) -> Result<(), StoreError> {
        let handed = self.broker.publish(queue, envelopes).await;
        // Of what nobody knows, the mark stays until its time is over: it may be on its way.
        let back: Vec<JobId> = handed
            .into_iter()
            .filter(|(_, handed)| *handed == Handed::Back)
            .map(|(job, _)| job)
            .collect();
        self.store.take_back(&back, REFUSED_PAUSE).await
    }
}

/// The next one in order.
fn after(tenant: Uuid) -> Uuid {
    Uuid::from_u128(tenant.as_u128().wrapping_add(1))
}
