//! A database of a test's own.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use audit::{AuditKeys, AuditLog};
use database::{
    Database, DatabaseSettings, Login, PlatformContext, RegistryAuthority, TenantContext,
};
use kernel::Ambient;
use secrecy::SecretString;
use sqlx::PgConnection;

use crate::{
    server::{Server, detached, run},
    template::{ACME, Fixture, GLOBEX, INITECH, PASSWORD, UMBRELLA, installation, template},
};

/// A clone of the template, dropped with the value.
#[derive(Debug)]
pub struct TestDatabase {
    server: Server,
    name: String,
}

impl TestDatabase {
    /// Clones the template with the tenants.
    ///
    /// # Panics
    /// When the server does not answer: the test cannot run.
    #[expect(
        clippy::expect_used,
        reason = "the test cannot run without its database"
    )]
    pub async fn create() -> Self {
        let server = Server::of_environment();
        let template = template(&server)
            .await
            .expect("the template database is built");
        Self::clone_of(server, &template).await
    }

    /// Clones a template that has more in it: `add` is given the database's name.
    #[cfg(feature = "api")]
    #[expect(
        clippy::expect_used,
        reason = "the test cannot run without its database"
    )]
    pub(crate) async fn create_from(
        purpose: &str,
        add: impl AsyncFnOnce(&Server, &str) -> Result<(), crate::template::Failure>,
    ) -> Self {
        let server = Server::of_environment();
        let template =
            crate::template::derived(&server, purpose, async |name| add(&server, name).await)
                .await
                .expect("the template database is built");
        Self::clone_of(server, &template).await
    }

    #[expect(
        clippy::expect_used,
        reason = "the test cannot run without its database"
    )]
    async fn clone_of(server: Server, template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("hrms_test_{}_{number}", std::process::id());
        let mut maintenance = server.maintenance().await.expect("the test server answers");
        // A test with this process id that was killed may have left one behind.
        run(
            &mut maintenance,
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        )
        .await
        .expect("an old clone is dropped");
        run(
            &mut maintenance,
            format!("CREATE DATABASE {name} TEMPLATE {template}"),
        )
        .await
        .expect("the template is cloned");
        let clone = Self { server, name };
        let mut superuser = clone.superuser().await;
        migration::install::grant_database(&mut superuser)
            .await
            .expect("the clone is granted");
        clone
    }

    /// The server it is on.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its URL for the application's login.
    pub fn app_url(&self) -> String {
        self.server.url(&self.role("app"), PASSWORD, &self.name)
    }

    /// Its URL for the superuser: what an operator works with.
    pub fn superuser_url(&self) -> String {
        self.server.superuser_url(&self.name)
    }

    /// Its URL for the migrator's login.
    pub fn migrator_url(&self) -> String {
        self.server
            .url(&self.role("migrator"), PASSWORD, &self.name)
    }

    /// The full name of a role of this installation: `app`, `owner`, `t_acme`.
    pub fn role(&self, name: &str) -> String {
        format!("hrms_{}_{name}", installation())
    }

    /// A superuser's connection, to arrange and to look behind the walls.
    ///
    /// # Panics
    /// When the server does not answer.
    #[expect(
        clippy::expect_used,
        reason = "the test cannot run without its database"
    )]
    pub async fn superuser(&self) -> PgConnection {
        self.server
            .connect(&self.name)
            .await
            .expect("the test server answers")
    }

    /// Settings of a small pool of the application's login.
    pub fn settings(&self) -> DatabaseSettings {
        DatabaseSettings {
            pool_size: 4,
            ..DatabaseSettings::new(SecretString::from(self.app_url()))
        }
    }

    /// Connects as the application does, with these settings.
    ///
    /// # Panics
    /// When the server does not answer.
    #[expect(
        clippy::expect_used,
        reason = "the test cannot run without its database"
    )]
    pub async fn connect(&self, settings: DatabaseSettings) -> (Database, RegistryAuthority) {
        let (database, authority) = Database::connect(settings, Login::Application)
            .await
            .expect("the application connects");
        (database.recorded_by(Arc::new(audit_log())), authority)
    }

    /// Connects as the application does and opens the door to every fixture.
    pub async fn tenants(&self) -> DedicatedAndPooled {
        let (database, authority) = self.connect(self.settings()).await;
        let open = |fixture: Fixture| authority.tenant(fixture.record());
        DedicatedAndPooled {
            acme: open(ACME),
            globex: open(GLOBEX),
            initech: open(INITECH),
            umbrella: open(UMBRELLA),
            platform: authority.platform(),
            database,
        }
    }
}

/// The key of the audit, in every test.
pub const AUDIT_KEY: &str = "dGhlIGtleSBvZiB0aGUgYXVkaXQgaW4gZXZlcnkgdGU=";

/// What records in tests.
///
/// # Panics
/// Never: the key is one.
#[expect(clippy::expect_used, reason = "a constant")]
pub fn audit_log() -> AuditLog {
    let keys = AuditKeys::read(&AUDIT_KEY.into()).expect("the key is one");
    AuditLog::new(keys, Ambient::system())
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        detached(async move {
            let mut maintenance = server.maintenance().await?;
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            run(&mut maintenance, drop).await
        });
    }
}

/// The doors to two dedicated tenants and two neighbours in a pool.
#[derive(Debug)]
pub struct DedicatedAndPooled {
    /// The application's pool.
    pub database: Database,
    /// Dedicated.
    pub acme: TenantContext,
    /// Dedicated.
    pub globex: TenantContext,
    /// Pooled.
    pub initech: TenantContext,
    /// Pooled, in the same schema.
    pub umbrella: TenantContext,
    /// The platform's own schema.
    pub platform: PlatformContext,
}
