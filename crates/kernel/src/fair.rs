//! Shares what is scarce between tenants: connections, processors that hash, imports.
//!
//! A queue that everybody stands in belongs to whoever brings the longest line. Here each key
//! (a tenant) has a line of its own, the lines are served in turn, and none may hold all there is.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// How much there is, and how much of it one key may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FairLimits {
    /// How many permits there are.
    pub permits: usize,
    /// How many of them one key may hold at a time.
    pub per_key: usize,
    /// How many may wait for one key; the next one is refused.
    pub waiting_per_key: usize,
}

/// Why there is no permit, and will be none for the asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FairRefusal {
    /// As many wait for this key as may.
    #[error("too many wait already")]
    Full,
    /// Nothing is given out any more.
    #[error("closed")]
    Closed,
}

/// A semaphore whose permits are shared fairly between keys.
///
/// ```
/// use kernel::{FairLimits, FairRefusal, FairSemaphore};
///
/// let semaphore = FairSemaphore::new(FairLimits { permits: 2, per_key: 1, waiting_per_key: 0 });
/// let first = semaphore.try_acquire("acme");
/// assert!(first.is_some());
/// assert!(semaphore.try_acquire("acme").is_none());
/// assert!(semaphore.try_acquire("globex").is_some());
/// ```
#[derive(Debug)]
pub struct FairSemaphore<K: Clone + Eq + Hash> {
    limits: FairLimits,
    state: Mutex<State<K>>,
}

/// Dropped, it frees its place.
#[derive(Debug)]
#[must_use = "a permit that is dropped is free again"]
pub struct FairPermit<K: Clone + Eq + Hash> {
    semaphore: Arc<FairSemaphore<K>>,
    key: K,
}

#[derive(Debug)]
struct State<K: Clone + Eq + Hash> {
    free: usize,
    closed: bool,
    lines: HashMap<K, Line<K>>,
    /// The keys that somebody waits for, in the order in which they are served.
    turns: VecDeque<K>,
}

/// What a key holds and who waits for it. A key that does neither has none.
#[derive(Debug)]
struct Line<K: Clone + Eq + Hash> {
    held: usize,
    waiting: VecDeque<oneshot::Sender<FairPermit<K>>>,
}

impl<K: Clone + Eq + Hash> FairSemaphore<K> {
    /// With all permits free. At least one permit exists, and one key may hold at least one.
    pub fn new(limits: FairLimits) -> Arc<Self> {
        let limits = FairLimits {
            permits: limits.permits.max(1),
            per_key: limits.per_key.max(1),
            ..limits
        };
        Arc::new(Self {
            limits,
            state: Mutex::new(State {
                free: limits.permits,
                closed: false,
                lines: HashMap::new(),
                turns: VecDeque::new(),
            }),
        })
    }

    /// Waits for a permit in the key's line. Whoever stops waiting leaves it.
    ///
    /// # Errors
    /// [`FairRefusal::Full`] at once when the line is as long as it may be, [`FairRefusal::Closed`].
    pub async fn acquire(self: &Arc<Self>, key: K) -> Result<FairPermit<K>, FairRefusal> {
        let turn = {
            let mut state = self.state();
            if state.closed {
                return Err(FairRefusal::Closed);
            }
            if state.take(&key, self.limits.per_key) {
                return Ok(self.permit(key));
            }
            state.join(key, self.limits.waiting_per_key)?
        };
        turn.await.map_err(|_closed| FairRefusal::Closed)
    }

    /// A permit, if there is one for the key without waiting.
    pub fn try_acquire(self: &Arc<Self>, key: K) -> Option<FairPermit<K>> {
        let mut state = self.state();
        let taken = !state.closed && state.take(&key, self.limits.per_key);
        drop(state);
        taken.then(|| self.permit(key))
    }

    /// How many permits nobody holds.
    pub fn available(&self) -> usize {
        self.state().free
    }

    /// How many wait, for any key.
    pub fn waiting(&self) -> usize {
        let state = self.state();
        state.lines.values().map(Line::alive).sum()
    }

    /// Gives out nothing any more: who waits is refused, who holds a permit keeps it.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.turns.clear();
        for line in state.lines.values_mut() {
            line.waiting.clear();
        }
    }

    /// Whether [`Self::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    fn permit(self: &Arc<Self>, key: K) -> FairPermit<K> {
        FairPermit {
            semaphore: Arc::clone(self),
            key,
        }
    }

    /// Nothing panics while the lock is held, so a poisoned one is as good as any.
    fn state(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn release(self: &Arc<Self>, key: &K) {
        let next = {
            let mut state = self.state();
            state.give_back(key);
            state.serve(self.limits.per_key)
        };
        for (key, turn) in next {
            // Whoever left in this very moment drops the permit, which serves the next.
            let _ = turn.send(self.permit(key));
        }
    }
}

