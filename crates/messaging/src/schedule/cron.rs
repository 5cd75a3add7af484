//! Cron expressions: which minutes of which days.

use std::{fmt, str::FromStr};

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use time::{Date, Duration, PrimitiveDateTime, Time, macros::date};

/// A cron expression: minute, hour, day of the month, month, day of the week. If both kinds of days
/// are restricted, either will do, as ever since Vixie's cron. `L` is the last day, `#` counts
/// weekdays, `W` is the nearest working day; `@daily` and the like are known too.
///
/// The fields are read by `croner`. What clocks make of them is for
/// [`Timetable`](super::Timetable).
#[derive(Clone, Debug)]
pub struct CronExpression {
    text: String,
    days: Cron,
    /// In order, and never empty.
    times: Vec<Time>,
}

/// Why a text is no cron expression.
#[derive(Debug, thiserror::Error)]
pub enum CronError {
    /// It cannot be read.
    #[error("`{0}` is no cron expression of five fields: {1}")]
    Malformed(String, String),
    /// There is no such day: 30 February.
    #[error("`{0}` is a cron expression that never comes true")]
    Never(String),
}

/// In bytes.
const LONGEST: usize = 200;

/// After so many days the Gregorian calendar repeats itself, weekdays and all.
const WHOLE_CALENDAR: Duration = Duration::days(146_097);

impl CronExpression {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first minute from this one on, in no time zone; `None` after the year 9999.
    pub(super) fn first_from(&self, from: PrimitiveDateTime) -> Option<PrimitiveDateTime> {
        let mut day = self.first_day_from(from.date())?;
        let after = if day == from.date() {
            from.time()
        } else {
            Time::MIDNIGHT
        };
        let at = self.times.partition_point(|time| *time < after);
        let time = if let Some(time) = self.times.get(at) {
            time
        } else {
            day = self.first_day_from(day.next_day()?)?;
            self.times.first()?
        };
        Some(PrimitiveDateTime::new(day, *time))
    }

    fn first_day_from(&self, from: Date) -> Option<Date> {
        let last = from.checked_add(WHOLE_CALENDAR).unwrap_or(Date::MAX);
        let mut day = from;
        while day <= last {
            let month = u8::from(day.month());
            if !self.days.pattern.month_match(month.into()).ok()? {
                day = day.replace_day(day.month().length(day.year())).ok()?;
            } else if self.is_day(day) {
                return Some(day);
            }
            day = day.next_day()?;
        }
        None
    }

    fn is_day(&self, day: Date) -> bool {
        let weekday = day.weekday().number_days_from_sunday();
        let weekday = croner::Weekday::from_days_from_sunday(weekday.into());
        let month = u8::from(day.month()).into();
        let pattern = &self.days.pattern;
        pattern.month_match(month).unwrap_or(false)
            && pattern
                .day_match(day.year(), month, day.day().into(), weekday)
                .unwrap_or(false)
    }

    /// Whether it means this minute, in no time zone.
    #[cfg(test)]
    pub(super) fn matches(&self, local: PrimitiveDateTime) -> bool {
        self.is_day(local.date()) && self.times.contains(&local.time())
    }
}

