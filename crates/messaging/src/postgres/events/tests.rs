//! Two that give places although one is enough: the lock that saves the work is not asked for.

use kernel::Ambient;
use serde::Serialize;
use testkit::TestDatabase;
use uuid::Uuid;

use super::{read, sequence};
use crate::{DomainEvent, EventLog, FeedQuery};

#[derive(Serialize)]
struct Happened {
    number: i64,
}

impl DomainEvent for Happened {
    const KIND: &'static str = "test.happened.v1";
    const SUBJECT: &'static str = "test";

    fn subject(&self) -> Uuid {
        Uuid::from_u128(1)
    }
}

/// Two transactions give places at once, and the first of them ends well or not.
async fn race(first_commits: bool) {
    let clone = TestDatabase::create().await;
    let on = clone.tenants().await;
    let log = EventLog::new(Ambient::system());
    let tx = on.database.begin_tenant(&on.acme).await.unwrap();
    let events: Vec<_> = (1..=6_000).map(|number| Happened { number }).collect();
    log.record(&tx, &events).await.unwrap();
    tx.commit().await.unwrap();

    let first = on.database.begin_platform(&on.platform).await.unwrap();
    let second = on.database.begin_platform(&on.platform).await.unwrap();
    let (given, _) = sequence(&first, &[]).await.unwrap();
    assert_eq!(given, 5_000);
    let waiting = async {
        let (given, _) = sequence(&second, &[]).await.unwrap();
        second.commit().await.unwrap();
        given
    };
    let ending = async {
        // By then the second waits, or it begins later: it is right in either case.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        if first_commits {
            first.commit().await.unwrap();
        } else {
            first.rollback().await.unwrap();
        }
    };
    let (given, ()) = tokio::join!(waiting, ending);
    assert_eq!(given, if first_commits { 1_000 } else { 5_000 });
    let last = on.database.begin_platform(&on.platform).await.unwrap();
    sequence(&last, &[]).await.unwrap();
    last.commit().await.unwrap();

    let tx = on.database.begin_tenant_read(&on.acme).await.unwrap();
    let feed = read(&tx, &FeedQuery::default(), 10_000).await.unwrap();
    let places = feed.iter().map(|it| it.position);
    assert!(places.eq(1..=6_000));
    let numbers = feed.iter().map(|it| it.data["number"].as_i64().unwrap());
    assert!(numbers.eq(1..=6_000));
}

#[tokio::test]
async fn the_second_goes_on_behind_the_first() {
    race(true).await;
}

#[tokio::test]
async fn the_second_does_what_the_first_has_not_done_in_the_end() {
    race(false).await;
}
