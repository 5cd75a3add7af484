//! Very many events of eight writers, while they are put in order and read.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use kernel::Ambient;
use messaging::{EventFeed, FeedQuery};
use testkit::{ACME, Fixture, GLOBEX, INITECH, UMBRELLA};
use uuid::Uuid;

use crate::scene::{Deed, Scene};

/// How many events: `./just events` asks for a million.
const EVENTS: (&str, usize) = ("HRMS_TEST_EVENTS", 20_000);

const WRITERS: usize = 8;
const TENANTS: [Fixture; 4] = [ACME, GLOBEX, INITECH, UMBRELLA];
/// Of each tenant: few enough that the writers meet.
const DEPARTMENTS: usize = 40;

/// What the test has in common with its tasks.
struct Course {
    scene: Scene,
    departments: Vec<Vec<Uuid>>,
    wanted: i64,
    committed: AtomicI64,
    is_over: AtomicBool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_feed_is_gapless_and_each_subject_in_the_order_of_its_commits() {
    let scene = Scene::arrange().await;
    let mut departments = Vec::new();
    for whose in TENANTS {
        departments.push(scene.departments(whose, DEPARTMENTS).await);
    }
    let course = Arc::new(Course {
        scene,
        departments,
        wanted: i64::try_from(testkit::scaled(EVENTS.0, EVENTS.1)).unwrap(),
        committed: AtomicI64::new(0),
        is_over: AtomicBool::new(false),
    });
    let began = Instant::now();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| telemetry::spawn(write(Arc::clone(&course), writer)))
        .collect();
    // Two that give places, and one for each feed that reads it meanwhile.
    let sequencers: Vec<_> = (0..2)
        .map(|_| telemetry::spawn(give_places(Arc::clone(&course))))
        .collect();
    let readers: Vec<_> = (0..TENANTS.len())
        .map(|tenant| telemetry::spawn(read(Arc::clone(&course), tenant)))
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let wrote = began.elapsed();
    course.is_over.store(true, Ordering::SeqCst);
    for sequencer in sequencers {
        sequencer.await.unwrap();
    }
    let sequenced = began.elapsed();
    let committed = course.committed.load(Ordering::SeqCst);
    let there = "SELECT count(*) FROM platform.events";
    assert_eq!(course.scene.number(there).await, committed);
    let mut read = 0;
    for reader in readers {
        read += reader.await.unwrap();
    }
    assert_eq!(read, committed);
    println!(
        "{committed} events of {WRITERS} writers over {} tenants: written in {wrote:?}, in order \
         {:?} later, read whole {:?} later",
        TENANTS.len(),
        sequenced.saturating_sub(wrote),
        began.elapsed().saturating_sub(sequenced),
    );
}

/// Changes some departments of some tenant in each transaction; one of eight is undone.
async fn write(course: Arc<Course>, writer: usize) {
    let ambient = Ambient::system();
    let mut tenants = Vec::new();
    for whose in TENANTS {
        tenants.push(course.scene.tenant(whose).await);
    }
    let mut turn = writer;
    while course.committed.load(Ordering::Relaxed) < course.wanted {
        turn += 1;
        let [first, count, fate] = ambient.bytes();
        let tenant = turn % TENANTS.len();
        let count = 1 + usize::from(count) % 16;
        let mut some: Vec<Uuid> = (0..count)
            .map(|nth| {
                let at = usize::from(first) + nth * (1 + usize::from(fate) % 3);
                course.departments[tenant][at % DEPARTMENTS]
            })
            .collect();
        some.sort_unstable();
        some.dedup();
        let database = &course.scene.database;
        let tx = database.begin_tenant(&tenants[tenant]).await.unwrap();
        course.scene.change_in(&tx, &some, Deed::Note).await;
        if fate % 8 == 0 {
            tx.rollback().await.unwrap();
        } else {
            tx.commit().await.unwrap();
            let some = i64::try_from(some.len()).unwrap();
            course.committed.fetch_add(some, Ordering::SeqCst);
        }
    }
}

async fn give_places(course: Arc<Course>) {
    let sequencer = course.scene.sequencer();
    loop {
        let is_over = course.is_over.load(Ordering::SeqCst);
        let given = sequencer.sequence().await.unwrap().events;
        if given == 0 && is_over {
            let waiting = "SELECT count(*) FROM platform.recorded_events";
            if course.scene.number(waiting).await == 0 {
                return;
            }
        }
        if given < 1_000 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Reads a feed to its end: no place is missing at any time, and the changes of a department follow
/// each other. How many events it were.
async fn read(course: Arc<Course>, tenant: usize) -> i64 {
    let context = course.scene.tenant(TENANTS[tenant]).await;
    let mut query = FeedQuery::default();
    let mut changes: HashMap<Uuid, i64> = HashMap::new();
    loop {
        let is_over = course.is_over.load(Ordering::SeqCst)
            && course
                .scene
                .number("SELECT count(*) FROM platform.recorded_events")
                .await
                == 0;
        let database = &course.scene.database;
        let tx = database.begin_tenant_read(&context).await.unwrap();
        let events = EventFeed::read(&tx, &query, 1_000).await.unwrap();
        tx.commit().await.unwrap();
        for event in &events {
            assert_eq!(event.position, query.after + 1, "a place is missing");
            query.after = event.position;
            let number = event.data["number"].as_i64().unwrap();
            let last = changes.entry(event.subject_id).or_default();
            assert_eq!(number, *last + 1, "{} out of order", event.subject_id);
            *last = number;
        }
        if events.is_empty() {
            if is_over {
                return query.after;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
