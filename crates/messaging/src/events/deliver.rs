//! Delivering: the job of a lane, which lets one subscriber hear of the events of one subject.

use std::sync::Arc;

use async_trait::async_trait;
use database::{Tenant, TenantTx};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Event, Subscribers};
use crate::{Enqueuer, JobError, Order, Run, TenantJob, Work, postgres::events};

/// Lets a subscriber hear of what it has yet to hear of a subject.
///
/// Each batch that the sequencer gives places puts down one for each lane it touches, also where
/// another one has yet to be done: that one may have looked already. Whoever finds nothing is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliver {
    pub(crate) subscriber: String,
    pub(crate) subject_id: Uuid,
}

impl Work for Deliver {
    type Scope = Tenant;
    const KIND: &'static str = "events.deliver";
    /// A lane that cannot go on waits for hours before somebody has to look at it.
    const MAX_ATTEMPTS: i16 = 16;
}

/// How many events of a lane are heard in one transaction.
const MOST: i32 = 100;

pub(crate) struct Delivers {
    pub(crate) subscribers: Arc<Subscribers>,
    pub(crate) enqueuer: Enqueuer,
}

#[async_trait]
impl TenantJob for Delivers {
    type Work = Deliver;

    async fn run(&self, tx: &TenantTx, lane: Deliver, run: &Run) -> Result<Value, JobError> {
        if !self.subscribers.knows(&lane.subscriber) {
            // A newer program may, while it is being rolled out.
            let why = format!("nobody here is `{}`", lane.subscriber);
            return Err(JobError::retry(why));
        }
        let waiting = events::next(tx, &lane.subscriber, lane.subject_id, MOST).await?;
        let mut heard = 0;
        let mut last = None;
        for event in &waiting {
            if let Err(error) = self.tell(tx, &lane, event, run, waiting.len() > 1).await? {
                if last.is_none() {
                    return Err(error);
                }
                // What was heard before it is kept. It is the first of the next job, which fails alone.
                tracing::warn!(
                    subscriber = lane.subscriber,
                    position = event.position,
                    error = %error,
                    "an event could not be taken; it comes again"
                );
                break;
            }
            heard += 1;
            last = Some(event.position);
        }
        if let Some(last) = last {
            events::heard(tx, &lane.subscriber, lane.subject_id, last).await?;
        }
        if heard < waiting.len() || waiting.len() >= MOST.unsigned_abs() as usize {
            let order = Order::now(lane, run.origin.clone());
            let enqueued = self.enqueuer.enqueue(tx, &order).await;
            enqueued.map_err(JobError::retry)?;
        }
        Ok(json!({"events": heard}))
    }
}

impl Delivers {
    /// Lets the subscriber hear of one event; what it did about one that it could not take is undone. Of
    /// the only one that waits, the end of the job's transaction undoes it.
    async fn tell(
        &self,
        tx: &TenantTx,
        lane: &Deliver,
        event: &Event,
        run: &Run,
        is_one_of_many: bool,
    ) -> Result<Result<(), JobError>, JobError> {
        let telling = self.subscribers.tell(&lane.subscriber, tx, event, run);
        if !is_one_of_many {
            return Ok(telling.await);
        }
        let savepoint = tx.savepoint().await?;
        let told = match telling.await {
            // A statement may have failed of which the subscriber says nothing.
            Ok(()) => match savepoint.release().await {
                Ok(()) => return Ok(Ok(())),
                Err(error) => return Err(error.into()),
            },
            Err(error) => error,
        };
        savepoint.undo().await?;
        Ok(Err(told))
    }
}
