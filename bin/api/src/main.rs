//! `hrms-api` serves HTTP. It only composes: what it does stands in `app`.

use std::{net::TcpListener, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use app::{
    Ambient, Components, service,
    settings::{LoadFrom, Settings},
    telemetry,
};
use clap::Parser;

/// Serves the HTTP API until it is told to stop (SIGTERM, SIGINT).
///
/// Settings come from a file, systemd credentials and HRMS_… variables; `hrms-bootstrap config`
/// prints those in force. The database must be ready: `hrms-bootstrap up`.
///
/// Exit codes: 0 stopped as told, 1 could not start or serve, 2 wrong arguments.
#[derive(Debug, Parser)]
#[command(name = "hrms-api", version)]
struct Arguments {
    /// Settings file; else HRMS_CONFIG_FILE, else /etc/hrms/hrms.toml if it exists.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

fn main() -> ExitCode {
    let Arguments { config } = Arguments::parse();
    match start(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hrms-api: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(config: Option<PathBuf>) -> anyhow::Result<()> {
    let settings = Settings::load(&LoadFrom::process(config))?;
    let guard = telemetry::init("hrms-api", &settings.log, &settings.traces)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("the runtime does not start")?;
    runtime.block_on(serve(settings, &guard))
}

/// The HTTP workers bring their own threads; the runtime around them only waits.
async fn serve(settings: Settings, guard: &telemetry::Guard) -> anyhow::Result<()> {
    // Bound first: a second API on the same address fails before it touches the database.
    let listener = service::listener(settings.http.listen)
        .with_context(|| format!("http.listen {} cannot be used", settings.http.listen))?;
    let listen = listener.local_addr().unwrap_or(settings.http.listen);
    let shown = settings.metrics.listen.map(|address| {
        TcpListener::bind(address)
            .with_context(|| format!("metrics.listen {address} cannot be used"))
    });
    let shown = shown.transpose()?;
    let mut components = Box::pin(Components::connect(&settings, Ambient::system())).await?;
    let database = components.database().clone();
    let refusals = components.refusals().clone();
    let mut metrics = components.take_metrics();
    guard.show(&mut metrics);
    if let Some(listener) = shown {
        telemetry::spawn_named("metrics", app::serve_metrics(metrics, listener)?);
    }
    let server = app::serve(
        &settings.http,
        &settings.imports,
        components,
        listener,
        true,
    )?;
    tracing::info!(%listen, "serving");
    service::ready();
    server.await.context("the server failed")?;
    service::stopping();
    refusals.settle(None).await;
    database.close().await;
    tracing::info!("stopped");
    Ok(())
}
