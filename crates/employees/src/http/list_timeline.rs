//! `GET /api/v1/employees/{id}/timeline`

use actix_web::{HttpResponse, get, web::Data};
use kernel::{EmployeeId, ListSpec, Page};
use serde::Serialize;
use time::Date;
use utoipa::ToSchema;
use web::{
    Allowed, Id, List, ListParameters, Listed, Listing, Problem, ProblemBody, Provenance, Signed,
};

use super::{
    representation::{PayBody, Reference},
    wire::{self, EmploymentTypeWord, EndReasonWord, EventKindWord, Word},
};
use crate::{
    EmployeeService, lists,
    model::{Change, EventKey, TimelineEvent},
    permission::Read,
    service::Reader,
};

/// Something that happened to an employee, or will. Of what it changed each is there with what it
/// was and what it became.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimelineEvent)]
struct EventBody {
    /// What happened.
    #[serde(rename = "type")]
    #[schema(inline)]
    kind: EventKindWord,
    /// The first day on which it is so; of `terminated` the last day of the service.
    #[serde(serialize_with = "wire::date")]
    #[schema(value_type = String, format = Date)]
    date: Date,
    /// Whether it lies ahead.
    scheduled: bool,
    /// Of the terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    employment_type: Option<TypeChange>,
    /// Of the department.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    department: Option<ReferenceChange>,
    /// Of the job title.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    job_title: Option<ReferenceChange>,
    /// Of the location.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    location: Option<ReferenceChange>,
    /// Of the manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    manager: Option<ReferenceChange>,
    /// Of the pay; only for callers who may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    compensation: Option<PayChange>,
    /// Why the service ended, if that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, inline)]
    reason: Option<EndReasonWord>,
}

macro_rules! changes {
    ($($(#[$doc:meta])* $change:ident of $body:ty;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, ToSchema)]
        struct $change {
            /// Before.
            #[schema(inline)]
            from: Option<$body>,
            /// After.
            #[schema(inline)]
            to: Option<$body>,
        }

        impl<T: Into<$body>> From<Change<T>> for $change {
            fn from(change: Change<T>) -> Self {
                Self {
                    from: change.from.map(Into::into),
                    to: change.to.map(Into::into),
                }
            }
        }
    )+};
}

changes! {
    /// Another reference.
    ReferenceChange of Reference;
    /// Other terms.
    TypeChange of EmploymentTypeWord;
    /// Other pay.
    PayChange of PayBody;
}

impl EventBody {
    fn new(event: TimelineEvent, today: Date) -> Self {
        let changes = event.changes;
        Self {
            kind: Word(event.kind),
            date: event.date,
            scheduled: event.date > today,
            employment_type: changes.employment_type.map(Into::into),
            department: changes.department.map(Into::into),
            job_title: changes.job_title.map(Into::into),
            location: changes.location.map(Into::into),
            manager: changes.manager.map(Into::into),
            compensation: event.pay.map(Into::into),
            reason: event.reason.map(Word),
        }
    }
}

/// What happened to one employee.
struct TimelineList;

impl Listed for TimelineList {
    const SPEC: ListSpec = lists::TIMELINE;
    type Key = EventKey;
    const FILE: &'static str = "timeline";
}

/// List what happened to an employee
///
/// When he was hired, transferred, promoted, terminated and rehired, with what changed, the newest
/// first; what lies ahead is `scheduled`. With what he was and is paid for callers who hold
/// `employees:read_compensation`; that they saw it is recorded in the audit.
#[utoipa::path(
    get,
    path = "/api/v1/employees/{id}/timeline",
    tag = "employees",
    operation_id = "list_timeline",
    extensions(("x-permission" = json!("employees:read"))),
    params(("id" = uuid::Uuid, Path, description = "The employee."), ListParameters<TimelineList>),
    responses(
        (status = 200, description = "One page of events; as CSV all of them.",
         content((List<EventBody> = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`), or \
         the cursor belongs to another list (`invalid_cursor`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such employee, or none that the caller may see \
         (`not_found`).", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/employees/{id}/timeline")]
pub(super) async fn list_timeline(
    Allowed(permit): Allowed<Read>,
    Signed { tenant, actor }: Signed,
    Provenance(origin): Provenance,
    Id(id): Id<EmployeeId>,
    listing: Listing<TimelineList>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    let (shows_pay, is_export) = (listing.shows("compensation"), listing.is_export());
    listing
        .answer(async move |_query, page| {
            let reader = Reader {
                tenant: &tenant,
                actor: &actor,
                origin: &origin,
            };
            let known = !shows_pay || (is_export && page.after.is_some());
            let found = employees.timeline(&permit, reader, id, page, known);
            let found = found.await?;
            let told: Page<EventBody, EventKey> =
                found.page.map(|event| EventBody::new(event, found.today));
            Ok(told)
        })
        .await
}
