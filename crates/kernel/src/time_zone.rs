//! IANA time zones.

use std::{fmt, str::FromStr};

use jiff::tz::AmbiguousOffset;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// A time zone of the IANA database, by its name: `Europe/Berlin`.
///
/// The database is compiled in (crate `jiff`), so that two machines never disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone(jiff::tz::TimeZone);

/// No such time zone in the IANA database.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a time zone of the IANA database, for example `Europe/Berlin`")]
pub struct TimeZoneError(String);

impl TimeZone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self(jiff::tz::TimeZone::UTC)
    }

    /// The zone's IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The civil date in this zone at an instant.
    pub fn date_at(&self, instant: OffsetDateTime) -> Date {
        self.local_at(instant).date()
    }

    /// What clocks in this zone show at an instant: the civil date, and the time to the second.
    pub fn local_at(&self, instant: OffsetDateTime) -> PrimitiveDateTime {
        let civil = jiff::Timestamp::from_second(instant.unix_timestamp())
            .map(|timestamp| self.0.to_datetime(timestamp));
        // Only an instant outside the years -9999 to 9999 has no civil date: the UTC one serves.
        let civil = civil.ok().and_then(from_civil);
        civil.unwrap_or_else(|| PrimitiveDateTime::new(instant.date(), instant.time()))
    }

    /// The first instant at which clocks in this zone show this minute. Where they are put forward
    /// over it, the first whole minute that they show behind the gap; where they are put back and
    /// show it twice, the first time. `None` outside the years -9999 to 9999.
    pub fn first_instant_of(&self, local: PrimitiveDateTime) -> Option<OffsetDateTime> {
        let civil = to_civil(local)?;
        let ambiguous = self.0.to_ambiguous_timestamp(civil);
        let instant = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset }
            | AmbiguousOffset::Fold { before: offset, .. } => offset.to_timestamp(civil).ok()?,
            AmbiguousOffset::Gap { before, after } => {
                // By the offset that is yet to come, the minute lies before the gap.
                let earlier = after.to_timestamp(civil).ok()?;
                let mut transitions = self.0.following(earlier);
                match transitions.find(|it| it.offset() == after) {
                    Some(transition) => transition.timestamp(),
                    None => before.to_timestamp(civil).ok()?,
                }
            }
        };
        let instant = OffsetDateTime::from_unix_timestamp(instant.as_second()).ok()?;
        // Zones of old had offsets of seconds, and a gap could end within a minute.
        let within_minute = i64::from(self.local_at(instant).second());
        let to_next = (60 - within_minute) % 60;
        instant.checked_add(time::Duration::seconds(to_next))
    }
}

fn from_civil(civil: jiff::civil::DateTime) -> Option<PrimitiveDateTime> {
    let part = |it: i8| u8::try_from(it).ok();
    let month = Month::try_from(part(civil.month())?).ok()?;
    let date = Date::from_calendar_date(i32::from(civil.year()), month, part(civil.day())?);
    let time = Time::from_hms(
        part(civil.hour())?,
        part(civil.minute())?,
        part(civil.second())?,
    );
    Some(PrimitiveDateTime::new(date.ok()?, time.ok()?))
}

fn to_civil(local: PrimitiveDateTime) -> Option<jiff::civil::DateTime> {
    let part = |it: u8| i8::try_from(it).ok();
    jiff::civil::DateTime::new(
        i16::try_from(local.year()).ok()?,
        part(local.month().into())?,
        part(local.day())?,
        part(local.hour())?,
        part(local.minute())?,
        0,
        0,
    )
    .ok()
}

impl FromStr for TimeZone {
    type Err = TimeZoneError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        jiff::tz::TimeZoneDatabase::bundled()
            .get(name)
            .map(Self)
            .map_err(|_unknown| TimeZoneError(name.to_owned()))
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_zone_is_known_by_its_iana_name() {
        let zone: TimeZone = "America/New_York".parse().unwrap();
        assert_eq!(zone.to_string(), "America/New_York");
    }

    #[test]
    fn an_unknown_zone_is_refused_by_name() {
        let error = "Mars/Olympus".parse::<TimeZone>().unwrap_err();
        assert!(error.to_string().contains("Mars/Olympus"));
    }

    #[test]
    fn the_date_follows_daylight_saving_time() {
        let zone: TimeZone = "Europe/Berlin".parse().unwrap();
        // 22:30 UTC is 23:30 in winter and 00:30 of the next day in summer.
        assert_eq!(zone.date_at(datetime!(2026-01-10 22:30 UTC)).day(), 10);
        assert_eq!(zone.date_at(datetime!(2026-07-10 22:30 UTC)).day(), 11);
    }

    fn first(zone: &str, local: PrimitiveDateTime) -> OffsetDateTime {
        let zone: TimeZone = zone.parse().unwrap();
        zone.first_instant_of(local).unwrap()
    }

    #[test]
    fn an_hour_that_is_skipped_begins_where_clocks_go_on() {
        let of = |local| first("Europe/Berlin", local);
        for minute in [datetime!(2026-03-29 02:00), datetime!(2026-03-29 02:30)] {
            assert_eq!(of(minute), datetime!(2026-03-29 01:00 UTC));
        }
        assert_eq!(
            of(datetime!(2026-03-29 01:59)),
            datetime!(2026-03-29 00:59 UTC)
        );
        assert_eq!(
            of(datetime!(2026-03-29 03:00)),
            datetime!(2026-03-29 01:00 UTC)
        );
        // By the rules that hold beyond the list of transitions too.
        assert_eq!(
            of(datetime!(2150-03-29 02:30)),
            datetime!(2150-03-29 01:00 UTC)
        );
        // Clocks were put forward over a whole day, and over half an hour.
        assert_eq!(
            first("Pacific/Apia", datetime!(2011-12-30 09:00)),
            datetime!(2011-12-30 10:00 UTC)
        );
        assert_eq!(
            first("Australia/Lord_Howe", datetime!(2026-10-04 02:10)),
            datetime!(2026-10-03 15:30 UTC)
        );
        // Until 1972 Liberia was 44 minutes and 30 seconds behind.
        assert_eq!(
            first("Africa/Monrovia", datetime!(1972-01-07 00:10)),
            datetime!(1972-01-07 00:45 UTC)
        );
    }

    #[test]
    fn an_hour_that_comes_twice_is_meant_the_first_time() {
        assert_eq!(
            first("Europe/Berlin", datetime!(2026-10-25 02:30)),
            datetime!(2026-10-25 00:30 UTC)
        );
        assert_eq!(
            first("Australia/Lord_Howe", datetime!(2026-04-05 01:45)),
            datetime!(2026-04-04 14:45 UTC)
        );
    }

    #[test]
    fn what_clocks_show_is_told_to_the_second() {
        let zone: TimeZone = "Asia/Kathmandu".parse().unwrap();
        assert_eq!(
            zone.local_at(datetime!(2026-01-31 20:00:07 UTC)),
            datetime!(2026-02-01 01:45:07)
        );
    }
}
