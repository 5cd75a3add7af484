//! `GET /api/v1/audit/export`

use actix_web::{HttpResponse, get, web::Data};
use kernel::{Kind, Scalar, formula};
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use utoipa::IntoParams;
use web::{Allowed, Download, Problem, ProblemBody, Provenance, Query, Signed};

use crate::{
    AuditExporter, ExportLine, ExportPlace, Record, Within, permission::ExportAudit,
    record::canonical_text,
};

const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv";

/// Of which time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportParameters {
    /// What was recorded from then on; from the beginning when absent.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-01-31T12:00:00Z")]
    from: Option<String>,
    /// What was recorded up to then; up to now when absent.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-02-28T12:00:00Z")]
    to: Option<String>,
}

impl ExportParameters {
    fn parse(&self) -> Result<Within, Problem> {
        Ok(Within {
            from: instant("from", self.from.as_deref())?,
            to: instant("to", self.to.as_deref())?,
        })
    }
}

fn instant(name: &str, text: Option<&str>) -> Result<Option<OffsetDateTime>, Problem> {
    let read = text.map(|text| Kind::Instant.read(text)).transpose();
    match read.map_err(|message| Problem::parameter(name, message))? {
        Some(Scalar::Instant(instant)) => Ok(Some(instant)),
        _ => Ok(None),
    }
}

/// Export what was done, with its proof
///
/// Every event of a time in the order of the chain, each with its hash and link, and behind them the
/// signatures that cover them: whoever has the public key proves offline that nothing of it was changed,
/// and nothing in between is missing. Values about persons stay encrypted, or nobody could prove them.
/// Whole seals are written, so some events around the time are among them. As NDJSON, a JSON object a
/// line; as CSV for `Accept: text/csv`, where the signature stands in the line of the last event that it
/// covers. That it was exported is recorded.
#[utoipa::path(
    get,
    path = "/api/v1/audit/export",
    tag = "audit",
    operation_id = "export_audit",
    extensions(("x-permission" = json!("audit:export"))),
    params(ExportParameters),
    responses(
        (status = 200, description = "The events and their seals.",
         content(
             (String = "application/x-ndjson", example = json!(NDJSON_EXAMPLE)),
             (String = "text/csv", example = json!(CSV_EXAMPLE)),
         )),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/audit/export")]
pub(super) async fn export_audit(
    Allowed(permit): Allowed<ExportAudit>,
    Signed { tenant, .. }: Signed,
    Provenance(origin): Provenance,
    Query(parameters): Query<ExportParameters>,
    download: Download,
    exporter: Data<AuditExporter>,
) -> Result<HttpResponse, Problem> {
    let within = parameters.parse()?;
    let is_csv = download.preferred(&[NDJSON, CSV]) == Some(CSV);
    let read = async move |place: Option<ExportPlace>| {
        let (lines, next) = match place {
            None => exporter.begin(&permit, (&tenant, &origin), within).await?,
            Some(place) => exporter.go_on(&tenant, place).await?,
        };
        let text = if is_csv {
            table(&lines, place.is_none())?
        } else {
            objects(&lines)?
        };
        Ok((text.into_bytes(), next))
    };
    if is_csv {
        let media_type = "text/csv; charset=utf-8; header=present";
        download.answer(media_type, "audit.csv", read).await
    } else {
        download.answer(NDJSON, "audit.ndjson", read).await
    }
}

const NDJSON_EXAMPLE: &str = "{\"hash\":\"2cf2…\",\"id\":\"0192f0c1-7f0a-7000-8000-000000000001\",\
    \"line\":\"event\",\"link\":\"486e…\",\"position\":1,\"previous\":\"9f86…\",\"record\":{}}\n";
const CSV_EXAMPLE: &str = "position,at,actor_type,actor_id,action,category,outcome,request_id,id,hash,\
    previous,link,record,seal\r\n";

fn objects(lines: &[ExportLine]) -> Result<String, Problem> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&canonical_text(line)?);
        text.push('\n');
    }
    Ok(text)
}

/// The lines as CSV (RFC 4180): a seal stands in the line of the last event that it covers.
fn table(lines: &[ExportLine], is_first: bool) -> Result<String, Problem> {
    let mut text = String::new();
    if is_first {
        text.push_str(CSV_EXAMPLE);
    }
    let mut lines = lines.iter().peekable();
    while let Some(line) = lines.next() {
        let ExportLine::Event(event) = line else {
            continue;
        };
        let seal = match lines.peek() {
            Some(ExportLine::Seal(signed)) => signed.line()?,
            _ => String::new(),
        };
        let record = event.record.as_ref();
        let written = record.map(canonical_text).transpose()?;
        let of = |field: fn(&Record) -> Option<String>| record.and_then(field).unwrap_or_default();
        let cells = [
            event.position.to_string(),
            of(at),
            of(|it| Some(it.actor.kind.clone())),
            of(|it| it.actor.id.map(|id| id.to_string())),
            of(|it| Some(it.action.clone())),
            of(|it| Some(it.category.clone())),
            of(|it| Some(it.outcome.clone())),
            of(|it| it.request_id.clone()),
            event.id.to_string(),
            event.hash.to_string(),
            event.previous.to_string(),
            event.link.to_string(),
            written.unwrap_or_default(),
            seal,
        ];
        let quoted =
            cells.map(|cell| format!("\"{}\"", formula::harmless(&cell).replace('"', "\"\"")));
        text.push_str(&quoted.join(","));
        text.push_str("\r\n");
    }
    Ok(text)
}

fn at(record: &Record) -> Option<String> {
    let nanos = i128::from(record.at) * 1_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    at.format(&Rfc3339).ok()
}
