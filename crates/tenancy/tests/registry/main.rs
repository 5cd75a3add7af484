//! The registry and the resolution of tenants, on a real PostgreSQL.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot arrange its scene has failed"
)]

mod lists;

use std::{sync::Arc, time::Duration};

use database::{Database, DatabaseSettings, Freshness, FreshnessSettings, Watch};
use kernel::{Ambient, DomainError as _, ErrorKind, Slug};
use sqlx::AssertSqlSafe;
use tenancy::{
    Directory, HostName, HostRules, PostgresTenants, Registry, Resolution, TenancyError,
};
use testkit::TestDatabase;

struct Scene {
    clone: TestDatabase,
    database: Database,
    registry: Arc<Registry>,
    directory: Arc<Directory>,
    resolution: Resolution,
    _watch: Watch,
}

/// Only whoever catches up, or is told, takes a look.
const PATIENT: FreshnessSettings = FreshnessSettings {
    poll_interval: Duration::from_hours(1),
    refuse_after: Duration::from_hours(3),
};

async fn scene() -> Scene {
    scene_with(PATIENT).await
}

/// `localhost` is neutral and a base domain; tenants have the host `<slug>.test`.
async fn scene_with(freshness: FreshnessSettings) -> Scene {
    let clone = TestDatabase::create().await;
    let settings = DatabaseSettings {
        statement_timeout: Duration::from_mins(2),
        lock_timeout: Duration::from_mins(1),
        ..clone.settings()
    };
    let (database, authority) = clone.connect(settings).await;
    let tenants = Arc::new(PostgresTenants);
    let registry = Arc::new(Registry::new(database.clone(), authority, tenants));
    let freshness = Freshness::new(freshness);
    let directory = Arc::new(Directory::new(Arc::clone(&registry), freshness.clone()));
    let subscribers = vec![Arc::clone(&directory) as _];
    let platform = registry.platform().clone();
    let watch = freshness.watch(&database, platform, subscribers, Ambient::system());
    let watch = watch.await.unwrap();
    let localhost: HostName = "localhost".parse().unwrap();
    let rules = HostRules::new([localhost.clone()], [localhost]);
    let resolution = Resolution::new(Arc::clone(&directory), rules);
    Scene {
        clone,
        database,
        registry,
        directory,
        resolution,
        _watch: watch,
    }
}

impl Scene {
    async fn run(&self, sql: &str) {
        let mut superuser = self.clone.superuser().await;
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&mut superuser).await.unwrap();
    }

    async fn asks(&self, header: Option<&str>, host: Option<&str>) -> Result<String, TenancyError> {
        let found = self.resolution.resolve(header, host).await;
        found.map(|tenant| tenant.slug().to_string())
    }

    /// Changes the registry and returns when the directory knows.
    async fn change(&self, sql: &str) {
        self.run(sql).await;
        self.directory.catch_up().await;
    }
}

#[tokio::test]
async fn a_request_is_for_the_tenant_that_it_names() {
    let scene = scene().await;
    for (header, host, tenant) in [
        (None, Some("localhost:8080"), "public"),
        (Some("acme"), Some("localhost:8080"), "acme"),
        (Some("public"), Some("localhost"), "public"),
        (None, Some("acme.localhost"), "acme"),
        (None, Some("initech.localhost"), "initech"),
        (None, Some("GLOBEX.test.:443"), "globex"),
        (Some("globex"), Some("globex.test"), "globex"),
        (Some("globex"), Some("globex.localhost"), "globex"),
        // A host that nobody has says nothing.
        (Some("globex"), Some("10.0.0.7:8080"), "globex"),
        (Some("globex"), Some("ghost.localhost"), "globex"),
        (Some("globex"), None, "globex"),
        // The public tenant's own host is neutral, however it is known.
        (Some("acme"), Some("public.localhost"), "acme"),
    ] {
        let found = scene.asks(header, host).await.unwrap();
        assert_eq!(found, tenant, "{header:?} {host:?}");
    }
}

