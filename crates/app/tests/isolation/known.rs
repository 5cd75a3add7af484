//! What the suite cannot find out by itself. Whoever adds something new to the API or the database
//! adds a line here when the suite asks for it.

use serde_json::{Value, json};
use testkit::{USER_PASSWORD, email};

/// How a function that runs with its owner's rights, and that a tenant or the platform may call, is
/// turned on another tenant.
pub(crate) struct Call {
    /// With its arguments' types.
    pub(crate) function: &'static str,
    /// `{theirs}` is the other tenant's id.
    pub(crate) statement: &'static str,
    /// How it may end in the caller's own transaction: `0 rows`, or an SQLSTATE. `None`: that is what
    /// it is for.
    pub(crate) own: Option<&'static [&'static str]>,
    /// How it may end with the caller's role and another tenant.
    pub(crate) forged: &'static [&'static str],
    /// Whether it serves whoever has the role of the schema that the tenant lives in: neighbours in
    /// a pool share it, and what parts them is that none can name another one's id.
    pub(crate) serves_neighbours: bool,
}

/// What is there for those who run the platform, and for them alone.
const fn of_the_public_tenant(function: &'static str, statement: &'static str) -> Call {
    Call {
        function,
        statement,
        own: None,
        forged: &["42501"],
        serves_neighbours: false,
    }
}

/// What is there for every tenant, and does what it does to the transaction's own.
const fn of_every_tenant(function: &'static str, statement: &'static str) -> Call {
    Call {
        serves_neighbours: true,
        ..of_the_public_tenant(function, statement)
    }
}

pub(crate) const CALLS: &[Call] = &[
    of_the_public_tenant(
        "platform.lock_tenant(uuid)",
        "SELECT platform.lock_tenant('{theirs}')",
    ),
    of_the_public_tenant(
        "platform.change_tenant(uuid, text, text, text, text, jsonb, timestamp with time zone)",
        "SELECT platform.change_tenant('{theirs}', 'Loot', 'loot', 'en', 'UTC', '{}', now())",
    ),
    of_the_public_tenant(
        "platform.suspend_tenant(uuid, text, timestamp with time zone)",
        "SELECT platform.suspend_tenant('{theirs}', 'Loot', now())",
    ),
    of_the_public_tenant(
        "platform.resume_tenant(uuid, timestamp with time zone)",
        "SELECT platform.resume_tenant('{theirs}', now())",
    ),
    of_the_public_tenant(
        "platform.add_domain(uuid, text, timestamp with time zone)",
        "SELECT platform.add_domain('{theirs}', 'loot.example', now())",
    ),
    of_the_public_tenant(
        "platform.remove_domain(uuid, text, timestamp with time zone)",
        "SELECT platform.remove_domain('{theirs}', '{host}', now())",
    ),
    of_the_public_tenant(
        "platform.claim_tenant(uuid, text, text, text, text, text, text, bigint, text, text, timestamp with \
         time zone)",
        "SELECT platform.claim_tenant('{theirs}', 'loot', 'Loot', 'loot', 'pooled', 'en', 'UTC', 1000, \
         'loot@loot.example', 'loot', now())",
    ),
    of_every_tenant(
        "platform.enqueue_job(uuid, text, smallint, jsonb, text, smallint, timestamp with time zone, \
         text, text, text, text, uuid, timestamp with time zone)",
        "SELECT platform.enqueue_job(gen_random_uuid(), 'loot.loot', 1::smallint, '{}', 'default', \
         1::smallint, now(), NULL, NULL, NULL, NULL, NULL, now())",
    ),
    of_every_tenant(
        "platform.finish_job(uuid, uuid, jsonb)",
        "SELECT platform.finish_job('{theirs}', '{theirs}', NULL)",
    ),
    of_every_tenant(
        "platform.unfinished_jobs(text, text)",
        "SELECT platform.unfinished_jobs('employees.import', 'bulk')",
    ),
    of_every_tenant(
        "platform.show_job(uuid)",
        "SELECT platform.show_job('{theirs}')",
    ),
    of_every_tenant(
        "platform.cancel_job(uuid)",
        "SELECT platform.cancel_job('{theirs}')",
    ),
    of_the_public_tenant(
        "platform.cancel_any_job(uuid)",
        "SELECT platform.cancel_any_job('{theirs}')",
    ),
    of_the_public_tenant(
        "platform.retry_any_job(uuid)",
        "SELECT platform.retry_any_job('{theirs}')",
    ),
    of_every_tenant(
        "platform.record_events(text, text, uuid[], uuid[], text[], uuid, text, \
         timestamp with time zone)",
        "SELECT platform.record_events('loot.taken.v1', 'loot', ARRAY[gen_random_uuid()], \
         ARRAY['{theirs}'::uuid], ARRAY['{}'], NULL, NULL, now())",
    ),
    of_every_tenant(
        "platform.unsealed_audit_events(integer)",
        "SELECT platform.unsealed_audit_events(100)",
    ),
    of_every_tenant(
        "platform.audit_events_sealed(bigint[], text)",
        "SELECT platform.audit_events_sealed(ARRAY[1::bigint], NULL)",
    ),
    of_every_tenant(
        "platform.release_audit_hold(uuid, timestamp with time zone)",
        "SELECT platform.release_audit_hold('{theirs}', now())",
    ),
    of_every_tenant(
        "platform.retire_audit_events(uuid, uuid[])",
        "SELECT platform.retire_audit_events('{theirs}', ARRAY['{theirs}'::uuid])",
    ),
    of_every_tenant(
        "platform.read_events(bigint, integer, uuid, text)",
        "SELECT platform.read_events(0, 100, NULL, NULL)",
    ),
    of_every_tenant(
        "platform.next_events(text, uuid, integer)",
        "SELECT platform.next_events('loot', '{theirs}', 100)",
    ),
    of_every_tenant(
        "platform.events_heard(text, uuid, bigint)",
        "SELECT platform.events_heard('loot', '{theirs}', 100)",
    ),
];

