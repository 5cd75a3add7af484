//! `POST /api/v1/imports`: one file of people or organisation.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload as Stream,
    http::header,
    post,
    web::{Data, Payload},
};
use kernel::ErrorKind;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Json, Problem, ProblemBody, Query, Signed};

use crate::{
    ImportService,
    import::{ImportReport, ImportSet, Kind, UnknownKind},
    permission::Import,
};

/// The largest body of an import, in bytes, as application data. Without it, 32 MiB.
#[derive(Clone, Copy, Debug)]
pub struct ImportBodyLimit(pub usize);

impl Default for ImportBodyLimit {
    fn default() -> Self {
        Self(32 * 1024 * 1024)
    }
}

/// What is imported.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ImportParams {
    /// What the rows are: `departments`, `job_titles`, `locations`, `employees` or
    /// `employment_history`.
    #[param(example = "employees")]
    kind: String,
}

/// How much came in.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportSummary {
    /// Departments.
    departments: usize,
    /// Job titles.
    job_titles: usize,
    /// Locations.
    locations: usize,
    /// People, each with his present employment.
    #[schema(example = 60)]
    employees: usize,
    /// Earlier employments.
    past_employments: usize,
    /// Records of pay.
    #[schema(example = 60)]
    compensations: usize,
}

impl From<ImportReport> for ImportSummary {
    fn from(report: ImportReport) -> Self {
        Self {
            departments: report.departments,
            job_titles: report.job_titles,
            locations: report.locations,
            employees: report.employees,
            past_employments: report.past_employments,
            compensations: report.compensations,
        }
    }
}

/// Imports a file: all of its rows, or none.
///
/// The body is CSV in UTF-8 with a header; `docs/importing.md` describes its columns. What is in the
/// company already is not changed. Every fault is told at once, the first 1,000 by line and column:
/// the pointer `/rows/17/hire_date` is the cell `hire_date` of the row that begins on line 17 of the
/// file, whose header is line 1.
#[utoipa::path(
    tag = "imports",
    operation_id = "import_file",
    params(ImportParams),
    request_body(
        content = String,
        content_type = "text/csv",
        example = json!("first_name,last_name,hire_date\nAda,King,2026-03-01\n")
    ),
    responses(
        (status = 200, description = "Everything came in", body = ImportSummary),
        (status = 400, description = "The kind is missing or unknown (`invalid_parameter`), or the body did not arrive completely (`malformed_request`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Somebody changed the same people or organisation meanwhile (`conflict`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The file is too large (`too_large`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not CSV in UTF-8 (`unsupported_media_type`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Something is wrong with the file, and nothing came in (`validation_failed`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Other imports are running (`unavailable`)", body = ProblemBody, content_type = "application/problem+json")
    ),
    extensions(("x-permission" = json!("employees:import")))
)]
#[post("/api/v1/imports")]
pub(super) async fn import_file(
    Allowed(permit): Allowed<Import>,
    Signed { tenant, .. }: Signed,
    Query(params): Query<ImportParams>,
    csv: Csv,
    imports: Data<ImportService>,
) -> Result<Json<ImportSummary>, Problem> {
    let kind: Kind = params
        .kind
        .parse()
        .map_err(|unknown: UnknownKind| Problem::parameter("kind", unknown.to_string()))?;
    // Whoever waits for his turn has not read his file: only so many are in memory at a time.
    let turn = imports.turn(&permit, &tenant).await?;
    let set = ImportSet::single(kind, "file", csv.read().await?);
    let report = imports.import(turn, set).await?;
    Ok(Json(report.into()))
}

/// A body of CSV that has not been read yet.
pub(super) struct Csv {
    body: Payload,
    limit: usize,
}

