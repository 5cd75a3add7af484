//! What is being done right now.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kernel::JobId;
use tokio::{sync::Notify, task::AbortHandle};
use uuid::Uuid;

use crate::{model::Progress, postgres::Holding};

/// The leases that this worker holds, and how to end what is done under them.
#[derive(Debug, Default)]
pub(super) struct Running {
    held: Mutex<HashMap<Uuid, Held>>,
    ended: Notify,
}

#[derive(Debug)]
struct Held {
    job: JobId,
    progress: Arc<Progress>,
    /// `None` until it was begun.
    task: Option<AbortHandle>,
}

impl Running {
    fn held(&self) -> MutexGuard<'_, HashMap<Uuid, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a lease; the returned value is dropped when the job is over.
    pub(super) fn hold(self: &Arc<Self>, job: JobId, token: Uuid) -> Lease {
        let progress = Arc::new(Progress::default());
        let held = Held {
            job,
            progress: Arc::clone(&progress),
            task: None,
        };
        self.held().insert(token, held);
        Lease {
            running: Arc::clone(self),
            token,
            progress,
        }
    }

    /// All leases, with what their jobs told of their progress since the last call.
    pub(super) fn leases(&self) -> Vec<Holding> {
        let held = self.held();
        let leases = held.iter().map(|(token, it)| Holding {
            job: it.job,
            token: *token,
            progress: it.progress.take(),
        });
        leases.collect()
    }

    /// Ends what is done under a lease that somebody else has.
    pub(super) fn abort(&self, token: Uuid) {
        if let Some(task) = self.held().get(&token).and_then(|it| it.task.as_ref()) {
            task.abort();
        }
    }

    /// Ends everything, and returns when it has ended.
    pub(super) async fn abort_all(&self) {
        for held in self.held().values() {
            if let Some(task) = &held.task {
                task.abort();
            }
        }
        self.is_empty().await;
    }

    /// Returns when nothing is being done.
    pub(super) async fn is_empty(&self) {
        loop {
            let ended = self.ended.notified();
            if self.held().is_empty() {
                return;
            }
            ended.await;
        }
    }
}

/// A lease that is held as long as this value.
#[derive(Debug)]
pub(super) struct Lease {
    running: Arc<Running>,
    token: Uuid,
    progress: Arc<Progress>,
}

impl Lease {
    /// What its job tells of its progress.
    pub(super) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Notes how to end what is done.
    pub(super) fn of_task(&self, task: AbortHandle) {
        if let Some(held) = self.running.held().get_mut(&self.token) {
            held.task = Some(task);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.running.held().remove(&self.token);
        self.running.ended.notify_waiters();
    }
}
