//! Work at set times.

mod cron;
mod timetable;

pub use cron::{CronError, CronExpression};
pub use timetable::{Misfire, Timetable};
