//! When a schedule fires, and what becomes of the fires that were missed.

#[cfg(test)]
mod tests;

use kernel::TimeZone;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use super::CronExpression;

/// A cron expression by the clocks of a time zone.
///
/// Each minute that it means comes true once: if clocks are put forward over it, at the first minute
/// they show after that (several minutes of one gap come together); if they are put back and show it
/// twice, at the first time. What is to go on evenly, whatever clocks do, belongs into UTC.
///
/// ```
/// use messaging::Timetable;
/// use time::macros::datetime;
///
/// let timetable = Timetable {
///     cron: "30 2 * * *".parse()?,
///     zone: "Europe/Berlin".parse()?,
/// };
/// let next = timetable.next_after(datetime!(2026-03-28 12:00 UTC));
/// // On the night to 29 March there is no half past two: 03:00 it is.
/// assert_eq!(next, Some(datetime!(2026-03-29 01:00 UTC)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Timetable {
    /// Which minutes.
    pub cron: CronExpression,
    /// By whose clocks.
    pub zone: TimeZone,
}

/// What becomes of fires that were missed because nobody was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfire {
    /// They are skipped.
    Skip,
    /// The newest of them stands for all.
    Once,
    /// Each is made good, the newest so many of them: 1 to 1000.
    Each(u16),
}

/// What is to be done now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// For which instants it fires, in order.
    pub(crate) fires: Vec<OffsetDateTime>,
    /// When it is to be looked at again; `None` for never.
    pub(crate) next: Option<OffsetDateTime>,
}

/// A fire that is less late than this was not missed: a worker that starts anew, or one that takes
/// over from another, takes no longer.
const PUNCTUAL: Duration = Duration::minutes(5);

impl Timetable {
    /// The first fire after an instant; `None` if there is none until the year 9999.
    pub fn next_after(&self, instant: OffsetDateTime) -> Option<OffsetDateTime> {
        // What clocks showed until now has been true: by the first time that they showed it.
        let mut from = minute_after(self.zone.local_at(instant))?;
        loop {
            let local = self.cron.first_from(from)?;
            let fire = self.zone.first_instant_of(local)?;
            if fire > instant {
                return Some(fire);
            }
            // Clocks were put back, and show again what has been.
            from = minute_after(local)?;
        }
    }

    /// What is to be done now by a schedule whose next fire was to be at `first`.
    pub(crate) fn due(&self, first: OffsetDateTime, now: OffsetDateTime, misfire: Misfire) -> Due {
        if first > now {
            return Due {
                fires: Vec::new(),
                next: Some(first),
            };
        }
        let fires = match misfire {
            Misfire::Skip => {
                let mut newest = self.newest(first, now, 1);
                newest.retain(|fire| now - *fire < PUNCTUAL);
                newest
            }
            Misfire::Once => self.newest(first, now, 1),
            Misfire::Each(bound) => self.newest(first, now, bound.into()),
        };
        Due {
            fires,
            next: self.next_after(now),
        }
    }

    /// The newest fires of a time, in order. It is searched from its end, in steps that grow: a
    /// pause of years costs little.
    fn newest(
        &self,
        first: OffsetDateTime,
        last: OffsetDateTime,
        most: usize,
    ) -> Vec<OffsetDateTime> {
        let mut step = Duration::HOUR;
        loop {
            let from = last.checked_sub(step).map_or(first, |from| from.max(first));
            let mut fires = self.within(from, last);
            if fires.len() >= most || from == first {
                return fires.split_off(fires.len().saturating_sub(most));
            }
            step *= 2;
        }
    }

    /// All fires of a time, its ends included.
    fn within(&self, first: OffsetDateTime, last: OffsetDateTime) -> Vec<OffsetDateTime> {
        let before = first - Duration::SECOND;
        let next = |fire: &OffsetDateTime| self.next_after(*fire);
        std::iter::successors(self.next_after(before), next)
            .skip_while(|fire| *fire < first)
            .take_while(|fire| *fire <= last)
            .collect()
    }
}

/// The minute after the one that clocks show.
fn minute_after(shown: PrimitiveDateTime) -> Option<PrimitiveDateTime> {
    let minute = shown.truncate_to_minute();
    minute.checked_add(Duration::MINUTE)
}
