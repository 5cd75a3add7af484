//! What is scheduled in these tests, and by which clock.

use std::sync::Arc;

use kernel::{Ambient, FixedClock, SystemEntropy};
use messaging::{Misfire, Schedule, Scheduler, Schedules, TenantSchedules, Zone};
use sqlx::AssertSqlSafe;
use time::{OffsetDateTime, macros::datetime};

use crate::scene::{Census, Deed, Note, Scene};

/// When the tests begin: a Monday, in winter time.
pub(crate) const START: OffsetDateTime = datetime!(2026-11-30 10:30 UTC);

pub(crate) fn clock() -> FixedClock {
    FixedClock::at(START)
}

pub(crate) fn ambient(clock: &FixedClock) -> Ambient {
    Ambient::new(Arc::new(clock.clone()), Arc::new(SystemEntropy))
}

/// The platform's tenants are counted.
pub(crate) fn census(name: &'static str, cron: &'static str, misfire: Misfire) -> Schedule<Census> {
    Schedule {
        name,
        cron,
        zone: Zone::Named("UTC"),
        misfire,
        work: Census {},
    }
}

/// A note is written in a tenant.
pub(crate) fn note(name: &'static str, cron: &'static str, zone: Zone) -> Schedule<Note> {
    Schedule {
        name,
        cron,
        zone,
        misfire: Misfire::Skip,
        work: Note {
            text: name.to_owned(),
            deed: Deed::Work,
        },
    }
}

/// So many names.
pub(crate) fn names(count: usize) -> Vec<&'static str> {
    let name = |number| &*Box::leak(format!("tests.s{number}").into_boxed_str());
    (0..count).map(name).collect()
}

impl Scene {
    pub(crate) fn scheduler(&self, schedules: Schedules, clock: &FixedClock) -> Scheduler {
        Scheduler::new(
            self.database.clone(),
            self.platform.clone(),
            schedules,
            ambient(clock),
        )
    }

    pub(crate) fn tenant_schedules(&self, clock: &FixedClock) -> TenantSchedules {
        TenantSchedules::new(self.database.clone(), self.platform.clone(), ambient(clock))
    }

    /// One value that is looked up behind the walls.
    pub(crate) async fn look(&self, query: &str) -> String {
        let query = format!("SELECT ({query})::text");
        let found: Option<String> = sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_one(&mut self.clone.superuser().await)
            .await
            .unwrap();
        found.unwrap_or_default()
    }

    /// The fires of a schedule so far, as hours and minutes by UTC.
    pub(crate) async fn fires(&self, name: &str) -> String {
        self.look(&format!(
            "SELECT string_agg(to_char(fire_at AT TIME ZONE 'UTC', 'DD HH24:MI'), ', ' \
             ORDER BY fire_at) FROM platform.schedule_fires JOIN platform.schedules s \
             ON s.id = schedule_id WHERE s.name = '{name}'"
        ))
        .await
    }

    /// Whose jobs there are, by slug, and how many.
    pub(crate) async fn whose(&self) -> String {
        self.look(
            "SELECT string_agg(whose, ', ' ORDER BY whose) FROM (SELECT format('%s %s', \
             coalesce(t.slug, 'platform'), count(*)) AS whose FROM platform.jobs j \
             LEFT JOIN platform.tenants t ON t.id = j.tenant_id GROUP BY t.slug) it",
        )
        .await
    }
}
