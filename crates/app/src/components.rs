//! From settings to everything that serves.

use std::{num::NonZeroU32, sync::Arc};

use access::RoleAuthorizer;
use activity::{AllJobs, Feed, OwnJobs};
use audit::{AuditExporter, AuditReader, Opening, Refusals};
use auth::{Argon2Settings, Auth, AuthSettings};
use database::{Database, DatabaseSettings, Files, PostgresFiles, Watch};
use employees::{EmployeeService, ImportService, postgres::Postgres};
use kernel::{Ambient, Authorizer, PermissionMarker as _, field::AccessGroup};
use messaging::{Enqueuer, Jobs};
use migration::fit::Misfit;
use telemetry::{HttpMetrics, Metrics};
use tenancy::{
    Administration, Directory, HostRules, Passwords, PostgresTenants, Registry, Resolution,
};
use web::{Cors, Cursors, Edge, Exports, Limits, Pipeline, Rate, RouteTable, TrustedProxies};

use crate::{
    foundation::Foundation,
    health::Health,
    jobs, metrics,
    openapi::{self, Description},
    operate::{self, HashedPasswords},
    sealing::KnownTenants,
    settings::{self, Settings},
};

/// Everything that a process which serves works with.
pub struct Components {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) authorizer: Arc<dyn Authorizer>,
    pub(crate) cursors: Cursors,
    pub(crate) exports: Exports,
    pub(crate) health: Health,
    pub(crate) description: Description,
    pub(crate) directory: Arc<Directory>,
    pub(crate) administration: Administration,
    pub(crate) watch: Watch,
    pub(crate) refusals: Refusals,
    pub(crate) auth: Auth,
    pub(crate) passwords: Arc<dyn Passwords>,
    pub(crate) enqueuer: Enqueuer,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) feed: Feed,
    pub(crate) audit: AuditReader,
    pub(crate) audit_exporter: AuditExporter,
    pub(crate) own_jobs: OwnJobs,
    pub(crate) all_jobs: AllJobs,
    pub(crate) employees: EmployeeService,
    pub(crate) imports: ImportService,
    pub(crate) database: Database,
    metrics: Metrics,
}

