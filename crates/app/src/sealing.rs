//! What a worker does for the audit: sealing, retention, and telling how far they are.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use audit::{
    Archives, PublicKeys, Retirer, SealFiles, Sealer, SigningKey, Tenants, TenantsUnknown,
};
use database::{Database, PlatformContext, TenantContext};
use kernel::{Ambient, TenantId};
use telemetry::Metrics;
use tenancy::{Directory, Registry};
use tokio::{sync::watch, task::JoinHandle};
use uuid::Uuid;

use crate::{StartError, settings::AuditSettings};

/// How often a worker looks for events that have been kept for long enough.
const RETIRING: Duration = Duration::from_hours(6);

/// Sealing and retention in the making.
pub(crate) struct Sealing {
    sealer: Option<Arc<Sealer>>,
    retirer: Option<Retirer>,
    registry: Arc<Registry>,
    every: Duration,
    waiting: Arc<Waiting>,
    database: Database,
    ambient: Ambient,
}

/// Sealing and retention at work.
pub(crate) struct AtWork {
    stopping: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    counting: JoinHandle<()>,
}

impl Sealing {
    /// What the settings say: without a signing key nothing is sealed, and that is told.
    pub(crate) fn compose(
        settings: &AuditSettings,
        database: Database,
        (registry, directory): (Arc<Registry>, Arc<Directory>),
        ambient: &Ambient,
        metrics: &mut Metrics,
    ) -> Result<Self, StartError> {
        let key = settings.signing_key.as_ref().map(SigningKey::read);
        let key = key.transpose()?;
        let platform: &PlatformContext = registry.platform();
        let tenants: Arc<dyn Tenants> = Arc::new(KnownTenants(directory));
        let sealer = key
            .clone()
            .zip(settings.seals.as_ref())
            .map(|(key, seals)| {
                Sealer::new(
                    database.clone(),
                    platform.clone(),
                    Arc::clone(&tenants),
                    key,
                    SealFiles::new(seals),
                    ambient.clone(),
                )
            });
        let earlier = settings.public_key.join("\n");
        let sealer = match sealer {
            Some(sealer) if !earlier.is_empty() => {
                let earlier = PublicKeys::read(&earlier)?;
                Some(Arc::new(sealer.trusting(earlier)))
            }
            other => other.map(Arc::new),
        };
        let keep = settings.keep();
        let retirer = key
            .zip(settings.archives.as_ref())
            .filter(|_| !keep.is_empty());
        let retirer = retirer.map(|(key, archives)| {
            Retirer::new(
                database.clone(),
                platform.clone(),
                Arc::clone(&tenants),
                key,
                Archives::new(archives),
                keep,
                ambient.clone(),
            )
        });
        let waiting = Arc::new(Waiting::default());
        Arc::clone(&waiting).show(sealer.clone(), metrics);
        Ok(Self {
            sealer,
            retirer,
            registry,
            every: settings.seal_interval,
            waiting,
            database,
            ambient: ambient.clone(),
        })
    }

    /// Begins, beside the jobs.
    pub(crate) fn start(self) -> AtWork {
        let Self {
            sealer,
            retirer,
            registry,
            every,
            waiting,
            database,
            ambient,
        } = self;
        let (stopping, _) = watch::channel(false);
        let until_stopping = || {
            let mut heard = stopping.subscribe();
            async move {
                // A sender that is gone stops as well.
                let _ = heard.wait_for(|is_stopping| *is_stopping).await;
            }
        };
        let mut tasks = Vec::new();
        if let Some(sealer) = sealer {
            let stopping = until_stopping();
            tasks.push(telemetry::spawn_named("seal", async move {
                sealer.run_until(stopping, every).await;
            }));
        } else {
            tracing::warn!(
                "this worker seals nothing: it was given no audit.signing_key. What is recorded \
                 cannot be proven until a worker has one; `hrms-bootstrap up` makes it"
            );
        }
        let platform = registry.platform().clone();
        if let Some(retirer) = retirer {
            let stopping = until_stopping();
            tasks.push(telemetry::spawn_named("retire", async move {
                tokio::select! {
                    () = stopping => {}
                    () = retire_on(&retirer, &registry) => {}
                }
            }));
        }
        let counting = telemetry::spawn_named("unsealed", async move {
            waiting.count_on(&database, &platform, &ambient).await;
        });
        AtWork {
            stopping,
            tasks,
            counting,
        }
    }
}

