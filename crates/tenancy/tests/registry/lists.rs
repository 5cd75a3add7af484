//! Lists of tenants, among many.

use database::{PlatformReadTx, StoreError};
use kernel::{Direction, Limit, ListQuery, PageRequest, Position, SortKey};
use sea_orm::FromQueryResult;
use tenancy::{PostgresTenants, TenantRepository as _};
use testkit::ACME;

use crate::scene;

/// What the connection has read so far of a table: rows by whole scans, and rows by an index.
#[derive(Default, FromQueryResult)]
struct Read {
    scanned: i64,
    fetched: i64,
}

async fn read(tx: &PlatformReadTx, table: &str) -> Read {
    let read: Result<Option<Read>, StoreError> = tx
        .row(
            "SELECT seq_tup_read AS scanned, idx_tup_fetch AS fetched \
             FROM pg_stat_xact_user_tables WHERE schemaname = 'platform' AND relname = $1",
            [table.into()],
        )
        .await;
    // Nothing yet is no row.
    read.unwrap().unwrap_or_default()
}

fn page<K>(after: Option<K>) -> PageRequest<K> {
    PageRequest {
        limit: Limit::default(),
        after,
        count: false,
    }
}

#[tokio::test]
async fn a_page_reads_as_many_rows_as_it_shows_in_every_order_and_at_every_place() {
    let scene = scene().await;
    scene
        .run(&format!(
            "INSERT INTO platform.tenants \
             (id, slug, name, name_key, schema_name, placement, status, created_at, updated_at) \
             SELECT gen_random_uuid(), 'many-' || n, md5(n::text), md5(n::text), 'pool_0002', 'pooled', 'active', \
                    now() - n * interval '1 minute', now() FROM generate_series(1, 20000) n; \
             INSERT INTO platform.domains (host, tenant_id) \
             SELECT md5(n::text) || '.example', \
                    CASE WHEN n > 100 THEN (SELECT id FROM platform.tenants WHERE slug = 'many-1') \
                         ELSE '{}' END \
             FROM generate_series(1, 20000) n; \
             ANALYZE platform.tenants, platform.domains",
            ACME.id
        ))
        .await;
    for field in ["slug", "name", "created_at"] {
        for direction in [Direction::Ascending, Direction::Descending] {
            let sort = vec![SortKey { field, direction }];
            let query = ListQuery {
                sort,
                ..ListQuery::default()
            };
            let tx = scene
                .database
                .begin_platform_read(scene.registry.platform())
                .await
                .unwrap();
            let before = read(&tx, "tenants").await;
            let mut after: Option<Position> = None;
            for _ in 0..3 {
                let found = PostgresTenants
                    .page(&tx, &query, &page(after))
                    .await
                    .unwrap();
                assert_eq!(found.items.len(), 25);
                after = found.next;
            }
            let read = read(&tx, "tenants").await;
            assert_eq!(read.scanned, before.scanned, "{field} {direction:?}");
            let fetched = read.fetched - before.fetched;
            assert!(
                (78..100).contains(&fetched),
                "{field} {direction:?}: {fetched}"
            );
            tx.commit().await.unwrap();
        }
    }
    let tx = scene
        .database
        .begin_platform_read(scene.registry.platform())
        .await
        .unwrap();
    let before = read(&tx, "domains").await;
    let first = page(None);
    let domains = PostgresTenants.domains(&tx, ACME.id.into(), &first).await;
    assert_eq!(domains.unwrap().items.len(), 25);
    let read = read(&tx, "domains").await;
    assert_eq!(read.scanned, before.scanned);
    let fetched = read.fetched - before.fetched;
    assert!((26..30).contains(&fetched), "{fetched}");
    tx.commit().await.unwrap();
}
