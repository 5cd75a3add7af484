//! IANA time zones.

use std::{fmt, str::FromStr};

use time::{Date, Month, OffsetDateTime};

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
        let civil = jiff::Timestamp::from_second(instant.unix_timestamp())
            .map(|timestamp| self.0.to_datetime(timestamp).date());
        let date = civil.ok().and_then(|civil| {
            let month = Month::try_from(u8::try_from(civil.month()).ok()?).ok()?;
            let day = u8::try_from(civil.day()).ok()?;
            Date::from_calendar_date(i32::from(civil.year()), month, day).ok()
        });
        // Only an instant outside the years -9999 to 9999 has no civil date: the UTC date serves.
        date.unwrap_or_else(|| instant.date())
    }
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
}
