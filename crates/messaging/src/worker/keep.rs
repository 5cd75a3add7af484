//! Keeping: leases are renewed, the worker is seen, and what others lost is put right.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use database::StoreError;

use super::Parts;

/// How often progress is told and what is lost looked for.
const TICK: Duration = Duration::from_secs(1);

/// How often the worker shows itself.
const SHOW: Duration = Duration::from_secs(5);

impl Parts {
    /// Keeps, until the task is ended: also while the worker drains.
    pub(super) async fn keep_on(&self) {
        let mut tick = tokio::time::interval(TICK.min(self.settings.lease / 3));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut renewed, mut shown) = (Instant::now(), Instant::now());
        let mut failing = false;
        loop {
            tick.tick().await;
            match self.keep(&mut renewed, &mut shown).await {
                Ok(()) if std::mem::take(&mut failing) => {
                    tracing::info!("jobs are kept again");
                }
                Ok(()) => {}
                Err(error) if !failing => {
                    failing = true;
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(
                        error,
                        "leases cannot be renewed, nor lost jobs be looked for"
                    );
                }
                Err(_again) => {}
            }
        }
    }

    async fn keep(&self, renewed: &mut Instant, shown: &mut Instant) -> Result<(), StoreError> {
        // What is not renewed keeps nobody from being seen, nor what is lost from being found.
        let kept = self.renew(renewed).await;
        if shown.elapsed() >= SHOW {
            self.appear().await?;
            *shown = Instant::now();
        }
        let swept = self.sweep().await;
        kept.and(swept)
    }

    async fn renew(&self, renewed: &mut Instant) -> Result<(), StoreError> {
        let leases = self.running.leases();
        let is_due = renewed.elapsed() >= self.settings.lease / 3;
        if !leases.is_empty() && (is_due || leases.iter().any(|it| it.progress.is_some())) {
            let kept = self.store.renew(&leases, self.settings.lease).await?;
            *renewed = Instant::now();
            let kept: HashSet<_> = kept.into_iter().collect();
            for lost in leases.iter().filter(|it| !kept.contains(&it.job)) {
                self.running.abort(lost.token);
            }
        }
        Ok(())
    }

    async fn sweep(&self) -> Result<(), StoreError> {
        let swept = self.store.sweep().await?;
        if swept.taken_over + swept.dead + swept.lost_on_the_way > 0 {
            tracing::warn!(
                taken_over = swept.taken_over,
                dead = swept.dead,
                lost_on_the_way = swept.lost_on_the_way,
                "jobs were lost, and are taken up again"
            );
        }
        if swept.resumed > 0 {
            tracing::info!(
                resumed = swept.resumed,
                "tenants are served again, and their jobs"
            );
        }
        Ok(())
    }
}
