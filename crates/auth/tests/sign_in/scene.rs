//! Four tenants, and Jane in each of them.

use std::{sync::Arc, time::Duration};
use telemetry::Origin;

use auth::{Argon2Settings, Auth, AuthError, AuthSettings, NewUser, Password, SignedIn};
use database::{Database, DatabaseSettings, Login, PlatformContext, TenantContext};
use kernel::{Ambient, FixedClock, SystemEntropy};
use secrecy::{ExposeSecret as _, SecretString};
use testkit::{DedicatedAndPooled, TestDatabase};
use time::macros::datetime;

pub(crate) const JANE: &str = "Jane.Doe@example.com";

/// What the operator's command line works with.
pub(crate) struct Operator {
    pub(crate) database: Database,
    pub(crate) platform: PlatformContext,
}

impl Operator {
    pub(crate) async fn of(test: &TestDatabase) -> Self {
        let settings = DatabaseSettings::new(SecretString::from(test.migrator_url()));
        let (database, authority) = Database::connect(settings, Login::Operator).await.unwrap();
        Self {
            database: database.recorded_by(std::sync::Arc::new(testkit::audit_log())),
            platform: authority.platform(),
        }
    }
}

pub(crate) struct Scene {
    pub(crate) test: TestDatabase,
    pub(crate) on: DedicatedAndPooled,
    pub(crate) clock: FixedClock,
    pub(crate) ambient: Ambient,
    pub(crate) auth: Auth,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(settings()).await
    }

    pub(crate) async fn with(settings: AuthSettings) -> Self {
        let clock = FixedClock::at(datetime!(2026-11-23 09:00 UTC));
        let ambient = Ambient::new(Arc::new(clock.clone()), Arc::new(SystemEntropy));
        let test = TestDatabase::create().await;
        let operator = Operator::of(&test).await;
        auth::ensure_signing_key(&operator.database, &operator.platform, &ambient)
            .await
            .unwrap();
        let on = test.tenants().await;
        let (database, platform) = (on.database.clone(), on.platform.clone());
        let auth = Auth::start(settings, database, platform, ambient.clone())
            .await
            .unwrap();
        let scene = Self {
            test,
            on,
            clock,
            ambient,
            auth,
        };
        for tenant in scene.tenants() {
            scene.hire_jane(tenant).await;
        }
        scene
    }

    /// Another process of the platform.
    pub(crate) async fn another_process(&self, settings: AuthSettings) -> Auth {
        let (database, platform) = (self.on.database.clone(), self.on.platform.clone());
        Auth::start(settings, database, platform, self.ambient.clone())
            .await
            .unwrap()
    }

    pub(crate) fn tenants(&self) -> [&TenantContext; 4] {
        let on = &self.on;
        [&on.acme, &on.globex, &on.initech, &on.umbrella]
    }

    async fn hire_jane(&self, tenant: &TenantContext) {
        let jane = NewUser {
            email: JANE.parse().unwrap(),
            display_name: "Jane Doe".parse().unwrap(),
            roles: vec![access::Role::HrManager, access::Role::Employee],
            employee_id: None,
        };
        let password = password_in(tenant);
        assert!(
            self.auth
                .users
                .create(tenant, &jane, &password)
                .await
                .unwrap()
        );
    }

    pub(crate) async fn login(
        &self,
        tenant: &TenantContext,
        password: &Password,
    ) -> Result<SignedIn, AuthError> {
        self.auth
            .sessions
            .login(tenant, &Origin::default(), JANE, password)
            .await
    }

    /// Jane signs in.
    pub(crate) async fn jane(&self, tenant: &TenantContext) -> SignedIn {
        self.login(tenant, &password_in(tenant)).await.unwrap()
    }

    pub(crate) async fn refresh(
        &self,
        tenant: &TenantContext,
        before: &SignedIn,
    ) -> Result<SignedIn, AuthError> {
        let token = before.refresh_token.expose();
        self.auth
            .sessions
            .refresh(tenant, &Origin::default(), &token)
            .await
    }

    /// Who a signed-in person's access token belongs to.
    pub(crate) async fn actor(
        &self,
        tenant: &TenantContext,
        signed_in: &SignedIn,
    ) -> Result<kernel::Actor, AuthError> {
        let token = access_token(signed_in);
        self.auth.authenticator.actor(tenant, token).await
    }

    /// Changes a tenant's tables behind everybody's back.
    pub(crate) async fn change(&self, tenant: &TenantContext, sql: &'static str) {
        let tx = self.on.database.begin_tenant(tenant).await.unwrap();
        tx.run(sql, []).await.unwrap();
        tx.commit().await.unwrap();
    }
}

pub(crate) fn access_token(signed_in: &SignedIn) -> &str {
    signed_in.access_token.token.expose_secret()
}

/// Jane has another password in each tenant.
pub(crate) fn password_in(tenant: &TenantContext) -> Password {
    Password::choose(&format!("the password of jane in {}", tenant.slug())).unwrap()
}

/// Everything as in production, except that a hash is cheap and what is remembered is forgotten at
/// once.
pub(crate) fn settings() -> AuthSettings {
    AuthSettings {
        argon2: Argon2Settings {
            memory_kib: 64,
            iterations: 1,
            ..Argon2Settings::default()
        },
        principal_cache_ttl: Duration::from_nanos(1),
        ..AuthSettings::default()
    }
}

/// As [`settings`], except that what is remembered is remembered for long.
pub(crate) fn with_a_long_memory() -> AuthSettings {
    AuthSettings {
        principal_cache_ttl: Duration::from_hours(1),
        ..settings()
    }
}
