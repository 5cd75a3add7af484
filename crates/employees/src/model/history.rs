//! What was so when, is, and is going to be.

use kernel::DateRange;
use time::Date;

/// Values over time, each in force for a period. Periods do not overlap; between them there may be
/// gaps, on whose days nothing is in force.
///
/// What is changed holds until the next change that is recorded, which keeps what it says: a
/// correction of the past does not undo what was decided since.
///
/// ```
/// use employees::model::History;
/// use kernel::DateRange;
/// use time::macros::date;
///
/// let mut history = History::of([(DateRange::since(date!(2026-01-01)), "Sales")]).unwrap();
/// let march = history.rest(date!(2026-03-01)).unwrap();
/// history.change(march, |_| "Finance");
/// let february = history.rest(date!(2026-02-01)).unwrap();
/// history.change(february, |_| "Marketing");
/// let on = |day| history.on(day).copied();
/// assert_eq!(on(date!(2026-01-31)), Some("Sales"));
/// assert_eq!(on(date!(2026-02-28)), Some("Marketing"));
/// assert_eq!(on(date!(2026-03-01)), Some("Finance"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History<T> {
    /// In the order of time.
    periods: Vec<(DateRange, T)>,
}

impl<T: Clone + PartialEq> History<T> {
    /// A history of these periods, in any order; `None` when two of them overlap.
    pub fn of(periods: impl IntoIterator<Item = (DateRange, T)>) -> Option<Self> {
        let mut periods = Vec::from_iter(periods);
        periods.sort_by_key(|(days, _)| days.from());
        let apart = periods.iter().zip(periods.iter().skip(1));
        let apart = apart.into_iter().all(|((a, _), (b, _))| !a.overlaps(b));
        apart.then_some(Self { periods })
    }

    /// The periods, in the order of time.
    pub fn periods(&self) -> &[(DateRange, T)] {
        &self.periods
    }

    /// What is in force on a day.
    pub fn on(&self, day: Date) -> Option<&T> {
        let found = self.periods.iter().find(|(days, _)| days.contains(day));
        found.map(|(_, value)| value)
    }

    /// The days from one on which something is in force to the next change.
    pub fn rest(&self, day: Date) -> Option<DateRange> {
        let found = self.periods.iter().find(|(days, _)| days.contains(day));
        found.and_then(|(days, _)| days.starting(day))
    }

    /// The first day after this one on which a period begins.
    pub fn next_after(&self, day: Date) -> Option<Date> {
        let mut begins = self.periods.iter().map(|(days, _)| days.from());
        begins.find(|begins| *begins > day)
    }

    /// Changes what is in force on these days; where nothing is, nothing will be.
    pub fn change(&mut self, days: DateRange, change: impl Fn(&T) -> T) {
        let mut pieces = Vec::with_capacity(self.periods.len() + 2);
        for (period, value) in self.periods.drain(..) {
            let changed = period
                .intersection(&days)
                .map(|days| (days, change(&value)));
            let Some((within, changed)) = changed.filter(|(_, changed)| *changed != value) else {
                pieces.push(Piece::kept(period, value));
                continue;
            };
            if let Some(before) = period.before(within.from()) {
                pieces.push(Piece::kept(before, value.clone()));
            }
            pieces.push(Piece::changed(within, changed));
            let after = within.to().and_then(|end| period.starting(end));
            pieces.extend(after.map(|after| Piece::kept(after, value)));
        }
        self.periods = joined(pieces);
    }

    /// Puts a value in force on these days, whatever was.
    pub fn put(&mut self, days: DateRange, value: T) {
        let mut pieces = Vec::with_capacity(self.periods.len() + 2);
        for (period, value) in self.periods.drain(..) {
            if let Some(before) = period.before(days.from()) {
                pieces.push(Piece::kept(before, value.clone()));
            }
            let after = days.to().and_then(|end| period.starting(end));
            pieces.extend(after.map(|after| Piece::kept(after, value)));
        }
        pieces.push(Piece::changed(days, value));
        pieces.sort_by_key(|piece| piece.days.from());
        self.periods = joined(pieces);
    }

    /// Ends everything: from this day on nothing is in force, whatever was agreed.
    pub fn end(&mut self, day: Date) {
        let periods = self.periods.drain(..);
        let cut = periods.filter_map(|(days, value)| Some((days.before(day)?, value)));
        self.periods = cut.collect();
    }
}

struct Piece<T> {
    days: DateRange,
    value: T,
    changed: bool,
}

impl<T> Piece<T> {
    fn kept(days: DateRange, value: T) -> Self {
        Self {
            days,
            value,
            changed: false,
        }
    }

    fn changed(days: DateRange, value: T) -> Self {
        Self {
            days,
            value,
            changed: true,
        }
    }
}

