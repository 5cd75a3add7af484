//! Starting work that remembers which request it belongs to.

use std::future::Future;

use tokio::task::JoinHandle;
use tracing::{Instrument, Span};

use crate::fields;

/// Runs a future as a task of its own, inside the current span.
///
/// Must be called on a Tokio runtime, like every function of this module.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn_in(Span::current(), future)
}

/// Runs a future as a task of its own, inside a new span that names it ([`fields::TASK`]) and lies
/// in the current one.
pub fn spawn_named<F>(name: &'static str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn_in(
        tracing::error_span!("task", { fields::TASK } = name),
        future,
    )
}

/// Runs a closure that blocks or computes for long on a thread made for that, inside the current
/// span. The number of such threads is bounded, their queue is not: callers bring a semaphore.
pub fn spawn_blocking<F, R>(work: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    let span = Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that spawns, with the span kept"
)]
fn spawn_in<F>(span: Span, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.instrument(span))
}

#[cfg(test)]
mod tests {
    use tracing::instrument::WithSubscriber;
    use tracing::{Dispatch, dispatcher};

    use super::*;
    use crate::json::tests::Lines;

    #[tokio::test]
    async fn a_spawned_task_logs_under_the_request_that_started_it() {
        let lines = Lines::default();
        in_request(&lines, "r-1", async {
            let task = async { tracing::info!("calculated") };
            spawn(task.with_current_subscriber()).await.unwrap();
        })
        .await;
        let line = lines.only();
        assert_eq!(
            (&line["message"], &line["request_id"]),
            (&"calculated".into(), &"r-1".into())
        );
    }

    #[tokio::test]
    async fn a_named_task_adds_its_name_and_keeps_the_request() {
        let lines = Lines::default();
        in_request(&lines, "r-2", async {
            let task = async { tracing::info!("sent") };
            spawn_named("mail", task.with_current_subscriber())
                .await
                .unwrap();
        })
        .await;
        let line = lines.only();
        assert_eq!(
            (&line["task"], &line["request_id"]),
            (&"mail".into(), &"r-2".into())
        );
    }

    #[tokio::test]
    async fn blocking_work_logs_under_the_request_that_started_it() {
        let lines = Lines::default();
        in_request(&lines, "r-3", async {
            let dispatch = dispatcher::get_default(Dispatch::clone);
            let work = move || dispatcher::with_default(&dispatch, || tracing::info!("hashed"));
            spawn_blocking(work).await.unwrap();
        })
        .await;
        let line = lines.only();
        assert_eq!(
            (&line["message"], &line["request_id"]),
            (&"hashed".into(), &"r-3".into())
        );
    }

    async fn in_request(lines: &Lines, id: &str, work: impl Future<Output = ()>) {
        let dispatch = Dispatch::new(lines.subscriber());
        let request = dispatcher::with_default(&dispatch, || {
            crate::open_request(id, None, || ([1; 16], [2; 8])).0
        });
        work.instrument(request).with_subscriber(dispatch).await;
    }
}
