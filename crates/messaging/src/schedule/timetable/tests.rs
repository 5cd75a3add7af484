use proptest::prelude::*;
use time::macros::datetime;

use super::*;

fn timetable(cron: &str, zone: &str) -> Timetable {
    Timetable {
        cron: cron.parse().unwrap(),
        zone: zone.parse().unwrap(),
    }
}

/// The fires after an instant are these, by UTC.
#[track_caller]
fn fires(cron: &str, zone: &str, after: OffsetDateTime, expected: &[OffsetDateTime]) {
    let timetable = timetable(cron, zone);
    let next = |fire: &OffsetDateTime| timetable.next_after(*fire);
    let found: Vec<_> = std::iter::successors(timetable.next_after(after), next)
        .take(expected.len())
        .collect();
    assert_eq!(found, expected, "{cron} in {zone}");
}

#[test]
fn a_fire_is_strictly_after_the_last_one() {
    fires(
        "*/20 * * * *",
        "UTC",
        datetime!(2026-01-31 23:40 UTC),
        &[
            datetime!(2026-02-01 00:00 UTC),
            datetime!(2026-02-01 00:20 UTC),
        ],
    );
    fires(
        "* * * * *",
        "UTC",
        datetime!(2026-01-31 23:40:59.999 UTC),
        &[datetime!(2026-01-31 23:41 UTC)],
    );
}

#[test]
fn in_berlins_gap_it_fires_once_behind_it() {
    fires(
        "30 2 * * *",
        "Europe/Berlin",
        datetime!(2026-03-28 00:00 UTC),
        &[
            datetime!(2026-03-28 01:30 UTC),
            datetime!(2026-03-29 01:00 UTC),
            datetime!(2026-03-30 00:30 UTC),
        ],
    );
    // Four minutes of the gap, and one behind it, come together.
    fires(
        "*/15 2,3 * * *",
        "Europe/Berlin",
        datetime!(2026-03-29 00:00 UTC),
        &[
            datetime!(2026-03-29 01:00 UTC),
            datetime!(2026-03-29 01:15 UTC),
        ],
    );
}

#[test]
fn in_berlins_overlap_it_fires_once_the_first_time() {
    fires(
        "30 2 * * *",
        "Europe/Berlin",
        datetime!(2026-10-24 12:00 UTC),
        &[
            datetime!(2026-10-25 00:30 UTC),
            datetime!(2026-10-26 01:30 UTC),
        ],
    );
    fires(
        "*/30 * * * *",
        "Europe/Berlin",
        datetime!(2026-10-25 00:00 UTC),
        &[
            datetime!(2026-10-25 00:30 UTC),
            datetime!(2026-10-25 02:00 UTC),
        ],
    );
    // Asked between the two times, it has been.
    fires(
        "30 2 * * *",
        "Europe/Berlin",
        datetime!(2026-10-25 01:10 UTC),
        &[datetime!(2026-10-26 01:30 UTC)],
    );
}

#[test]
fn in_sao_paulo_midnight_was_skipped_and_came_twice() {
    // Clocks were put forward at midnight until 2018, and back at midnight until 2019.
    fires(
        "0 0 * * *",
        "America/Sao_Paulo",
        datetime!(2018-11-03 12:00 UTC),
        &[
            datetime!(2018-11-04 03:00 UTC),
            datetime!(2018-11-05 02:00 UTC),
        ],
    );
    fires(
        "30 23 * * *",
        "America/Sao_Paulo",
        datetime!(2019-02-16 12:00 UTC),
        &[
            datetime!(2019-02-17 01:30 UTC),
            datetime!(2019-02-18 02:30 UTC),
        ],
    );
    // No more since.
    fires(
        "0 0 * * *",
        "America/Sao_Paulo",
        datetime!(2026-10-31 12:00 UTC),
        &[
            datetime!(2026-11-01 03:00 UTC),
            datetime!(2026-11-02 03:00 UTC),
        ],
    );
}

