//! A new tenant: all of it, once, or nothing.

use std::sync::Arc;

use app::operate::{Phase, Placement};
use async_trait::async_trait;
use database::{Database, DatabaseSettings, Login, TenantContext};
use futures_util::future::join_all;
use kernel::{Ambient, SchemaName, TenantId};
use migration::Migrator;
use tenancy::{
    FirstAdministrator, NewTenant, PortError, PostgresTenants, Provisioning, Registry,
    SchemaProvisioner, TenancyError,
};
use testkit::{Api, TestDatabase};

use crate::platform::{Platform, ask, change, outcome, tenant};

/// The password of a new tenant's administrator signs him in, and he may do what he is for.
async fn is_whole(api: &Api<Platform>, slug: &str) {
    let password = api
        .database()
        .secret(&format!("{slug}-administrator-password"));
    let email = format!("boss@{slug}.example");
    let login = api.log_in(slug, &email, &password).await;
    assert_eq!(login.status, 200, "{}", login.text);
    assert_eq!(login.body["tenant"]["slug"], slug, "{}", login.text);
    let session = testkit::Session {
        tenant: slug.to_owned(),
        login: login.body,
    };
    let people = api.get(&session, "/api/v1/employees?count=exact").await;
    assert_eq!(people.status, 200, "{}", people.text);
    assert_eq!(people.body["page"]["total"], 0, "{}", people.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_who_want_one_slug_one_gets_a_whole_tenant() {
    let platform = Platform::ready().await;
    let operator = platform.operator(&[]);
    let wanted = (0..50).map(|_| operator.create_tenant(tenant("alpha", Placement::Dedicated)));
    let results = join_all(wanted).await;
    let counted = |code: &str| results.iter().filter(|it| outcome(it) == code).count();
    assert_eq!((counted("alpha"), counted("slug_taken")), (1, 49));

    let migrations = "SELECT count(*) FROM platform.schema_migrations WHERE schema_name = ";
    assert_eq!(
        platform.ask(&format!("{migrations} 't_alpha'")).await,
        platform.ask(&format!("{migrations} 'public'")).await,
        "the schema has every migration"
    );
    let roles = "SELECT count(*) FROM pg_roles \
                 WHERE rolname = platform.schema_role('t_alpha')::text";
    assert_eq!(platform.ask(roles).await, "1");
    let users = "SELECT count(*) FROM t_alpha.users";
    assert_eq!(platform.ask(users).await, "1");
    assert!(operator.diagnose(Phase::Running).await.unwrap().ok);

    let api = Api::over(platform, |_settings| {}).await;
    is_whole(&api, "alpha").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dedicated_and_pooled_tenants_are_entered_alike() {
    let platform = Platform::ready().await;
    let operator = platform.operator(&[]);
    for (slug, placement, schema) in [
        ("own-house", Placement::Dedicated, "t_own_house"),
        ("flat-one", Placement::Pooled, "pool_0001"),
        ("flat-two", Placement::Pooled, "pool_0001"),
    ] {
        let created = operator.create_tenant(tenant(slug, placement)).await;
        assert_eq!(created.unwrap().schema, schema);
    }
    let api = Api::over(platform, |_settings| {}).await;
    for slug in ["own-house", "flat-one", "flat-two"] {
        is_whole(&api, slug).await;
    }
    // A neighbour's administrator is nobody here.
    let password = api.database().secret("flat-one-administrator-password");
    let login = api.log_in("flat-two", "boss@flat-one.example", &password);
    let login = login.await;
    assert_eq!(
        (login.status, login.error()),
        (401, Some("invalid_credentials"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_at_once_never_overfill_a_pool() {
    let platform = Platform::ready().await;
    let operator = platform.operator(&[("HRMS_TENANCY__POOL_CAPACITY", "3")]);
    let slugs: Vec<String> = (1..=20).map(|number| format!("small-{number}")).collect();
    let wanted = slugs
        .iter()
        .map(|slug| operator.create_tenant(tenant(slug, Placement::Pooled)));
    for (result, slug) in join_all(wanted).await.iter().zip(&slugs) {
        assert_eq!(outcome(result), slug, "{result:?}");
    }
    let pools = "SELECT json_agg(json_build_array(counted, registered) ORDER BY schema_name) FROM ( \
                 SELECT schema_name, tenant_count AS counted, (SELECT count(*) FROM platform.tenants \
                 WHERE tenants.schema_name = pools.schema_name) AS registered FROM platform.pools \
                 ) AS pools";
    assert_eq!(
        platform.ask(pools).await,
        "[[3, 3], [3, 3], [3, 3], [3, 3], [3, 3], [3, 3], [2, 2]]"
    );
    assert!(operator.diagnose(Phase::Running).await.unwrap().ok);
}

/// Makes schemas, or makes them and then says that it failed.
struct Schemas {
    migrator: Migrator,
    fails: bool,
}

#[async_trait]
impl SchemaProvisioner for Schemas {
    async fn provision(&self, schema: &SchemaName) -> Result<(), PortError> {
        self.migrator.migrate_schema(schema.as_str()).await?;
        if self.fails {
            return Err("the disk is full".into());
        }
        Ok(())
    }

    async fn discard(&self, schema: &SchemaName, tenant: TenantId) -> Result<(), PortError> {
        self.migrator
            .drop_unfinished(schema.as_str(), tenant.uuid())
            .await?;
        Ok(())
    }
}

/// Appoints nobody, or fails at that.
struct Nobody {
    fails: bool,
}

#[async_trait]
impl FirstAdministrator for Nobody {
    async fn appoint(&self, _tenant: &TenantContext) -> Result<(), PortError> {
        if self.fails {
            return Err("there is no entropy left".into());
        }
        Ok(())
    }
}

async fn provisioning(clone: &TestDatabase, fails: bool) -> Provisioning {
    let settings = DatabaseSettings::new(clone.superuser_url().into());
    let (database, authority) = Database::connect(settings, Login::Operator).await.unwrap();
    let database = database.recorded_by(Arc::new(testkit::audit_log()));
    let migrator = Migrator::connect(clone.server().options(clone.name()), 2).await;
    let migrator = migrator.unwrap();
    let registry = Registry::new(database.clone(), authority, Arc::new(PostgresTenants));
    Provisioning::new(
        database,
        Arc::new(registry),
        Arc::new(PostgresTenants),
        Arc::new(Schemas { migrator, fails }),
        Ambient::system(),
        1_000,
    )
}

fn new_tenant(slug: &str, placement: Placement) -> NewTenant {
    NewTenant {
        slug: slug.parse().unwrap(),
        name: slug.parse().unwrap(),
        placement,
        locale: "en".parse().unwrap(),
        time_zone: kernel::TimeZone::utc(),
    }
}

/// Everything that creating a tenant touches.
const REGISTRY: &str = "SELECT json_build_object( \
     'tenants', (SELECT json_agg(slug ORDER BY slug) FROM platform.tenants), \
     'pools', (SELECT json_agg(json_build_array(schema_name, tenant_count)) FROM platform.pools), \
     'migrated', (SELECT count(*) FROM platform.schema_migrations), \
     'schemas', (SELECT json_agg(nspname ORDER BY nspname) FROM pg_namespace \
                 WHERE nspname ~ '^(t_|pool_)'), \
     'roles', (SELECT count(*) FROM pg_roles WHERE rolname ~ '_t_unlucky$'))";

#[tokio::test]
async fn a_tenant_whose_schema_or_administrator_fails_leaves_nothing() {
    let clone = TestDatabase::create().await;
    let mut superuser = clone.superuser().await;
    let before = ask(&mut superuser, REGISTRY).await;
    for placement in [Placement::Dedicated, Placement::Pooled] {
        let new = new_tenant("unlucky", placement);
        let schemas_fail = provisioning(&clone, true).await;
        let failed = schemas_fail.create(&new, &Nobody { fails: false }).await;
        assert!(matches!(failed, Err(TenancyError::Schema(_))), "{failed:?}");
        assert_eq!(ask(&mut superuser, REGISTRY).await, before);

        let provisioning = provisioning(&clone, false).await;
        let failed = provisioning.create(&new, &Nobody { fails: true }).await;
        assert!(
            matches!(failed, Err(TenancyError::Administrator(_))),
            "{failed:?}"
        );
        assert_eq!(ask(&mut superuser, REGISTRY).await, before);
    }
}

/// Loses the connection that holds the slug's lock, and then something else happens.
struct Overtaken<'a> {
    clone: &'a TestDatabase,
    meanwhile: Meanwhile<'a>,
}

enum Meanwhile<'a> {
    /// Another process takes the creation up and completes it; then this one fails.
    Completed(&'a NewTenant),
    /// Another process undoes the creation; this one believes that all is well.
    Undone,
}

/// Ends whoever holds an advisory lock in the database, and waits for its end.
const LOSE_THE_LOCK: &str = "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_locks \
     WHERE locktype = 'advisory' AND granted AND database = \
         (SELECT oid FROM pg_database WHERE datname = current_database())";

#[async_trait]
impl FirstAdministrator for Overtaken<'_> {
    async fn appoint(&self, tenant: &TenantContext) -> Result<(), PortError> {
        let mut superuser = self.clone.superuser().await;
        match self.meanwhile {
            Meanwhile::Completed(new) => {
                assert_eq!(ask(&mut superuser, LOSE_THE_LOCK).await, "1");
                let other = provisioning(self.clone, false).await;
                let completed = other.create(new, &Nobody { fails: false }).await;
                assert_eq!(completed?.tenant.id, tenant.id());
                Err("the other one was faster".into())
            }
            Meanwhile::Undone => {
                let delete = format!("DELETE FROM platform.tenants WHERE id = '{}'", tenant.id());
                change(&mut superuser, &delete).await;
                Ok(())
            }
        }
    }
}

#[tokio::test]
async fn a_creation_that_fails_undoes_nothing_of_a_tenant_that_another_process_completed() {
    let clone = TestDatabase::create().await;
    let mut superuser = clone.superuser().await;
    for placement in [Placement::Dedicated, Placement::Pooled] {
        let new = new_tenant(placement.as_str(), placement);
        let overtaken = Overtaken {
            clone: &clone,
            meanwhile: Meanwhile::Completed(&new),
        };
        let one = provisioning(&clone, false).await;
        let failed = one.create(&new, &overtaken).await;
        assert!(
            matches!(failed, Err(TenancyError::Administrator(_))),
            "{failed:?}"
        );
        let status = format!(
            "SELECT status FROM platform.tenants WHERE slug = '{}'",
            new.slug
        );
        assert_eq!(ask(&mut superuser, &status).await, "active");
        let migrator = Migrator::connect(clone.server().options(clone.name()), 1).await;
        assert_eq!(migrator.unwrap().misfits().await.unwrap(), []);
    }
    let tables = "SELECT to_regclass('t_dedicated.employees') IS NOT NULL";
    assert_eq!(ask(&mut superuser, tables).await, "true");
    let counted = "SELECT tenant_count FROM platform.pools";
    assert_eq!(ask(&mut superuser, counted).await, "3");
}

#[tokio::test]
async fn a_creation_whose_claim_was_undone_meanwhile_is_no_success() {
    let clone = TestDatabase::create().await;
    let overtaken = Overtaken {
        clone: &clone,
        meanwhile: Meanwhile::Undone,
    };
    let new = new_tenant("undone", Placement::Dedicated);
    let one = provisioning(&clone, false).await;
    let created = one.create(&new, &overtaken).await;
    assert!(
        matches!(created, Err(TenancyError::Store(_))),
        "{created:?}"
    );
}

#[test]
fn words_that_are_reserved_or_malformed_are_no_slugs() {
    use app::operate::Slug;
    for reserved in ["public", "platform", "api", "www", "admin"] {
        let error = reserved.parse::<Slug>().unwrap_err().to_string();
        assert!(error.contains("reserved"), "{reserved}: {error}");
    }
    let long = "a".repeat(41);
    for malformed in [
        "", "a", "A-b", "1a", "-a", "a-", "a_b", "a.b", "a b", "ä-b", "a;b", &long,
    ] {
        assert!(malformed.parse::<Slug>().is_err(), "{malformed}");
    }
}
