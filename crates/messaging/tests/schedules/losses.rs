//! Leaders that die in the middle of a fire.

use std::time::Instant;

use messaging::{Misfire, Scheduler, Schedules};
use sqlx::PgConnection;
use time::Duration;

use crate::{
    plan::{ambient, census, clock, names},
    scene::{Scene, run},
};

const SCHEDULES: usize = 10;

/// The fifth job waits for the test.
const STUMBLE: &str = "\
    CREATE FUNCTION platform.stumble() RETURNS trigger LANGUAGE plpgsql \
        SET search_path = platform AS $$ BEGIN \
        IF (SELECT count(*) FROM jobs) >= 4 THEN \
            PERFORM pg_advisory_xact_lock_shared(4242); \
        END IF; \
        RETURN NEW; END $$; \
    GRANT EXECUTE ON FUNCTION platform.stumble() TO PUBLIC; \
    CREATE TRIGGER stumble BEFORE INSERT ON platform.jobs \
        FOR EACH ROW EXECUTE FUNCTION platform.stumble()";

fn schedules() -> Schedules {
    let mut schedules = Schedules::new();
    for name in names(SCHEDULES) {
        let schedule = census(name, "*/10 * * * *", Misfire::Each(100));
        schedules = schedules.platform(schedule).unwrap();
    }
    schedules
}

pub(crate) async fn until_it_stumbles(superuser: &mut PgConnection) -> i32 {
    let deadline = Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let stumbled: Option<i32> = sqlx::query_scalar(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 4242 \
             AND NOT granted",
        )
        .fetch_optional(&mut *superuser)
        .await
        .unwrap();
        if let Some(pid) = stumbled {
            return pid;
        }
        assert!(Instant::now() < deadline, "nobody fires");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

async fn until_all_have_fired(scheduler: &Scheduler) -> u64 {
    let deadline = Instant::now() + std::time::Duration::from_secs(20);
    let mut fires = 0;
    while fires < SCHEDULES as u64 * 3 {
        fires += scheduler.tick().await.unwrap().fires;
        assert!(Instant::now() < deadline, "{fires} have fired");
    }
    fires + scheduler.tick().await.unwrap().fires
}

async fn all_is_there_once(scene: &Scene) {
    assert_eq!(scene.whose().await, "platform 30");
    for name in names(SCHEDULES) {
        assert_eq!(scene.fires(name).await, "30 10:40, 30 10:50, 30 11:00");
    }
}

#[tokio::test]
async fn when_the_leaders_connection_is_cut_in_the_middle_of_a_fire_the_next_one_goes_on() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let leader = scene.scheduler(schedules(), &clock);
    leader.declare().await.unwrap();
    scene.sql(STUMBLE).await;
    let mut superuser = scene.clone.superuser().await;
    run(&mut superuser, "SELECT pg_advisory_lock(4242)").await;
    clock.advance(Duration::minutes(30));
    let fires = telemetry::spawn(async move { leader.tick().await });
    let pid = until_it_stumbles(&mut superuser).await;
    // Whoever comes now finds that somebody leads.
    let next = scene.scheduler(schedules(), &clock);
    assert_eq!(next.tick().await.unwrap().fires, 0);
    run(
        &mut superuser,
        &format!("SELECT pg_terminate_backend({pid})"),
    )
    .await;
    fires.await.unwrap().unwrap_err();
    assert_eq!(scene.whose().await, "");
    run(&mut superuser, "SELECT pg_advisory_unlock(4242)").await;

    assert_eq!(until_all_have_fired(&next).await, 30);
    all_is_there_once(&scene).await;
}

#[tokio::test]
async fn when_the_leaders_process_dies_in_the_middle_of_a_fire_the_next_one_goes_on() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let next = scene.scheduler(schedules(), &clock);
    next.declare().await.unwrap();
    scene.sql(STUMBLE).await;
    let mut superuser = scene.clone.superuser().await;
    run(&mut superuser, "SELECT pg_advisory_lock(4242)").await;
    clock.advance(Duration::minutes(30));
    // A runtime that ends in the middle of everything: nothing of it is told to anybody.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (database, authority) = scene.clone.connect(scene.clone.settings()).await;
    let platform = authority.platform();
    let leader = Scheduler::new(database, platform, schedules(), ambient(&clock));
    runtime.spawn(async move { leader.tick().await });
    until_it_stumbles(&mut superuser).await;
    runtime.shutdown_background();
    run(&mut superuser, "SELECT pg_advisory_unlock(4242)").await;

    assert_eq!(until_all_have_fired(&next).await, 30);
    all_is_there_once(&scene).await;
}

#[tokio::test]
async fn outages_of_postgresql_lose_no_fire_and_double_none() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let scheduler = scene.scheduler(schedules(), &clock);
    scheduler.declare().await.unwrap();
    let mut fires = 0;
    for round in 0..60_u32 {
        clock.advance(Duration::minutes(10));
        let cut = async {
            if round % 3 == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(u64::from(round) / 2)).await;
                let end = format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = '{}' AND usename = '{}'",
                    scene.clone.name(),
                    scene.clone.role("app")
                );
                scene.sql(&end).await;
            }
        };
        let (ticked, ()) = tokio::join!(scheduler.tick(), cut);
        fires += ticked.map_or(0, |ticked| ticked.fires);
    }
    // Connections that were cut are found out one by one.
    let mut idle = 0;
    while idle < 30 {
        let ticked = scheduler.tick().await.map_or(0, |ticked| ticked.fires);
        idle += u32::from(ticked == 0);
        fires += ticked;
    }
    // A commit whose answer was cut off has counted for nothing here, and is there all the same.
    assert!(fires <= 600);
    assert_eq!(scene.whose().await, "platform 600");
    let each = "SELECT min(c) || ' ' || max(c) FROM (SELECT count(*) AS c \
                FROM platform.schedule_fires GROUP BY schedule_id) it";
    assert_eq!(scene.look(each).await, "60 60");
}

#[tokio::test]
async fn a_full_disk_is_waited_for_and_switches_nothing_off() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let scheduler = scene.scheduler(schedules(), &clock);
    scheduler.declare().await.unwrap();
    scene
        .sql(
            "CREATE FUNCTION platform.fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             RAISE 'no space left on device' USING ERRCODE = 'disk_full'; END $$; \
             GRANT EXECUTE ON FUNCTION platform.fill() TO PUBLIC; \
             CREATE TRIGGER fill BEFORE INSERT ON platform.jobs \
             FOR EACH ROW EXECUTE FUNCTION platform.fill()",
        )
        .await;
    clock.advance(Duration::minutes(30));
    let error = scheduler.tick().await.unwrap_err();
    assert_eq!(error.sqlstate().as_deref(), Some("53100"));
    scene.sql("DROP TRIGGER fill ON platform.jobs").await;
    assert_eq!(until_all_have_fired(&scheduler).await, 30);
    all_is_there_once(&scene).await;
}
