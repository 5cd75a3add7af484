//! For each tenant, by each tenant's clocks, and schedules of tenants.

use database::Tenant;
use kernel::TenantId;
use messaging::{JobState, Misfire, PutError, Schedule, Schedules, Work, Zone};
use serde::{Deserialize, Serialize};
use testkit::{ACME, GLOBEX, INITECH, UMBRELLA};
use time::{Duration, macros::datetime};

use crate::{
    plan::{START, clock, note},
    scene::{Note, Scene, nobody, quick},
};

fn each(schedule: Schedule<Note>) -> Schedules {
    Schedules::new().each_tenant(schedule).unwrap()
}

#[tokio::test]
async fn what_is_for_each_tenant_is_done_in_each_ones_own() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let declared = each(note("tests.all", "0 11 * * *", Zone::Named("UTC")));
    let scheduler = scene.scheduler(declared, &clock);
    scheduler.declare().await.unwrap();
    clock.set(datetime!(2026-11-30 11:00 UTC));
    let ticked = scheduler.tick().await.unwrap();
    assert_eq!((ticked.fires, ticked.jobs), (1, 5));
    assert_eq!(
        scene.whose().await,
        "acme 1, globex 1, initech 1, public 1, umbrella 1"
    );
    let worker = scene.work(quick());
    scene.until_count(JobState::Done, 5).await;
    assert_eq!(scene.notes("tests.all").await, [1, 1, 1, 1]);
    worker.end().await;
}

#[tokio::test]
async fn by_each_tenants_own_clocks_it_is_morning_at_other_times() {
    let scene = Scene::arrange().await;
    scene
        .sql(
            "UPDATE platform.tenants SET time_zone = CASE slug WHEN 'acme' THEN 'Asia/Tokyo' \
             WHEN 'globex' THEN 'America/New_York' ELSE 'Europe/Berlin' END",
        )
        .await;
    let clock = clock();
    let scheduler = scene.scheduler(
        each(note("tests.dawn", "0 6 * * *", Zone::OfTenant)),
        &clock,
    );
    scheduler.declare().await.unwrap();
    // Six o'clock in New York, in Tokyo, in Berlin.
    for (now, jobs, whose) in [
        (datetime!(2026-11-30 11:00 UTC), 1, "globex 1"),
        (datetime!(2026-11-30 20:59 UTC), 0, "globex 1"),
        (datetime!(2026-11-30 21:00 UTC), 1, "acme 1, globex 1"),
        (
            datetime!(2026-12-01 05:00 UTC),
            3,
            "acme 1, globex 1, initech 1, public 1, umbrella 1",
        ),
    ] {
        clock.set(now);
        assert_eq!(scheduler.tick().await.unwrap().jobs, jobs, "{now}");
        assert_eq!(scene.whose().await, whose, "{now}");
    }

    // Umbrella moves to where nobody lived.
    scene
        .sql("UPDATE platform.tenants SET time_zone = 'Asia/Kathmandu' WHERE slug = 'umbrella'")
        .await;
    scheduler.keep_up().await.unwrap();
    clock.set(datetime!(2026-12-02 00:15 UTC));
    scheduler.tick().await.unwrap();
    clock.set(datetime!(2026-12-02 05:00 UTC));
    scheduler.tick().await.unwrap();
    // In Tokyo and New York nobody was there in time.
    assert_eq!(
        scene.whose().await,
        "acme 1, globex 1, initech 2, public 2, umbrella 2"
    );
}

#[tokio::test]
async fn a_suspended_tenant_is_passed_over_and_its_own_schedules_stand_still() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let acme = TenantId::new(ACME.id);
    let owned = scene.tenant_schedules(&clock);
    for (name, misfire) in [
        ("acme.skip", Misfire::Skip),
        ("acme.once", Misfire::Once),
        ("acme.each", Misfire::Each(3)),
    ] {
        let schedule = Schedule {
            misfire,
            ..note(name, "0 * * * *", Zone::Named("UTC"))
        };
        owned.put(acme, schedule).await.unwrap();
    }
    let declared = each(note("tests.all", "0 * * * *", Zone::Named("UTC")));
    let scheduler = scene.scheduler(declared, &clock);
    scheduler.declare().await.unwrap();
    scene
        .sql("UPDATE platform.tenants SET status = 'suspended' WHERE slug = 'acme'")
        .await;
    for hour in 11..=16 {
        clock.set(START.replace_hour(hour).unwrap().replace_minute(0).unwrap());
        scheduler.tick().await.unwrap();
    }
    clock.advance(Duration::minutes(30));
    assert_eq!(
        scene.whose().await,
        "globex 6, initech 6, public 6, umbrella 6"
    );
    scene
        .sql("UPDATE platform.tenants SET status = 'active' WHERE slug = 'acme'")
        .await;
    assert_eq!(scheduler.tick().await.unwrap().jobs, 4);
    assert_eq!(scene.fires("acme.skip").await, "");
    assert_eq!(scene.fires("acme.once").await, "30 16:00");
    assert_eq!(
        scene.fires("acme.each").await,
        "30 14:00, 30 15:00, 30 16:00"
    );
}

