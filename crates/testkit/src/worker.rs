//! A worker in the test's own process.

use app::{Stop, WorkerComponents, settings::Settings};
use kernel::Ambient;
use tokio::task::JoinHandle;

use crate::api_settings;

/// Does jobs until it is stopped, or the test ends.
pub struct Worker {
    stop: Stop,
    working: JoinHandle<()>,
}

impl Worker {
    /// Starts to work over the database of this login, without a broker unless `change` names one.
    ///
    /// # Panics
    /// When it does not start: the test cannot run.
    #[expect(clippy::expect_used, reason = "the test cannot run without its worker")]
    pub async fn start(url: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = api_settings(url);
        settings.database.pool_size = 12;
        settings.worker.poll_interval = std::time::Duration::from_millis(20);
        change(&mut settings);
        let connecting = Box::pin(WorkerComponents::connect(&settings, Ambient::system()));
        let components = connecting.await.expect("the worker connects");
        let (working, stop) = components.start().await.expect("the worker shows itself");
        let working = async move {
            working.await.expect("the worker works until it is stopped");
        };
        Self {
            stop,
            working: telemetry::spawn(working),
        }
    }

    /// Ends what was begun, and stops.
    ///
    /// # Panics
    /// When it failed meanwhile.
    #[expect(clippy::expect_used, reason = "a worker that failed fails its test")]
    pub async fn stop(self) {
        self.stop.stop();
        self.working.await.expect("the worker ends");
    }
}