impl<K: Clone + Eq + Hash> Drop for FairPermit<K> {
    fn drop(&mut self) {
        self.semaphore.release(&self.key);
    }
}

impl<K: Clone + Eq + Hash> Line<K> {
    fn alive(&self) -> usize {
        let waits = |turn: &&oneshot::Sender<_>| !turn.is_closed();
        self.waiting.iter().filter(waits).count()
    }
}

impl<K: Clone + Eq + Hash> State<K> {
    /// Takes a permit for the key, unless there is none, or others of the key are before it.
    fn take(&mut self, key: &K, per_key: usize) -> bool {
        let held = self.lines.get(key).map_or(0, |line| line.held);
        let others_wait = self.lines.get(key).is_some_and(|line| line.alive() > 0);
        if self.free == 0 || held >= per_key || others_wait {
            return false;
        }
        self.free -= 1;
        self.line(key).held += 1;
        true
    }

    fn join(
        &mut self,
        key: K,
        at_most: usize,
    ) -> Result<oneshot::Receiver<FairPermit<K>>, FairRefusal> {
        let line = self.line(&key);
        line.waiting.retain(|turn| !turn.is_closed());
        if line.waiting.len() >= at_most {
            self.forget_if_idle(&key);
            return Err(FairRefusal::Full);
        }
        let (turn, wait) = oneshot::channel();
        line.waiting.push_back(turn);
        if !self.turns.contains(&key) {
            self.turns.push_back(key);
        }
        Ok(wait)
    }

    fn give_back(&mut self, key: &K) {
        self.free += 1;
        let line = self.line(key);
        line.held = line.held.saturating_sub(1);
        self.forget_if_idle(key);
    }

    /// Takes permits for those who wait, one a key in turn, and says who they are.
    fn serve(&mut self, per_key: usize) -> Vec<(K, oneshot::Sender<FairPermit<K>>)> {
        let mut served = Vec::new();
        // A key that may hold no more is passed over once; then all of them were.
        let mut passed = 0;
        while self.free > 0 && passed < self.turns.len() {
            let Some(key) = self.turns.pop_front() else {
                break;
            };
            let line = self.line(&key);
            line.waiting.retain(|turn| !turn.is_closed());
            if line.held >= per_key {
                self.turns.push_back(key);
                passed += 1;
                continue;
            }
            if let Some(turn) = line.waiting.pop_front() {
                line.held += 1;
                if !line.waiting.is_empty() {
                    self.turns.push_back(key.clone());
                }
                self.free -= 1;
                served.push((key, turn));
                passed = 0;
            } else {
                self.forget_if_idle(&key);
            }
        }
        served
    }

    fn line(&mut self, key: &K) -> &mut Line<K> {
        self.lines.entry(key.clone()).or_insert_with(|| Line {
            held: 0,
            waiting: VecDeque::new(),
        })
    }