#[test]
fn on_lord_howe_clocks_move_by_half_an_hour() {
    // 02:00 to 02:30 is skipped on 4 October, 01:30 to 02:00 comes twice on 5 April.
    fires(
        "*/10 2 * * *",
        "Australia/Lord_Howe",
        datetime!(2026-10-03 15:00 UTC),
        &[
            datetime!(2026-10-03 15:30 UTC),
            datetime!(2026-10-03 15:40 UTC),
            datetime!(2026-10-03 15:50 UTC),
            datetime!(2026-10-04 15:00 UTC),
        ],
    );
    fires(
        "*/15 1 * * *",
        "Australia/Lord_Howe",
        datetime!(2026-04-04 14:00 UTC),
        &[
            datetime!(2026-04-04 14:15 UTC),
            datetime!(2026-04-04 14:30 UTC),
            datetime!(2026-04-04 14:45 UTC),
            datetime!(2026-04-05 14:30 UTC),
        ],
    );
}

#[test]
fn apia_had_no_30_december_2011() {
    fires(
        "0 9 * * *",
        "Pacific/Apia",
        datetime!(2011-12-29 12:00 UTC),
        &[
            datetime!(2011-12-29 19:00 UTC),
            // What was meant for the 30th, at the first minute of the 31st.
            datetime!(2011-12-30 10:00 UTC),
            datetime!(2011-12-30 19:00 UTC),
        ],
    );
}

const ZONES: &[&str] = &[
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Antarctica/Troll",
];

fn field(first: u8, last: u8) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("*".to_owned()),
        3 => (first..=last).prop_map(|it| it.to_string()),
        1 => (1..=last / 2).prop_map(|step| format!("*/{step}")),
        1 => (first..=last, first..=last).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        1 => proptest::collection::vec(first..=last, 2..4)
            .prop_map(|all| all.iter().map(u8::to_string).collect::<Vec<_>>().join(",")),
    ]
}

fn any_timetable() -> impl Strategy<Value = Timetable> {
    let fields = (
        field(0, 59),
        field(0, 23),
        field(1, 31),
        field(1, 12),
        field(0, 7),
    );
    (fields, proptest::sample::select(ZONES)).prop_filter_map(
        "it never comes",
        |((minute, hour, day, month, weekday), zone)| {
            let cron = format!("{minute} {hour} {day} {month} {weekday}");
            Some(Timetable {
                cron: cron.parse().ok()?,
                zone: zone.parse().ok()?,
            })
        },
    )
}

/// From 1975 to 2150, to the second: shifts that were, and those that rules foresee.
fn any_instant() -> impl Strategy<Value = OffsetDateTime> {
    (157_766_400_i64..5_680_281_600)
        .prop_map(|second| OffsetDateTime::from_unix_timestamp(second).unwrap())
}

/// An instant and a zone within two days of a shift of its clocks.
fn near_a_shift() -> impl Strategy<Value = (Timetable, OffsetDateTime)> {
    (any_timetable(), 0..2_000_usize, -172_800_i64..172_800).prop_map(
        |(mut timetable, nth, apart)| {
            if timetable.zone.name() == "UTC" {
                timetable.zone = "Europe/Berlin".parse().unwrap();
            }
            let zone = jiff::tz::TimeZone::get(timetable.zone.name()).unwrap();
            let start = jiff::Timestamp::from_second(157_766_400).unwrap();
            let known = zone.following(start).take(300).collect::<Vec<_>>();
            let second = match known.get(nth % known.len().max(1)) {
                Some(shift) => shift.timestamp().as_second(),
                None => 1_700_000_000,
            };
            let instant = OffsetDateTime::from_unix_timestamp(second + apart).unwrap();
            (timetable, instant)
        },
    )
}

fn shown(timetable: &Timetable, instant: OffsetDateTime) -> PrimitiveDateTime {
    timetable.zone.local_at(instant)
}

