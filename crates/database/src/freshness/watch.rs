//! Looking and listening, for as long as the process serves.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use kernel::Ambient;
use tokio::task::JoinHandle;

use super::{Freshness, Subscriber, look::Looker};
use crate::{Database, PlatformContext, StoreError, listener::Listener};

/// On which PostgreSQL tells that the registry changed.
const CHANNEL: &str = "hrms_changes";

/// How long to wait before listening again, at first.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Looks and listens until it is dropped.
#[must_use = "dropped, it sees nothing more"]
pub struct Watch {
    tasks: [JoinHandle<()>; 2],
}

impl Freshness {
    /// Takes the first look, and then looks and listens until the returned value is dropped.
    ///
    /// # Errors
    /// When the first look fails.
    pub async fn watch(
        &self,
        database: &Database,
        platform: PlatformContext,
        subscribers: Vec<Arc<dyn Subscriber>>,
        ambient: Ambient,
    ) -> Result<Watch, StoreError> {
        // Before the first look: what is written after it is told.
        let listener = database.listen(CHANNEL).await;
        self.0.listening.store(listener.is_ok(), Ordering::Release);
        let gap = self.0.settings.refuse_after;
        let mut looker = Looker::new(database.aside(), platform, subscribers, gap);
        let began = looker.look().await?;
        self.note_look(began, 0);
        let (looking, listening) = (self.clone(), self.clone());
        let database = database.clone();
        Ok(Watch {
            tasks: [
                telemetry::spawn_named("freshness", async move { looking.look_on(looker).await }),
                telemetry::spawn_named("listener", async move {
                    listening.listen_on(listener, database, ambient).await;
                }),
            ],
        })
    }

    async fn look_on(&self, mut looker: Looker) {
        let mut failing = false;
        loop {
            let wanted = self.0.wanted.notified();
            let _ = tokio::time::timeout(self.0.settings.poll_interval, wanted).await;
            let number = self.0.asked.load(Ordering::Acquire);
            // A look that hangs is given up in time for another one; its connection is closed.
            let look = tokio::time::timeout(looker.patience(), looker.look()).await;
            match look.unwrap_or(Err(StoreError::Timeout("looking for changes"))) {
                Ok(began) => {
                    self.note_look(began, number);
                    if std::mem::take(&mut failing) {
                        tracing::info!("changes of the registry are seen again");
                    }
                }
                Err(error) if !failing => {
                    failing = true;
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "changes of the registry cannot be looked for");
                }
                Err(_again) => {}
            }
        }
    }

    async fn listen_on(
        &self,
        mut listener: Result<Listener, StoreError>,
        database: Database,
        ambient: Ambient,
    ) {
        let longest_pause = self.0.settings.poll_interval.max(FIRST_PAUSE);
        let mut pause = FIRST_PAUSE;
        loop {
            if let Ok(listener) = &mut listener {
                pause = FIRST_PAUSE;
                let error = self.relay(listener).await;
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "PostgreSQL cannot tell of changes; they are looked for"
                );
            }
            tokio::time::sleep(jitter(pause, &ambient)).await;
            pause = (pause * 2).min(longest_pause);
            listener = database.listen(CHANNEL).await;
        }
    }

    /// Wants a look whenever something is told, until nothing can be told any more.
    async fn relay(&self, listener: &mut Listener) -> StoreError {
        self.0.listening.store(true, Ordering::Release);
        // What happened before is not told.
        self.0.wanted.notify_one();
        let error = loop {
            match listener.told().await {
                Ok(()) => self.0.wanted.notify_one(),
                Err(error) => break error,
            }
        };
        self.0.listening.store(false, Ordering::Release);
        error
    }
}

/// Between half of it and all of it: many processes that lost the same server come back apart.
fn jitter(pause: Duration, ambient: &Ambient) -> Duration {
    let [byte] = ambient.bytes::<1>();
    pause.mul_f64(0.5 + f64::from(byte) / 510.0)
}

impl Drop for Watch {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watch")
    }
}
