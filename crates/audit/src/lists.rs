//! What the list of events may be asked, and what it shows.

use kernel::{Direction, ExtraParameter, Kind, ListField, ListSpec, Shown, SortKey};

const CATEGORIES: &[&str] = &[
    "admin",
    "data_write",
    "data_read",
    "auth",
    "system",
    "denied",
];
const OUTCOMES: &[&str] = &["success", "failure", "denied"];

/// By what a list is narrowed to what was done to one thing.
pub(crate) const TARGET: &str = "target_id";

/// The events of a tenant, the newest first.
pub(crate) const EVENTS: ListSpec = ListSpec {
    fields: &[
        ListField::new("at", Kind::Instant).sortable(),
        ListField::new("actor_id", Kind::Id),
        ListField::new("action", Kind::Text),
        ListField::new("category", Kind::Word(CATEGORIES)),
        ListField::new("outcome", Kind::Word(OUTCOMES)),
        ListField::new("request_id", Kind::Text),
    ],
    sort: &[SortKey {
        field: "at",
        direction: Direction::Descending,
    }],
    search: None,
    shown: &[
        Shown::plain("id"),
        Shown::plain("at"),
        Shown::of("actor", &["type", "id", "session_id", "operator"]),
        Shown::plain("action"),
        Shown::plain("category"),
        Shown::plain("outcome"),
        Shown::plain("targets"),
        Shown::plain("changed"),
        Shown::plain("details"),
        Shown::plain("job_id"),
        Shown::plain("request_id"),
        Shown::plain("trace_id"),
        Shown::plain("address"),
        Shown::plain("user_agent"),
    ],
    expand: &[],
    extra: &[ExtraParameter {
        name: TARGET,
        description: "Only what was done to this person, department or other thing.",
        example: "0192f0c1-7f0a-7000-8000-000000000001",
        kind: Kind::Id,
    }],
};

/// One event.
pub(crate) const EVENT: ListSpec = ListSpec {
    fields: &[],
    sort: &[],
    search: None,
    shown: &[
        Shown::plain("id"),
        Shown::plain("at"),
        Shown::of("actor", &["type", "id", "session_id", "operator"]),
        Shown::plain("action"),
        Shown::plain("category"),
        Shown::plain("outcome"),
        Shown::plain("targets"),
        Shown::plain("changed"),
        Shown::plain("changes"),
        Shown::plain("details"),
        Shown::plain("job_id"),
        Shown::plain("request_id"),
        Shown::plain("trace_id"),
        Shown::plain("address"),
        Shown::plain("user_agent"),
        Shown::plain("seal"),
    ],
    expand: &[],
    extra: &[],
};
