//! What the parts of the process count and measure, and the listener that shows it.

use std::{io, net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App, HttpResponse, HttpServer,
    dev::Server,
    http::header,
    web::{self as actix, Data},
};
use auth::Auth;
use database::Database;
use telemetry::{METRICS_MEDIA_TYPE, Metrics};

/// The metrics of the database's pool.
pub(crate) fn of_database(database: &Database) -> Metrics {
    let mut metrics = Metrics::new();
    let pool = database.clone();
    metrics.watch(
        "hrms_database_connections",
        "Connections of the pool, by what they do.",
        move || {
            let status = pool.status();
            let of = |state: &str, count| (vec![("state", state.to_owned())], f64::from(count));
            vec![of("in_use", status.in_use), of("idle", status.idle)]
        },
    );
    let pool = database.clone();
    metrics.watch(
        "hrms_database_connections_max",
        "Connections that the pool may have.",
        move || vec![(Vec::new(), f64::from(pool.status().size))],
    );
    let pool = database.clone();
    metrics.watch(
        "hrms_database_waiting",
        "Requests that wait for a connection.",
        move || vec![(Vec::new(), f64::from(pool.status().waiting))],
    );
    metrics
}

/// The metrics of the database's pool and of the caches of authentication.
#[expect(
    clippy::cast_precision_loss,
    reason = "a count loses nothing below nine thousand billions"
)]
pub(crate) fn of_parts(database: &Database, auth: &Auth) -> Metrics {
    let mut metrics = of_database(database);
    let authenticator = Arc::clone(&auth.authenticator);
    metrics.watch_total(
        "hrms_auth_cache_requests",
        "What the caches of authentication were asked for: verified tokens, and the standing of \
         their users.",
        move || {
            let caches = [
                ("token", authenticator.token_cache()),
                ("standing", authenticator.standing_cache()),
            ];
            let counted = caches.into_iter().flat_map(|(cache, usage)| {
                [("hit", usage.hits()), ("miss", usage.misses())].map(|(result, count)| {
                    let labels = vec![("cache", cache.to_owned()), ("result", result.to_owned())];
                    (labels, count as f64)
                })
            });
            counted.collect()
        },
    );
    metrics
}

/// Shows metrics at `/metrics` of a socket that is bound already, to whoever asks. The server runs
/// beside the API's, has one thread, and ends with the process.
///
/// # Errors
/// When the socket cannot be used.
pub fn serve(metrics: Metrics, listener: TcpListener) -> io::Result<Server> {
    let metrics = Data::new(metrics);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(metrics.clone())
            .route("/metrics", actix::get().to(show))
    })
    .workers(1)
    .client_request_timeout(Duration::from_secs(5))
    .disable_signals();
    Ok(server.listen(listener)?.run())
}

async fn show(metrics: Data<Metrics>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(METRICS_MEDIA_TYPE)
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(metrics.text())
}