#[tokio::test]
async fn a_request_that_names_two_tenants_is_for_neither() {
    let scene = scene().await;
    for (header, host) in [
        ("acme", "globex.localhost"),
        ("acme", "globex.test"),
        ("initech", "umbrella.localhost"),
        ("public", "acme.localhost"),
        ("public", "acme.test"),
    ] {
        let found = scene.asks(Some(header), Some(host)).await;
        assert!(
            matches!(found, Err(TenancyError::Ambiguous)),
            "{header} {host}"
        );
    }
}

#[tokio::test]
async fn a_request_whose_host_cannot_be_read_is_for_nobody_whatever_its_header() {
    let scene = scene().await;
    for header in [None, Some("acme"), Some("globex"), Some("no slug")] {
        let found = scene
            .asks(header, Some("acme.localhost@globex.localhost"))
            .await;
        assert!(
            matches!(found, Err(TenancyError::UnreadableHost)),
            "{header:?}"
        );
    }
}

#[tokio::test]
async fn a_request_that_names_nobody_is_for_nobody() {
    let scene = scene().await;
    for (header, host) in [
        (None, None),
        (None, Some("ghost.localhost")),
        (None, Some("elsewhere.example")),
        (None, Some("a.acme.localhost")),
        (Some("ghost"), Some("localhost")),
        (Some("ghost"), Some("acme.localhost")),
        (Some("Acme"), Some("localhost")),
        (Some(""), Some("acme.localhost")),
        (Some("t_acme"), Some("localhost")),
    ] {
        let found = scene.asks(header, host).await;
        assert!(
            matches!(found, Err(TenancyError::NotFound)),
            "{header:?} {host:?}"
        );
    }
}

