//! `POST /api/v1/imports`: one file of people or organisation.

use std::{
    cell::Cell,
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, dev, post, web::Data};
use database::Files;
use futures_util::future::LocalBoxFuture;
use kernel::{ErrorKind, FieldError, Permit};
use messaging::Enqueuer;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{Accepted, Allowed, Change, FieldProblem, Json, Problem, ProblemBody, Query, Spool};

use crate::{
    ImportService,
    import::{ColumnMap, ImportMode, ImportSet, Kind},
    permission::Import,
    service::{ImportOptions, Imported, LaterImport, fields},
};

/// The largest body of an import, in bytes, as application data. Without it, 32 MiB.
#[derive(Clone, Copy, Debug)]
pub struct ImportBodyLimit(pub u64);

impl Default for ImportBodyLimit {
    fn default() -> Self {
        Self(32 * 1024 * 1024)
    }
}

/// What is imported, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ImportParams {
    /// What the rows are: `departments`, `job_titles`, `locations`, `employees` or
    /// `employment_history`.
    #[param(example = "employees")]
    kind: String,
    /// `atomic`: one bad row, and none comes in; `independent`: the good ones do. `atomic` when it
    /// is left out.
    #[param(example = "atomic")]
    mode: Option<String>,
    /// `true`: nothing is stored and no number drawn; the answer is what it would be. `false` when
    /// it is left out.
    #[param(example = "false", value_type = Option<bool>)]
    dry_run: Option<String>,
    /// What the file calls our columns, where it calls them otherwise: pairs of a heading and a
    /// column, as in `Surname:last_name,Notes:`. A heading without a column is not read.
    #[param(example = "")]
    map: Option<String>,
}

impl ImportParams {
    fn parse(&self) -> Result<(Kind, ColumnMap, ImportOptions), Problem> {
        let Self {
            kind,
            mode,
            dry_run,
            map,
        } = self;
        let wrong = |name: &str, reason: String| Problem::parameter(name, reason);
        let kind: Kind = kind
            .parse()
            .map_err(|unknown: crate::import::UnknownKind| wrong("kind", unknown.to_string()))?;
        let mode = match mode {
            Some(mode) => mode
                .parse()
                .map_err(|unknown: crate::import::UnknownMode| {
                    wrong("mode", unknown.to_string())
                })?,
            None => ImportMode::Atomic,
        };
        let dry_run = match dry_run.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(wrong("dry_run", "must be `true` or `false`".to_owned())),
        };
        let map = ColumnMap::parse(kind, map.as_deref().unwrap_or_default())
            .map_err(|error| wrong("map", error.to_string()))?;
        Ok((kind, map, ImportOptions { mode, dry_run }))
    }
}

/// How much came in, or would.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportSummary {
    /// Whether nothing was stored.
    dry_run: bool,
    /// Rows that came in.
    #[schema(example = 60)]
    created: usize,
    /// Rows that did not; none with `mode=atomic`.
    #[schema(example = 0)]
    failed: usize,
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
    /// What is wrong with the rows that failed, by line.
    errors: Vec<FieldProblem>,
}

/// An import that is done by a worker.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportAccepted {
    /// The job that does it, at `GET /api/v1/jobs/{id}`; its `result` is what a shorter import is
    /// answered with.
    job_id: Uuid,
}

/// How many faults the result of a job names, and how long the words about one may be, in characters:
/// all of it has room in a row (64 KiB), in whatever script.
const NAMED: usize = 100;
const LONGEST: usize = 120;

impl ImportSummary {
    /// The same with the first faults alone, each in few words: headings and values are the file's.
    pub(crate) fn shortened(mut self) -> Self {
        let more = self.errors.len().saturating_sub(NAMED);
        self.errors.truncate(NAMED);
        self.errors = self
            .errors
            .into_iter()
            .map(|fault| fault.shortened(LONGEST))
            .collect();
        if more > 0 {
            let message = format!("{more} more things are wrong at least");
            let rest = FieldError::new("/rows", "more", message);
            self.errors.push(FieldProblem::from(&rest));
        }
        self
    }

    pub(crate) fn of(imported: &Imported, dry_run: bool) -> Self {
        let Imported { report, faults } = imported;
        Self {
            dry_run,
            created: report.rows(),
            failed: faults.rows(),
            departments: report.departments,
            job_titles: report.job_titles,
            locations: report.locations,
            employees: report.employees,
            past_employments: report.past_employments,
            compensations: report.compensations,
            errors: fields(faults).iter().map(FieldProblem::from).collect(),
        }
    }
}