/// What a field of a body, or a parameter of a query, refers to: its name, and the collection that its
/// ids are of. (A path needs no line: what stands before the id is the collection.)
const REFERENCES: &[(&str, &str)] = &[
    ("department_id", "/api/v1/departments"),
    ("parent_id", "/api/v1/departments"),
    ("job_title_id", "/api/v1/job-titles"),
    ("location_id", "/api/v1/locations"),
    ("manager_id", "/api/v1/employees"),
    ("successor_id", "/api/v1/employees"),
    ("subject_id", "/api/v1/employees"),
    ("target_id", "/api/v1/employees"),
    ("actor_id", "/api/v1/employees"),
    ("tenant_id", "/api/v1/platform/tenants"),
];

/// Texts in a query that name nothing of which there is one.
pub(crate) const TEXTS: &[&str] = &[
    "q",
    "kind",
    "mode",
    "dry_run",
    "map",
    "sort",
    "fields",
    "expand",
    "name",
    "code",
    "country",
    "first_name",
    "last_name",
    "employee_number",
    "work_email",
    "status",
    "employment_type",
    "hire_date",
    "slug",
    "placement",
    "subscription_state",
    "created_at",
    "state",
    "queue",
    "after",
    "from",
    "to",
    "at",
    "action",
    "category",
    "outcome",
    "request_id",
];

/// Headers, by which a tenant can be named or that are attacked by themselves.
pub(crate) const HEADERS: &[&str] = &["x-tenant-slug", "if-match", "idempotency-key"];

/// Fields by which somebody signs in, where no token is needed.
pub(crate) const CREDENTIALS: &[&str] = &["email", "password", "otp", "refresh_token"];

/// What must have happened to a thing before an operation on it succeeds: other operations, on the
/// same path.
pub(crate) const BEFORE: &[(&str, &[&str])] = &[
    (
        "POST /api/v1/employees/{id}/rehire",
        &["POST /api/v1/employees/{id}/terminate"],
    ),
    (
        "POST /api/v1/platform/tenants/{id}/resume",
        &["POST /api/v1/platform/tenants/{id}/suspend"],
    ),
    (
        "POST /api/v1/platform/jobs/{id}/retry",
        &["POST /api/v1/platform/jobs/{id}/cancel"],
    ),
];

/// What is added to a list: to which collection, and by which field it refers to the id in the path.
type More = (&'static str, Option<&'static str>);

/// Lists that are no collection, and what must be added, referring to the id in the path by this
/// field if there is one, for them to have another page. `None`: they have one page as yet.
pub(crate) const PAGES: &[(&str, Option<More>)] = &[
    (
        "/api/v1/employees/{id}/reports",
        Some(("/api/v1/employees", Some("manager_id"))),
    ),
    ("/api/v1/audit/events", Some(("/api/v1/departments", None))),
    ("/api/v1/employees/{id}/history", None),
    ("/api/v1/employees/{id}/employments", None),
    ("/api/v1/employees/{id}/timeline", None),
    ("/api/v1/employees/{id}/history", None),
];