impl AtWork {
    /// Ends what was begun.
    pub(crate) async fn stop(self) {
        self.stopping.send_replace(true);
        self.counting.abort();
        for task in self.tasks {
            // One that panicked was told of.
            let _ = task.await;
        }
    }
}

/// Moves away what has been kept for long enough, tenant by tenant, again and again. What is cut off is
/// a transaction that never happened.
async fn retire_on(retirer: &Retirer, registry: &Registry) {
    let mut tick = tokio::time::interval(RETIRING);
    loop {
        tick.tick().await;
        // An outage is told of by those who work.
        let Ok(tenants) = registry.all().await else {
            continue;
        };
        let tenants = tenants.into_iter().flatten().map(|it| it.tenant.id.uuid());
        for tenant in std::iter::once(Uuid::nil()).chain(tenants) {
            match retirer.retire(tenant).await {
                Ok(0) => {}
                Ok(events) => tracing::info!(%tenant, events, "moved events of the audit away"),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(%tenant, error, "events of the audit cannot be moved away");
                }
            }
        }
    }
}

/// The registry, as this process knows it.
pub(crate) struct KnownTenants(pub(crate) Arc<Directory>);

#[async_trait]
impl Tenants for KnownTenants {
    async fn find(&self, id: TenantId) -> Result<Option<TenantContext>, TenantsUnknown> {
        let found = self.0.by_id(id).await;
        let found = found.map_err(|error| TenantsUnknown(Box::new(error)))?;
        Ok(found.map(|it| it.context.clone()))
    }
}

/// How much waits, as it was a few seconds ago.
#[derive(Debug, Default)]
struct Waiting {
    unsealed: AtomicU64,
    /// Milliseconds.
    oldest: AtomicU64,
    unfiled: AtomicU64,
}

impl Waiting {
    async fn count_on(&self, database: &Database, platform: &PlatformContext, ambient: &Ambient) {
        let mut tick = tokio::time::interval(Duration::from_secs(5));
        loop {
            tick.tick().await;
            let Ok(backlog) = audit::backlog(database, platform, ambient).await else {
                continue;
            };
            let oldest = u64::try_from(backlog.oldest.as_millis()).unwrap_or(u64::MAX);
            self.unsealed.store(backlog.unsealed, Ordering::Relaxed);
            self.oldest.store(oldest, Ordering::Relaxed);
            self.unfiled.store(backlog.unfiled, Ordering::Relaxed);
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a count loses nothing below nine thousand billions"
    )]
    fn show(self: Arc<Self>, sealer: Option<Arc<Sealer>>, metrics: &mut Metrics) {
        let is_sealing = if sealer.is_some() { 1.0 } else { 0.0 };
        metrics.watch(
            "hrms_audit_sealing",
            "Whether this worker has the key to seal what was recorded.",
            move || vec![(Vec::new(), is_sealing)],
        );
        metrics.watch_total(
            "hrms_audit_seals",
            "Seals that this worker has made.",
            move || {
                let seals = sealer.as_ref().map_or(0, |it| it.seals());
                vec![(Vec::new(), seals as f64)]
            },
        );
        let waiting = Arc::clone(&self);
        metrics.watch(
            "hrms_audit_unsealed",
            "Events of the audit that wait for their seal; ten thousand stand for all that are more.",
            move || vec![(Vec::new(), waiting.unsealed.load(Ordering::Relaxed) as f64)],
        );
        let waiting = Arc::clone(&self);
        metrics.watch(
            "hrms_audit_unsealed_seconds",
            "For how long the oldest of them has waited.",
            move || {
                let millis = waiting.oldest.load(Ordering::Relaxed);
                vec![(Vec::new(), millis as f64 / 1_000.0)]
            },
        );
        metrics.watch(
            "hrms_audit_unfiled",
            "Seals that are in no file yet; ten thousand stand for all that are more.",
            move || vec![(Vec::new(), self.unfiled.load(Ordering::Relaxed) as f64)],
        );
    }
}
