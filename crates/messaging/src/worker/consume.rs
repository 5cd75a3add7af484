//! Taking over: what a message says is held against the registry and the job's row, and only then
//! is anything done.

use std::{sync::Arc, time::Duration};

use database::{StoreError, TenantContext};
use kernel::{JobId, TenantId, TenantStatus};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Builder;

use super::{Parts, perform::Place};
use crate::{
    BrokerStatus, Deliveries, Delivery, Envelope, EnvelopeFault, Queue, Receipt,
    postgres::{Claim, Claimed},
};

/// How long to wait for a broker that is away.
const AWAY_PAUSE: Duration = Duration::from_millis(500);

/// How many rounds of taking over are under way at a time. While one is, what comes is taken in the
/// next one: a place that has become free waits for no round, and the busier it is, the larger are
/// the rounds.
const ROUNDS: u32 = 2;

/// How long a job waits whose tenant nobody could say anything about.
const UNKNOWN_PAUSE: Duration = Duration::from_secs(5);

/// How often is looked for more while every place has been taken once: what is on its way is not much
/// more than that.
const LOOKS_A_ROUND: usize = 2;

/// Where what comes in a queue is taken over.
struct Intake {
    queue: Queue,
    slots: usize,
    /// Places that nothing is done in.
    free: Arc<Semaphore>,
    rounds: Arc<Semaphore>,
}

/// A message, and the place that doing its job will take.
type Arrived = (Delivery, OwnedSemaphorePermit);

/// A message that was believed.
struct Believed {
    claim: Claim,
    place: Place,
    receipt: Box<dyn Receipt>,
    permit: OwnedSemaphorePermit,
}

/// What is to be done about a message.
enum Verdict {
    Follow(Place),
    Park,
    Later,
    False(EnvelopeFault),
}

impl Parts {
    /// Takes over what comes in a queue, until the worker stops.
    pub(super) async fn consume_on(self: Arc<Self>, queue: Queue, slots: usize) {
        let slots = slots.max(1);
        let intake = Intake {
            queue,
            slots,
            free: Arc::new(Semaphore::new(slots)),
            rounds: Arc::new(Semaphore::new(ROUNDS as usize)),
        };
        let prefetch = u16::try_from(slots).unwrap_or(u16::MAX);
        loop {
            let consuming = tokio::select! {
                () = self.until_stopping() => break,
                consuming = self.broker.consume(queue, prefetch) => consuming,
            };
            let Some(mut deliveries) = consuming else {
                tokio::time::sleep(AWAY_PAUSE).await;
                continue;
            };
            if self.take_all(&intake, deliveries.as_mut()).await {
                self.leave(deliveries.as_mut()).await;
                break;
            }
        }
        // What is being taken over is held before this returns: who drains waits for it.
        let _ = intake.rounds.acquire_many(ROUNDS).await;
    }

    /// Takes over until no more comes (`false`) or the worker stops (`true`).
    async fn take_all(self: &Arc<Self>, intake: &Intake, deliveries: &mut dyn Deliveries) -> bool {
        let mut taken = 0;
        loop {
            let turn = async {
                let round = Arc::clone(&intake.rounds).acquire_owned().await.ok()?;
                let permit = Arc::clone(&intake.free).acquire_owned().await.ok()?;
                Some((round, permit))
            };
            let turn = tokio::select! {
                () = self.until_stopping() => return true,
                turn = turn => turn,
            };
            let Some((round, permit)) = turn else {
                return true;
            };
            let first = tokio::select! {
                () = self.until_stopping() => return true,
                first = deliveries.next() => first,
            };
            let Some(first) = first else { return false };
            let mut arrived = vec![(first, permit)];
            while let Ok(permit) = Arc::clone(&intake.free).try_acquire_owned() {
                let Some(next) = deliveries.next_now() else {
                    break;
                };
                arrived.push((next, permit));
            }
            taken += arrived.len();
            // One look for some places, not for each job.
            let is_enough = taken >= intake.slots.div_ceil(LOOKS_A_ROUND);
            if is_enough {
                taken = 0;
            }
            let (parts, queue) = (Arc::clone(self), intake.queue);
            telemetry::spawn(async move {
                parts.take(queue, arrived).await;
                drop(round);
                if is_enough {
                    parts.want(queue);
                }
            });
        }
    }

    async fn take(self: &Arc<Self>, queue: Queue, arrived: Vec<Arrived>) {
        let mut believed = Vec::with_capacity(arrived.len());
        for (Delivery { envelope, receipt }, permit) in arrived {
            let envelope = match envelope {
                Ok(envelope) => envelope,
                Err(fault) => {
                    self.refuse(receipt, None, &fault).await;
                    continue;
                }
            };
            match self.judge(&envelope).await {
                Verdict::Follow(place) => believed.push(Believed {
                    claim: Claim {
                        token: Builder::from_random_bytes(self.ambient.bytes()).into_uuid(),
                        envelope,
                    },
                    place,
                    receipt,
                    permit,
                }),
                Verdict::Park => self.park(envelope.job_id, receipt).await,
                Verdict::Later => self.put_off(envelope.job_id, receipt).await,
                Verdict::False(fault) => self.refuse(receipt, Some(&envelope), &fault).await,
            }
        }
        if !believed.is_empty() {
            self.claim(queue, believed).await;
        }
    }

