//! A small pool of our own.
//!
//! A library's pool takes a connection back whenever its guard is dropped, also in the middle of
//! somebody's transaction. Here a connection goes back only after its `COMMIT` or `ROLLBACK`
//! succeeded; in every other case it is closed, and PostgreSQL rolls back.
//!
//! It is shared fairly: a tenant holds a part of it at most, those who wait are served in turn,
//! tenant by tenant, and only so many wait for one tenant.

use std::{
    collections::HashSet,
    fmt::{self, Write as _},
    str::FromStr as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::ThreadId,
    time::{Duration, Instant},
};

use kernel::{FairPermit, FairRefusal, FairSemaphore};
use secrecy::ExposeSecret as _;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};

use crate::{
    AuditSink, DatabaseSettings, Installation, Login, RegistryAuthority, StoreError,
    audit::Recorder,
    connection::Connection,
    context::{Holder, Opening, PlatformContext, TenantContext},
    lease::Lease,
    listener::Listener,
    scope::{Mode, Platform, Read, Scope, Tenant, Write},
    tx::Tx,
};

/// The way to PostgreSQL. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pool: Arc<Pool>,
    leaves: Arc<Pool>,
    /// Those beside it, to close them too.
    beside: Arc<Mutex<Vec<Arc<Pool>>>>,
    sink: Option<Arc<dyn AuditSink>>,
}

/// What a transaction is opened with beside its scope, in the same round trip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// For how long it may stand idle, in place of `database.idle_in_transaction_timeout`: while
    /// somebody outside is asked.
    pub may_idle: Option<Duration>,
    /// Whether its commit is not waited for until it is safe on disk: after a crash of the server it
    /// may never have been, unless something that was committed after it is.
    pub may_be_forgotten: bool,
}

impl Terms {
    fn add_to(self, batch: &Arc<str>) -> Arc<str> {
        let mut batch = batch.to_string();
        if let Some(idle) = self.may_idle {
            // Writing to a string can't fail.
            let _ = write!(
                batch,
                "; SET LOCAL idle_in_transaction_session_timeout = {}",
                idle.as_millis()
            );
        }
        if self.may_be_forgotten {
            batch.push_str("; SET LOCAL synchronous_commit TO off");
        }
        batch.into()
    }
}

/// How many leaves may be open at a time, each for a few round trips, and how many of one tenant:
/// while one ends, the next one begins. adr/0007 has what they were measured at.
const LEAVES: u32 = 3;
const LEAVES_OF_ONE: u32 = 2;

/// How busy the pool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolStatus {
    /// Connections that may exist.
    pub size: u32,
    /// Connections that a transaction holds right now.
    pub in_use: u32,
    /// Open connections that wait for work.
    pub idle: u32,
    /// Transactions that wait for a connection.
    pub waiting: u32,
}

impl Database {
    /// Connects, checks that the login may be what it is, and returns the one authority that can
    /// open transactions.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and [`StoreError::Timeout`] when PostgreSQL does not answer;
    /// [`StoreError::UnsafeLogin`], [`StoreError::ForeignLogin`], [`StoreError::NotInstalled`] when
    /// the login or the database is the wrong one.
    pub async fn connect(
        settings: DatabaseSettings,
        login: Login,
    ) -> Result<(Self, RegistryAuthority), StoreError> {
        let statement_timeout = settings.statement_timeout;
        let leaves = Arc::new(Pool::new(DatabaseSettings {
            pool_size: LEAVES,
            max_connections_per_tenant: Some(LEAVES_OF_ONE),
            ..settings.clone()
        })?);
        let pool = Arc::new(Pool::new(settings)?);
        let mut first = pool.open().await?;
        let discovery = Installation::discover(&mut first.connection, login);
        let installation = tokio::time::timeout(pool.settings.connect_timeout, discovery)
            .await
            .map_err(|_elapsed| StoreError::Timeout("connecting"))??;
        pool.put_back(first);
        Ok((
            Self {
                pool,
                leaves,
                beside: Arc::default(),
                sink: None,
            },
            RegistryAuthority::new(installation, statement_timeout),
        ))
    }

    /// The same database, with somebody who writes what is recorded in its transactions. Whoever
    /// composes a process does so once, before anybody else has it.
    #[must_use]
    pub fn recorded_by(self, sink: Arc<dyn AuditSink>) -> Self {
        Self {
            sink: Some(sink),
            ..self
        }
    }

    /// Opens a transaction that reads and writes in a tenant.
    ///
    /// # Errors
    /// [`StoreError::PoolTimeout`], [`StoreError::Unavailable`], [`StoreError::Timeout`];
    /// [`StoreError::TenantBusy`] at once when too many wait for this tenant already.
    pub async fn begin_tenant(
        &self,
        tenant: &TenantContext,
    ) -> Result<Tx<Tenant, Write>, StoreError> {
        self.begin(tenant).await
    }

