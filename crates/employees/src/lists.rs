//! What each list may be asked, and what it shows.

use kernel::{ExtraParameter, Kind, ListField, ListSpec, Shown, SortKey};

use crate::model::{EmploymentStatus, EmploymentType};

/// The list of employees, as of today.
pub const EMPLOYEES: ListSpec = ListSpec {
    fields: &[
        ListField::new("last_name", Kind::Name).sortable(),
        ListField::new("first_name", Kind::Name).sortable(),
        ListField::new("hire_date", Kind::Date).sortable(),
        ListField::new("employee_number", Kind::Code).sortable(),
        ListField::new("work_email", Kind::Name),
        ListField::new("status", Kind::Word(EmploymentStatus::WORDS)),
        ListField::new("employment_type", Kind::Word(EmploymentType::WORDS)),
        ListField::new("department_id", Kind::Id),
        ListField::new("job_title_id", Kind::Id),
        ListField::new("location_id", Kind::Id),
        ListField::new("manager_id", Kind::Id),
    ],
    sort: &[SortKey::ascending("last_name")],
    search: Some(
        "Only employees of whom each of these words begins a word of a name, the number or the \
         address.",
    ),
    shown: EMPLOYEE_SHOWN,
    expand: &["department", "job_title", "location", "manager"],
    extra: &[],
};

/// One employee, as of a day.
pub const EMPLOYEE: ListSpec = ListSpec {
    extra: &[ExtraParameter {
        name: "as_of",
        description: "The day as of which, instead of today.",
        example: "2026-01-31",
        kind: Kind::Date,
    }],
    ..EMPLOYEES
};

const EMPLOYEE_SHOWN: &[Shown] = &[
    Shown::plain("id"),
    Shown::plain("employee_number"),
    Shown::plain("first_name"),
    Shown::plain("last_name"),
    Shown::plain("work_email"),
    Shown::plain("phone"),
    Shown::plain("hire_date"),
    Shown::plain("original_hire_date"),
    Shown::plain("status"),
    Shown::plain("employment_type"),
    Shown::reference("department"),
    Shown::reference("job_title"),
    Shown::reference("location"),
    Shown::reference("manager"),
    Shown::plain("created_at"),
    Shown::plain("updated_at"),
    Shown::plain("version"),
];

/// Those who report to somebody, the nearest first.
pub const REPORTS: ListSpec = ListSpec {
    fields: &[],
    sort: &[],
    search: None,
    shown: {
        const SHOWN: [Shown; EMPLOYEE_SHOWN.len() + 1] = {
            let mut all = [Shown::plain("depth"); EMPLOYEE_SHOWN.len() + 1];
            let (_, rest) = all.split_at_mut(1);
            rest.copy_from_slice(EMPLOYEE_SHOWN);
            all
        };
        &SHOWN
    },
    expand: &[],
    extra: &[ExtraParameter {
        name: "depth",
        description: "Through how many steps: 1 (direct reports, unless it says otherwise) to 20.",
        example: "2",
        kind: Kind::Integer,
    }],
};

/// Somebody's employments, the newest first.
pub const EMPLOYMENTS: ListSpec = ListSpec {
    fields: &[],
    sort: &[],
    search: None,
    shown: &[
        Shown::plain("id"),
        Shown::plain("valid_from"),
        Shown::plain("valid_to"),
        Shown::plain("employment_type"),
        Shown::reference("department"),
        Shown::reference("job_title"),
        Shown::reference("location"),
        Shown::reference("manager"),
        Shown::plain("created_at"),
        Shown::plain("updated_at"),
        Shown::plain("version"),
    ],
    expand: &[],
    extra: &[],
};

const REFERENCE_CHANGE: &[&str] = &["from.id", "from.name", "to.id", "to.name"];

/// What happened to somebody, the newest first.
pub const TIMELINE: ListSpec = ListSpec {
    fields: &[],
    sort: &[],
    search: None,
    shown: &[
        Shown::plain("type"),
        Shown::plain("date"),
        Shown::plain("scheduled"),
        Shown::of("employment_type", &["from", "to"]),
        Shown::of("department", REFERENCE_CHANGE),
        Shown::of("job_title", REFERENCE_CHANGE),
        Shown::of("location", REFERENCE_CHANGE),
        Shown::of("manager", REFERENCE_CHANGE),
        Shown::of(
            "compensation",
            &[
                "from.amount",
                "from.currency",
                "from.pay_period",
                "from.commission_percent",
                "to.amount",
                "to.currency",
                "to.pay_period",
                "to.commission_percent",
            ],
        ),
        Shown::plain("reason"),
    ],
    expand: &[],
    extra: &[],
};

/// Who changed what of somebody, the newest first.
pub const HISTORY: ListSpec = ListSpec {
    fields: &[],
    sort: &[],
    search: None,
    shown: &[
        Shown::plain("id"),
        Shown::plain("at"),
        Shown::plain("action"),
        Shown::of("actor", &["type", "id"]),
        Shown::plain("outcome"),
        Shown::plain("request_id"),
        Shown::plain("erased"),
        Shown::plain("changes"),
    ],
    expand: &[],
    extra: &[],
};

const BY_NAME: &[SortKey] = &[SortKey::ascending("name")];
const FOUND_BY_NAME: Option<&str> =
    Some("Only those of which each of these words begins the name or the code.");

/// The list of departments.
pub const DEPARTMENTS: ListSpec = ListSpec {
    fields: &[
        ListField::new("name", Kind::Name).sortable(),
        ListField::new("code", Kind::Code).sortable(),
        ListField::new("parent_id", Kind::Id),
        ListField::new("manager_id", Kind::Id),
    ],
    sort: BY_NAME,
    search: FOUND_BY_NAME,
    shown: &[
        Shown::plain("id"),
        Shown::plain("code"),
        Shown::plain("name"),
        Shown::plain("parent_id"),
        Shown::plain("manager_id"),
        Shown::plain("created_at"),
        Shown::plain("updated_at"),
        Shown::plain("version"),
    ],
    expand: &[],
    extra: &[],
};

/// The list of job titles.
pub const JOB_TITLES: ListSpec = ListSpec {
    fields: &[
        ListField::new("name", Kind::Name).sortable(),
        ListField::new("code", Kind::Code).sortable(),
    ],
    sort: BY_NAME,
    search: FOUND_BY_NAME,
    shown: &[
        Shown::plain("id"),
        Shown::plain("code"),
        Shown::plain("name"),
        Shown::of(
            "pay_range",
            &["min.amount", "min.currency", "max.amount", "max.currency"],
        ),
        Shown::plain("created_at"),
        Shown::plain("updated_at"),
        Shown::plain("version"),
    ],
    expand: &[],
    extra: &[],
};

/// The list of locations.
pub const LOCATIONS: ListSpec = ListSpec {
    fields: &[
        ListField::new("name", Kind::Name).sortable(),
        ListField::new("code", Kind::Code).sortable(),
        ListField::new("country", Kind::Code),
    ],
    sort: BY_NAME,
    search: FOUND_BY_NAME,
    shown: &[
        Shown::plain("id"),
        Shown::plain("code"),
        Shown::plain("name"),
        Shown::plain("street_address"),
        Shown::plain("postal_code"),
        Shown::plain("city"),
        Shown::plain("region"),
        Shown::plain("country"),
        Shown::plain("time_zone"),
        Shown::plain("created_at"),
        Shown::plain("updated_at"),
        Shown::plain("version"),
    ],
    expand: &[],
    extra: &[],
};
