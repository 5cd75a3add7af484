//! Schedules as rows: writing them down, and switching them off.

use database::{PlatformTx, StoreError};
use kernel::{Ambient, TenantId, TimeZone};
use sea_orm::FromQueryResult;
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Misfire, Timetable,
    declared::{Entry, FiresFor},
};

/// Whose the platform's own schedules are, as with its jobs.
pub(super) const PLATFORM: TenantId = TenantId::new(Uuid::nil());

/// Whoever writes schedules down or fires them waits for, or stays away from, whoever does so.
pub(super) const LOCK: &str = "hrms schedules";

/// A schedule that stays as it was keeps its next fire, and with it what was missed.
macro_rules! put {
    ($conflict:literal) => {
        concat!(
            "INSERT INTO schedules AS s (id, tenant_id, name, is_declared, fires_for, cron, \
             time_zone, misfire, misfire_bound, kind, payload_version, payload, queue, \
             max_attempts, is_on, next_fire_at, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, true, $15, $16, \
             $16) ON CONFLICT ",
            $conflict,
            " DO UPDATE SET \
             next_fire_at = CASE WHEN s.is_on AND s.cron = excluded.cron \
                 AND s.time_zone = excluded.time_zone \
                 THEN s.next_fire_at ELSE excluded.next_fire_at END, \
             is_declared = excluded.is_declared, fires_for = excluded.fires_for, \
             cron = excluded.cron, time_zone = excluded.time_zone, misfire = excluded.misfire, \
             misfire_bound = excluded.misfire_bound, kind = excluded.kind, \
             payload_version = excluded.payload_version, payload = excluded.payload, \
             queue = excluded.queue, max_attempts = excluded.max_attempts, is_on = true, \
             last_error = NULL, updated_at = excluded.updated_at"
        )
    };
}

const PUT: &str = put!("(tenant_id, name) WHERE fires_for <> 'each_tenant_of_zone'");
const PUT_ZONE: &str = put!("(name, time_zone) WHERE fires_for = 'each_tenant_of_zone'");

const SWITCH_OFF: &str = "\
    UPDATE schedules SET is_on = false, next_fire_at = NULL, updated_at = $2 \
    WHERE is_declared AND is_on AND NOT EXISTS ( \
        SELECT FROM jsonb_to_recordset($1) AS it (name text, fires_for text) \
        WHERE it.name = schedules.name AND it.fires_for = schedules.fires_for)";

/// Where schedules that follow the clocks of tenants have yet to be written down.
const ZONES: &str = "\
    SELECT it.name, zone.time_zone FROM jsonb_array_elements_text($1) AS it (name) \
    CROSS JOIN (SELECT DISTINCT time_zone FROM tenants) AS zone \
    WHERE $2 OR NOT EXISTS ( \
        SELECT FROM schedules s WHERE s.fires_for = 'each_tenant_of_zone' AND s.name = it.name \
            AND s.time_zone = zone.time_zone)";

#[derive(FromQueryResult)]
struct InZone {
    name: String,
    time_zone: String,
}

/// Writes one down. The name of its time zone is kept as it is: it is compared with that of tenants.
pub(super) async fn put(
    tx: &PlatformTx,
    owner: TenantId,
    entry: &Entry,
    (zone_name, zone): (&str, TimeZone),
    ambient: &Ambient,
) -> Result<(), StoreError> {
    let now = ambient.now();
    let timetable = Timetable {
        cron: entry.cron.clone(),
        zone,
    };
    let (misfire, bound) = match entry.misfire {
        Misfire::Skip => ("skip", None),
        Misfire::Once => ("once", None),
        Misfire::Each(bound) => ("each", i16::try_from(bound).ok()),
    };
    let values = [
        ambient.id::<kernel::ScheduleId>().uuid().into(),
        owner.uuid().into(),
        entry.name.as_str().into(),
        owner.uuid().is_nil().into(),
        entry.fires_for.as_str().into(),
        entry.cron.as_str().into(),
        zone_name.into(),
        misfire.into(),
        bound.into(),
        entry.kind.into(),
        entry.version.into(),
        entry.payload.clone().into(),
        entry.queue.into(),
        entry.max_attempts.into(),
        timetable.next_after(now).into(),
        now.into(),
    ];
    let sql = match entry.fires_for {
        FiresFor::Owner | FiresFor::EachTenant => PUT,
        FiresFor::EachTenantOfZone => PUT_ZONE,
    };
    tx.run(sql, values).await?;
    Ok(())
}

/// Says that a program of this generation runs.
const SHOW: &str = "\
    INSERT INTO schedule_generations (generation) VALUES ($1) \
    ON CONFLICT (generation) DO UPDATE SET seen_at = now()";

/// Whether one of a newer one does. One that was seen ten minutes ago may have been lost, and be back
/// in a moment; after that it was taken back.
const IS_NEWEST: &str = "\
    SELECT NOT EXISTS (SELECT FROM schedule_generations \
        WHERE generation > $1 AND seen_at > now() - interval '10 min') AS is_newest";

#[derive(FromQueryResult)]
struct Place {
    is_newest: bool,
}

/// Says that a program of this generation runs; whether it is the newest.
pub(super) async fn is_newest(tx: &PlatformTx, generation: u16) -> Result<bool, StoreError> {
    let generation = i32::from(generation);
    tx.run(SHOW, [generation.into()]).await?;
    let place: Option<Place> = tx.row(IS_NEWEST, [generation.into()]).await?;
    Ok(place.is_some_and(|it| it.is_newest))
}

/// Writes down what is declared, and switches off what is no longer.
pub(super) async fn declare(
    tx: &PlatformTx,
    entries: &[Entry],
    ambient: &Ambient,
) -> Result<(), StoreError> {
    let declared: Vec<_> = entries
        .iter()
        .map(|it| json!({"name": it.name, "fires_for": it.fires_for.as_str()}))
        .collect();
    for entry in entries {
        if let Some(zone) = &entry.zone {
            let zone = (zone.name(), zone.clone());
            put(tx, PLATFORM, entry, zone, ambient).await?;
        }
    }
    follow_zones(tx, entries, true, ambient).await?;
    let now: OffsetDateTime = ambient.now();
    let values = [serde_json::Value::from(declared).into(), now.into()];
    tx.run(SWITCH_OFF, values).await?;
    Ok(())
}

/// Writes down the schedules that follow the clocks of tenants, for the time zones that have none
/// yet, or for all.
pub(super) async fn follow_zones(
    tx: &PlatformTx,
    entries: &[Entry],
    all: bool,
    ambient: &Ambient,
) -> Result<(), StoreError> {
    let of_tenants: Vec<&Entry> = entries.iter().filter(|it| it.zone.is_none()).collect();
    if of_tenants.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = of_tenants.iter().map(|it| it.name.as_str()).collect();
    let missing: Vec<InZone> = tx.rows(ZONES, [json!(names).into(), all.into()]).await?;
    for InZone { name, time_zone } in missing {
        let Some(entry) = of_tenants.iter().find(|it| it.name == name) else {
            continue;
        };
        match time_zone.parse() {
            Ok(zone) => put(tx, PLATFORM, entry, (&time_zone, zone), ambient).await?,
            Err(_unknown) => {
                tracing::error!(schedule = name, time_zone, "a tenant lives in no time zone");
            }
        }
    }
    Ok(())
}