/// Why a process cannot begin to serve.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be used.
    #[error("the database cannot be used")]
    Database(#[from] database::StoreError),
    /// Keys or secrets are missing or unusable.
    #[error("the keys cannot be used")]
    Auth(#[from] auth::AuthError),
    /// This program was built from migrations that are not those of the manifest.
    #[error("the migrations of this program are not those of the manifest:{}", list(.0))]
    Manifest(Vec<migration::manifest::Defect>),
    /// The database is not the one that this program's migrations make.
    #[error("the database does not fit this program:{}", list(.0))]
    Unfit(Vec<Misfit>),
    /// A worker's jobs would wait for connections.
    #[error(
        "a worker that does {} jobs at a time needs {needed} connections, and database.pool_size \
         is {pool_size}: raise it, or do less at a time ([worker])", .needed - 2
    )]
    Slots {
        /// Connections: one for each job, and two.
        needed: usize,
        /// As many there are.
        pool_size: u32,
    },
    /// RabbitMQ's address or prefix is none.
    #[error("the settings of [broker] cannot be used")]
    Broker(#[from] messaging::RabbitSettingsError),
    /// The address of the mail server is none.
    #[error("the settings of [mail] cannot be used")]
    Mail(#[from] mail::SmtpUrlError),
    /// A schedule of the program's own is none: a defect.
    #[error("the schedules of this program cannot be used")]
    Schedules(#[from] messaging::ScheduleError),
    /// There is nothing to encrypt the record with.
    #[error(
        "audit.key is missing, without which nothing can be recorded, and so nothing be done: \
         `hrms-bootstrap up` makes it, as the file audit-key in its folder of credentials"
    )]
    NoAuditKey,
    /// The key of the audit is none.
    #[error("audit.key cannot be used")]
    AuditKey(#[from] audit::AuditKeyError),
    /// A worker makes tenants, and has no right to.
    #[error(
        "worker.provisioning is not 0, and database.admin_url is missing: making tenants takes the \
         operator's login"
    )]
    NoAdminUrl,
    /// What makes tenants cannot be used.
    #[error("tenants cannot be made")]
    Provisioner(#[from] operate::Failure),
    /// A worker does what nobody could order: a defect.
    #[error("the table of kinds of jobs lacks one that this worker does")]
    Kinds,
    /// A worker that does nothing.
    #[error("every queue of [worker] is set to 0: the worker would do nothing")]
    NoSlots,
    /// A setting that only its user can check.
    #[error(transparent)]
    Setting(#[from] HostSettingError),
    /// The secret that seals cursors is none.
    #[error("the cursors cannot be sealed")]
    Cursors(#[from] web::CursorKeyError),
    /// A route does not declare what it needs.
    #[error("the routes cannot be served")]
    Routes(#[from] web::RouteError),
    /// The OpenAPI document cannot be written.
    #[error("the API cannot be described")]
    Description(#[from] serde_json::Error),
}

fn list(found: &[impl std::fmt::Display]) -> String {
    let some = found.iter().take(10).map(|one| format!("\n  {one}"));
    let rest = found.len().saturating_sub(10);
    let more = if rest > 0 {
        format!("\n  and {rest} more")
    } else {
        String::new()
    };
    some.collect::<String>() + &more
}

impl Components {
    /// Connects, refuses a database that does not fit, and composes the rest.
    ///
    /// # Errors
    /// [`StartError`]: the process must not serve.
    pub async fn connect(settings: &Settings, ambient: Ambient) -> Result<Self, StartError> {
        let Foundation {
            database,
            registry,
            platform,
            freshness,
            directory,
            watch,
            audit,
        } = Box::pin(Foundation::lay(settings, &ambient)).await?;
        let auth = Auth::start(
            auth_settings(&settings.auth),
            database.clone(),
            platform.clone(),
            ambient.clone(),
        )
        .await?;
        let cursor_key = auth::load_secret(&database, &platform, auth::CURSOR_KEY).await?;
        let rules = host_rules(settings)?;
        let administration = administration(settings, &database, &registry, &rules, &ambient);
        let health = Health::new(
            database.clone(),
            registry,
            freshness,
            settings.health.cache_ttl,
            settings.health.check_timeout,
        );
        // The first look is before the first request, while every connection is free.
        health.report().await;
        let document = openapi::document();
        let authorizer: Arc<dyn Authorizer> = Arc::new(RoleAuthorizer);
        let known = Arc::new(KnownTenants(Arc::clone(&directory)));
        let refusals = Refusals::new(audit.clone(), database.clone(), known);
        let mut metrics = metrics::of_parts(&database, &auth);
        let pipeline = Pipeline {
            routes: RouteTable::from_openapi(&document)?,
            tenants: Arc::new(Resolution::new(Arc::clone(&directory), rules)),
            authenticator: Arc::clone(&auth.authenticator) as _,
            authorizer: Arc::clone(&authorizer),
            refusals: Arc::new(refusals.clone()),
            edge: edge(settings),
            metrics: HttpMetrics::register(&mut metrics, RouteTable::actions(&document)?),
            ambient: ambient.clone(),
            request_timeout: settings.http.request_timeout,
            long_request_timeout: settings.imports.timeout,
        };
        Ok(Self {
            pipeline: Arc::new(pipeline),
            cursors: Cursors::new(&cursor_key)?,
            exports: Exports::new(settings.http.exports, settings.http.exports_per_tenant),
            health,
            description: Description::new(&document)?,
            passwords: Arc::new(HashedPasswords(Arc::clone(&auth.hasher))),
            enqueuer: Enqueuer::new(jobs::kinds(), ambient.clone()),
            files: Arc::new(PostgresFiles::new(ambient.clone())),
            feed: Feed::new(
                database.clone(),
                Arc::clone(&authorizer),
                employees::events::KINDS.iter().copied(),
            ),
            audit_exporter: AuditExporter::new(database.clone()),
            audit: AuditReader::new(
                database.clone(),
                audit.clone(),
                Arc::clone(&authorizer),
                opening,
            ),
            own_jobs: OwnJobs::new(
                database.clone(),
                Arc::new(PostgresFiles::new(ambient.clone())),
                jobs::SHOWN,
            ),
            all_jobs: AllJobs::new(Jobs::new(database.clone(), platform), jobs::SHOWN),
            employees: EmployeeService::new(
                database.clone(),
                ambient.clone(),
                Arc::clone(&authorizer),
                Postgres,
                audit,
            ),
            imports: ImportService::new(
                database.clone(),
                ambient,
                Postgres,
                settings.imports.limits(),
            ),
            authorizer,
            directory,
            administration,
            watch,
            refusals,
            auth,
            database,
            metrics,
        })
    }

    /// What is counted and measured, to show it with what else the process knows.
    pub fn take_metrics(&mut self) -> Metrics {
        std::mem::take(&mut self.metrics)
    }

    /// What counts refusals, to record the last of them in the end.
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// The pool, to close it in the end.
    pub fn database(&self) -> &Database {
        &self.database
    }
}

fn administration(
    settings: &Settings,
    database: &Database,
    registry: &Arc<Registry>,
    rules: &HostRules,
    ambient: &Ambient,
) -> Administration {
    Administration::new(
        database.clone(),
        Arc::clone(registry),
        Arc::new(PostgresTenants),
        rules.clone(),
        ambient.clone(),
        settings.tenancy.pool_capacity,
        settings.tenancy.default_placement.into(),
    )
}

impl std::fmt::Debug for Components {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Components")
    }
}

pub(crate) fn database_settings(settings: &settings::DatabaseSettings) -> DatabaseSettings {
    DatabaseSettings {
        url: settings.url.clone(),
        pool_size: settings.pool_size,
        max_connections_per_tenant: settings.max_connections_per_tenant,
        max_waiting_per_tenant: settings.max_waiting_per_tenant,
        acquire_timeout: settings.acquire_timeout,
        connect_timeout: settings.connect_timeout,
        statement_timeout: settings.statement_timeout,
        lock_timeout: settings.lock_timeout,
        idle_in_transaction_timeout: settings.idle_in_transaction_timeout,
        max_connection_lifetime: settings.max_connection_lifetime,
        max_schemas_per_connection: settings.max_schemas_per_connection,
        statement_cache_capacity: settings.statement_cache_capacity,
    }
}

/// Which fields of a record are shown to whom, among those who read records. No domain has bank accounts,
/// health or notes yet: whoever brings them says who may see them.
fn opening(group: AccessGroup) -> Opening {
    match group {
        AccessGroup::Identity | AccessGroup::Contact | AccessGroup::Personal => Opening::Everybody,
        AccessGroup::Compensation => {
            Opening::Holders(employees::permission::ReadCompensation::PERMISSION)
        }
        AccessGroup::Bank | AccessGroup::Medical | AccessGroup::Notes => Opening::Nobody,
    }
}

/// The settings as the domain has them.
pub(crate) fn argon2_settings(settings: &settings::Argon2Settings) -> Argon2Settings {
    Argon2Settings {
        memory_kib: settings.memory_kib,
        iterations: settings.iterations,
        parallelism: settings.parallelism,
        concurrency: settings.concurrency.get(),
        max_queue: settings.queue_limit,
        queue_timeout: settings.queue_timeout,
    }
}

fn auth_settings(settings: &settings::AuthSettings) -> AuthSettings {
    AuthSettings {
        issuer: settings.issuer.clone(),
        audience: settings.audience.clone(),
        access_token_ttl: settings.access_token_ttl,
        refresh_ttl: settings.refresh_ttl,
        session_ttl: settings.session_ttl,
        argon2: argon2_settings(&settings.argon2),
        principal_cache_ttl: settings.principal_cache.ttl,
        principal_cache_capacity: settings.principal_cache.capacity,
        token_cache_capacity: settings.token_cache_capacity,
    }
}

fn edge(settings: &Settings) -> Edge {
    let Settings { http, limits, .. } = settings;
    let origins = http.cors_origins.iter().map(|it| it.as_str().to_owned());
    Edge {
        proxies: TrustedProxies::new(http.trusted_proxies.clone()),
        limits: limits.enabled.then(|| Limits::new(&limit_settings(limits))),
        cors: Cors::new(origins.collect()),
        body_timeout: http.body_timeout,
    }
}

fn limit_settings(settings: &settings::LimitSettings) -> web::LimitSettings {
    // The settings' ranges begin at one.
    let rate = |per_second, burst| Rate {
        per_second: NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN),
        burst: NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN),
    };
    web::LimitSettings {
        address: rate(settings.address_rate, settings.address_burst),
        user: rate(settings.user_rate, settings.user_burst),
        tenant: rate(settings.tenant_rate, settings.tenant_burst),
        capacity: settings.capacity,
    }
}

/// A configured host that no request can name.
#[derive(Debug, thiserror::Error)]
#[error("the setting {setting} is not valid")]
pub struct HostSettingError {
    /// Section and key.
    setting: &'static str,
    source: tenancy::HostNameError,
}

/// Which hosts mean what, as configured.
pub(crate) fn host_rules(settings: &Settings) -> Result<HostRules, HostSettingError> {
    let names = |setting: &'static str, hosts: &[url::Host]| {
        let names = hosts.iter().map(|host| host.to_string().parse());
        let names: Result<Vec<_>, _> = names.collect();
        names.map_err(|source| HostSettingError { setting, source })
    };
    Ok(HostRules::new(
        names("http.base_domains", &settings.http.base_domains)?,
        names("http.neutral_hosts", &settings.http.neutral_hosts)?,
    ))
}
