//! Floods: refusals that come too often to be recorded one by one are counted by the minute.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use time::OffsetDateTime;
use uuid::Uuid;

/// So many refusals of one kind, of one somebody, in one minute are recorded each by itself.
const OF_ONE: u32 = 20;

/// So many of one kind, of everybody together in a tenant.
const OF_ALL: u32 = 300;

/// Of how many is counted at a time. What is more is counted for everybody together.
const COUNTED: usize = 10_000;

/// Who is refused what, where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    pub(crate) tenant: Uuid,
    pub(crate) action: &'static str,
    /// A user or an address; `None` is everybody together.
    pub(crate) who: Option<String>,
}

/// How often it happened in a minute.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    minute: i64,
    seen: u32,
    /// Of these, those that were counted alone.
    counted: u64,
}

/// What was counted in a minute that is over, and is yet to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) source: Source,
    /// Its beginning, in seconds since 1970.
    pub(crate) minute: i64,
    pub(crate) times: u64,
}

/// Counts refusals. Bounded, whatever comes.
#[derive(Debug, Default)]
pub(crate) struct Floods(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    counts: HashMap<Source, Count>,
    due: Vec<Counted>,
}

impl Floods {
    /// Whether a refusal is recorded by itself; otherwise it was counted.
    pub(crate) fn admits(&self, source: &Source, now: OffsetDateTime) -> bool {
        let minute = minute(now);
        let mut state = self.state();
        let all = Source {
            who: None,
            ..source.clone()
        };
        let is_of_one = source.who.is_some()
            && (state.counts.contains_key(source) || state.counts.len() < COUNTED);
        // Who is over his own limit takes nothing from the others.
        let often = is_of_one && state.see(source, minute) > OF_ONE;
        let many = !often && state.see(&all, minute) > OF_ALL;
        if often {
            state.count(source);
        } else if many {
            state.count(&all);
        }
        !often && !many
    }

    /// Counts something that is never recorded by itself.
    pub(crate) fn count(&self, source: &Source, now: OffsetDateTime) {
        let mut state = self.state();
        state.see(source, minute(now));
        state.count(source);
    }

    /// What was counted in minutes that are over; at the end of the process, in all.
    pub(crate) fn take(&self, now: Option<OffsetDateTime>) -> Vec<Counted> {
        let now = now.map(minute);
        let mut state = self.state();
        let over: Vec<Source> = state
            .counts
            .iter()
            .filter(|(_, count)| now.is_none_or(|now| count.minute < now))
            .map(|(source, _)| source.clone())
            .collect();
        for source in over {
            if let Some(count) = state.counts.remove(&source) {
                state.finish(&source, count);
            }
        }
        std::mem::take(&mut state.due)
    }

    /// Takes back what could not be recorded, if there is room.
    pub(crate) fn put_back(&self, counted: Counted) {
        let mut state = self.state();
        if state.due.len() < COUNTED {
            state.due.push(counted);
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How often it happened in this minute, this time included.
    fn see(&mut self, source: &Source, minute: i64) -> u32 {
        let earlier = self.counts.get(source).copied();
        let mut count = match earlier {
            Some(count) if count.minute == minute => count,
            Some(over) => {
                self.finish(source, over);
                Count::default()
            }
            None => Count::default(),
        };
        count.minute = minute;
        count.seen = count.seen.saturating_add(1);
        let seen = count.seen;
        self.counts.insert(source.clone(), count);
        seen
    }

    fn count(&mut self, source: &Source) {
        if let Some(count) = self.counts.get_mut(source) {
            count.counted += 1;
        }
    }

    fn finish(&mut self, source: &Source, count: Count) {
        if count.counted > 0 && self.due.len() < COUNTED {
            self.due.push(Counted {
                source: source.clone(),
                minute: count.minute * 60,
                times: count.counted,
            });
        }
    }
}

fn minute(now: OffsetDateTime) -> i64 {
    now.unix_timestamp().div_euclid(60)
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn of(who: &str) -> Source {
        Source {
            tenant: Uuid::nil(),
            action: "access.denied.v1",
            who: Some(who.to_owned()),
        }
    }

    #[test]
    fn what_comes_now_and_then_is_recorded_and_a_flood_is_counted() {
        let floods = Floods::default();
        let admitted = (0..100).filter(|_| floods.admits(&of("jane"), START));
        assert_eq!(admitted.count(), 20);
        assert!(
            floods.admits(&of("john"), START),
            "another one is not in it"
        );
        assert!(
            floods.take(Some(START)).is_empty(),
            "the minute is not over"
        );
        let next = START + Duration::MINUTE;
        let counted = floods.take(Some(next));
        let expected = Counted {
            source: of("jane"),
            minute: 0,
            times: 80,
        };
        assert_eq!(counted, [expected]);
        assert!(floods.take(Some(next)).is_empty(), "it is told once");
        assert!(
            floods.admits(&of("jane"), next),
            "the next minute begins anew"
        );
    }

    #[test]
    fn a_flood_of_many_addresses_is_counted_for_all_of_them_together() {
        let floods = Floods::default();
        let admitted = (0..1_000).filter(|n| floods.admits(&of(&n.to_string()), START));
        assert_eq!(admitted.count(), 300);
        let times: u64 = floods.take(None).iter().map(|it| it.times).sum();
        assert_eq!(times, 700);
    }

    #[test]
    fn the_flood_of_one_hides_no_refusal_of_another() {
        let floods = Floods::default();
        for _ in 0..1_000 {
            floods.admits(&of("jane"), START);
        }
        assert!(floods.admits(&of("john"), START));
    }

    #[test]
    fn nothing_is_lost_when_a_minute_ends_unnoticed() {
        let floods = Floods::default();
        for minute in 0..3 {
            for _ in 0..30 {
                floods.admits(&of("jane"), START + minute * Duration::MINUTE);
            }
        }
        let times: u64 = floods.take(None).iter().map(|it| it.times).sum();
        assert_eq!(times, 30);
    }

    #[test]
    fn however_many_are_refused_memory_is_bounded() {
        let floods = Floods::default();
        for n in 0..30_000 {
            floods.admits(&of(&n.to_string()), START);
        }
        assert!(floods.state().counts.len() <= COUNTED + 1);
    }
}