#[tokio::test]
async fn only_a_tenant_in_service_is_entered() {
    let scene = scene().await;
    scene
        .change("UPDATE platform.tenants SET status = 'suspended' WHERE slug = 'acme'")
        .await;
    let found = scene.asks(Some("acme"), None).await;
    assert!(matches!(found, Err(TenancyError::Suspended)));
    for status in ["creating", "migrating", "moving"] {
        let change = format!("UPDATE platform.tenants SET status = '{status}' WHERE slug = 'acme'");
        scene.change(&change).await;
        let found = scene.asks(Some("acme"), None).await;
        assert!(
            matches!(found, Err(TenancyError::Unavailable(_))),
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_change_of_the_registry_counts() {
    let scene = scene().await;
    assert!(scene.asks(Some("newcomer"), None).await.is_err());
    assert!(scene.asks(None, Some("acme.test")).await.is_ok());
    assert!(scene.asks(None, Some("people.acme.example")).await.is_err());
    let acme = "(SELECT id FROM platform.tenants WHERE slug = 'acme')";
    scene
        .change(&format!(
            "INSERT INTO platform.tenants \
             (id, slug, name, name_key, schema_name, placement, status, created_at, updated_at) VALUES \
             (gen_random_uuid(), 'newcomer', 'New', 'new', 'pool_0001', 'pooled', 'active', now(), now()); \
             INSERT INTO platform.domains (host, tenant_id) VALUES ('people.acme.example', {acme}); \
             DELETE FROM platform.domains WHERE host = 'acme.test'"
        ))
        .await;
    assert_eq!(
        scene.asks(Some("newcomer"), None).await.unwrap(),
        "newcomer"
    );
    assert!(scene.asks(None, Some("acme.test")).await.is_err());
    let people = scene.asks(None, Some("people.acme.example")).await;
    assert_eq!(people.unwrap(), "acme");
    scene
        .change("DELETE FROM platform.tenants WHERE slug = 'newcomer'")
        .await;
    assert!(scene.asks(Some("newcomer"), None).await.is_err());
}

#[tokio::test]
async fn a_tenant_that_came_into_being_just_now_is_found() {
    let scene = scene().await;
    // Nobody is told of it.
    let newcomer = "DROP TRIGGER tell ON platform.tenants; INSERT INTO platform.tenants \
         (id, slug, name, name_key, schema_name, placement, status, created_at, updated_at) VALUES \
         (gen_random_uuid(), 'newcomer', 'New', 'new', 'pool_0001', 'pooled', 'active', now(), now())";
    scene.run(newcomer).await;
    assert_eq!(
        scene.asks(Some("newcomer"), None).await.unwrap(),
        "newcomer"
    );
}

#[tokio::test]
async fn ten_thousand_tenants_that_change_at_once_all_change() {
    let scene = scene().await;
    scene
        .change(
            "INSERT INTO platform.tenants \
             (id, slug, name, name_key, schema_name, placement, status, created_at, updated_at) \
             SELECT gen_random_uuid(), 'many-' || n, 'Many', 'many', 'pool_0001', 'pooled', 'active', \
                    now(), now() FROM generate_series(1, 10000) n",
        )
        .await;
    for (status, served) in [("active", true), ("migrating", false), ("active", true)] {
        scene
            .change(&format!(
                "UPDATE platform.tenants SET status = '{status}' WHERE slug LIKE 'many-%'"
            ))
            .await;
        for number in 1..=10_000 {
            let slug = format!("many-{number}");
            while scene.asks(Some(&slug), None).await.is_ok() != served {
                scene.directory.catch_up().await;
            }
        }
    }
}

/// Locks the registry's tables until the connection ends: whoever looks something up, waits.
async fn lock_the_registry(scene: &Scene) -> sqlx::PgConnection {
    let mut superuser = scene.clone.superuser().await;
    let lock = "BEGIN; LOCK TABLE platform.tenants, platform.domains IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut superuser).await.unwrap();
    superuser
}

#[tokio::test]
async fn whatever_is_known_is_found_without_asking_the_database() {
    let scene = scene().await;
    let _locked = lock_the_registry(&scene).await;
    for (header, host, tenant) in [
        (Some("acme"), None, "acme"),
        (None, Some("globex.localhost"), "globex"),
        (None, Some("globex.test"), "globex"),
        (Some("globex"), Some("globex.test"), "globex"),
        (Some("globex"), Some("elsewhere.example"), "globex"),
        (Some("globex"), Some("ghost.localhost"), "globex"),
        (None, Some("localhost"), "public"),
    ] {
        let found = scene.asks(header, host).await.unwrap();
        assert_eq!(found, tenant, "{header:?} {host:?}");
    }
}

#[tokio::test]
async fn a_flood_of_names_that_nobody_has_is_refused_and_holds_two_connections() {
    let scene = Arc::new(scene().await);
    let locked = lock_the_registry(&scene).await;
    let mut flood = tokio::task::JoinSet::new();
    for number in 0..300 {
        let scene = Arc::clone(&scene);
        flood.spawn(async move { scene.asks(Some(&format!("ghost-{number}")), None).await });
    }
    // Two are looked up, 32 wait, the others are refused, all while the registry does not answer.
    for _ in 0..300 - 34 {
        let refused = flood.join_next().await.unwrap().unwrap();
        assert!(matches!(refused, Err(TenancyError::Crowded)), "{refused:?}");
    }
    assert_eq!(scene.database.status().in_use, 2);
    assert_eq!(scene.asks(Some("acme"), None).await.unwrap(), "acme");
    sqlx::Connection::close(locked).await.unwrap();
    while let Some(found) = flood.join_next().await {
        let found = found.unwrap();
        assert!(matches!(found, Err(TenancyError::NotFound)), "{found:?}");
    }
}

#[tokio::test]
async fn many_that_ask_for_a_name_that_nobody_has_ask_once() {
    let scene = Arc::new(scene().await);
    let locked = lock_the_registry(&scene).await;
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let scene = Arc::clone(&scene);
        crowd.spawn(async move { scene.asks(Some("ghost"), None).await });
    }
    while scene.database.status().in_use == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    sqlx::Connection::close(locked).await.unwrap();
    while let Some(found) = crowd.join_next().await {
        assert!(matches!(found.unwrap(), Err(TenancyError::NotFound)));
    }
    assert_eq!(scene.database.status().idle, 1, "one connection served all");
    // Nor is it asked for again.
    let _locked = lock_the_registry(&scene).await;
    assert!(scene.asks(Some("ghost"), None).await.is_err());
}

#[tokio::test]
async fn a_registry_that_cannot_be_read_is_no_registry_without_tenants() {
    let scene = scene().await;
    let owner = scene.clone.role("platform");
    scene
        .run(&format!("REVOKE SELECT ON platform.tenants FROM {owner}"))
        .await;
    let found = scene.asks(Some("ghost"), None).await;
    assert!(matches!(found, Err(TenancyError::Registry(_))), "{found:?}");
    scene
        .run(&format!("GRANT SELECT ON platform.tenants TO {owner}"))
        .await;
    let found = scene.asks(Some("ghost"), None).await;
    assert!(matches!(found, Err(TenancyError::NotFound)), "{found:?}");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_out_its_own_tenant_alone() {
    let scene = scene().await;
    scene
        .change("UPDATE platform.tenants SET time_zone = 'Atlantis/Capital' WHERE slug = 'acme'")
        .await;
    let found = scene.asks(Some("acme"), None).await;
    assert!(matches!(found, Err(TenancyError::Registry(_))), "{found:?}");
    assert_eq!(scene.asks(Some("globex"), None).await.unwrap(), "globex");
}

#[tokio::test]
async fn whoever_has_not_seen_the_registry_for_too_long_serves_nobody() {
    let scene = scene_with(FreshnessSettings {
        poll_interval: Duration::from_millis(100),
        refuse_after: Duration::from_secs(3),
    })
    .await;
    let name = scene.clone.name();
    let mut maintenance = scene.clone.server().maintenance().await.unwrap();
    for sql in [
        format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"),
        format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
        ),
    ] {
        let sql = AssertSqlSafe(sql);
        sqlx::raw_sql(sql).execute(&mut maintenance).await.unwrap();
    }
    let refused = loop {
        // Until then it is served from memory.
        match scene.asks(Some("acme"), None).await {
            Ok(_acme) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, TenancyError::Outdated), "{refused:?}");
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    for (header, host) in [(None, Some("localhost")), (None, Some("acme.test"))] {
        let refused = scene.asks(header, host).await;
        assert!(
            matches!(refused, Err(TenancyError::Outdated)),
            "{refused:?}"
        );
    }
    let reopen = AssertSqlSafe(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
    sqlx::raw_sql(reopen)
        .execute(&mut maintenance)
        .await
        .unwrap();
    while scene.asks(Some("acme"), None).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn the_registry_tells_tenants_and_hosts() {
    let scene = scene().await;
    let all = scene.registry.all().await.unwrap();
    let slugs: Vec<&str> = all
        .iter()
        .flatten()
        .map(|it| it.tenant.slug.as_str())
        .collect();
    assert_eq!(slugs, ["acme", "globex", "initech", "public", "umbrella"]);
    let acme = scene
        .registry
        .by_slug(&Slug::existing("acme").unwrap())
        .await
        .unwrap()
        .unwrap();
    let hosts = scene.registry.hosts(acme.tenant.id).await.unwrap();
    assert_eq!(
        hosts.iter().map(HostName::as_str).collect::<Vec<_>>(),
        ["acme.test"]
    );
    let by_id = scene.registry.by_id(acme.tenant.id).await.unwrap().unwrap();
    assert_eq!(by_id.tenant, acme.tenant);
    assert_eq!(by_id.context.schema().as_str(), "t_acme");
}