    /// Opens a short transaction of its own beside one that the caller holds already: for what has
    /// an effect whatever becomes of that one, such as a number that is drawn.
    ///
    /// A leaf has a few connections of its own, shared fairly like those of the pool, so whoever
    /// waits for it while he holds a connection waits for leaves alone. For that to have an end, a
    /// leaf waits for nothing but PostgreSQL: it opens no transaction, and touches no row that a
    /// transaction may hold which opens a leaf. Its commit is not waited for until it is safe on
    /// disk: after a crash of the server a leaf may never have been, unless something that was
    /// committed after it is.
    ///
    /// # Errors
    /// As [`Self::begin_tenant`].
    pub async fn begin_leaf(
        &self,
        tenant: &TenantContext,
    ) -> Result<Tx<Tenant, Write>, StoreError> {
        self.open(&self.leaves, tenant, tenant.begin().leaf()).await
    }

    /// Opens a transaction that reads and writes in a tenant, on terms of its own.
    ///
    /// # Errors
    /// As [`Self::begin_tenant`].
    pub async fn begin_tenant_on(
        &self,
        tenant: &TenantContext,
        terms: Terms,
    ) -> Result<Tx<Tenant, Write>, StoreError> {
        let batch = terms.add_to(tenant.begin().batch::<Write>());
        self.open(&self.pool, tenant, &batch).await
    }

    /// Opens a transaction that reads and writes in the platform's schema, on terms of its own.
    ///
    /// # Errors
    /// As [`Self::begin_tenant`].
    pub async fn begin_platform_on(
        &self,
        platform: &PlatformContext,
        terms: Terms,
    ) -> Result<Tx<Platform, Write>, StoreError> {
        let batch = terms.add_to(platform.begin().batch::<Write>());
        self.open(&self.pool, platform, &batch).await
    }

    /// Opens a transaction that reads in a tenant.
    ///
    /// # Errors
    /// As [`Self::begin_tenant`].
    pub async fn begin_tenant_read(
        &self,
        tenant: &TenantContext,
    ) -> Result<Tx<Tenant, Read>, StoreError> {
        self.begin(tenant).await
    }

    /// Opens a transaction that reads and writes in the platform's schema.
    ///
    /// # Errors
    /// As [`Self::begin_tenant`].
    pub async fn begin_platform(
        &self,
        platform: &PlatformContext,
    ) -> Result<Tx<Platform, Write>, StoreError> {
        self.begin(platform).await
    }

    /// Opens a transaction that reads in the platform's schema.
    ///
    /// # Errors
    /// As [`Self::begin_tenant`].
    pub async fn begin_platform_read(
        &self,
        platform: &PlatformContext,
    ) -> Result<Tx<Platform, Read>, StoreError> {
        self.begin(platform).await
    }

    /// The same database through a single connection beside the pool, of the caller's own and
    /// opened when it is first needed: however busy the pool may be, he reaches PostgreSQL.
    #[must_use]
    pub fn aside(&self) -> Self {
        let settings = DatabaseSettings {
            pool_size: 1,
            ..self.pool.settings.clone()
        };
        let pool = Arc::new(Pool::with(settings, self.pool.options.clone()));
        self.beside().push(Arc::clone(&pool));
        Self {
            leaves: Arc::clone(&pool),
            pool,
            beside: Arc::clone(&self.beside),
            sink: self.sink.clone(),
        }
    }

    /// A connection that waits to be told something on a channel.
    pub(crate) async fn listen(&self, channel: &'static str) -> Result<Listener, StoreError> {
        let patience = self.pool.settings.connect_timeout;
        Listener::connect(self.pool.options.clone(), channel, patience).await
    }

