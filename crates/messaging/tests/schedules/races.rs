//! Two that believe to lead at the same time.

use messaging::{Misfire, Scheduler, Schedules};
use time::Duration;

use crate::{
    plan::{START, census, clock, names},
    scene::Scene,
};

const SCHEDULES: usize = 200;
const STEPS: i32 = 10;
const MINUTES: i32 = 5;

async fn tick_on(scheduler: &Scheduler) -> u64 {
    let mut fires = 0;
    loop {
        let ticked = scheduler.tick().await.unwrap();
        assert_eq!(ticked.jobs, ticked.fires);
        fires += ticked.fires;
        if ticked.fires == 0 {
            return fires;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_leaders_fire_ten_thousand_times_and_nothing_twice() {
    let scene = Scene::arrange().await;
    // The lock that makes one lead says yes to everybody.
    scene
        .sql(
            "CREATE OR REPLACE FUNCTION pg_catalog.pg_try_advisory_xact_lock(bigint) \
             RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT true'",
        )
        .await;
    let clock = clock();
    let mut schedules = Schedules::new();
    for name in names(SCHEDULES) {
        let schedule = census(name, "* * * * *", Misfire::Each(10));
        schedules = schedules.platform(schedule).unwrap();
    }
    let (one, other) = (
        scene.scheduler(schedules.clone(), &clock),
        scene.scheduler(schedules, &clock),
    );
    one.declare().await.unwrap();
    other.declare().await.unwrap();

    let (mut ones, mut others) = (0, 0);
    for step in 1..=STEPS {
        clock.set(START + Duration::MINUTE * (step * MINUTES));
        let (first, second) = tokio::join!(tick_on(&one), tick_on(&other));
        ones += first;
        others += second;
    }
    assert_eq!(ones + others, 10_000);
    assert!(ones > 100 && others > 100, "{ones} and {others}: no race");
    assert_eq!(scene.whose().await, "platform 10000");
    let fires = "SELECT count(DISTINCT (schedule_id, fire_at)) FROM platform.schedule_fires";
    assert_eq!(scene.look(fires).await, "10000");
    let each = "SELECT min(c) || ' ' || max(c) FROM (SELECT count(*) AS c \
                FROM platform.schedule_fires GROUP BY schedule_id) it";
    assert_eq!(scene.look(each).await, "50 50");
}

#[tokio::test]
async fn what_has_fired_does_not_fire_again_whatever_its_row_says() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let schedule = census("tests.census", "* * * * *", Misfire::Each(100));
    let scheduler = scene.scheduler(Schedules::new().platform(schedule).unwrap(), &clock);
    scheduler.declare().await.unwrap();
    clock.advance(Duration::minutes(10));
    assert_eq!(scheduler.tick().await.unwrap().jobs, 10);
    // As by a row that was read before the others committed.
    scene
        .sql(
            "UPDATE platform.schedules \
             SET next_fire_at = next_fire_at - interval '10 min'",
        )
        .await;
    clock.advance(Duration::minutes(2));
    let ticked = scheduler.tick().await.unwrap();
    assert_eq!((ticked.fires, ticked.jobs), (2, 2));
    assert_eq!(scene.whose().await, "platform 12");
}

#[tokio::test]
async fn who_does_not_lead_stays_away() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let schedule = census("tests.census", "* * * * *", Misfire::Once);
    let scheduler = scene.scheduler(Schedules::new().platform(schedule).unwrap(), &clock);
    scheduler.declare().await.unwrap();
    clock.advance(Duration::MINUTE);
    let mut leader = scene.clone.superuser().await;
    crate::scene::run(
        &mut leader,
        "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('hrms schedules', 0))",
    )
    .await;
    assert_eq!(scheduler.tick().await.unwrap().fires, 0);
    crate::scene::run(&mut leader, "ROLLBACK").await;
    assert_eq!(scheduler.tick().await.unwrap().fires, 1);
}
