//! Work at set times: the scheduler puts jobs down when a schedule fires.
//!
//! - *When* is a pure function of a [`Timetable`], the last fire and the clock.
//! - A fire and its jobs are one statement, and the next fire is in the same transaction: whoever
//!   dies in the middle has done nothing, and the next one does it.
//! - `UNIQUE (schedule_id, fire_at)` and the locks on rows keep a fire from coming twice, whoever
//!   believes to lead; the lock that makes one lead at a time only saves work.
//! - A schedule is the platform's, for each tenant, or a tenant's. Of a tenant that is not served
//!   nothing is put down: what is for each tenant passes him over; his own schedules stand still,
//!   and when he is served again, their [`Misfire`] policies say what becomes of what he missed.

mod cron;
mod declared;
mod fire;
mod owned;
mod rows;
mod scheduler;
mod timetable;

pub use cron::{CronError, CronExpression};
pub use declared::{Schedule, ScheduleError, Schedules, Zone};
pub use fire::Ticked;
pub use owned::{PutError, ScheduleRecord, TenantSchedules};
pub use scheduler::Scheduler;
pub use timetable::{Misfire, Timetable};
