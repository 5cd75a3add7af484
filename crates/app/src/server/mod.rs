//! Serving HTTP.

mod patient;

use std::{io, net::TcpListener};

use actix_http::{HttpService, Protocol};
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::{
    App,
    dev::{AppConfig, Server},
    middleware::from_fn,
    rt::net::TcpStream,
    web::{self as actix, Data, PayloadConfig},
};
use employees::http::ImportBodyLimit;
use patient::{Patience, Patient};
use tokio::task::JoinHandle;
use utoipa_actix_web::AppExt as _;
use web::{nothing_here, pipeline};

use crate::{
    Components, routes,
    settings::{HttpSettings, ImportSettings},
};

/// A task that ends with the server.
struct WhileServed(JoinHandle<()>);

impl Drop for WhileServed {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts to serve on a socket that is bound already. The server ends on SIGTERM or SIGINT: it
/// stops accepting, finishes what it began within `shutdown_grace`, and closes.
///
/// # Errors
/// When the socket cannot be used.
pub fn serve(
    settings: &HttpSettings,
    imports: &ImportSettings,
    components: Components,
    listener: TcpListener,
    signals: bool,
) -> io::Result<Server> {
    let limits = (
        PayloadConfig::new(settings.body_limit),
        Data::new(ImportBodyLimit(imports.body_limit)),
    );
    let pipe = Data::from(components.pipeline);
    let authorizer = Data::from(components.authorizer);
    let cursors = Data::new(components.cursors);
    let exports = Data::new(components.exports);
    let health = Data::new(components.health);
    let description = Data::new(components.description);
    let directory = Data::from(components.directory);
    let administration = Data::new(components.administration);
    // It looks for changes as long as anybody is served.
    let watch = Data::new(components.watch);
    let counting = telemetry::spawn_named("refusals", components.refusals.keep_settling());
    let counting = Data::new(WhileServed(counting));
    let sessions = Data::from(components.auth.sessions);
    let keys = Data::from(components.auth.keys);
    let passwords = Data::from(components.passwords);
    let enqueuer = Data::new(components.enqueuer);
    let files = Data::from(components.files);
    let feed = Data::new(components.feed);
    let audit = Data::new(components.audit);
    let audit_exporter = Data::new(components.audit_exporter);
    let own_jobs = Data::new(components.own_jobs);
    let all_jobs = Data::new(components.all_jobs);
    let employees = Data::new(components.employees);
    let imports = Data::new(components.imports);
    let database = Data::new(components.database);
    let app = move || {
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
            .app_data(administration.clone())
            .app_data(watch.clone())
            .app_data(counting.clone())
            .app_data(sessions.clone())
            .app_data(keys.clone())
            .app_data(passwords.clone())
            .app_data(enqueuer.clone())
            .app_data(files.clone())
            .app_data(feed.clone())
            .app_data(audit.clone())
            .app_data(audit_exporter.clone())
            .app_data(own_jobs.clone())
            .app_data(all_jobs.clone())
            .app_data(employees.clone())
            .app_data(imports.clone())
            .app_data(database.clone())
            .into_utoipa_app()
            .configure(routes::configure)
            .into_app()
            .default_service(actix::to(nothing_here))
            .wrap(from_fn(pipeline))
    };
    let server = Server::build()
        .workers(settings.workers.get())
        .shutdown_timeout(settings.shutdown_grace.as_secs());
    let server = if signals {
        server
    } else {
        server.disable_signals()
    };
    // What `HttpServer` composes of the same parts, with `Patient` between the socket and HTTP.
    let ending = server.graceful_shutdown_signal();
    let (keep_alive, client_timeout) = (settings.keep_alive, settings.client_timeout);
    let patience = Patience {
        request: settings.client_timeout + settings.request_timeout,
        answer: settings.request_timeout,
    };
    let server = server.listen("api", listener, move || {
        let ending = ending.clone();
        let app = app().into_factory();
        let app = app.map_err(|error: actix_web::Error| error.error_response());
        let http = HttpService::build()
            // Idle connections are closed when the server ends.
            .graceful_shutdown_signal(move || {
                let ending = ending.clone();
                async move { ending.notified().await }
            })
            .keep_alive(keep_alive)
            .client_request_timeout(client_timeout)
            .on_connect_ext(|stream: &Patient<TcpStream>, data| {
                data.insert(stream.longer());
            })
            .finish(map_config(app, |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| async move {
            // An answer goes out at once; without it, it is only later.
            let _ = stream.set_nodelay(true);
            let peer = stream.peer_addr().ok();
            Ok((Patient::new(stream, patience), Protocol::Http1, peer))
        })
        .and_then(http)
    })?;
    Ok(server.run())
}
