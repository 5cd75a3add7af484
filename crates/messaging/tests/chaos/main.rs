//! Everything dies, all the time: processes that put jobs down, workers that do them, connections. What
//! was acknowledged is done, once, in its own tenant.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot arrange its scene has failed"
)]

mod attack;
mod cast;
mod scene;

use std::time::{Duration, Instant};

use crate::{
    attack::{Attack, Process},
    scene::{Pipe, Scene},
};

/// How many jobs: `./just chaos` asks for very many.
const JOBS: (&str, usize) = ("HRMS_TEST_CHAOS_JOBS", 1_000);

#[tokio::test]
async fn nothing_is_lost_or_done_twice_while_everything_dies() {
    survive(Scene::arrange(None).await).await;
}

#[tokio::test]
async fn nothing_is_lost_or_done_twice_through_a_broker_while_everything_dies() {
    survive(Scene::arrange(Some(Pipe::of_environment())).await).await;
}

async fn survive(scene: Scene) {
    let wanted = i64::try_from(testkit::scaled(JOBS.0, JOBS.1)).unwrap();
    let mut orderers = [Process::orderer(&scene), Process::orderer(&scene)];
    let mut workers = [Process::worker(&scene), Process::worker(&scene)];
    let mut attack = Attack::new();
    let mut killed = 0;
    // Orders come in while everything dies …
    while scene.count("platform.jobs").await < wanted {
        tokio::time::sleep(attack.pause()).await;
        killed += attack.strike(&scene, &mut orderers, &mut workers).await;
    }
    for orderer in &mut orderers {
        orderer.kill();
    }
    // … and are done while it goes on.
    let left = "platform.jobs WHERE state <> 'done'";
    let half = scene.count(left).await / 2;
    while scene.count(left).await > half {
        tokio::time::sleep(attack.pause()).await;
        killed += attack.strike(&scene, &mut [], &mut workers).await;
    }
    let deadline = Instant::now() + Duration::from_mins(10);
    while scene.count(left).await > 0 {
        assert!(Instant::now() < deadline, "{:?}", scene.states().await);
        for worker in &mut workers {
            worker.revive(&scene);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("{killed} died; {:?}", scene.states().await);
    assert!(killed > 5, "{killed}");

    let acknowledged: Vec<_> = orderers.iter().flat_map(Process::acknowledged).collect();
    assert!(acknowledged.len() > usize::try_from(wanted / 4).unwrap());
    scene.every_order_is_a_job(&acknowledged).await;
    scene
        .every_order_was_carried_out_once_where_it_belongs()
        .await;
}

/// No test: what the processes of the test do, each in one of its own.
#[tokio::test]
#[ignore = "a process of the test above"]
async fn cast() {
    cast::play().await;
}
