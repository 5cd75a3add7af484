//! Handing over: from the table to the broker, in turn.

use std::time::Duration;

use database::StoreError;
use kernel::JobId;
use uuid::Uuid;

use super::Parts;
use crate::{
    BrokerStatus, Envelope, Handed, Queue,
    postgres::{Found, HandOver},
};

/// How many tenants get their turn in one look.
const TENANTS: u32 = 64;

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

    /// One look, and another one from the first tenant on when the last one had had his turn.
    async fn hand_over(&self, queue: Queue, from: &mut Uuid) -> Result<(), StoreError> {
        let found = self.look(queue, *from).await?;
        let found = if found.is_ours && found.last.is_none() && !from.is_nil() {
            *from = Uuid::nil();
            self.look(queue, *from).await?
        } else {
            found
        };
        if let Some(last) = found.last {
            *from = after(last);
        }
        if found.envelopes.is_empty() {
            return Ok(());
        }
        self.publish(queue, found.envelopes).await
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
