//! `GET /api/health` and its siblings.

use actix_web::{HttpResponse, get, web::Data};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Health, Report, Status};

/// Adds the routes. Their handlers take [`Health`] from the application's data.
pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(show_health)
        .service(live)
        .service(ready)
        .service(startup);
}

/// That the process is there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alive {
    /// Always `ok`: it would not answer otherwise.
    #[schema(example = "ok")]
    status: &'static str,
}

fn answer(report: &Report) -> HttpResponse {
    let mut response = match report.status {
        Status::Ok | Status::Degraded => HttpResponse::Ok(),
        Status::Failed => HttpResponse::ServiceUnavailable(),
    };
    response.json(report)
}

/// Report the health of every part
///
/// Cached for at most a second. 503 when the database, its migrations or the public tenant fail;
/// `degraded`, with 200, when anything else does, every connection is in use, or schemas of single
/// tenants are not whole.
#[utoipa::path(
    get,
    path = "/api/health",
    tag = "health",
    operation_id = "health",
    extensions(("x-access" = json!("open"))),
    responses(
        (status = 200, description = "Requests are answered.", body = Report),
        (status = 503, description = "Requests cannot be answered.", body = Report),
    ),
)]
#[get("/api/health")]
pub(crate) async fn show_health(health: Data<Health>) -> HttpResponse {
    answer(&*health.report().await)
}

/// Report that the process runs
///
/// Looks at nothing else: restart it only when this does not answer.
#[utoipa::path(
    get,
    path = "/api/health/live",
    tag = "health",
    operation_id = "health_live",
    extensions(("x-access" = json!("open"))),
    responses((status = 200, description = "The process runs.", body = Alive)),
)]
#[get("/api/health/live")]
pub(crate) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Alive { status: "ok" })
}

/// Report whether the process may take traffic
#[utoipa::path(
    get,
    path = "/api/health/ready",
    tag = "health",
    operation_id = "health_ready",
    extensions(("x-access" = json!("open"))),
    responses(
        (status = 200, description = "It may take traffic.", body = Report),
        (status = 503, description = "It may not: see `checks`.", body = Report),
    ),
)]
#[get("/api/health/ready")]
pub(crate) async fn ready(health: Data<Health>) -> HttpResponse {
    answer(&*health.report().await)
}

/// Report whether the process has started
///
/// It answers only after the start's own checks, so an answer at all is a yes.
#[utoipa::path(
    get,
    path = "/api/health/startup",
    tag = "health",
    operation_id = "health_startup",
    extensions(("x-access" = json!("open"))),
    responses((status = 200, description = "It has started.", body = Alive)),
)]
#[get("/api/health/startup")]
pub(crate) async fn startup() -> HttpResponse {
    HttpResponse::Ok().json(Alive { status: "ok" })
}
