//! A connection that is made again whenever it is lost.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use kernel::Ambient;
use lapin::{Connection, Event};
use tokio::{sync::watch, task::JoinHandle, time::MissedTickBehavior};

use super::{
    call::{CallError, within},
    dial::{Dialer, Live},
    topology::Names,
};
use crate::Queue;

/// A connection that lasted so long was a good one: the next attempt is soon.
const STEADY: Duration = Duration::from_secs(30);

/// How often a connection is looked at, in case nobody says that it was lost.
const LOOK: Duration = Duration::from_secs(1);

/// How a connection is.
#[derive(Clone)]
pub(super) enum State {
    /// It stands, and everything is declared.
    Up(Arc<Connection>),
    /// It stands, but the server takes no more messages: its memory or its disk is full.
    Blocked(Arc<Connection>, String),
    /// There is none, and why.
    Away(String),
}

impl State {
    pub(super) fn connection(&self) -> Option<Arc<Connection>> {
        match self {
            Self::Up(connection) | Self::Blocked(connection, _) => Some(Arc::clone(connection)),
            Self::Away(_) => None,
        }
    }

    pub(super) fn is_of(&self, connection: &Arc<Connection>) -> bool {
        self.connection()
            .is_some_and(|it| Arc::ptr_eq(&it, connection))
    }
}

/// Keeps a connection. Dropped, it ends it.
pub(super) struct Link {
    state: watch::Receiver<State>,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
    patience: Duration,
}

impl Link {
    pub(super) fn start(
        name: &'static str,
        dialer: Dialer,
        names: Names,
        ambient: Ambient,
    ) -> Self {
        let (told, state) = watch::channel(State::Away("it is not connected yet".to_owned()));
        let (stop, stopping) = watch::channel(false);
        let patience = dialer.patience;
        let supervisor = Supervisor {
            name,
            dialer,
            names,
            ambient,
            told,
            stopping,
        };
        let task = telemetry::spawn_named("rabbitmq", supervisor.run());
        Self {
            state,
            stop,
            task: Mutex::new(Some(task)),
            patience,
        }
    }

    pub(super) fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// The connection, if it takes messages.
    pub(super) fn up(&self) -> Option<Arc<Connection>> {
        match &*self.state.borrow() {
            State::Up(connection) => Some(Arc::clone(connection)),
            State::Blocked(..) | State::Away(_) => None,
        }
    }

    /// Why it carries nothing, if so.
    pub(super) fn away(&self) -> Option<String> {
        match &*self.state.borrow() {
            State::Up(_) => None,
            State::Blocked(_, reason) => Some(format!("it takes no messages: {reason}")),
            State::Away(reason) => Some(reason.clone()),
        }
    }

    /// Ends the connection, and waits until it has ended.
    pub(super) async fn close(&self) {
        self.stop.send_replace(true);
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            // It says itself what it waits for, and for how long.
            let _ = tokio::time::timeout(2 * self.patience, task).await;
        }
    }
}

struct Supervisor {
    name: &'static str,
    dialer: Dialer,
    names: Names,
    ambient: Ambient,
    told: watch::Sender<State>,
    stopping: watch::Receiver<bool>,
}

/// Why a connection is over.
enum Over {
    Stopped,
    Lost(String),
}

impl Supervisor {
    async fn run(self) {
        let mut failures = 0_u32;
        loop {
            let connected = tokio::select! {
                () = self.until_stopping() => break,
                connected = self.connect() => connected,
            };
            let reason = match connected {
                Ok(live) => {
                    tracing::info!(connection = self.name, "RabbitMQ is connected");
                    let began = Instant::now();
                    let over = self.keep(&live).await;
                    if began.elapsed() >= STEADY {
                        failures = 0;
                    }
                    match over {
                        Over::Stopped => {
                            self.end(live).await;
                            break;
                        }
                        Over::Lost(reason) => {
                            tracing::warn!(connection = self.name, reason, "RabbitMQ is lost");
                            reason
                        }
                    }
                }
                Err(error) => {
                    let reason = error.to_string();
                    if failures == 0 {
                        tracing::warn!(connection = self.name, reason, "RabbitMQ is away");
                    }
                    reason
                }
            };
            self.told.send_replace(State::Away(reason));
            failures = failures.saturating_add(1);
            tokio::select! {
                () = self.until_stopping() => break,
                () = tokio::time::sleep(self.dialer.pause(failures, &self.ambient)) => {}
            }
        }
        self.told
            .send_replace(State::Away("it is closed".to_owned()));
    }

    async fn until_stopping(&self) {
        let mut stopping = self.stopping.clone();
        // Whoever could tell it is gone: that tells it too.
        let _ = stopping.wait_for(|it| *it).await;
    }

    /// A connection on which everything is as it has to be.
    async fn connect(&self) -> Result<Live, CallError> {
        let patience = self.dialer.patience;
        let live = self.dialer.connect(self.name).await?;
        let channel = within(patience, "a channel", live.connection.create_channel()).await?;
        for queue in Queue::ALL {
            self.names.declare(&channel, *queue, patience).await?;
        }
        within(patience, "a channel's end", channel.close(200, "".into())).await?;
        Ok(live)
    }

    /// Tells how it is, until it is lost or nobody wants it any more.
    async fn keep(&self, live: &Live) -> Over {
        let connection = &live.connection;
        let mut events = pin!(connection.events_listener());
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reason = "the connection was lost".to_owned();
        self.told.send_replace(State::Up(Arc::clone(connection)));
        loop {
            tokio::select! {
                () = self.until_stopping() => return Over::Stopped,
                event = events.next() => match event {
                    Some(Event::ConnectionBlocked(why)) => {
                        tracing::warn!(connection = self.name, why, "RabbitMQ takes no messages");
                        self.told.send_replace(State::Blocked(Arc::clone(connection), why));
                    }
                    Some(Event::ConnectionUnblocked) => {
                        tracing::info!(connection = self.name, "RabbitMQ takes messages again");
                        self.told.send_replace(State::Up(Arc::clone(connection)));
                    }
                    // A channel's, perhaps: its connection says whether it stands.
                    Some(Event::Error(error)) => reason = error.to_string(),
                    Some(_) => {}
                    None => return Over::Lost(reason),
                },
                _ = look.tick() => {}
            }
            if !connection.status().connected() {
                return Over::Lost(reason);
            }
        }
    }

    async fn end(&self, live: Live) {
        let closing = live.connection.close(200, "".into());
        if let Err(error) = within(self.dialer.patience, "a connection's end", closing).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                connection = self.name,
                "RabbitMQ was left without a word"
            );
        }
    }
}
