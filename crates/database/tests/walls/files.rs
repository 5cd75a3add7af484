//! Files of tenants: kept with what they are for, piece by piece, and nobody else's.

use std::{
    fs::File,
    io::{Read as _, Seek as _, Write as _},
    sync::Arc,
};

use database::{Database, Files as _, NewFile, PostgresFiles, TenantContext};
use kernel::{Ambient, FileId};
use testkit::TestDatabase;
use time::{Duration, OffsetDateTime};

const PIECE: usize = 256 * 1024;

fn files() -> PostgresFiles {
    PostgresFiles::new(Ambient::system())
}

fn new(expires_at: Option<OffsetDateTime>) -> NewFile {
    NewFile {
        name: "people.csv".to_owned(),
        expires_at,
    }
}

fn file(bytes: &[u8]) -> Arc<File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Arc::new(file)
}

fn content(file: &Arc<File>) -> Vec<u8> {
    let mut file = file.as_ref();
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

async fn kept(database: &Database, tenant: &TenantContext, bytes: &[u8]) -> FileId {
    let tx = database.begin_tenant(tenant).await.unwrap();
    let id = files().store(&tx, &new(None), &file(bytes)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn fetched(database: &Database, tenant: &TenantContext, id: FileId) -> Option<Vec<u8>> {
    let into = file(b"");
    let tx = database.begin_tenant(tenant).await.unwrap();
    let found = files().fetch(&tx, id, &into).await.unwrap();
    tx.commit().await.unwrap();
    found.then(|| content(&into))
}

#[tokio::test]
async fn a_file_comes_back_byte_by_byte_whatever_its_length() {
    let database = TestDatabase::create().await;
    let tenants = database.tenants().await;
    for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17] {
        let bytes: Vec<u8> = (0..length)
            .map(|at| u8::try_from(at * 31 % 251).unwrap())
            .collect();
        for tenant in [&tenants.acme, &tenants.initech] {
            let id = kept(&tenants.database, tenant, &bytes).await;
            let back = fetched(&tenants.database, tenant, id).await.unwrap();
            assert!(back == bytes, "{length}");
        }
    }
}

#[tokio::test]
async fn nobody_reaches_another_tenants_file_not_even_a_neighbour_in_a_pool() {
    let database = TestDatabase::create().await;
    let tenants = database.tenants().await;
    let id = kept(&tenants.database, &tenants.initech, b"secret").await;
    for stranger in [&tenants.umbrella, &tenants.acme] {
        assert_eq!(fetched(&tenants.database, stranger, id).await, None);
        let tx = tenants.database.begin_tenant(stranger).await.unwrap();
        assert!(!files().delete(&tx, id).await.unwrap());
        tx.commit().await.unwrap();
    }
    let back = fetched(&tenants.database, &tenants.initech, id).await;
    assert_eq!(back.as_deref(), Some(b"secret".as_slice()));
}

#[tokio::test]
async fn a_file_is_there_if_what_it_is_for_is_and_goes_with_all_its_pieces() {
    let database = TestDatabase::create().await;
    let tenants = database.tenants().await;
    let tenant = &tenants.acme;
    let tx = tenants.database.begin_tenant(tenant).await.unwrap();
    let undone = files()
        .store(&tx, &new(None), &file(b"undone"))
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(fetched(&tenants.database, tenant, undone).await, None);

    let id = kept(&tenants.database, tenant, &vec![7; 2 * PIECE]).await;
    let tx = tenants.database.begin_tenant(tenant).await.unwrap();
    assert!(files().delete(&tx, id).await.unwrap());
    assert!(!files().delete(&tx, id).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(fetched(&tenants.database, tenant, id).await, None);
}

#[tokio::test]
async fn what_is_out_of_date_is_cleared_away_some_at_a_time_and_nothing_else() {
    let database = TestDatabase::create().await;
    let tenants = database.tenants().await;
    let now = Ambient::system().now();
    let tx = tenants
        .database
        .begin_tenant(&tenants.initech)
        .await
        .unwrap();
    let mut ids = Vec::new();
    for days in [-3, -2, -1, 1] {
        let new = new(Some(now + Duration::days(days)));
        ids.push(files().store(&tx, &new, &file(b"old")).await.unwrap());
    }
    let forever = files()
        .store(&tx, &new(None), &file(b"kept"))
        .await
        .unwrap();
    assert_eq!(files().clear(&tx, now, 2).await.unwrap(), 2);
    assert_eq!(files().clear(&tx, now, 2).await.unwrap(), 1);
    assert_eq!(files().clear(&tx, now, 2).await.unwrap(), 0);
    for (id, stays) in ids
        .into_iter()
        .zip([false, false, false, true])
        .chain([(forever, true)])
    {
        assert_eq!(files().fetch(&tx, id, &file(b"")).await.unwrap(), stays);
    }
    tx.commit().await.unwrap();
}