impl FromRequest for Csv {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, stream: &mut Stream) -> Self::Future {
        let is_csv = is_csv(request);
        let announced = announced(request);
        let limit = request.app_data::<Data<ImportBodyLimit>>();
        let ImportBodyLimit(limit) = limit.map(|limit| *limit.as_ref()).unwrap_or_default();
        let body = Payload::from_request(request, stream);
        Box::pin(async move {
            if !is_csv {
                return Err(Problem::new(
                    ErrorKind::UnsupportedMediaType,
                    "Send the file as CSV in UTF-8, with the header `Content-Type: text/csv`.",
                ));
            }
            if announced.is_some_and(|length| length > limit) {
                return Err(too_large(limit));
            }
            let body = body.await.map_err(|error| incomplete(&error))?;
            Ok(Self { body, limit })
        })
    }
}

impl Csv {
    async fn read(self) -> Result<Vec<u8>, Problem> {
        match self.body.to_bytes_limited(self.limit).await {
            Ok(Ok(bytes)) => Ok(bytes.into()),
            Ok(Err(error)) => Err(incomplete(&error)),
            Err(_over_limit) => Err(too_large(self.limit)),
        }
    }
}

/// How long the body is going to be, when the client says so.
fn announced(request: &HttpRequest) -> Option<usize> {
    let length = request.headers().get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

fn too_large(limit: usize) -> Problem {
    let detail =
        format!("The file is larger than the {limit} bytes that an import accepts; divide it.");
    Problem::new(ErrorKind::TooLarge, detail)
}

fn incomplete(error: &actix_web::Error) -> Problem {
    let detail = "The body did not arrive completely, or not in time.";
    Problem::new(ErrorKind::MalformedRequest, detail).caused_by(error.to_string())
}

/// `text/csv`, in UTF-8 where the header says in what.
fn is_csv(request: &HttpRequest) -> bool {
    let whole = request.headers().get(header::CONTENT_TYPE);
    let whole = whole
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let charset = whole.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"'))
    });
    request.content_type().eq_ignore_ascii_case("text/csv")
        && charset.is_none_or(|charset| {
            ["utf-8", "us-ascii"]
                .iter()
                .any(|known| charset.eq_ignore_ascii_case(known))
        })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    async fn body(
        content_type: &str,
        body: &'static str,
        limit: usize,
    ) -> Result<usize, ErrorKind> {
        let (request, mut stream) = TestRequest::post()
            .insert_header((header::CONTENT_TYPE, content_type))
            .app_data(Data::new(ImportBodyLimit(limit)))
            .set_payload(body)
            .to_http_parts();
        let read = async { Csv::from_request(&request, &mut stream).await?.read().await };
        let read: Result<Vec<u8>, Problem> = read.await;
        read.map(|bytes| bytes.len())
            .map_err(|problem| problem.kind())
    }

    #[actix_web::test]
    async fn a_body_is_csv_in_utf_8() {
        for good in [
            "text/csv",
            "text/csv; charset=UTF-8",
            "Text/CSV; header=present; charset=\"utf-8\"",
        ] {
            assert_eq!(body(good, "a\n", 10).await, Ok(2), "{good}");
        }
        for bad in [
            "application/json",
            "text/csv; charset=windows-1252",
            "text/plain",
            "",
        ] {
            assert_eq!(
                body(bad, "a\n", 10).await,
                Err(ErrorKind::UnsupportedMediaType),
                "{bad}"
            );
        }
    }

    #[actix_web::test]
    async fn a_body_has_a_limit_of_its_own() {
        assert_eq!(body("text/csv", "a\n1\n2\n", 6).await, Ok(6));
        assert_eq!(
            body("text/csv", "a\n1\n2\n", 5).await,
            Err(ErrorKind::TooLarge)
        );
    }

    #[actix_web::test]
    async fn a_body_that_is_announced_as_too_large_is_not_waited_for() {
        let announced = |length: &'static str| {
            TestRequest::post()
                .insert_header((header::CONTENT_TYPE, "text/csv"))
                .insert_header((header::CONTENT_LENGTH, length))
                .app_data(Data::new(ImportBodyLimit(6)))
                .to_http_parts()
        };
        for (length, is_admitted) in [("6", true), ("7", false), ("99999999999", false)] {
            let (request, mut stream) = announced(length);
            let csv = Csv::from_request(&request, &mut stream).await;
            assert_eq!(csv.is_ok(), is_admitted, "{length}");
        }
    }
}
