//! `GET /api/v1/audit/events/{id}`

use actix_web::{get, web::Data};
use kernel::{AuditEventId, ListSpec};
use web::{
    Allowed, Id, Listed, Problem, ProblemBody, Provenance, Rendered, Signed, View, ViewParameters,
};

use super::representation::EventBody;
use crate::{AuditReader, lists, permission::ReadAudit};

/// One event.
struct OneEvent;

impl Listed for OneEvent {
    const SPEC: ListSpec = lists::EVENT;
    type Key = AuditEventId;
    const FILE: &'static str = "audit_event";
}

/// Show something that was done
///
/// With what it changed, as far as the caller may see it, and its place in the chain that proves it. That
/// it was shown is recorded too.
#[utoipa::path(
    get,
    path = "/api/v1/audit/events/{id}",
    tag = "audit",
    operation_id = "show_audit_event",
    extensions(("x-permission" = json!("audit:read"))),
    params(("id" = uuid::Uuid, Path, description = "The event."), ViewParameters<OneEvent>),
    responses(
        (status = 200, description = "The event.", body = EventBody),
        (status = 404, description = "No such event (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/audit/events/{id}")]
pub(super) async fn show_audit_event(
    Allowed(permit): Allowed<ReadAudit>,
    Signed { tenant, actor }: Signed,
    Provenance(origin): Provenance,
    Id(id): Id<AuditEventId>,
    view: View<OneEvent>,
    reader: Data<AuditReader>,
) -> Result<Rendered, Problem> {
    let asked = (&tenant, &origin);
    let event = reader.event(&permit, asked, &actor, id).await?;
    view.answer(EventBody::from(event), None)
}