/// Lists that each look at them makes longer, and by which parameter they are as they were.
pub(crate) const GROWING: &[(&str, &str)] = &[("/api/v1/audit/events", "at[lt]")];

/// Operations that read what is sensitive, and so are recorded. (The feed of events is recorded when
/// there is pay in what it shows, and here it shows nothing yet.)
pub(crate) const SENSITIVE: &[&str] = &[
    "GET /api/v1/audit/events",
    "GET /api/v1/audit/events/{id}",
    "GET /api/v1/audit/export",
    "GET /api/v1/employees/{id}",
    "GET /api/v1/employees/{id}/history",
    "GET /api/v1/employees/{id}/timeline",
];

/// Operations after which the session that called them is over.
pub(crate) const LAST: &[&str] = &["POST /api/v1/auth/logout"];

/// The collection that an id is of.
pub(crate) fn refers_to(_template: &str, name: &str) -> Option<&'static str> {
    let mut known = REFERENCES.iter();
    known.find(|(field, _)| *field == name).map(|(_, of)| *of)
}

/// How a thing of a collection comes to be to which no operation adds, or that takes a while to be
/// there: a row of the database's, whose id is `{id}` and which is the `{number}`th; `{slug}` is whose
/// it is.
pub(crate) fn given(collection: &str) -> Option<&'static str> {
    match collection {
        // A bystander: whatever happens to it, nobody here was it.
        "/api/v1/platform/tenants" => Some(
            "INSERT INTO platform.tenants \
             (id, slug, name, name_key, schema_name, placement, status, created_at, updated_at) VALUES \
             ('{id}', 'bystander-{number}', 'Bystander', 'bystander', 't_bystander_{number}', 'dedicated', \
              'active', now(), now())",
        ),
        "/api/v1/jobs" | "/api/v1/platform/jobs" => Some(
            "INSERT INTO platform.jobs \
             (id, tenant_id, kind, payload_version, payload, queue, max_attempts, run_at, created_at) \
             SELECT '{id}', id, 'employees.import', 1, '{}', 'bulk', 1, now(), now() \
             FROM platform.tenants WHERE slug = '{slug}'",
        ),
        "/api/v1/audit/events" => Some(
            "DO $$ DECLARE home text; whose uuid; BEGIN \
               SELECT schema_name, id INTO home, whose FROM platform.tenants WHERE slug = '{slug}'; \
               EXECUTE format('INSERT INTO %I.audit_events (tenant_id, id, actor_type, action, \
                 category, outcome, targets, changes, details) VALUES (''%s'', ''{id}'', ''system'', \
                 ''desk.moved.v1'', ''system'', ''success'', ''[]'', ''{}'', ''{}'')', home, whose); \
             END $$",
        ),
        _ => None,
    }
}

/// The field of a new thing by which a path names it.
pub(crate) fn handle(collection: &str) -> &'static str {
    if collection.ends_with("/domains") {
        "domain"
    } else {
        "id"
    }
}

/// The value of a field that no two things of a tenant may share, or that makes sense beside the
/// others; the example of the description otherwise.
pub(crate) fn value(template: &str, field: &str, number: u32) -> Option<Value> {
    Some(match field {
        "hire_date" if template.ends_with("/rehire") => json!("2027-01-01"),
        "slug" if template.ends_with("/tenants") => json!(format!("newcomer-{number}")),
        "domain" => json!(format!("people-{number}.example")),
        "code" => json!(format!("C{number}")),
        "employee_number" => json!(format!("N{number}")),
        "work_email" => json!(format!("somebody-{number}@example.com")),
        "hire_date" => json!("2020-01-01"),
        _ => return None,
    })
}

/// By what an administrator of a tenant signs in.
pub(crate) fn credential(field: &str, tenant: &str, refresh_token: &str) -> Value {
    match field {
        "email" => json!(email("administrator", tenant)),
        "password" => json!(USER_PASSWORD),
        "refresh_token" => json!(refresh_token),
        _ => Value::Null,
    }
}

/// The same of nobody.
pub(crate) fn credential_of_nobody(field: &str) -> Value {
    match field {
        "email" => json!("nobody@nowhere.example"),
        "password" => json!(USER_PASSWORD),
        "refresh_token" => json!("kx0Zc6vTqgkA1vH2Yl8mB0u7x1n6S3yqJq5dQ9r2f4E"),
        _ => Value::Null,
    }
}
