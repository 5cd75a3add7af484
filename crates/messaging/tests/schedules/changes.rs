//! Schedules that are changed, switched off and on, or cannot fire.

use kernel::TenantId;
use messaging::{Misfire, Schedule, Schedules, Zone};
use testkit::ACME;
use time::{Duration, macros::datetime};

use crate::{
    plan::{census, clock, note},
    scene::Scene,
};

fn one(cron: &'static str) -> Schedules {
    let schedule = census("tests.one", cron, Misfire::Each(100));
    Schedules::new().platform(schedule).unwrap()
}

#[tokio::test]
async fn a_schedule_that_is_changed_fires_at_its_new_times_from_then_on() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let old = scene.scheduler(one("0 * * * *"), &clock);
    old.declare().await.unwrap();
    clock.set(datetime!(2026-11-30 12:10 UTC));
    // What the old times missed is gone with them: 11:00 and 12:00.
    let new = scene.scheduler(one("15 * * * *"), &clock);
    new.declare().await.unwrap();
    assert_eq!(new.tick().await.unwrap().fires, 0);
    clock.set(datetime!(2026-11-30 12:15 UTC));
    // The old worker, that still runs, fires by the row.
    assert_eq!(old.tick().await.unwrap().fires, 1);
    assert_eq!(new.tick().await.unwrap().fires, 0);
    assert_eq!(scene.fires("tests.one").await, "30 12:15");
}

#[tokio::test]
async fn what_is_no_longer_declared_is_switched_off_and_misses_nothing_until_it_is_on_again() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let owned = scene.tenant_schedules(&clock);
    let report = note("own.report", "0 * * * *", Zone::Named("UTC"));
    owned.put(TenantId::new(ACME.id), report).await.unwrap();
    let all = one("0 * * * *")
        .each_tenant(note("tests.dawn", "0 6 * * *", Zone::OfTenant))
        .unwrap();
    scene.scheduler(all, &clock).declare().await.unwrap();
    let none = scene.scheduler(Schedules::new(), &clock);
    none.declare().await.unwrap();
    clock.set(datetime!(2026-12-01 12:00 UTC));
    // A tenant's own schedule is nothing that the program declares.
    assert_eq!(none.tick().await.unwrap().fires, 1);
    assert_eq!(scene.whose().await, "acme 1");
    let again = scene.scheduler(one("0 * * * *"), &clock);
    again.declare().await.unwrap();
    assert_eq!(again.tick().await.unwrap().fires, 0);
    clock.set(datetime!(2026-12-01 13:00 UTC));
    assert_eq!(again.tick().await.unwrap().fires, 2);
    assert_eq!(scene.fires("tests.one").await, "01 13:00");
}

