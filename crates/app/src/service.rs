//! What a program and systemd tell each other (`sd_notify(3)`, `sd_listen_fds(3)`). Where no systemd
//! is, nothing is told, and an address is bound by the program itself.

use std::{io, net::SocketAddr, net::TcpListener};

use listenfd::ListenFd;
use sd_notify::NotifyState;

/// The socket that systemd opened for the program and keeps open while it restarts, or one that is
/// bound here.
///
/// # Errors
/// When the address is taken, or what systemd hands over is no listening TCP socket.
pub fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    match ListenFd::from_env().take_tcp_listener(0)? {
        Some(handed_over) => Ok(handed_over),
        None => TcpListener::bind(address),
    }
}

/// Says that the program does its work from now on, and that it lives for as long as it does:
/// systemd ends and restarts one that says so no more (`WatchdogSec=`). It is said by a task of the
/// runtime that does the work; where that is stuck, nothing is said.
pub fn ready() {
    tell(&[NotifyState::Ready]);
    let Some(patience) = sd_notify::watchdog_enabled() else {
        return;
    };
    telemetry::spawn_named("watchdog", async move {
        // Twice in the time, as systemd advises.
        let mut tick = tokio::time::interval(patience / 2);
        loop {
            tick.tick().await;
            tell(&[NotifyState::Watchdog]);
        }
    });
}

/// Says that the program ends what it began.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "systemd does not hear");
    }
}