/// Imports a file: all of its rows, or none; with `mode=independent`, the good ones.
///
/// The body is CSV in UTF-8 with a header; `docs/importing.md` describes its columns. What is in the
/// company already is not changed. Every fault is told at once, the first 1,000 by line and column:
/// the pointer `/rows/17/hire_date` is the cell `hire_date` of the row that begins on line 17 of the
/// file, whose header is line 1.
///
/// A file of more than 1,000 rows (`imports.inline_rows`) is imported by a worker: the answer is 202, and
/// its job has progress, what came of it, and can be cancelled. Whoever wanted it is told by mail when it
/// has ended.
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
        (status = 200, description = "What is counted came in; with `dry_run=true`, it would", body = ImportSummary),
        (status = 202, description = "The file has more rows than are waited for: a worker imports it, and tells at `Location` how far it is and what came of it", body = ImportAccepted,
         headers(("Location" = String, description = "The path of the job"))),
        (status = 400, description = "A parameter is missing or wrong (`invalid_parameter`), or the body did not arrive completely (`malformed_request`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Somebody changed the same people or organisation meanwhile (`conflict`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The file is too large (`too_large`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not CSV in UTF-8 (`unsupported_media_type`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Something is wrong with the file, and nothing came in (`validation_failed`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Other imports are running (`unavailable`)", body = ProblemBody, content_type = "application/problem+json")
    ),
    extensions(("x-permission" = json!("employees:import")), ("x-duration" = json!("long")))
)]
#[post("/api/v1/imports")]
pub(super) async fn import_file(
    Allowed(permit): Allowed<Import>,
    change: Change,
    Query(params): Query<ImportParams>,
    csv: Csv,
    imports: Data<ImportService>,
    later: Later,
) -> Result<HttpResponse, Problem> {
    let (kind, columns, options) = params.parse()?;
    // Whoever waits for his turn has not sent his file.
    let turn = imports.turn(&permit, &change.tenant).await?;
    let file = Arc::new(csv.receive().await?);
    if imports.takes_long(&turn, &file).await? {
        drop(turn);
        let import = LaterImport {
            kind,
            map: params.map.unwrap_or_default(),
            options,
            content: file,
        };
        return later.import(&change, &permit, &imports, &import).await;
    }
    let set = Arc::new(ImportSet::single(kind, "file", file).with_columns(columns));
    let first = Cell::new(Some(imports.read(&turn, Arc::clone(&set)).await?));
    change
        .run(async |tx| {
            let draft = match first.take() {
                Some(draft) => draft,
                // It is done again: the first draft is used up.
                None => imports.read(&turn, Arc::clone(&set)).await?,
            };
            let imported = imports
                .import(tx, &turn, draft, options, &|_, _, _| ())
                .await?;
            Ok(Json(ImportSummary::of(&imported, options.dry_run)))
        })
        .await
}

/// What an import needs that is done later.
pub(super) struct Later {
    files: Data<dyn Files>,
    enqueuer: Data<Enqueuer>,
}

impl FromRequest for Later {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, body: &mut dev::Payload) -> Self::Future {
        let files = Data::from_request(request, body).into_inner();
        let enqueuer = Data::from_request(request, body).into_inner();
        ready(files.and_then(|files| {
            Ok(Self {
                files,
                enqueuer: enqueuer?,
            })
        }))
    }
}

impl Later {
    async fn import(
        &self,
        change: &Change,
        permit: &Permit<Import>,
        imports: &ImportService,
        import: &LaterImport,
    ) -> Result<HttpResponse, Problem> {
        change
            .run(async |tx| {
                let by = (self.files.as_ref(), self.enqueuer.as_ref());
                let job = imports
                    .later(permit, tx, import, by, change.origin())
                    .await?;
                Ok(Accepted {
                    location: format!("/api/v1/jobs/{job}"),
                    body: ImportAccepted { job_id: job.uuid() },
                })
            })
            .await
    }
}

/// A body of CSV that has not been read yet.
pub(super) struct Csv {
    body: Spool,
    limit: u64,
}

impl FromRequest for Csv {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, stream: &mut dev::Payload) -> Self::Future {
        let is_csv = request.content_type().eq_ignore_ascii_case("text/csv");
        let limit = request.app_data::<Data<ImportBodyLimit>>();
        let ImportBodyLimit(limit) = limit.map(|limit| *limit.as_ref()).unwrap_or_default();
        let body = Spool::from_request(request, stream);
        Box::pin(async move {
            if !is_csv {
                return Err(Problem::new(
                    ErrorKind::UnsupportedMediaType,
                    "Send the file as CSV in UTF-8, with the header `Content-Type: text/csv`.",
                ));
            }
            let body = body.await?;
            body.admit(limit)?;
            Ok(Self { body, limit })
        })
    }
}

impl Csv {
    async fn receive(self) -> Result<std::fs::File, Problem> {
        self.body.receive(self.limit).await
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header, test::TestRequest};

    use super::*;

    async fn body(content_type: &str) -> Result<u64, ErrorKind> {
        let (request, mut stream) = TestRequest::post()
            .insert_header((header::CONTENT_TYPE, content_type))
            .set_payload("a\n")
            .to_http_parts();
        let read = async {
            Csv::from_request(&request, &mut stream)
                .await?
                .receive()
                .await
        };
        let read: Result<std::fs::File, Problem> = read.await;
        read.map(|file| file.metadata().unwrap().len())
            .map_err(|problem| problem.kind())
    }

    #[actix_web::test]
    async fn a_body_is_csv_in_utf_8() {
        for good in [
            "text/csv",
            "text/csv; charset=UTF-8",
            "Text/CSV; header=present; charset=\"utf-8\"",
        ] {
            assert_eq!(body(good).await, Ok(2), "{good}");
        }
        for bad in [
            "application/json",
            "text/csv; charset=windows-1252",
            "text/plain",
            "",
        ] {
            assert_eq!(
                body(bad).await,
                Err(ErrorKind::UnsupportedMediaType),
                "{bad}"
            );
        }
    }
}
