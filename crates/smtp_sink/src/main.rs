//! `hrms-smtp-sink` takes every mail, writes it to a folder and says so. For `./just up`; it
//! delivers nothing.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Parser;
use kernel::Ambient;
use smtp_sink::{Arrived, Folder, Sink};
use tokio::signal::unix::{SignalKind, signal};

/// Takes mails on a free port of this machine until it is told to stop (SIGTERM, SIGINT), and writes
/// each to a file.
#[derive(Debug, Parser)]
#[command(name = "hrms-smtp-sink", version)]
struct Arguments {
    /// Folder for the mails.
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// File to which the address is written, as the setting `mail.url` has it.
    #[arg(long, value_name = "FILE")]
    url_file: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match take(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hrms-smtp-sink: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn take(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { folder, url_file } = arguments;
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be heard")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be heard")?;
    let kept = Folder::open(&folder, Ambient::system())
        .with_context(|| format!("{} cannot be used", folder.display()))?;
    let sink = Sink::start().await.context("no port can be listened on")?;
    std::fs::write(&url_file, sink.url())
        .with_context(|| format!("{} cannot be written", url_file.display()))?;
    loop {
        let mail = tokio::select! {
            mail = sink.next() => mail,
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
        };
        show(&kept, &mail)?;
    }
}

fn show(folder: &Folder, mail: &Arrived) -> anyhow::Result<()> {
    let file = folder.write(mail).context("a mail cannot be written")?;
    let (to, subject) = (mail.to.join(", "), mail.subject());
    eprintln!("mail to {to}: {subject} → {}", file.display());
    Ok(())
}