#[tokio::test]
async fn a_schedule_is_one_or_by_each_tenants_clocks_and_not_both() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let each = |zone| {
        let schedule = note("tests.all", "0 11 * * *", zone);
        Schedules::new().each_tenant(schedule).unwrap()
    };
    let by_clocks = scene.scheduler(each(Zone::OfTenant), &clock);
    by_clocks.declare().await.unwrap();
    let at_once = scene.scheduler(each(Zone::Named("UTC")), &clock);
    at_once.declare().await.unwrap();
    clock.set(datetime!(2026-11-30 11:00 UTC));
    let ticked = at_once.tick().await.unwrap();
    assert_eq!((ticked.fires, ticked.jobs), (1, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_that_is_changed_all_the_time_fires_once_for_each_instant() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let (one, other) = (
        scene.scheduler(one("* * * * *"), &clock),
        scene.scheduler(one("*/2 * * * *"), &clock),
    );
    one.declare().await.unwrap();
    let mut jobs = 0;
    for _ in 0..60 {
        clock.advance(Duration::MINUTE);
        let (first, changed, second) = tokio::join!(one.tick(), other.declare(), other.tick());
        changed.unwrap();
        jobs += first.unwrap().jobs + second.unwrap().jobs;
        let (first, changed, second) = tokio::join!(other.tick(), one.declare(), one.tick());
        changed.unwrap();
        jobs += first.unwrap().jobs + second.unwrap().jobs;
    }
    let fires = scene
        .look("SELECT count(*) FROM platform.schedule_fires")
        .await;
    assert_eq!(fires, jobs.to_string());
    assert_eq!(scene.whose().await, format!("platform {jobs}"));
    assert!((1..=60).contains(&jobs), "{jobs}");
}

#[tokio::test]
async fn a_schedule_that_cannot_fire_is_switched_off_and_keeps_no_other_waiting() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let owned = scene.tenant_schedules(&clock);
    let acme = TenantId::new(ACME.id);
    let minutely = |name| Schedule {
        misfire: Misfire::Once,
        ..note(name, "* * * * *", Zone::Named("UTC"))
    };
    for name in ["a.never", "b.nowhere", "c.large", "d.fine"] {
        owned.put(acme, minutely(name)).await.unwrap();
    }
    // Nothing of the program writes such rows.
    scene
        .sql(
            "UPDATE platform.schedules SET cron = '0 0 30 2 *' WHERE name = 'a.never'; \
             UPDATE platform.schedules SET time_zone = 'Mars/Olympus' WHERE name = 'b.nowhere'; \
             UPDATE platform.schedules SET payload = jsonb_build_object('scheduled_for', NULL, \
             'text', repeat('x', 64950)) WHERE name = 'c.large'; \
             ALTER TABLE platform.jobs ADD CHECK (octet_length(payload::text) < 60000)",
        )
        .await;
    clock.advance(Duration::MINUTE);
    let scheduler = scene.scheduler(Schedules::new(), &clock);
    let ticked = scheduler.tick().await.unwrap();
    assert_eq!((ticked.fires, ticked.jobs), (1, 1));
    let listed = owned.list(acme).await.unwrap();
    let told: Vec<_> = listed
        .iter()
        .map(|it| (it.next_fire_at.is_some(), it.last_error.is_some()))
        .collect();
    let off = (false, true);
    assert_eq!(told, [off, off, off, (true, false)]);
    assert!(
        listed[0]
            .last_error
            .as_ref()
            .unwrap()
            .contains("never comes true"),
        "{listed:?}"
    );
    assert_eq!(scheduler.tick().await.unwrap().fires, 0);
    // Written anew it is on again.
    owned.put(acme, minutely("a.never")).await.unwrap();
    clock.advance(Duration::MINUTE);
    assert_eq!(scheduler.tick().await.unwrap().fires, 2);
}

#[tokio::test]
async fn an_older_program_that_restarts_leaves_the_schedules_as_a_newer_one_wants_them() {
    const ON: &str = "SELECT string_agg(name || ' ' || cron, ', ' ORDER BY name) \
         FROM platform.schedules WHERE is_on";
    const NEWER: &str = "tests.new 0 * * * *, tests.one 30 * * * *";
    let scene = Scene::arrange().await;
    let clock = clock();
    let old = scene.scheduler(one("0 * * * *").of_generation(1), &clock);
    assert!(old.declare().await.unwrap());
    let newer = one("30 * * * *").of_generation(2);
    let newer = newer.platform(census("tests.new", "0 * * * *", Misfire::Once));
    let newer = scene.scheduler(newer.unwrap(), &clock);
    assert!(newer.declare().await.unwrap());
    assert_eq!(scene.look(ON).await, NEWER);

    let again = scene.scheduler(one("0 * * * *").of_generation(1), &clock);
    assert!(!again.declare().await.unwrap());
    again.keep_up().await.unwrap();
    assert_eq!(scene.look(ON).await, NEWER);
    // It fires what the newer one declared all the same.
    clock.set(datetime!(2026-11-30 11:00 UTC));
    assert_eq!(again.tick().await.unwrap().fires, 1);
    assert_eq!(scene.fires("tests.new").await, "30 11:00");

    // The release is taken back: the newer program was not seen for a while.
    scene
        .sql("UPDATE platform.schedule_generations SET seen_at = seen_at - interval '11 min'")
        .await;
    again.keep_up().await.unwrap();
    assert_eq!(scene.look(ON).await, "tests.one 0 * * * *");
    // Once more in the other direction.
    newer.keep_up().await.unwrap();
    assert!(newer.declare().await.unwrap());
    assert_eq!(scene.look(ON).await, NEWER);
}
