//! Who does which work: the table of jobs, as [`routes`](crate::routes) is that of requests.

mod clean_up;
mod post;
mod rights;
mod tell_import_ended;

use std::sync::Arc;

use activity::Shown;
use auth::Purge;
use database::Files;
use employees::{
    ImportService,
    jobs::{ImportFile, ImportsFiles},
    mail::TellImportEnded,
};
use kernel::Ambient;
use messaging::{
    Deliver, Enqueuer, Handlers, Jobs, Kinds, Misfire, Schedule, ScheduleError, Schedules,
    Subscribers, Work, Zone,
};
use tenancy::jobs::{ProvisionTenant, ProvisionsTenants};

use crate::operate::{HashedAdministrators, Provisioner};
use clean_up::{ClearAway, ClearsAway, DeleteJobs, DeletesJobs};
use rights::RightsOfNow;
use tell_import_ended::TellsImportEnded;

pub(crate) use post::Post;

/// The kinds of work that people want and look at.
pub(crate) const SHOWN: [Shown; 2] = [
    Shown {
        kind: ImportFile::KIND,
        is_revocable: true,
    },
    Shown {
        kind: ProvisionTenant::KIND,
        // The slug is claimed, and part of the tenant may be there.
        is_revocable: false,
    },
];

/// Every kind of work that some worker does.
pub(crate) fn kinds() -> Kinds {
    Kinds::new()
        .and::<ClearAway>()
        .and::<Deliver>()
        .and::<DeleteJobs>()
        .and::<ImportFile>()
        .and::<ProvisionTenant>()
        .and::<TellImportEnded>()
}

/// What handlers work with.
pub(crate) struct Tools {
    pub(crate) purge: Purge,
    pub(crate) jobs: Jobs,
    pub(crate) keep_done: std::time::Duration,
    pub(crate) post: Post,
    pub(crate) ambient: Ambient,
    pub(crate) imports: ImportService,
    pub(crate) files: Arc<dyn Files>,
    /// What makes tenants, in a worker that may.
    pub(crate) provisioner: Option<Provisioner>,
}

/// Every handler that this worker can have.
pub(crate) fn handlers(tools: Tools) -> Handlers {
    let Tools {
        purge,
        jobs,
        keep_done,
        post,
        ambient,
        imports,
        files,
        provisioner,
    } = tools;
    let handlers = Handlers::new()
        .subscribers(subscribers(), ambient.clone())
        .tenant(ClearsAway {
            purge,
            files: Arc::clone(&files),
            ambient: ambient.clone(),
        })
        .tenant(ImportsFiles::new(
            imports,
            Arc::new(RightsOfNow),
            files,
            Enqueuer::new(kinds(), ambient.clone()),
            ambient.clone(),
        ))
        .platform(DeletesJobs {
            jobs,
            keep_done,
            ambient,
        })
        .tenant(TellsImportEnded { post });
    match provisioner {
        Some(Provisioner {
            provisioning,
            users,
            ..
        }) => handlers.tenant(ProvisionsTenants::new(
            provisioning,
            Arc::new(HashedAdministrators(users)),
        )),
        None => handlers,
    }
}

/// Everybody in the platform who wants to hear of events. Nobody does as yet.
fn subscribers() -> Subscribers {
    Subscribers::new()
}

/// How new the list of what is done at set times is: raised by whoever changes it, so that a worker of
/// an older release, restarting while a newer one runs, does not bring its own list back.
const GENERATION: u16 = 1;

/// What is done at set times.
///
/// # Errors
/// Never, as long as the expressions below are right; a test reads them.
pub(crate) fn schedules() -> Result<Schedules, ScheduleError> {
    Schedules::new()
        .of_generation(GENERATION)
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
