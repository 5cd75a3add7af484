//! What is scheduled: what the program declares, and what tenants want.

use std::collections::BTreeSet;

use database::{Platform, Tenant};
use kernel::{TimeZone, TimeZoneError};
use serde_json::Value;

use super::{CronError, CronExpression, Misfire};
use crate::{Handlers, Kinds, Work, enqueue::LONGEST_PAYLOAD};

/// Work that is done at set times.
///
/// If it wants to know for which instant, its payload has a field `scheduled_for`: where that is
/// `null`, the fire's instant is filled in (RFC 3339).
#[derive(Clone, Debug)]
pub struct Schedule<W> {
    /// Its name, once among those of its owner: `jobs.purge`.
    pub name: &'static str,
    /// The minutes, as a [`CronExpression`].
    pub cron: &'static str,
    /// By whose clocks.
    pub zone: Zone,
    /// What becomes of fires that were missed.
    pub misfire: Misfire,
    /// What is to be done.
    pub work: W,
}

/// By whose clocks a schedule fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// By those of a time zone of the IANA database.
    Named(&'static str),
    /// By those of the tenant for whom it is, wherever he lives.
    OfTenant,
}

/// Why something cannot be scheduled.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The cron expression.
    #[error("the schedule `{0}` has no times")]
    Cron(String, #[source] CronError),
    /// The time zone.
    #[error("the schedule `{0}` has no time zone")]
    Zone(String, #[source] TimeZoneError),
    /// The platform is in no time zone, nor is a single schedule of a tenant in two.
    #[error("the schedule `{0}` is for one owner, and must name its time zone")]
    NoTenant(String),
    /// Each made good means 1 to 1000 of them.
    #[error("the schedule `{0}` would make good {1} missed fires, which is not 1 to 1000")]
    Bound(String, u16),
    /// A name has lower-case letters, digits, `_`, and `.` or `-` between its parts; 100 bytes.
    #[error("`{0}` is no name of a schedule")]
    Name(String),
    /// There are two with this name.
    #[error("two schedules are called `{0}`")]
    Twice(String),
    /// The payload is no JSON.
    #[error("the payload of the schedule `{0}` cannot be written")]
    Unwritable(String, #[source] serde_json::Error),
    /// A payload has 60 KiB at most.
    #[error("the payload of the schedule `{0}` has {1} bytes, more than it may have")]
    TooLarge(String, usize),
    /// Nobody does this kind of work, or not this version of it.
    #[error("the schedule `{0}` wants `{1}` done in version {2}, which nobody does")]
    Unknown(String, &'static str, i16),
}

/// For whom a schedule fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FiresFor {
    /// For whose it is.
    Owner,
    /// For each tenant, at the same instant.
    EachTenant,
    /// For each tenant, by his own clocks.
    EachTenantOfZone,
}

impl FiresFor {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::EachTenant => "each_tenant",
            Self::EachTenantOfZone => "each_tenant_of_zone",
        }
    }
}

/// A schedule that has been checked.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) fires_for: FiresFor,
    pub(crate) cron: CronExpression,
    /// `None` for those of the tenants.
    pub(crate) zone: Option<TimeZone>,
    pub(crate) misfire: Misfire,
    pub(crate) kind: &'static str,
    pub(crate) version: i16,
    pub(crate) payload: Value,
    pub(crate) queue: &'static str,
    pub(crate) max_attempts: i16,
}

impl Entry {
    pub(crate) fn check<W: Work>(
        schedule: Schedule<W>,
        is_for_each: bool,
    ) -> Result<Self, ScheduleError> {
        let name = || schedule.name.to_owned();
        if !is_name(schedule.name) {
            return Err(ScheduleError::Name(name()));
        }
        let cron = schedule.cron.parse();
        let cron = cron.map_err(|error| ScheduleError::Cron(name(), error))?;
        let (zone, fires_for) = match (schedule.zone, is_for_each) {
            (Zone::OfTenant, true) => (None, FiresFor::EachTenantOfZone),
            (Zone::OfTenant, false) => return Err(ScheduleError::NoTenant(name())),
            (Zone::Named(zone), _) => {
                let zone = zone.parse();
                let zone = zone.map_err(|error| ScheduleError::Zone(name(), error))?;
                let fires_for = if is_for_each {
                    FiresFor::EachTenant
                } else {
                    FiresFor::Owner
                };
                (Some(zone), fires_for)
            }
        };
        if let Misfire::Each(bound) = schedule.misfire
            && !(1..=1000).contains(&bound)
        {
            return Err(ScheduleError::Bound(name(), bound));
        }
        let payload = serde_json::to_value(schedule.work)
            .map_err(|error| ScheduleError::Unwritable(name(), error))?;
        let bytes = payload.to_string().len();
        if bytes > LONGEST_PAYLOAD {
            return Err(ScheduleError::TooLarge(name(), bytes));
        }
        Ok(Self {
            name: name(),
            fires_for,
            cron,
            zone,
            misfire: schedule.misfire,
            kind: W::KIND,
            version: W::VERSION,
            payload,
            queue: W::QUEUE.as_str(),
            max_attempts: W::MAX_ATTEMPTS,
        })
    }

    fn check_known(&self, known: &Kinds) -> Result<(), ScheduleError> {
        if known.include(self.kind, self.version) {
            return Ok(());
        }
        let name = self.name.clone();
        Err(ScheduleError::Unknown(name, self.kind, self.version))
    }
}

fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_')
    };
    name.len() <= 100
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.split(['.', '-']).all(is_part)
}

/// What the program declares: written down when a worker starts, by name. What it no longer
/// declares is switched off.
///
/// ```
/// use database::{Platform, Tenant};
/// use messaging::{Misfire, Schedule, Schedules, Work, Zone};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Purge {}
///
/// impl Work for Purge {
///     type Scope = Platform;
///     const KIND: &'static str = "jobs.purge";
/// }
///
/// #[derive(Serialize, Deserialize)]
/// struct Accrue {}
///
/// impl Work for Accrue {
///     type Scope = Tenant;
///     const KIND: &'static str = "leave.accrue";
/// }
///
/// let schedules = Schedules::new()
///     .platform(Schedule {
///         name: "jobs.purge",
///         cron: "15 3 * * *",
///         zone: Zone::Named("UTC"),
///         misfire: Misfire::Once,
///         work: Purge {},
///     })?
///     .each_tenant(Schedule {
///         name: "leave.accrue",
///         cron: "30 0 1 * *",
///         zone: Zone::OfTenant,
///         misfire: Misfire::Each(12),
///         work: Accrue {},
///     })?;
/// # Ok::<(), messaging::ScheduleError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Schedules {
    pub(crate) entries: Vec<Entry>,
    pub(crate) generation: u16,
}

impl Schedules {
    /// Nothing is done at set times.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says how new this list is. Of programs that run at the same time the newest list counts: an
    /// older program that starts meanwhile neither brings its own back nor switches off what it does
    /// not know. So whoever changes the list raises the number.
    #[must_use]
    pub fn of_generation(mut self, generation: u16) -> Self {
        self.generation = generation;
        self
    }

    /// Takes on work of the platform.
    ///
    /// # Errors
    /// [`ScheduleError`].
    pub fn platform<W: Work<Scope = Platform>>(
        self,
        schedule: Schedule<W>,
    ) -> Result<Self, ScheduleError> {
        self.with(Entry::check(schedule, false)?)
    }

    /// Takes on work of tenants: one job for each that is served.
    ///
    /// # Errors
    /// [`ScheduleError`].
    pub fn each_tenant<W: Work<Scope = Tenant>>(
        self,
        schedule: Schedule<W>,
    ) -> Result<Self, ScheduleError> {
        self.with(Entry::check(schedule, true)?)
    }

    fn with(mut self, entry: Entry) -> Result<Self, ScheduleError> {
        let mut names = self.entries.iter().map(|it| it.name.as_str());
        if names.any(|name| name == entry.name) {
            return Err(ScheduleError::Twice(entry.name));
        }
        self.entries.push(entry);
        Ok(self)
    }

    /// Whether somebody does all of it.
    ///
    /// # Errors
    /// [`ScheduleError::Unknown`].
    pub fn check(&self, handlers: &Handlers) -> Result<(), ScheduleError> {
        let known = handlers.kinds();
        let mut entries = self.entries.iter();
        entries.try_for_each(|entry| entry.check_known(&known))
    }

    /// The names of all.
    pub fn names(&self) -> BTreeSet<&str> {
        self.entries.iter().map(|it| it.name.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Nothing {}

    impl Work for Nothing {
        type Scope = Platform;
        const KIND: &'static str = "tests.nothing";
    }

    fn plain() -> Schedule<Nothing> {
        Schedule {
            name: "tests.nightly",
            cron: "0 3 * * *",
            zone: Zone::Named("Europe/Berlin"),
            misfire: Misfire::Once,
            work: Nothing {},
        }
    }

    #[track_caller]
    fn refused(schedule: Schedule<Nothing>, why: &str) {
        let error = Schedules::new().platform(schedule).unwrap_err();
        assert_eq!(error.to_string(), why);
    }

    #[test]
    fn what_cannot_be_kept_is_refused_when_it_is_declared() {
        refused(
            Schedule {
                cron: "0 0 30 2 *",
                ..plain()
            },
            "the schedule `tests.nightly` has no times",
        );
        refused(
            Schedule {
                zone: Zone::Named("Mars/Olympus"),
                ..plain()
            },
            "the schedule `tests.nightly` has no time zone",
        );
        refused(
            Schedule {
                zone: Zone::OfTenant,
                ..plain()
            },
            "the schedule `tests.nightly` is for one owner, and must name its time zone",
        );
        for bound in [0, 1001] {
            refused(
                Schedule {
                    misfire: Misfire::Each(bound),
                    ..plain()
                },
                &format!(
                    "the schedule `tests.nightly` would make good {bound} missed fires, which is \
                     not 1 to 1000"
                ),
            );
        }
        for name in ["", "Nightly", "a b", ".a", "a.", "a..b", "1a", "é"] {
            let why = format!("`{name}` is no name of a schedule");
            refused(Schedule { name, ..plain() }, &why);
        }
    }

    #[test]
    fn a_name_is_declared_once() {
        let one = Schedules::new().platform(plain()).unwrap();
        let error = one.platform(plain()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "two schedules are called `tests.nightly`"
        );
    }

    #[test]
    fn work_that_nobody_does_is_not_scheduled() {
        let schedules = Schedules::new().platform(plain()).unwrap();
        let error = schedules.check(&Handlers::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the schedule `tests.nightly` wants `tests.nothing` done in version 1, which nobody does"
        );
    }
}
