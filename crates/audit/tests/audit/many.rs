//! Very many events of sixteen writers, sealed by two while they are written.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use kernel::Ambient;

use crate::scene::{FilledFolder, Scene};

/// How many events: `./just audit` asks for two hundred thousand.
const EVENTS: (&str, usize) = ("HRMS_TEST_AUDIT_EVENTS", 4_000);
const WRITERS: usize = 16;
/// How many events a transaction records.
const AT_ONCE: i64 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixteen_writers_and_two_sealers_every_event_is_sealed_once_and_nothing_is_found() {
    let scene = Arc::new(Scene::arrange().await);
    let wanted = i64::try_from(testkit::scaled(EVENTS.0, EVENTS.1)).unwrap();
    let left = Arc::new(AtomicI64::new(wanted));
    let is_over = Arc::new(AtomicBool::new(false));
    let folders = [FilledFolder::new(), FilledFolder::new()];
    let began = Instant::now();
    let mut sealers = Vec::new();
    for folder in &folders {
        // As another process: a pool of its own.
        let (database, _) = scene.data.connect(scene.data.settings()).await;
        let sealer = scene.sealer_of(&database, &folder.seals(), Ambient::system());
        let is_over = Arc::clone(&is_over);
        sealers.push(telemetry::spawn(async move {
            let mut lags = Vec::new();
            loop {
                let was_over = is_over.load(Ordering::SeqCst);
                lags.push(sealer.backlog().await.unwrap().oldest);
                let done = sealer.look().await.unwrap();
                if was_over && !done.is_more && sealer.backlog().await.unwrap().unsealed == 0 {
                    return lags;
                }
                if !done.is_more {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }));
    }
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (scene, left) = (Arc::clone(&scene), Arc::clone(&left));
            telemetry::spawn(async move {
                let on = &scene.on;
                let tenants = [&on.acme, &on.globex, &on.initech, &on.umbrella];
                let tenant = tenants[writer % tenants.len()];
                while left.fetch_sub(AT_ONCE, Ordering::SeqCst) > 0 {
                    scene.record(tenant, AT_ONCE.unsigned_abs()).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let wrote = began.elapsed();
    is_over.store(true, Ordering::SeqCst);
    let mut lags = Vec::new();
    for sealer in sealers {
        lags.extend(sealer.await.unwrap());
    }
    let sealed = began.elapsed();
    lags.sort();
    let [one, other] = &folders;
    one.take_over(other);
    let verifying = Instant::now();
    let verified = scene.verify(one).await;
    let took = verifying.elapsed();
    let rate = u128::from(verified.events) * 1_000 / took.as_millis().max(1);
    assert_eq!(verified.findings, []);
    assert_eq!(verified.events, wanted.unsigned_abs());
    let doubled: i64 = scene
        .look("SELECT count(*) - count(DISTINCT position) FROM t_acme.audit_links")
        .await;
    assert_eq!(doubled, 0);
    println!(
        "{wanted} events of {WRITERS} writers: written in {wrote:?}, sealed {:?} later (lag as seen \
         at each look: median {:?}, p99 {:?}), verified in {took:?} ({rate}/s)",
        sealed.saturating_sub(wrote),
        lags[lags.len() / 2],
        lags[lags.len() * 99 / 100],
    );
}
