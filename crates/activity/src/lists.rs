//! What each list may be asked, and what it shows.

use kernel::{Kind, ListField, ListSpec, Shown};

const STATES: &[&str] = &[
    "ready",
    "running",
    "retry",
    "done",
    "dead",
    "parked",
    "cancelled",
];

/// One of a tenant's own jobs.
pub(crate) const OWN_JOB: ListSpec = ListSpec {
    fields: &[],
    sort: &[],
    search: None,
    shown: &[
        Shown::plain("id"),
        Shown::plain("kind"),
        Shown::plain("state"),
        Shown::plain("progress"),
        Shown::plain("result"),
        Shown::plain("result_location"),
        Shown::plain("created_at"),
        Shown::plain("started_at"),
        Shown::plain("ended_at"),
    ],
    expand: &[],
    extra: &[],
};

/// The list of all jobs, the newest first.
pub(crate) const JOBS: ListSpec = ListSpec {
    fields: &[
        ListField::new("state", Kind::Word(STATES)),
        ListField::new("tenant_id", Kind::Id),
    ],
    sort: &[],
    search: None,
    shown: &[
        Shown::plain("id"),
        Shown::plain("tenant_id"),
        Shown::plain("tenant_slug"),
        Shown::plain("kind"),
        Shown::plain("queue"),
        Shown::plain("state"),
        Shown::plain("attempt"),
        Shown::plain("max_attempts"),
        Shown::plain("run_at"),
        Shown::of("progress", &["done", "total"]),
        Shown::plain("last_error"),
        Shown::plain("request_id"),
        Shown::plain("enqueued_by"),
        Shown::plain("created_at"),
        Shown::plain("started_at"),
        Shown::plain("ended_at"),
    ],
    expand: &[],
    extra: &[],
};

#[cfg(test)]
mod tests {
    use messaging::JobState;

    use super::*;

    #[test]
    fn the_words_of_a_filter_are_those_of_the_jobs() {
        assert!(
            STATES
                .iter()
                .copied()
                .eq(JobState::ALL.iter().map(|it| it.as_str()))
        );
    }
}
