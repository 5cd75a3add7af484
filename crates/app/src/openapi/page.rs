//! The page on which people read the description, and try it.
//!
//! It is Swagger UI, from a crate and not from a network, under a policy that runs nothing but
//! these files. Four of its files are served, and ours that starts it: the others are other builds
//! of the same, or hold inline scripts.

use std::{borrow::Cow, sync::Arc};

use actix_web::{
    HttpResponse, get,
    http::header,
    web::{Bytes, Path},
};
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::Config;
use web::Problem;

/// Nothing but our own files, and the small pictures that the style sheet has inside.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";
/// The same for everybody, until the next release.
const CACHE: &str = "public, max-age=3600";

/// The files of Swagger UI that the page needs.
const FILES: [&str; 3] = [
    "favicon-32x32.png",
    "swagger-ui-bundle.js",
    "swagger-ui.css",
];

/// Adds the routes.
pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(show_docs).service(show_docs_file);
}

fn answer(content_type: &str, body: impl Into<Bytes>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CACHE_CONTROL, CACHE))
        .body(body.into())
}

/// Read about this API
///
/// A page on which every operation is described and can be tried.
#[utoipa::path(
    get,
    path = "/api/docs",
    tag = "documentation",
    operation_id = "show_docs",
    extensions(("x-access" = json!("open"))),
    responses((
        status = 200, description = "The page.", body = String, content_type = "text/html",
        example = json!("<!doctype html>…"),
    )),
)]
#[get("/api/docs")]
pub(super) async fn show_docs() -> HttpResponse {
    answer("text/html; charset=utf-8", include_str!("page/index.html"))
}

/// Get a part of the page
///
/// A style sheet, a script or a picture.
#[utoipa::path(
    get,
    path = "/api/docs/{file}",
    tag = "documentation",
    operation_id = "show_docs_file",
    extensions(("x-access" = json!("open"))),
    params(("file" = String, Path, description = "Its name.", example = "swagger-ui.css")),
    responses(
        (status = 200, description = "The part.", content(
            (String = "text/css", example = json!(".swagger-ui { … }")),
            (String = "text/javascript", example = json!("window.ui = …")),
            (String = "image/png", example = json!("…")),
        )),
        (status = 404, description = "There is no such part (`not_found`).",
         body = web::ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/docs/{file}")]
pub(super) async fn show_docs_file(name: Path<String>) -> Result<HttpResponse, Problem> {
    if name.as_str() == "start.js" {
        let script = include_str!("page/start.js");
        return Ok(answer("text/javascript; charset=utf-8", script));
    }
    let known = FILES.into_iter().find(|file| *file == name.as_str());
    let file = known.and_then(|file| {
        let served = utoipa_swagger_ui::serve(file, Arc::new(Config::from(""))).ok();
        served.flatten()
    });
    let file = file.ok_or_else(Problem::not_found)?;
    let bytes = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    let mut response = answer(&file.content_type, bytes);
    if file.gzpipped {
        let gzip = header::HeaderValue::from_static("gzip");
        response
            .headers_mut()
            .insert(header::CONTENT_ENCODING, gzip);
    }
    Ok(response)
}
