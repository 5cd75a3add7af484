//! Jobs: work that is done later, is never lost, never done twice in the database, and never in the
//! wrong tenant.
//!
//! A use case that wants something done later says so in its own transaction ([`Enqueuer`]): the
//! change and its job are committed together, or neither is. From there on the table
//! `platform.jobs` is the truth, and everything else may die at any moment:
//!
//! ```text
//! use case ──enqueue──▶ platform.jobs ──hand over──▶ broker ──▶ claim ──▶ run + done ──▶ acknowledge
//!                         ready, retry    (a mark)             (a lease)  (one transaction)
//! ```
//!
//! 1. *Hand over.* A worker takes what is due, tenant by tenant, as many as all workers can soon
//!    do, marks it and gives the messages to the [`Broker`]. A mark that nobody answers runs out,
//!    and the job is handed over again.
//! 2. *Claim.* Whoever gets a message holds what it says against the registry and the job's row,
//!    and takes the job over in a short transaction: `running`, one try more, a token and a lease.
//!    A message that comes twice finds nothing to claim.
//! 3. *Run.* The handler works in a transaction of the job's tenant; the same transaction notes,
//!    by the token, that the job is done. Who has lost the job meanwhile (his lease ran out, or an
//!    operator took the job back) is told so by the missing row, and undoes everything.
//! 4. *Keep.* Leases are renewed as long as the worker lives. One that runs out is anybody's: the
//!    job is tried again, or is `dead` after its last try.
//!
//! What is to be done at set times is declared as [`Schedules`], or is a row of a tenant; a worker
//! that is given some puts the jobs down when they fire.
//!
//! What happened is recorded in the same way ([`EventLog`]), gets its place in the feed of its tenant
//! ([`EventFeed`]), and is told to those who want to hear of it ([`Subscriber`]) by jobs.
//!
//! # Events
//! The events of a subject stand in the feed in the order in which their transactions held it: whoever
//! changes a thing locks it first and records then. A feed has no gaps, and nobody sees a place in it
//! before all places in front of it. A subscriber hears of a subject's events in their order, and its
//! effects in the database happen once.
//!
//! # Invariants
//! - A committed order is done, or ends where somebody looks (`dead`, `parked`, `cancelled`).
//! - Effects in the database happen once. What leaves the house happens at least once, with the
//!   job's id.
//! - A tenant's job runs in a [`TenantTx`](database::TenantTx) of that tenant, opened by the
//!   registry's word alone; a job of the platform is another type ([`PlatformJob`]).
//! - No tenant keeps another waiting: each has its turn, and half of the places at most; alone, all but
//!   one.
//! - A tenant that is not served has its jobs parked, and gets them back when it is served again.
//! - A schedule fires once for each instant, and a fire and its jobs are committed together.
//! - A broker ([`RabbitBroker`]) makes it faster and changes nothing else: without one, the process
//!   carries its own messages ([`LocalBroker`]).

#![deny(missing_docs)]

mod enqueue;
mod events;
mod handler;
mod local;
mod model;
mod ports;
mod postgres;
mod rabbit;
mod schedule;
mod worker;

pub use enqueue::{EnqueueError, Enqueuer};
pub use events::{
    Deliver, DomainEvent, Event, EventFeed, EventKind, EventLog, EventSequencer, FeedQuery,
    Sequenced, Subscriber, Subscribers,
};
pub use handler::{Handlers, Kinds, PlatformJob, TenantJob};
pub use local::LocalBroker;
pub use model::{
    Backoff, Envelope, EnvelopeFault, JobError, JobState, Order, Queue, Run, UnknownWord, Work,
};
pub use ports::{
    Broker, BrokerStatus, Deliveries, Delivery, Handed, Receipt, Tenants, TenantsUnknown,
};
pub use postgres::{Attendance, Backlog, JobFilter, JobRecord, Jobs, OwnJob};
pub use rabbit::{RabbitBroker, RabbitSettings, RabbitSettingsError};
pub use schedule::{
    CronError, CronExpression, Misfire, PutError, Schedule, ScheduleError, ScheduleRecord,
    Scheduler, Schedules, TenantSchedules, Ticked, Timetable, Zone,
};
pub use telemetry::Origin;
pub use worker::{Drained, JobOutcome, Observer, Stop, Worker, WorkerParts, WorkerSettings};
