//! Events on the wire.

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{AuditEvent, ChainPlace, Record, RecordedActor};

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditActor {
    /// `user`, `api_key`, `operator` (on the command line), `system`, or `anonymous`: nobody who signed in.
    #[serde(rename = "type")]
    #[schema(example = "user")]
    kind: String,
    /// The user.
    id: Option<Uuid>,
    /// The session he acted through.
    session_id: Option<Uuid>,
    /// The API key he acted through.
    api_key_id: Option<Uuid>,
    /// Who acted in his name.
    impersonator_id: Option<Uuid>,
    /// The login on the machine, of an operator.
    #[schema(example = "root")]
    operator: Option<String>,
}

impl From<RecordedActor> for AuditActor {
    fn from(actor: RecordedActor) -> Self {
        Self {
            kind: actor.kind,
            id: actor.id,
            session_id: actor.session_id,
            api_key_id: actor.api_key_id,
            impersonator_id: actor.impersonator_id,
            operator: actor.operator,
        }
    }
}

/// To what something was done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditTargetBody {
    /// What it is.
    #[serde(rename = "type")]
    #[schema(example = "employee")]
    kind: String,
    /// Which one.
    id: Uuid,
}

/// Something that was done, as a list shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEventSummary)]
pub(super) struct SummaryBody {
    /// Its identifier.
    id: Uuid,
    /// When it was recorded, by the clock of the database.
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// Who did it.
    actor: AuditActor,
    /// What was done, with the version of what is said of it.
    #[schema(example = "employee.updated.v1")]
    action: String,
    /// What kind of thing it was.
    #[schema(example = "data_write")]
    category: String,
    /// How it ended: `success`, `failure` or `denied`.
    #[schema(example = "success")]
    outcome: String,
    /// To what it was done.
    targets: Vec<AuditTargetBody>,
    /// The fields that changed.
    #[schema(example = json!(["phone"]))]
    changed: Vec<String>,
    /// What else there is to say of it; which fields, the action says.
    #[schema(value_type = Object, example = json!({}))]
    details: Value,
    /// The job that did it, if it was done later.
    job_id: Option<Uuid>,
    /// The request in which it was wanted.
    #[schema(example = "7f3c")]
    request_id: Option<String>,
    /// The trace that it belongs to.
    #[schema(example = "0af7651916cd43dd8448eb211c80319c")]
    trace_id: Option<String>,
    /// Where the request came from.
    #[schema(example = "192.0.2.7")]
    address: Option<String>,
    /// What the client said it was.
    #[schema(example = "curl/8.5.0")]
    user_agent: Option<String>,
}

/// Something that was done, with what it changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEvent)]
pub(super) struct EventBody {
    #[serde(flatten)]
    summary: SummaryBody,
    /// What changed, a field each: `before` and `after` where the caller may see them; `masked` where he
    /// may not; `erased` where the person's key was destroyed; of a number its keyed hash and its last
    /// characters; of a secret nothing.
    #[schema(value_type = Object, example = json!({"phone": {"class": "personal", "group": "contact",
        "before": null, "after": "+49 30 901820"}}))]
    changes: Value,
    /// Where it is in the chain that proves it; `null` for the second until it is sealed.
    seal: Option<SealBody>,
}

/// Where in the chain an event is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditSeal)]
pub(super) struct SealBody {
    /// Its place: 1 for the first event.
    #[schema(example = 1)]
    position: i64,
    /// SHA-256 of its canonical form (RFC 8785), in hexadecimal.
    #[schema(example = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")]
    hash: String,
    /// The link of the chain that holds it, in hexadecimal.
    #[schema(example = "486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7")]
    link: String,
    /// The number of the signature that covers it.
    #[schema(example = 1)]
    number: Option<i64>,
}

impl From<ChainPlace> for SealBody {
    fn from(seal: ChainPlace) -> Self {
        Self {
            position: seal.position,
            hash: seal.hash,
            link: seal.link,
            number: seal.number,
        }
    }
}

impl From<Record> for SummaryBody {
    fn from(record: Record) -> Self {
        let changed = record.changes.as_object().into_iter().flatten();
        Self {
            id: record.id,
            at: OffsetDateTime::from_unix_timestamp_nanos(i128::from(record.at) * 1_000)
                .unwrap_or(OffsetDateTime::UNIX_EPOCH),
            targets: targets(&record.targets),
            changed: changed.map(|(field, _)| field.clone()).collect(),
            actor: record.actor.into(),
            action: record.action,
            category: record.category,
            outcome: record.outcome,
            details: record.details,
            job_id: record.job_id,
            request_id: record.request_id,
            trace_id: record.trace_id,
            address: record.address,
            user_agent: record.user_agent,
        }
    }
}

fn targets(targets: &Value) -> Vec<AuditTargetBody> {
    let all = targets.as_array().into_iter().flatten();
    all.filter_map(|target| {
        Some(AuditTargetBody {
            kind: target.get("type")?.as_str()?.to_owned(),
            id: target.get("id")?.as_str()?.parse().ok()?,
        })
    })
    .collect()
}

impl From<AuditEvent> for EventBody {
    fn from(event: AuditEvent) -> Self {
        Self {
            changes: event.changes,
            seal: event.seal.map(SealBody::from),
            summary: event.record.into(),
        }
    }
}
