//! Being told by PostgreSQL.

use std::time::Duration;

use sqlx::{
    Executor as _,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};

use crate::StoreError;

/// A connection that does nothing but wait for `NOTIFY`. It belongs to no pool and to no scope:
/// what it is told is that there is something to read, never what.
pub(crate) struct Listener {
    listener: PgListener,
    patience: Duration,
}

impl Listener {
    /// Connects and listens. `patience` is how long the server may take to answer.
    pub(crate) async fn connect(
        options: PgConnectOptions,
        channel: &'static str,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let connecting = async {
            // The library's listener takes its connection from a pool: one of this single one.
            let pool = PgPoolOptions::new()
                .max_connections(1)
                .acquire_timeout(patience)
                .max_lifetime(None)
                .idle_timeout(None)
                .test_before_acquire(false)
                .connect_lazy_with(options.application_name("hrms listener"));
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.eager_reconnect(false);
            listener.listen(channel).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        let listener = tokio::time::timeout(patience, connecting)
            .await
            .map_err(|_elapsed| StoreError::Timeout("connecting"))?
            .map_err(StoreError::Unavailable)?;
        Ok(Self { listener, patience })
    }

    /// Returns when something was told. A connection that died silently is found out within twice
    /// the patience.
    ///
    /// # Errors
    /// When the connection is lost; the listener is of no use then.
    pub(crate) async fn told(&mut self) -> Result<(), StoreError> {
        loop {
            match tokio::time::timeout(self.patience, self.listener.try_recv()).await {
                Ok(Ok(Some(_told))) => {
                    // Whatever else was told meanwhile is told with this.
                    while self.listener.next_buffered().is_some() {}
                    return Ok(());
                }
                Ok(Ok(None)) => return Err(StoreError::Unavailable(lost())),
                Ok(Err(error)) => return Err(StoreError::Unavailable(error)),
                Err(_silence) => self.ask_for_a_sign_of_life().await?,
            }
        }
    }

    async fn ask_for_a_sign_of_life(&mut self) -> Result<(), StoreError> {
        let asking = self.listener.execute("SELECT 1");
        match tokio::time::timeout(self.patience, asking).await {
            Ok(Ok(_alive)) => Ok(()),
            Ok(Err(error)) => Err(StoreError::Unavailable(error)),
            Err(_elapsed) => Err(StoreError::Timeout("listening")),
        }
    }
}

fn lost() -> sqlx::Error {
    std::io::Error::from(std::io::ErrorKind::ConnectionAborted).into()
}
