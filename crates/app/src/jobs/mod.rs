//! Who does which work: the table of jobs, as [`routes`](crate::routes) is that of requests.

mod clean_up;

use auth::Purge;
use kernel::Ambient;
use messaging::{Handlers, Jobs, Misfire, Schedule, ScheduleError, Schedules, Zone};

use clean_up::{ClearAway, ClearsAway, DeleteJobs, DeletesJobs};

/// What handlers work with.
pub(crate) struct Tools {
    pub(crate) purge: Purge,
    pub(crate) jobs: Jobs,
    pub(crate) keep_done: std::time::Duration,
    pub(crate) ambient: Ambient,
}

/// Every handler there is.
pub(crate) fn handlers(tools: Tools) -> Handlers {
    let Tools {
        purge,
        jobs,
        keep_done,
        ambient,
    } = tools;
    Handlers::new()
        .tenant(ClearsAway {
            purge,
            ambient: ambient.clone(),
        })
        .platform(DeletesJobs {
            jobs,
            keep_done,
            ambient,
        })
}

/// What is done at set times.
///
/// # Errors
/// Never, as long as the expressions below are right; a test reads them.
pub(crate) fn schedules() -> Result<Schedules, ScheduleError> {
    Schedules::new()
        .each_tenant(Schedule {
            name: "tenants.clear_away",
            // While few are awake where the tenant lives.
            cron: "20 3 * * *",
            zone: Zone::OfTenant,
            misfire: Misfire::Once,
            work: ClearAway {},
        })?
        .platform(Schedule {
            name: "platform.delete_jobs",
            cron: "50 2 * * *",
            zone: Zone::Named("UTC"),
            misfire: Misfire::Once,
            work: DeleteJobs {},
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schedule_has_times() {
        assert!(schedules().is_ok());
    }
}
