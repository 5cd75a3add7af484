//! The registry and the resolution of tenants, on a real PostgreSQL.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot arrange its scene has failed"
)]

use std::{sync::Arc, time::Duration};

use database::Database;
use kernel::Slug;
use sqlx::AssertSqlSafe;
use tenancy::{
    HostName, HostRules, PostgresTenants, Registry, RegistrySettings, Resolution, TenancyError,
};
use testkit::TestDatabase;

struct Scene {
    clone: TestDatabase,
    database: Database,
    registry: Arc<Registry>,
    resolution: Resolution,
}

/// `localhost` is neutral and a base domain; tenants have the host `<slug>.test`.
async fn scene() -> Scene {
    let clone = TestDatabase::create().await;
    let (database, authority) = clone.connect(clone.settings()).await;
    let settings = RegistrySettings {
        cache_capacity: 100,
        cache_ttl: Duration::from_millis(200),
    };
    let tenants = Arc::new(PostgresTenants);
    let registry = Arc::new(Registry::new(
        database.clone(),
        authority,
        tenants,
        settings,
    ));
    let localhost: HostName = "localhost".parse().unwrap();
    let rules = HostRules::new([localhost.clone()], [localhost]);
    let resolution = Resolution::new(Arc::clone(&registry), rules);
    Scene {
        clone,
        database,
        registry,
        resolution,
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

    async fn forgets(&self) {
        tokio::time::sleep(Duration::from_millis(300)).await;
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
        .run("UPDATE platform.tenants SET status = 'suspended' WHERE slug = 'acme'")
        .await;
    let found = scene.asks(Some("acme"), None).await;
    assert!(matches!(found, Err(TenancyError::Suspended)));
    for status in ["creating", "migrating", "moving"] {
        let change = format!("UPDATE platform.tenants SET status = '{status}' WHERE slug = 'acme'");
        scene.run(&change).await;
        scene.forgets().await;
        let found = scene.asks(Some("acme"), None).await;
        assert!(
            matches!(found, Err(TenancyError::Unavailable(_))),
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_change_of_the_registry_counts_after_a_moment() {
    let scene = scene().await;
    assert!(scene.asks(Some("newcomer"), None).await.is_err());
    assert!(scene.asks(None, Some("acme.test")).await.is_ok());
    scene
        .run(
            "UPDATE platform.tenants SET slug = 'newcomer' WHERE slug = 'globex'; \
             DELETE FROM platform.domains WHERE host = 'acme.test'",
        )
        .await;
    scene.forgets().await;
    assert_eq!(
        scene.asks(Some("newcomer"), None).await.unwrap(),
        "newcomer"
    );
    assert!(scene.asks(None, Some("acme.test")).await.is_err());
}

#[tokio::test]
async fn many_requests_for_one_tenant_read_the_registry_once() {
    let scene = Arc::new(scene().await);
    scene
        .run("ALTER TABLE platform.tenants ENABLE ROW LEVEL SECURITY")
        .await;
    // Every look finds nothing now; the first one alone may take place.
    let looks = (0..50).map(|_| {
        let scene = Arc::clone(&scene);
        tokio::task::spawn_blocking(move || {
            tokio::runtime::Handle::current().block_on(scene.asks(Some("acme"), None))
        })
    });
    for look in looks.collect::<Vec<_>>() {
        assert!(look.await.unwrap().is_err());
    }
    assert_eq!(scene.database.status().idle, 1, "one connection served all");
}

#[tokio::test]
async fn a_registry_that_cannot_be_read_is_no_registry_without_tenants() {
    let scene = scene().await;
    let owner = scene.clone.role("platform");
    scene
        .run(&format!("REVOKE SELECT ON platform.tenants FROM {owner}"))
        .await;
    let found = scene.asks(Some("acme"), None).await;
    assert!(matches!(found, Err(TenancyError::Registry(_))), "{found:?}");
    scene
        .run(&format!("GRANT SELECT ON platform.tenants TO {owner}"))
        .await;
    assert_eq!(scene.asks(Some("acme"), None).await.unwrap(), "acme");
}

#[tokio::test]
async fn the_registry_tells_tenants_and_hosts() {
    let scene = scene().await;
    let all = scene.registry.all().await.unwrap();
    let slugs: Vec<&str> = all.iter().map(|it| it.tenant.slug.as_str()).collect();
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