#[tokio::test]
async fn a_tenants_schedule_has_jobs_of_that_tenant_and_of_no_other() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let owned = scene.tenant_schedules(&clock);
    // Neighbours in a pool, with schedules of one name.
    for (tenant, cron) in [(INITECH, "0 12 * * *"), (UMBRELLA, "0 13 * * *")] {
        let schedule = note("own.report", cron, Zone::Named("Europe/Berlin"));
        owned.put(TenantId::new(tenant.id), schedule).await.unwrap();
    }
    let scheduler = scene.scheduler(Schedules::new(), &clock);
    scheduler.declare().await.unwrap();
    clock.set(datetime!(2026-11-30 11:00 UTC));
    assert_eq!(scheduler.tick().await.unwrap().jobs, 1);
    clock.set(datetime!(2026-11-30 12:00 UTC));
    assert_eq!(scheduler.tick().await.unwrap().jobs, 1);
    let worker = scene.work(quick());
    scene.until_count(JobState::Done, 2).await;
    assert_eq!(scene.notes("own.report").await, [0, 0, 1, 1]);
    worker.end().await;

    let initech = TenantId::new(INITECH.id);
    let listed = owned.list(initech).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        listed[0].next_fire_at,
        Some(datetime!(2026-12-01 11:00 UTC))
    );
    assert!(owned.remove(initech, "own.report").await.unwrap());
    assert!(!owned.remove(initech, "own.report").await.unwrap());
    clock.set(datetime!(2026-12-01 12:00 UTC));
    assert_eq!(scheduler.tick().await.unwrap().jobs, 1);
    assert_eq!(scene.whose().await, "initech 1, umbrella 2");
}

#[tokio::test]
async fn nobody_has_schedules_whom_the_registry_does_not_know() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let owned = scene.tenant_schedules(&clock);
    let report = || note("own.report", "* * * * *", Zone::Named("UTC"));
    let unknown = TenantId::new(nobody());
    let refused = owned.put(unknown, report()).await.unwrap_err();
    assert!(matches!(refused, PutError::UnknownTenant(_)), "{refused}");
    let platform = TenantId::new(uuid::Uuid::nil());
    let refused = owned.put(platform, report()).await.unwrap_err();
    assert!(matches!(refused, PutError::UnknownTenant(_)), "{refused}");

    // A tenant that was, and is no more.
    owned.put(TenantId::new(ACME.id), report()).await.unwrap();
    let orphan = format!("UPDATE platform.schedules SET tenant_id = '{}'", nobody());
    scene.sql(&orphan).await;
    clock.advance(Duration::HOUR);
    let scheduler = scene.scheduler(Schedules::new(), &clock);
    assert_eq!(scheduler.tick().await.unwrap().fires, 0);
    scheduler.keep_up().await.unwrap();
    let left = scene.look("SELECT count(*) FROM platform.schedules").await;
    assert_eq!(left, "0");
}

#[tokio::test]
async fn no_tenant_reads_or_writes_schedules() {
    let scene = Scene::arrange().await;
    let globex = scene.tenant(GLOBEX).await;
    for attack in [
        "SELECT id FROM platform.schedules",
        "UPDATE platform.schedules SET is_on = false",
        "DELETE FROM platform.schedule_fires",
        "INSERT INTO platform.schedule_fires VALUES (gen_random_uuid(), now(), now())",
    ] {
        let tx = scene.database.begin_tenant(&globex).await.unwrap();
        let refused = tx.run(attack, []).await.unwrap_err();
        assert_eq!(refused.sqlstate().as_deref(), Some("42501"), "{attack}");
    }
    // And no schedule of a tenant is for all of them, whoever writes it.
    let clock = clock();
    let owned = scene.tenant_schedules(&clock);
    let report = note("own.report", "* * * * *", Zone::Named("UTC"));
    owned.put(TenantId::new(GLOBEX.id), report).await.unwrap();
    let mut superuser = scene.clone.superuser().await;
    let refused = sqlx::query("UPDATE platform.schedules SET fires_for = 'each_tenant'")
        .execute(&mut superuser)
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("schedules_owner_check"),
        "{refused}"
    );
}

/// Wants to know for which instant it is done.
#[derive(Serialize, Deserialize)]
struct Accrue {
    days: i32,
    scheduled_for: Option<String>,
}

impl Work for Accrue {
    type Scope = Tenant;
    const KIND: &'static str = "tests.accrue";
}

#[tokio::test]
async fn work_that_asks_for_its_instant_is_told() {
    let scene = Scene::arrange().await;
    let clock = clock();
    let accrue = Schedule {
        name: "own.accrue",
        cron: "0 11 * * *",
        zone: Zone::Named("UTC"),
        misfire: Misfire::Each(5),
        work: Accrue {
            days: 2,
            scheduled_for: None,
        },
    };
    let owned = scene.tenant_schedules(&clock);
    owned.put(TenantId::new(ACME.id), accrue).await.unwrap();
    clock.advance(Duration::days(2));
    let scheduler = scene.scheduler(Schedules::new(), &clock);
    assert_eq!(scheduler.tick().await.unwrap().jobs, 2);
    let payloads = "SELECT string_agg(format('%s %s', payload ->> 'days', \
                    to_char((payload ->> 'scheduled_for')::timestamptz AT TIME ZONE 'UTC', \
                    'DD HH24:MI')), ', ' ORDER BY payload ->> 'scheduled_for') \
                    FROM platform.jobs";
    assert_eq!(scene.look(payloads).await, "2 30 11:00, 2 01 11:00");
}