impl FromStr for CronExpression {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let malformed = |why: String| CronError::Malformed(text.to_owned(), why);
        if text.len() > LONGEST {
            let start = text.chars().take(20).collect();
            return Err(CronError::Malformed(
                start,
                format!("it is longer than {LONGEST} bytes"),
            ));
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let days = parser
            .parse(text)
            .map_err(|error| malformed(error.to_string()))?;
        let mut times = Vec::new();
        for hour in 0..24 {
            for minute in 0..60 {
                let pattern = &days.pattern;
                let is_hour = pattern.hour_match(u32::from(hour));
                let is_minute = pattern.minute_match(u32::from(minute));
                if is_hour.unwrap_or(false) && is_minute.unwrap_or(false) {
                    times.extend(Time::from_hms(hour, minute, 0));
                }
            }
        }
        let expression = Self {
            text: text.to_owned(),
            days,
            times,
        };
        if expression.times.is_empty() || expression.first_day_from(date!(2000 - 01 - 01)).is_none()
        {
            return Err(CronError::Never(text.to_owned()));
        }
        Ok(expression)
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn expression(text: &str) -> CronExpression {
        text.parse().unwrap()
    }

    #[track_caller]
    fn comes(text: &str, from: PrimitiveDateTime, first: PrimitiveDateTime) {
        assert_eq!(expression(text).first_from(from), Some(first), "{text}");
    }

    #[test]
    fn the_minute_itself_is_the_first_if_it_is_meant() {
        let start = datetime!(2026-01-31 12:00);
        comes("* * * * *", start, start);
        comes("0 12 * * *", start, start);
        comes("59 11 * * *", start, datetime!(2026-02-01 11:59));
        comes("*/15 8-10 * * *", start, datetime!(2026-02-01 08:00));
        comes("0 0 1 1 *", start, datetime!(2027-01-01 00:00));
    }

    #[test]
    fn days_are_those_of_the_month_or_of_the_week() {
        let start = datetime!(2026-01-02 00:00);
        comes("0 6 * * MON", start, datetime!(2026-01-05 06:00));
        // Either will do: the 13th, or a Friday.
        comes("0 6 13 * FRI", start, datetime!(2026-01-02 06:00));
        comes(
            "0 6 13 * FRI",
            datetime!(2026-01-10 00:00),
            datetime!(2026-01-13 06:00),
        );
        // Sunday is 0 and 7.
        comes("0 6 * * 0", start, datetime!(2026-01-04 06:00));
        comes("0 6 * * 7", start, datetime!(2026-01-04 06:00));
    }

    #[test]
    fn the_days_of_pay_can_be_said() {
        let start = datetime!(2026-02-01 00:00);
        comes("0 6 L * *", start, datetime!(2026-02-28 06:00));
        comes(
            "0 6 LW * *",
            datetime!(2026-05-01 00:00),
            datetime!(2026-05-29 06:00),
        );
        comes("0 6 * * FRI#2", start, datetime!(2026-02-13 06:00));
        comes("@daily", start, start);
    }

    #[test]
    fn leap_days_come_in_leap_years() {
        let leap = "0 0 29 2 *";
        comes(leap, datetime!(2026-01-01 0:00), datetime!(2028-02-29 0:00));
        comes(leap, datetime!(2096-03-01 0:00), datetime!(2104-02-29 0:00));
        // One that is a Monday too, over a century that has no leap day.
        let monday = "0 0 29 2 +MON";
        comes(
            monday,
            datetime!(2072-03-01 0:00),
            datetime!(2112-02-29 0:00),
        );
    }

    #[test]
    fn what_never_comes_is_refused() {
        for never in ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "* * 31 2 *"] {
            let error = never.parse::<CronExpression>().unwrap_err();
            assert!(matches!(error, CronError::Never(_)), "{never}: {error}");
        }
    }

    #[test]
    fn minutes_are_the_finest_grain_and_years_are_not_told() {
        let year = "x".repeat(300);
        for wrong in [
            "",
            "* * * *",
            "0 * * * * *",
            "0 0 12 1 1 * 2027",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * 32 * *",
            "* * * 13 *",
            "* * * * 8",
            "*/0 * * * *",
            "5-1 * * * *",
            "a * * * *",
            "@reboot",
            "@every 5m",
            year.as_str(),
        ] {
            let read = wrong.parse::<CronExpression>();
            let error = read.expect_err(wrong).to_string();
            assert!(error.contains("is no cron expression"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9*/,@LW#?+ A-Z-]{0,40}|\\PC{0,40}") {
            let _ = text.parse::<CronExpression>();
        }

        #[test]
        fn five_fields_of_any_kind_make_no_panic(
            text in "([0-9]{1,3}|\\*)([-/#,LW][0-9]{0,3})?( ([0-9]{1,3}|\\*|\\+)?([-/#,LW+][0-9]{0,3})?){4}",
        ) {
            if let Ok(expression) = text.parse::<CronExpression>() {
                prop_assert!(expression.first_from(datetime!(2026-01-01 00:00)).is_some());
            }
        }
    }
}
