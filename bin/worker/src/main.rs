//! `hrms-worker` does jobs. It only composes: what it does stands in `app`.

use std::{net::TcpListener, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use app::{
    Ambient, WorkerComponents, service,
    settings::{LoadFrom, Settings},
    telemetry,
};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// Does what was put down to be done later, until it is told to stop (SIGTERM, SIGINT); then it
/// begins nothing more, ends what it began, and leaves the rest to other workers.
///
/// Settings come from a file, systemd credentials and HRMS_… variables; `hrms-bootstrap config`
/// prints those in force. The database must be ready: `hrms-bootstrap up`.
///
/// Exit codes: 0 stopped as told, 1 could not start or work, 2 wrong arguments.
#[derive(Debug, Parser)]
#[command(name = "hrms-worker", version)]
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
            eprintln!("hrms-worker: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(config: Option<PathBuf>) -> anyhow::Result<()> {
    let settings = Settings::load(&LoadFrom::process(config))?;
    let guard = telemetry::init("hrms-worker", &settings.log, &settings.traces)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime does not start")?;
    let worked = runtime.block_on(work(settings, &guard));
    // A handler that blocks its thread is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    worked
}

async fn work(settings: Settings, guard: &telemetry::Guard) -> anyhow::Result<()> {
    // Heard from the beginning: a worker that is told to stop while it starts stops.
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be heard")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be heard")?;
    let shown = settings.metrics.listen.map(|address| {
        TcpListener::bind(address)
            .with_context(|| format!("metrics.listen {address} cannot be used"))
    });
    let shown = shown.transpose()?;
    let connecting = Box::pin(WorkerComponents::connect(&settings, Ambient::system()));
    let mut components = tokio::select! {
        connected = connecting => connected?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    let mut metrics = components.take_metrics();
    guard.show(&mut metrics);
    if let Some(listener) = shown {
        telemetry::spawn_named("metrics", app::serve_metrics(metrics, listener)?);
    }
    let (working, stop) = components.start().await?;
    tracing::info!("working");
    service::ready();
    telemetry::spawn_named("signals", async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("told to stop: what was begun is ended");
        service::stopping();
        stop.stop();
    });
    let drained = working.await.context("the worker failed")?;
    tracing::info!(released = drained.released, "stopped");
    Ok(())
}
