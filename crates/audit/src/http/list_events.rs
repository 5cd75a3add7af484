//! `GET /api/v1/audit/events`

use actix_web::{HttpResponse, get, web::Data};
use kernel::{ListSpec, Position};
use web::{
    Allowed, List, ListParameters, Listed, Listing, Problem, ProblemBody, Provenance, Signed,
};

use super::representation::SummaryBody;
use crate::{AuditReader, Question, lists, permission::ReadAudit};

/// Events, listed.
pub(super) struct EventList;

impl Listed for EventList {
    const SPEC: ListSpec = lists::EVENTS;
    type Key = Position;
    const FILE: &'static str = "audit";
}

/// List what was done
///
/// Every change of data, every sign-in, every refusal and every read of sensitive data, the newest first.
/// What changed is told by the names of the fields; the values stand in the single event. That the audit
/// was read is recorded too, by which filters.
#[utoipa::path(
    get,
    path = "/api/v1/audit/events",
    tag = "audit",
    operation_id = "list_audit_events",
    extensions(("x-permission" = json!("audit:read"))),
    params(ListParameters<EventList>),
    responses(
        (status = 200, description = "One page of events; as CSV the whole list.",
         content((List<SummaryBody> = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`), or \
         the cursor belongs to another list (`invalid_cursor`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/audit/events")]
pub(super) async fn list_audit_events(
    Allowed(permit): Allowed<ReadAudit>,
    Signed { tenant, .. }: Signed,
    Provenance(origin): Provenance,
    listing: Listing<EventList>,
    reader: Data<AuditReader>,
) -> Result<HttpResponse, Problem> {
    let target = listing.extra(lists::TARGET).map(str::parse).transpose();
    let target = target.map_err(|_wrong| {
        Problem::parameter(
            lists::TARGET,
            "an identifier is a UUID, as the API returned it",
        )
    })?;
    let question = Question {
        target: target.map(uuid::fmt::Hyphenated::into_uuid),
        filters: listing.filtered_by(),
        is_export: listing.is_export(),
    };
    listing
        .answer(async move |query, page| {
            let asked = (&tenant, &origin);
            let found = reader.page(&permit, asked, &question, query, page).await?;
            Ok(found.map(SummaryBody::from))
        })
        .await
}