    fn beside(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Pool>>> {
        self.beside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How busy the pool is.
    pub fn status(&self) -> PoolStatus {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let available = count(self.pool.permits.available());
        PoolStatus {
            size: self.pool.settings.pool_size,
            in_use: self.pool.settings.pool_size.saturating_sub(available),
            idle: count(self.pool.idle().len()),
            waiting: count(self.pool.permits.waiting()),
        }
    }

    /// Closes the idle connections; those in use are closed when they come back.
    pub async fn close(&self) {
        let beside = std::mem::take(&mut *self.beside());
        for pool in beside.iter().chain([&self.leaves, &self.pool]) {
            pool.permits.close();
            let idle = std::mem::take(&mut *pool.idle());
            for pooled in idle {
                // A courtesy to the server; the socket closes either way.
                let closing = pooled.connection.close();
                let _ = tokio::time::timeout(Duration::from_secs(1), closing).await;
            }
        }
    }

    async fn begin<S: Scope, M: Mode>(&self, context: &S::Context) -> Result<Tx<S, M>, StoreError>
    where
        S::Context: Opening,
    {
        let batch = context.begin().batch::<M>();
        self.open(&self.pool, context, batch).await
    }

    async fn open<S: Scope, M: Mode>(
        &self,
        pool: &Arc<Pool>,
        context: &S::Context,
        batch: &Arc<str>,
    ) -> Result<Tx<S, M>, StoreError>
    where
        S::Context: Opening,
    {
        let waiting = pool.acquire(context.holder());
        let permit = tokio::time::timeout(pool.settings.acquire_timeout, waiting)
            .await
            .map_err(|_elapsed| StoreError::PoolTimeout)??;
        let begin = context.begin();
        let lease = Lease::open(pool, permit, &begin.schema, batch).await?;
        let timeout = pool.settings.round_trip_timeout();
        let connection = Connection::new::<M>(lease, Arc::clone(&begin.tag), timeout);
        let recorder = Recorder::new(self.sink.clone());
        Ok(Tx::new(connection, context.clone(), recorder))
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({:?})", self.status())
    }
}

/// An open connection that no transaction holds.
pub(crate) struct Pooled {
    pub(crate) connection: PgConnection,
    opened: Instant,
    /// Whose reactor watches the socket: taken by its own thread, it needs no wake-up across.
    home: ThreadId,
    /// The schemas it has met: each costs the backend memory that it keeps.
    pub(crate) schemas: HashSet<Arc<str>>,
    /// Of which generation its plans may be; see [`Pool::outdate`].
    generation: u64,
}

/// The connections and the permits to hold one.
pub(crate) struct Pool {
    pub(crate) settings: DatabaseSettings,
    options: PgConnectOptions,
    permits: Arc<FairSemaphore<Holder>>,
    idle: Mutex<Vec<Pooled>>,
    generation: AtomicU64,
}

impl Pool {
    fn new(settings: DatabaseSettings) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(settings.url.expose_secret())
            .map_err(|_secret| StoreError::Url)?
            .application_name("hrms")
            .statement_cache_capacity(settings.statement_cache_capacity)
            .options([
                ("search_path", String::new()),
                ("lock_timeout", settings.lock_timeout.as_millis().to_string()),
                (
                    "idle_in_transaction_session_timeout",
                    settings.idle_in_transaction_timeout.as_millis().to_string(),
                ),
                // A query whose client is gone is ended by the server.
                ("client_connection_check_interval", "1000".to_owned()),
                ("tcp_keepalives_idle", "30".to_owned()),
                ("tcp_keepalives_interval", "10".to_owned()),
                ("tcp_keepalives_count", "3".to_owned()),
            ])
            // SQL text may hold personal data; the caller logs its own failures.
            .disable_statement_logging();
        Ok(Self::with(settings, options))
    }

    fn with(settings: DatabaseSettings, options: PgConnectOptions) -> Self {
        let limits = settings.limits();
        Self {
            permits: FairSemaphore::new(limits),
            idle: Mutex::new(Vec::with_capacity(limits.permits)),
            generation: AtomicU64::new(0),
            options,
            settings,
        }
    }

    async fn acquire(&self, holder: Holder) -> Result<FairPermit<Holder>, StoreError> {
        self.permits
            .acquire(holder)
            .await
            .map_err(|refusal| match refusal {
                FairRefusal::Full => StoreError::TenantBusy,
                FairRefusal::Closed => StoreError::PoolTimeout,
            })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Pooled>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The most recently used connection, of this thread if there is one.
    pub(crate) fn take_idle(&self) -> Option<Pooled> {
        let home = std::thread::current().id();
        let mut idle = self.idle();
        match idle.iter().rposition(|pooled| pooled.home == home) {
            Some(own) => Some(idle.swap_remove(own)),
            None => idle.pop(),
        }
    }

    pub(crate) async fn open(&self) -> Result<Pooled, StoreError> {
        let generation = self.generation.load(Ordering::Acquire);
        let connecting = self.options.connect();
        let connection = tokio::time::timeout(self.settings.connect_timeout, connecting)
            .await
            .map_err(|_elapsed| StoreError::Timeout("connecting"))?
            .map_err(StoreError::Unavailable)?;
        Ok(Pooled {
            connection,
            opened: Instant::now(),
            home: std::thread::current().id(),
            schemas: HashSet::new(),
            generation,
        })
    }

    /// Takes a connection back that is outside any transaction, unless it has served enough.
    pub(crate) fn put_back(&self, pooled: Pooled) {
        let mut idle = self.idle();
        let worn = pooled.opened.elapsed() >= self.settings.max_connection_lifetime
            || pooled.schemas.len() >= self.settings.max_schemas_per_connection
            || pooled.generation < self.generation.load(Ordering::Acquire)
            || self.permits.is_closed();
        if !worn {
            idle.push(pooled);
        }
    }

    /// A migration changed what a prepared statement answers. Who else prepared it does not know
    /// yet: every connection that is open now is closed instead of used again.
    pub(crate) fn outdate(&self) {
        let mut idle = self.idle();
        self.generation.fetch_add(1, Ordering::AcqRel);
        idle.clear();
    }
}

impl DatabaseSettings {
    /// The client's patience: longer than the server's, so that the server's answer arrives.
    pub(crate) fn round_trip_timeout(&self) -> Duration {
        self.statement_timeout + Duration::from_secs(5)
    }
}

#[cfg(test)]
mod cut_off;