/// What was changed and has become what its neighbour is, is no change any more: the two are one
/// period. What was recorded apart without a difference stays apart.
fn joined<T: PartialEq>(pieces: Vec<Piece<T>>) -> Vec<(DateRange, T)> {
    let mut joined: Vec<Piece<T>> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match joined.last_mut() {
            Some(last)
                if (last.changed || piece.changed)
                    && last.days.meets(&piece.days)
                    && last.value == piece.value =>
            {
                last.changed |= piece.changed;
                if let Ok(both) = DateRange::new(last.days.from(), piece.days.to()) {
                    last.days = both;
                }
            }
            _ => joined.push(piece),
        }
    }
    joined
        .into_iter()
        .map(|piece| (piece.days, piece.value))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use time::{Duration, macros::date};

    use super::*;

    const END: i64 = 120;

    fn day(offset: i64) -> Date {
        date!(2024 - 02 - 01) + Duration::days(offset)
    }

    fn range(from: i64, length: Option<i64>) -> DateRange {
        DateRange::new(day(from), length.map(|length| day(from + length))).unwrap()
    }

    #[derive(Clone, Debug)]
    enum Step {
        Change(i64, u8),
        Put(i64, Option<i64>, u8),
        End(i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..END, 0_u8..4).prop_map(|(at, value)| Step::Change(at, value)),
            (0..END, proptest::option::of(1_i64..40), 0_u8..4)
                .prop_map(|(from, length, value)| Step::Put(from, length, value)),
            (0..END).prop_map(Step::End),
        ]
    }

    /// What is in force on each day.
    fn days(history: &History<u8>) -> BTreeMap<i64, u8> {
        let on = |offset| history.on(day(offset)).map(|value| (offset, *value));
        (0..END * 2).filter_map(on).collect()
    }

    #[test]
    fn periods_that_overlap_are_no_history() {
        assert!(History::of([(range(0, Some(10)), 1), (range(9, None), 2)]).is_none());
        assert!(History::of([(range(10, None), 1), (range(0, Some(10)), 2)]).is_some());
    }

    #[test]
    fn a_correction_on_the_first_day_replaces_the_period() {
        let mut history = History::of([(range(0, Some(10)), 1), (range(10, None), 2)]).unwrap();
        history.change(history.rest(day(10)).unwrap(), |_| 3);
        assert_eq!(
            history.periods(),
            [(range(0, Some(10)), 1), (range(10, None), 3)]
        );
    }

    #[test]
    fn what_is_taken_back_leaves_no_trace() {
        let mut history = History::of([(range(0, None), 1)]).unwrap();
        history.change(history.rest(day(29)).unwrap(), |_| 2);
        assert_eq!(history.periods().len(), 2);
        history.change(history.rest(day(29)).unwrap(), |_| 1);
        assert_eq!(history.periods(), [(range(0, None), 1)]);
    }

    #[test]
    fn what_is_recorded_apart_stays_apart_when_it_is_not_touched() {
        let recorded = [(range(0, Some(10)), 1), (range(10, None), 1)];
        let mut history = History::of(recorded).unwrap();
        history.change(range(0, Some(5)), |value| *value);
        assert_eq!(history.periods(), recorded);
    }

    proptest! {
        /// Day by day: a change holds from its day to the next recorded one, what is put holds on
        /// its days alone, after an end there is nothing, and every other day is as it was.
        #[test]
        fn every_step_changes_its_own_days_and_no_other(
            steps in prop::collection::vec(step(), 1..20),
        ) {
            let mut history = History::of([(range(0, None), 0)]).unwrap();
            for step in steps {
                let mut expected = days(&history);
                match step {
                    Step::Change(at, value) => {
                        let Some(rest) = history.rest(day(at)) else {
                            prop_assert!(!expected.contains_key(&at));
                            continue;
                        };
                        prop_assert_eq!(history.next_after(day(at)).is_some_and(|next| {
                            rest.to().is_none_or(|to| next < to)
                        }), false);
                        for (offset, was) in &mut expected {
                            if rest.contains(day(*offset)) {
                                *was = value;
                            }
                        }
                        history.change(rest, |_| value);
                    }
                    Step::Put(from, length, value) => {
                        let put = range(from, length);
                        for offset in (0..END * 2).filter(|offset| put.contains(day(*offset))) {
                            expected.insert(offset, value);
                        }
                        history.put(put, value);
                    }
                    Step::End(at) => {
                        expected.retain(|offset, _| *offset < at);
                        history.end(day(at));
                    }
                }
                prop_assert_eq!(days(&history), expected);
                let periods = history.periods().to_vec();
                prop_assert!(History::of(periods).is_some());
                // Each period that was touched differs from its neighbours; here all were.
                for (one, next) in history.periods().iter().zip(history.periods().iter().skip(1)) {
                    prop_assert!(!(one.0.meets(&next.0) && one.1 == next.1));
                }
            }
        }
    }
}
