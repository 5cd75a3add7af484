//! `GET /api/v1/employees/{id}/history`

use actix_web::{HttpResponse, get, web::Data};
use audit::HistoryPlace;
use kernel::{EmployeeId, ListSpec};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::{
    ToSchema,
    openapi::{ObjectBuilder, Schema, schema::SchemaType},
};
use uuid::Uuid;
use web::{
    Allowed, Id, List, ListParameters, Listed, Listing, Problem, ProblemBody, Provenance, Signed,
};

use super::wire;
use crate::{
    EmployeeService, lists,
    model::Guarded,
    permission::ReadHistory,
    service::{ChangedField, HistoryEvent, Reader},
};

/// Something that was changed of an employee.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EmployeeHistoryEvent)]
struct HistoryBody {
    /// Its identifier in the audit.
    id: Uuid,
    /// When it was done.
    #[serde(serialize_with = "wire::instant")]
    #[schema(value_type = String, format = DateTime)]
    at: OffsetDateTime,
    /// What was done, as the feed of events calls it.
    #[schema(example = "employee.updated.v1")]
    action: String,
    /// Who did it.
    actor: HistoryActor,
    /// How it ended.
    #[schema(example = "success")]
    outcome: String,
    /// The request in which it was done, if it was one.
    #[schema(example = "7f3c")]
    request_id: Option<String>,
    /// Whether the personal values of it are erased: then they are absent.
    erased: bool,
    /// What changed, a field each.
    changes: Vec<ChangeBody>,
}

/// Who changed something.
#[derive(Debug, Serialize, ToSchema)]
struct HistoryActor {
    /// `user`, `api_key`, `operator`, `system` or `anonymous`.
    #[serde(rename = "type")]
    #[schema(example = "user")]
    kind: String,
    /// The user, if it was one.
    id: Option<Uuid>,
}

/// A field that changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EmployeeFieldChange)]
struct ChangeBody {
    /// Its name.
    #[schema(example = "last_name")]
    field: String,
    /// Whether its values are not for the caller to see: then they are absent.
    hidden: bool,
    /// What it was; absent where there was nothing yet, and where it is hidden or erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, schema_with = value)]
    before: Option<Value>,
    /// What it became; absent where there is nothing any more, and where it is hidden or erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, schema_with = value)]
    after: Option<Value>,
}

/// A value of any form: what the field holds.
fn value() -> Schema {
    Schema::Object(
        ObjectBuilder::new()
            .schema_type(SchemaType::AnyValue)
            .description(Some(
                "What the field held, in whatever form it has: absent where there was nothing, and \
                 where it is hidden or erased.",
            ))
            .examples(["Yang"])
            .build(),
    )
}

impl From<ChangedField> for ChangeBody {
    fn from(ChangedField { field, values }: ChangedField) -> Self {
        let (hidden, before, after) = match values {
            Guarded::Hidden => (true, None, None),
            Guarded::Shown(change) => (false, change.from, change.to),
        };
        Self {
            field,
            hidden,
            before,
            after,
        }
    }
}

impl From<HistoryEvent> for HistoryBody {
    fn from(event: HistoryEvent) -> Self {
        let nanos = i128::from(event.place.at) * 1_000;
        let at = OffsetDateTime::from_unix_timestamp_nanos(nanos);
        Self {
            id: event.place.id,
            at: at.unwrap_or(OffsetDateTime::UNIX_EPOCH),
            action: event.action,
            actor: HistoryActor {
                kind: event.actor.kind,
                id: event.actor.id,
            },
            outcome: event.outcome,
            request_id: event.request_id,
            erased: event.erased,
            changes: event.changes.into_iter().map(ChangeBody::from).collect(),
        }
    }
}

/// What was changed of one employee.
struct HistoryList;

impl Listed for HistoryList {
    const SPEC: ListSpec = lists::HISTORY;
    type Key = HistoryPlace;
    const FILE: &'static str = "history";
}

/// List who changed what of an employee
///
/// Every change of his record, the newest first: who made it, when and in which request, and of each
/// field what it was and what it became. Of fields that the caller may not see (`compensation` without
/// `employees:read_compensation`) it says only that they changed. Who read the record is not part of
/// it; that the caller read it is recorded in the audit.
#[utoipa::path(
    get,
    path = "/api/v1/employees/{id}/history",
    tag = "employees",
    operation_id = "list_history",
    extensions(("x-permission" = json!("employees:read_history"))),
    params(("id" = uuid::Uuid, Path, description = "The employee."), ListParameters<HistoryList>),
    responses(
        (status = 200, description = "One page of changes; as CSV all of them.",
         content((List<HistoryBody> = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`), or \
         the cursor belongs to another list (`invalid_cursor`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such employee (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/employees/{id}/history")]
pub(super) async fn list_history(
    Allowed(permit): Allowed<ReadHistory>,
    Signed { tenant, actor }: Signed,
    Provenance(origin): Provenance,
    Id(id): Id<EmployeeId>,
    listing: Listing<HistoryList>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    let is_export = listing.is_export();
    listing
        .answer(async move |_query, page| {
            let reader = Reader {
                tenant: &tenant,
                actor: &actor,
                origin: &origin,
            };
            let known = is_export && page.after.is_some();
            let found = employees.history(&permit, reader, id, page, known).await?;
            Ok(found.map(HistoryBody::from))
        })
        .await
}
