//! Sequencing: events get their places in the feeds of their tenants, after the commit.

use std::{fmt, sync::Arc, time::Duration};

use database::{Database, PlatformContext, StoreError};
use kernel::Ambient;

use crate::{
    Handlers,
    postgres::{
        Store,
        events::{self, Lane},
    },
};

/// What a look came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sequenced {
    /// How many events got their place.
    pub events: u64,
    /// How many jobs were put down for those who want to hear of them.
    pub jobs: u64,
}

/// Gives events their places. Any number of them may be at work: one does it at a time.
#[derive(Clone)]
pub struct EventSequencer {
    store: Store,
    /// Who wants to hear of which kinds.
    interests: Arc<[(&'static str, &'static str)]>,
    ambient: Ambient,
}

impl EventSequencer {
    /// One that lets those hear of events who are among the handlers.
    pub fn new(
        database: Database,
        platform: PlatformContext,
        handlers: &Handlers,
        ambient: Ambient,
    ) -> Self {
        Self::over(Store::new(database, platform), handlers, ambient)
    }

    pub(crate) fn over(store: Store, handlers: &Handlers, ambient: Ambient) -> Self {
        Self {
            store,
            interests: handlers.interests().into(),
            ambient,
        }
    }

    /// Gives some of the events their places, the oldest first: a few thousand in one transaction.
    /// Nothing when another one does so right now.
    ///
    /// # Errors
    /// [`StoreError`]: they keep waiting.
    pub async fn sequence(&self) -> Result<Sequenced, StoreError> {
        let tx = self.store.begin().await?;
        if !events::is_our_turn(&tx).await? {
            tx.rollback().await?;
            return Ok(Sequenced::default());
        }
        let (events, lanes) = events::sequence(&tx, &self.interests).await?;
        if events == 0 {
            tx.rollback().await?;
            return Ok(Sequenced::default());
        }
        let jobs = lanes.len() as u64;
        self.put_down(&tx, lanes).await?;
        tx.commit().await?;
        Ok(Sequenced { events, jobs })
    }

    /// How many events wait for their place. What is more than ten thousand is not counted further.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting(&self) -> Result<u64, StoreError> {
        let database = self.store.database();
        let tx = database.begin_platform_read(self.store.platform()).await?;
        let waiting = events::waiting(&tx).await?;
        tx.commit().await?;
        Ok(waiting)
    }

    async fn put_down(
        &self,
        tx: &database::PlatformTx,
        lanes: Vec<Lane>,
    ) -> Result<(), StoreError> {
        if lanes.is_empty() {
            return Ok(());
        }
        events::put_down(tx, lanes, &self.ambient).await
    }

    /// Gives places, until it is told to stop.
    pub(crate) async fn run_until(&self, stopping: impl Future<Output = ()>, every: Duration) {
        let mut stopping = std::pin::pin!(stopping);
        let mut failing = false;
        let mut is_more = false;
        loop {
            let pause = if is_more { Duration::ZERO } else { every };
            tokio::select! {
                () = &mut stopping => return,
                () = tokio::time::sleep(pause) => {}
            }
            // To its end: what is begun is a fraction of a second.
            let sequenced = self.sequence().await;
            is_more = matches!(&sequenced, Ok(it) if it.events >= events::BATCH);
            match sequenced {
                Ok(_) if std::mem::take(&mut failing) => {
                    tracing::info!("events get their places again");
                }
                Ok(_) => {}
                Err(error) if !failing => {
                    failing = true;
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "events cannot get their places");
                }
                Err(_again) => {}
            }
        }
    }
}

impl fmt::Debug for EventSequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventSequencer")
            .field(&self.interests)
            .finish()
    }
}