    async fn claim(self: &Arc<Self>, queue: Queue, believed: Vec<Believed>) {
        let claims: Vec<Claim> = believed.iter().map(|it| it.claim.clone()).collect();
        let claiming = self.store.claim(&claims, self.id, self.settings.lease);
        let claimed = match claiming.await {
            Ok(claimed) => claimed,
            Err(error) => {
                warn(
                    &error,
                    "jobs cannot be taken over; they are handed over again",
                );
                tokio::time::sleep(AWAY_PAUSE).await;
                return;
            }
        };
        for (believed, claimed) in believed.into_iter().zip(claimed) {
            let Believed {
                claim,
                place,
                receipt,
                permit,
            } = believed;
            match claimed {
                Claimed::Ours(taken) => {
                    let parts = Arc::clone(self);
                    // Held before the task begins: who drains waits for it.
                    let lease = self.running.hold(taken.job, taken.token);
                    telemetry::spawn(async move {
                        parts.perform(queue, *taken, place, lease).await;
                        receipt.acknowledge().await;
                        parts.leave_place(queue, permit);
                    });
                }
                Claimed::NotNow => receipt.acknowledge().await,
                Claimed::False(fault) => self.refuse(receipt, Some(&claim.envelope), &fault).await,
            }
        }
    }

    /// Makes a place free. Where half of them are, too little is on its way: of one tenant no more may
    /// be, until what it has under way has ended.
    fn leave_place(&self, queue: Queue, permit: OwnedSemaphorePermit) {
        let free = Arc::clone(permit.semaphore());
        drop(permit);
        let slots = self.settings.slots.get(&queue).copied().unwrap_or(1);
        if free.available_permits() >= slots.div_ceil(2) {
            self.want(queue);
        }
    }

    /// Holds a message against the registry.
    async fn judge(&self, envelope: &Envelope) -> Verdict {
        if envelope.is_platforms() {
            let says_so = envelope.tenant_slug == "platform" && envelope.schema_name == "platform";
            return if says_so {
                Verdict::Follow(Place::Platform)
            } else {
                Verdict::False(EnvelopeFault::FalseTenant("it is the platform"))
            };
        }
        let Ok(mut tenant) = self.tenants.find(envelope.tenant_id).await else {
            return Verdict::Later;
        };
        if tenant.as_ref().is_none_or(|it| is_newer(envelope, it)) {
            // Who handed it over may know more than this process.
            self.tenants.catch_up().await;
            match self.tenants.find(envelope.tenant_id).await {
                Ok(found) => tenant = found,
                Err(_unknown) => return Verdict::Later,
            }
        }
        let Some(tenant) = tenant else {
            return Verdict::False(EnvelopeFault::UnknownTenant);
        };
        let record = tenant.record();
        // His slug never changes; what else a message says may be of before he moved.
        if envelope.tenant_slug != record.slug.as_str() {
            Verdict::False(EnvelopeFault::FalseTenant("his slug"))
        } else if is_newer(envelope, &tenant) {
            Verdict::False(EnvelopeFault::FalseTenant("his epoch"))
        } else if envelope.placement_epoch == record.placement_epoch
            && envelope.schema_name != record.schema.as_str()
        {
            Verdict::False(EnvelopeFault::FalseTenant("his schema"))
        } else if record.status == TenantStatus::Active {
            Verdict::Follow(Place::Tenant(tenant))
        } else {
            Verdict::Park
        }
    }

    /// Does not follow a message, and says so where somebody looks.
    async fn refuse(
        &self,
        receipt: Box<dyn Receipt>,
        envelope: Option<&Envelope>,
        fault: &EnvelopeFault,
    ) {
        let (job, tenant) = envelope.map(|it| (it.job_id, it.tenant_id)).unzip();
        let job = job.map(|it: JobId| it.to_string());
        let tenant_id = tenant.map(|it: TenantId| it.to_string());
        tracing::error!(job, tenant_id, %fault, "a message is not followed");
        self.observer.refused(fault);
        receipt.reject(fault).await;
    }

    async fn park(&self, job: JobId, receipt: Box<dyn Receipt>) {
        match self.store.park_one(job).await {
            Ok(()) => receipt.acknowledge().await,
            Err(error) => warn(&error, "a job cannot be parked; it comes again"),
        }
    }

    async fn put_off(&self, job: JobId, receipt: Box<dyn Receipt>) {
        if self.store.take_back(&[job], UNKNOWN_PAUSE).await.is_ok() {
            receipt.acknowledge().await;
        }
    }

    /// What came and was not begun is for others.
    async fn leave(&self, deliveries: &mut dyn Deliveries) {
        let mut jobs = Vec::new();
        while let Some(delivery) = deliveries.next_now() {
            jobs.extend(delivery.envelope.ok().map(|envelope| envelope.job_id));
        }
        // A broker that is another process brings to others what was not acknowledged.
        if self.broker.status() == BrokerStatus::Disabled
            && let Err(error) = self.store.take_back(&jobs, Duration::ZERO).await
        {
            warn(
                &error,
                "jobs that were not begun are handed over again later",
            );
        }
    }
}

fn warn(error: &StoreError, what: &'static str) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(error, "{what}");
}

fn is_newer(envelope: &Envelope, tenant: &TenantContext) -> bool {
    envelope.placement_epoch > tenant.record().placement_epoch
}
