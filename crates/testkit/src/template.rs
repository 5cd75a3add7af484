//! The template that every test's database is a clone of.

use kernel::{SchemaName, Slug, TenantId, TenantStatus, TimeZone};
use migration::{
    Migrator,
    install::{self, Login},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::server::{Server, run};

/// A tenant that every test finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixture {
    /// Its short name.
    pub slug: &'static str,
    /// Where its tables are.
    pub schema: &'static str,
    /// Its id.
    pub id: Uuid,
}

const fn fixture(slug: &'static str, schema: &'static str, number: u128) -> Fixture {
    // Version 7, variant 1, and otherwise its number.
    let id = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + number);
    Fixture { slug, schema, id }
}

/// The public tenant, whose users run the platform.
pub const PUBLIC: Fixture = fixture("public", "public", 1);
/// A dedicated tenant.
pub const ACME: Fixture = fixture("acme", "t_acme", 2);
/// Another dedicated tenant.
pub const GLOBEX: Fixture = fixture("globex", "t_globex", 3);
/// A pooled tenant.
pub const INITECH: Fixture = fixture("initech", "pool_0001", 4);
/// Its neighbour in the pool.
pub const UMBRELLA: Fixture = fixture("umbrella", "pool_0001", 5);
/// All of them.
pub const FIXTURES: [Fixture; 5] = [PUBLIC, ACME, GLOBEX, INITECH, UMBRELLA];

impl Fixture {
    /// What the registry says of it.
    ///
    /// # Panics
    /// Never: the fixtures above are valid.
    #[expect(clippy::expect_used, reason = "the fixtures are constants")]
    pub fn record(&self) -> database::TenantRecord {
        database::TenantRecord {
            id: TenantId::new(self.id),
            slug: Slug::existing(self.slug).expect("a slug"),
            name: self.slug.to_owned(),
            schema: self.schema.parse::<SchemaName>().expect("a schema"),
            status: TenantStatus::Active,
            time_zone: TimeZone::utc(),
            locale: "en".to_owned(),
            placement_epoch: 1,
            auth_epoch: 1,
            subscription: kernel::Subscription::Active,
        }
    }

    fn is_pooled(&self) -> bool {
        self.schema.starts_with("pool_")
    }
}

/// The password of the test installation's login roles.
pub(crate) const PASSWORD: &str = "a-password-of-the-tests";
/// The installation's id. Roles belong to the cluster: the template and all its clones share one
/// set of them.
pub(crate) fn installation() -> String {
    fingerprint().chars().take(8).collect()
}

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The name of the template with the tenants, which changes with the migrations; built when it is
/// missing.
pub(crate) async fn template(server: &Server) -> Result<String, Failure> {
    let name = format!("hrms_template_{}", fingerprint());
    ensure(server, &name, "template0", async |unfinished| {
        build(server, unfinished).await
    })
    .await?;
    Ok(name)
}

/// The name of a template that is made from the one with the tenants by adding to it.
#[cfg(feature = "api")]
pub(crate) async fn derived(
    server: &Server,
    purpose: &str,
    add: impl AsyncFnOnce(&str) -> Result<(), Failure>,
) -> Result<String, Failure> {
    let base = template(server).await?;
    let name = format!("{base}_{purpose}");
    ensure(server, &name, &base, async |unfinished| {
        let mut superuser = server.connect(unfinished).await?;
        install::grant_database(&mut superuser).await?;
        drop(superuser);
        add(unfinished).await
    })
    .await?;
    Ok(name)
}

async fn ensure(
    server: &Server,
    name: &str,
    from: &str,
    build: impl AsyncFnOnce(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut maintenance = server.maintenance().await?;
    // One test process builds, the others wait. The lock goes with the connection.
    sqlx::query("SELECT pg_advisory_lock(hashtextextended('hrms test template', 0))")
        .execute(&mut maintenance)
        .await?;
    let known: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(name)
            .fetch_one(&mut maintenance)
            .await?;
    if !known {
        // Built under another name, so that a build that was killed is never taken for whole.
        let unfinished = format!("{name}_unfinished");
        run(
            &mut maintenance,
            format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)"),
        )
        .await?;
        run(
            &mut maintenance,
            format!("CREATE DATABASE {unfinished} TEMPLATE {from}"),
        )
        .await?;
        build(&unfinished).await?;
        run(
            &mut maintenance,
            format!("ALTER DATABASE {unfinished} RENAME TO {name}"),
        )
        .await?;
    }
    Ok(())
}

async fn build(server: &Server, name: &str) -> Result<(), Failure> {
    let mut superuser = server.connect(name).await?;
    drop_roles(&mut superuser).await?;
    let installation = install::install(&mut superuser, &installation()).await?;
    for login in [Login::App, Login::Migrator] {
        install::set_login_password(&mut superuser, &installation, login, PASSWORD).await?;
    }
    let migrator = Migrator::connect(server.options(name), 1).await?;
    migrator.migrate_platform().await?;
    for fixture in FIXTURES {
        migrator.migrate_schema(fixture.schema).await?;
    }
    migrator.close().await?;
    for fixture in FIXTURES {
        let Fixture { slug, schema, id } = fixture;
        let placement = if fixture.is_pooled() {
            "pooled"
        } else {
            "dedicated"
        };
        let host = if fixture == PUBLIC {
            "localhost".to_owned()
        } else {
            format!("{slug}.test")
        };
        run(
            &mut superuser,
            format!(
                "INSERT INTO platform.tenants \
                 (id, slug, name, name_key, schema_name, placement, status, created_at, updated_at) VALUES \
                 ('{id}', '{slug}', '{slug}', '{slug}', '{schema}', '{placement}', 'active', now(), now());\
                 INSERT INTO platform.domains (host, tenant_id) VALUES ('{host}', '{id}');"
            ),
        )
        .await?;
    }
    run(
        &mut superuser,
        "INSERT INTO platform.pools (schema_name, tenant_count) VALUES ('pool_0001', 2)".to_owned(),
    )
    .await?;
    Ok(())
}

/// Drops the roles that a build left behind when it was killed.
async fn drop_roles(superuser: &mut PgConnection) -> Result<(), sqlx::Error> {
    let roles: Vec<String> =
        sqlx::query_scalar("SELECT rolname::text FROM pg_roles WHERE starts_with(rolname, $1)")
            .bind(format!("hrms_{}_", installation()))
            .fetch_all(&mut *superuser)
            .await?;
    for role in roles {
        run(superuser, format!("DROP ROLE {role}")).await?;
    }
    Ok(())
}

/// Changes whenever a migration or a fixture does.
fn fingerprint() -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    include_str!("../../../migration/manifest.toml").hash(&mut hasher);
    include_str!("../../../migration/src/install.rs").hash(&mut hasher);
    include_str!("../../../migration/src/install/database.sql").hash(&mut hasher);
    include_str!("../../../migration/src/install/grants.sql").hash(&mut hasher);
    include_str!("../../../migration/src/tenant_table.rs").hash(&mut hasher);
    include_str!("template.rs").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
