//! What becomes of what was missed.

use messaging::{Misfire, Schedule, Schedules, Zone};
use time::{Duration, macros::datetime};

use crate::{
    plan::{census, clock, note},
    scene::Scene,
};

fn schedules() -> Schedules {
    Schedules::new()
        .platform(census("tests.skip", "0 * * * *", Misfire::Skip))
        .and_then(|it| it.platform(census("tests.once", "0 * * * *", Misfire::Once)))
        .and_then(|it| it.platform(census("tests.each", "0 * * * *", Misfire::Each(5))))
        .and_then(|it| it.platform(census("tests.all", "0 * * * *", Misfire::Each(1000))))
        .unwrap()
}

#[tokio::test]
async fn after_a_pause_each_policy_has_its_way() {
    let scene = Scene::arrange().await;
    let clock = clock();
    scene
        .scheduler(schedules(), &clock)
        .declare()
        .await
        .unwrap();
    // Nobody is there until 18:40, but for a worker that starts and dies at once.
    clock.advance(Duration::hours(2));
    scene
        .scheduler(schedules(), &clock)
        .declare()
        .await
        .unwrap();
    clock.set(datetime!(2026-11-30 18:40 UTC));
    let scheduler = scene.scheduler(schedules(), &clock);
    scheduler.declare().await.unwrap();
    let ticked = scheduler.tick().await.unwrap();
    assert_eq!((ticked.fires, ticked.jobs), (14, 14));
    assert_eq!(scene.fires("tests.skip").await, "");
    assert_eq!(scene.fires("tests.once").await, "30 18:00");
    assert_eq!(
        scene.fires("tests.each").await,
        "30 14:00, 30 15:00, 30 16:00, 30 17:00, 30 18:00"
    );
    assert_eq!(scheduler.tick().await.unwrap().fires, 0);

    // From there on all is as ever.
    clock.set(datetime!(2026-11-30 19:00:01 UTC));
    assert_eq!(scheduler.tick().await.unwrap().fires, 4);
    assert_eq!(scene.fires("tests.skip").await, "30 19:00");
    assert_eq!(scene.fires("tests.once").await, "30 18:00, 30 19:00");
}

#[tokio::test]
async fn a_tick_on_time_fires_whatever_the_policy() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let scheduler = scene.scheduler(schedules(), &clock);
    scheduler.declare().await.unwrap();
    clock.set(datetime!(2026-11-30 10:59:59 UTC));
    assert_eq!(scheduler.tick().await.unwrap().fires, 0);
    clock.set(datetime!(2026-11-30 11:00 UTC));
    assert_eq!(scheduler.tick().await.unwrap().fires, 4);
    assert_eq!(scheduler.tick().await.unwrap().fires, 0);
    // A clock that goes back fires nothing again.
    clock.set(datetime!(2026-11-30 10:59 UTC));
    assert_eq!(scheduler.tick().await.unwrap().fires, 0);
    clock.set(datetime!(2026-11-30 11:00 UTC));
    assert_eq!(scheduler.tick().await.unwrap().fires, 0);
}

#[tokio::test]
async fn what_is_too_much_for_one_transaction_is_made_good_in_several() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let schedule = Schedule {
        misfire: Misfire::Each(1000),
        ..note("tests.all", "* * * * *", Zone::Named("UTC"))
    };
    let declared = Schedules::new().each_tenant(schedule).unwrap();
    let scheduler = scene.scheduler(declared, &clock);
    scheduler.declare().await.unwrap();
    clock.advance(Duration::minutes(1_200));
    let ticked = scheduler.tick().await.unwrap();
    assert_eq!((ticked.fires, ticked.jobs), (1_000, 5_000));
    assert_eq!(
        scene.whose().await,
        "acme 1000, globex 1000, initech 1000, public 1000, umbrella 1000"
    );
    // `now()` is when a transaction began.
    let begun = "SELECT count(DISTINCT run_at) FROM platform.jobs";
    assert_eq!(scene.look(begun).await, "3");
    clock.advance(Duration::MINUTE);
    assert_eq!(scheduler.tick().await.unwrap().fires, 1);
}

#[tokio::test]
async fn old_fires_are_forgotten_and_fire_no_more() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let scheduler = scene.scheduler(schedules(), &clock);
    scheduler.declare().await.unwrap();
    clock.set(datetime!(2026-11-30 11:00 UTC));
    scheduler.tick().await.unwrap();
    scene
        .sql(
            "UPDATE platform.schedule_fires SET fired_at = now() - interval '15 days' \
             WHERE schedule_id <> (SELECT id FROM platform.schedules WHERE name = 'tests.once')",
        )
        .await;
    scheduler.keep_up().await.unwrap();
    assert_eq!(scene.fires("tests.skip").await, "");
    assert_eq!(scene.fires("tests.once").await, "30 11:00");
    assert_eq!(scheduler.tick().await.unwrap().fires, 0);
}
