//! Serving HTTP.

use std::{io, net::TcpListener};

use actix_web::{
    App, HttpServer,
    dev::Server,
    middleware::from_fn,
    web::{self as actix, Data, PayloadConfig},
};
use employees::http::ImportBodyLimit;
use utoipa_actix_web::AppExt as _;
use web::{nothing_here, pipeline};

use crate::{Components, routes, settings::HttpSettings};

/// Starts to serve on a socket that is bound already. The server ends on SIGTERM or SIGINT: it
/// stops accepting, finishes what it began within `shutdown_grace`, and closes.
///
/// # Errors
/// When the socket cannot be used.
pub fn serve(
    settings: &HttpSettings,
    components: Components,
    listener: TcpListener,
    signals: bool,
) -> io::Result<Server> {
    let limits = (
        PayloadConfig::new(settings.body_limit),
        Data::new(ImportBodyLimit(settings.import_body_limit)),
    );
    let pipe = Data::from(components.pipeline);
    let authorizer = Data::from(components.authorizer);
    let cursors = Data::new(components.cursors);
    let exports = Data::new(components.exports);
    let health = Data::new(components.health);
    let description = Data::new(components.description);
    let directory = Data::from(components.directory);
    // It looks for changes as long as anybody is served.
    let watch = Data::new(components.watch);
    let sessions = Data::from(components.auth.sessions);
    let keys = Data::from(components.auth.keys);
    let employees = Data::new(components.employees);
    let imports = Data::new(components.imports);
    let database = Data::new(components.database);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(limits.0.clone())
            .app_data(limits.1.clone())
            .app_data(pipe.clone())
            .app_data(authorizer.clone())
            .app_data(cursors.clone())
            .app_data(exports.clone())
            .app_data(health.clone())
            .app_data(description.clone())
            .app_data(directory.clone())
            .app_data(watch.clone())
            .app_data(sessions.clone())
            .app_data(keys.clone())
            .app_data(employees.clone())
            .app_data(imports.clone())
            .app_data(database.clone())
            .into_utoipa_app()
            .configure(routes::configure)
            .into_app()
            .default_service(actix::to(nothing_here))
            .wrap(from_fn(pipeline))
    })
    .workers(settings.workers.get())
    .keep_alive(settings.keep_alive)
    .client_request_timeout(settings.client_timeout)
    .shutdown_timeout(settings.shutdown_grace.as_secs());
    let server = if signals {
        server
    } else {
        server.disable_signals()
    };
    Ok(server.listen(listener)?.run())
}