/// What the rules say of one fire.
fn holds(timetable: &Timetable, after: OffsetDateTime) -> Result<(), TestCaseError> {
    let next = timetable.next_after(after).unwrap();
    prop_assert!(next > after, "{next} is not after {after}");
    prop_assert_eq!(next.unix_timestamp() % 60, 0);
    let local = shown(timetable, next);
    if !timetable.cron.matches(local) {
        // Then clocks were put forward just now, over a minute that was meant.
        let before = shown(timetable, next - Duration::SECOND) + Duration::SECOND;
        prop_assert!(before < local, "{local} is not meant, and there is no gap");
        let meant = timetable.cron.first_from(before).unwrap();
        prop_assert!(
            meant < local,
            "{local} is not meant, nor is any minute of the gap"
        );
    }
    // Nothing that was meant lies between: minute by minute, as far as a test may look.
    let mut minute = after.truncate_to_minute() + Duration::MINUTE;
    let end = next.min(after + Duration::hours(6));
    while minute < end {
        let local = shown(timetable, minute);
        let is_first = timetable.zone.first_instant_of(local) == Some(minute);
        prop_assert!(
            !(is_first && timetable.cron.matches(local)),
            "{minute} was passed over"
        );
        minute += Duration::MINUTE;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn the_next_fire_is_after_on_a_minute_and_as_written(
        timetable in any_timetable(),
        after in any_instant(),
    ) {
        holds(&timetable, after)?;
    }

    #[test]
    fn so_it_is_when_clocks_are_moved((timetable, after) in near_a_shift()) {
        holds(&timetable, after)?;
    }

    #[test]
    fn the_next_fire_is_the_same_until_it_has_been(
        (timetable, after) in near_a_shift(),
        part in 0.0..1.0_f64,
    ) {
        let next = timetable.next_after(after).unwrap();
        let between = after + (next - after) * part;
        if between < next {
            prop_assert_eq!(timetable.next_after(between), Some(next));
        }
    }

    #[test]
    fn each_minute_that_is_meant_comes_true_once(timetable in any_timetable(), start in any_instant()) {
        // What lies between two instants is the same whether it is told at once or in two parts.
        let (middle, end) = (start + Duration::hours(30), start + Duration::hours(60));
        let whole = timetable.within(start, end);
        let mut parts = timetable.within(start, middle);
        parts.extend(timetable.within(middle + Duration::SECOND, end));
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn what_was_missed_is_made_good_as_the_policy_says(
        timetable in any_timetable(),
        start in any_instant(),
        pause in 0_i64..400_000,
        bound in 1_u16..50,
    ) {
        let first = timetable.next_after(start).unwrap();
        let now = first + Duration::seconds(pause);
        let all = timetable.within(first, now);
        let next = timetable.next_after(now);
        let due = |misfire| timetable.due(first, now, misfire);

        let each = due(Misfire::Each(bound));
        let kept = all.len().saturating_sub(bound.into());
        prop_assert_eq!(&each.fires, &all[kept..]);
        let once = due(Misfire::Once);
        prop_assert_eq!(&once.fires, &all[all.len() - 1..]);
        let skip = due(Misfire::Skip);
        let newest = *all.last().unwrap();
        let expected = if now - newest < PUNCTUAL { vec![newest] } else { vec![] };
        prop_assert_eq!(&skip.fires, &expected);
        for due in [each, once, skip] {
            prop_assert_eq!(due.next, next);
        }
    }
}

#[test]
fn a_fire_that_is_yet_to_come_is_waited_for() {
    let daily = timetable("0 3 * * *", "UTC");
    let first = datetime!(2026-01-02 03:00 UTC);
    let due = daily.due(first, datetime!(2026-01-02 02:59:59 UTC), Misfire::Each(9));
    assert!(due.fires.is_empty());
    assert_eq!(due.next, Some(first));
}

#[test]
fn a_restart_over_a_fire_misses_nothing() {
    let daily = timetable("0 3 * * *", "UTC");
    let first = datetime!(2026-01-02 03:00 UTC);
    let late = daily.due(first, datetime!(2026-01-02 03:04:59 UTC), Misfire::Skip);
    assert_eq!(late.fires, [first]);
    let missed = daily.due(first, datetime!(2026-01-02 03:05 UTC), Misfire::Skip);
    assert!(missed.fires.is_empty());
    assert_eq!(missed.next, Some(datetime!(2026-01-03 03:00 UTC)));
}

#[test]
fn years_of_missed_minutes_cost_little() {
    let often = timetable("* * * * *", "Europe/Berlin");
    let first = datetime!(2000-01-01 00:00 UTC);
    let begun = std::time::Instant::now();
    let due = often.due(first, datetime!(2026-01-01 00:00 UTC), Misfire::Each(1000));
    assert_eq!(due.fires.len(), 1000);
    assert!(begun.elapsed() < std::time::Duration::from_secs(1));
}