    fn forget_if_idle(&mut self, key: &K) {
        let idle = |line: &Line<K>| line.held == 0 && line.waiting.is_empty();
        if self.lines.get(key).is_some_and(idle) {
            self.lines.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use proptest::prelude::*;

    use super::*;

    fn semaphore(permits: usize, per_key: usize, waiting_per_key: usize) -> Arc<FairSemaphore<u8>> {
        FairSemaphore::new(FairLimits {
            permits,
            per_key,
            waiting_per_key,
        })
    }

    type Waiting = std::pin::Pin<Box<dyn Future<Output = Result<FairPermit<u8>, FairRefusal>>>>;

    fn wait(semaphore: &Arc<FairSemaphore<u8>>, key: u8) -> Waiting {
        let semaphore = Arc::clone(semaphore);
        let mut waiting: Waiting = Box::pin(async move { semaphore.acquire(key).await });
        assert!(poll(&mut waiting).is_none(), "{key} does not have to wait");
        waiting
    }

    fn poll(waiting: &mut Waiting) -> Option<Result<FairPermit<u8>, FairRefusal>> {
        match waiting
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }

    fn now(semaphore: &Arc<FairSemaphore<u8>>, key: u8) -> Result<FairPermit<u8>, FairRefusal> {
        let acquire = pin!(semaphore.acquire(key));
        match acquire.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("{key} has to wait"),
        }
    }

    #[test]
    fn a_key_with_a_long_line_is_served_in_turn_with_the_others() {
        let semaphore = semaphore(1, 1, 8);
        let held = now(&semaphore, 1).unwrap();
        let mut line = [1, 1, 1, 2, 3, 2].map(|key| (key, Some(wait(&semaphore, key))));
        let mut order = Vec::new();
        let mut permit = Some(held);
        while permit.take().is_some() {
            for (key, waiting) in &mut line {
                if let Some(Ok(served)) = waiting.as_mut().and_then(poll) {
                    order.push(*key);
                    *waiting = None;
                    permit = Some(served);
                    break;
                }
            }
        }
        assert_eq!(order, [1, 2, 3, 1, 2, 1]);
    }

    #[test]
    fn no_key_holds_more_than_its_share() {
        let semaphore = semaphore(3, 2, 8);
        let _held = [now(&semaphore, 1).unwrap(), now(&semaphore, 1).unwrap()];
        let mut third = wait(&semaphore, 1);
        assert!(semaphore.try_acquire(1).is_none());
        let other = now(&semaphore, 2).unwrap();
        drop(other);
        assert!(poll(&mut third).is_none());
        assert_eq!(semaphore.available(), 1);
    }

    #[test]
    fn a_line_that_is_full_refuses_its_own_key_alone() {
        let semaphore = semaphore(1, 1, 1);
        let _held = now(&semaphore, 1).unwrap();
        let _waiting = wait(&semaphore, 1);
        assert_eq!(now(&semaphore, 1).unwrap_err(), FairRefusal::Full);
        let _other = wait(&semaphore, 2);
        assert_eq!(semaphore.waiting(), 2);
    }

    #[test]
    fn whoever_stops_waiting_leaves_the_line() {
        let semaphore = semaphore(1, 1, 1);
        let held = now(&semaphore, 1).unwrap();
        drop(wait(&semaphore, 1));
        assert_eq!(semaphore.waiting(), 0);
        let mut waiting = wait(&semaphore, 1);
        drop(held);
        assert!(poll(&mut waiting).unwrap().is_ok());
    }

    #[test]
    fn whoever_leaves_in_the_moment_of_his_turn_loses_no_permit() {
        let semaphore = semaphore(1, 1, 8);
        let held = now(&semaphore, 1).unwrap();
        let leaving = wait(&semaphore, 2);
        let mut next = wait(&semaphore, 3);
        drop(held);
        drop(leaving);
        assert!(poll(&mut next).unwrap().is_ok());
        assert_eq!(semaphore.available(), 1);
    }

    #[test]
    fn closed_it_refuses_who_waits_and_who_comes() {
        let semaphore = semaphore(1, 1, 8);
        let held = now(&semaphore, 1).unwrap();
        let mut waiting = wait(&semaphore, 1);
        semaphore.close();
        assert_eq!(
            poll(&mut waiting).unwrap().unwrap_err(),
            FairRefusal::Closed
        );
        assert_eq!(now(&semaphore, 2).unwrap_err(), FairRefusal::Closed);
        drop(held);
        assert!(semaphore.try_acquire(1).is_none());
    }

    proptest! {
        /// Whatever comes, leaves and is served in whatever order: nothing is lost, none has more
        /// than its share, and nobody waits while there is a permit for him.
        #[test]
        fn permits_are_neither_lost_nor_made(
            permits in 1_usize..5, per_key in 1_usize..4,
            steps in prop::collection::vec((0_u8..3, 0_u8..4, any::<prop::sample::Index>()), 1..80),
        ) {
            let semaphore = semaphore(permits, per_key, 4);
            let mut held: Vec<FairPermit<u8>> = Vec::new();
            let mut waiting: Vec<(u8, Waiting)> = Vec::new();
            for (what, key, index) in steps {
                match what {
                    0 => {
                        let semaphore = Arc::clone(&semaphore);
                        let asked: Waiting = Box::pin(async move { semaphore.acquire(key).await });
                        waiting.push((key, asked));
                    }
                    1 if !held.is_empty() => drop(held.swap_remove(index.index(held.len()))),
                    _ if !waiting.is_empty() => drop(waiting.swap_remove(index.index(waiting.len()))),
                    _ => {}
                }
                waiting.retain_mut(|(_, one)| match poll(one) {
                    Some(result) => { held.extend(result); false }
                    None => true,
                });
                prop_assert_eq!(semaphore.available() + held.len(), permits);
                for key in 0..4 {
                    let has = held.iter().filter(|permit| permit.key == key).count();
                    prop_assert!(has <= per_key);
                    let waits = waiting.iter().any(|(waiting, _)| *waiting == key);
                    prop_assert!(!(waits && has < per_key && semaphore.available() > 0));
                }
            }
            drop((held, waiting));
            prop_assert_eq!(semaphore.available(), permits);
            prop_assert!(semaphore.state().lines.is_empty());
        }
    }
}
