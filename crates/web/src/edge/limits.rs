//! How much one address, one user and one tenant may ask for.

use std::{
    fmt::{self, Write as _},
    hash::Hash,
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::{StateInformationMiddleware, StateSnapshot},
    nanos::Nanos,
    state::{InMemoryState, NotKeyed, StateStore},
};
use kernel::{ErrorKind, TenantId, UserId};
use moka::sync::Cache;

use crate::Problem;

/// How often somebody may ask: so many at once, and then so many a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// What is earned back each second.
    pub per_second: NonZeroU32,
    /// What may be used at once.
    pub burst: NonZeroU32,
}

/// What the limits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Of an address; of an IPv6 one, for its network of 64 bits.
    pub address: Rate,
    /// Of a user.
    pub user: Rate,
    /// Of all users of a tenant together.
    pub tenant: Rate,
    /// Of how many addresses, users and tenants the use is kept in mind, each.
    pub capacity: u64,
}

/// The one limiter of a process (GCRA, a leaky bucket as a meter): by address before anything is
/// looked up, by user and by tenant once it is known who asks.
///
/// - Only who signed in uses up his tenant's quota: a stranger who names a tenant can't.
/// - The probes (`/api/health…`) have buckets of their own, so that a flood of requests does not
///   keep an orchestrator behind the same address from asking, nor a flood of probes anybody else;
///   a request is a probe by the route that serves it, and by nothing in it.
/// - Memory is bounded. A bucket is forgotten when it is full again; beyond the capacity the least
///   used are, which lets somebody through who should have waited, never the other way round.
pub struct Limits<C: Clock = MonotonicClock> {
    address: Limit<AddressBlock, C>,
    probes: Limit<AddressBlock, C>,
    user: Limit<(TenantId, UserId), C>,
    tenant: Limit<TenantId, C>,
}

impl<C: Clock> fmt::Debug for Limits<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Limits")
    }
}

impl Limits {
    /// Limits as the settings say, by the machine's monotonic clock.
    pub fn new(settings: &LimitSettings) -> Self {
        Self::by(MonotonicClock, settings)
    }
}

impl<C: Clock + Clone> Limits<C> {
    fn by(clock: C, settings: &LimitSettings) -> Self {
        let LimitSettings {
            address,
            user,
            tenant,
            capacity,
        } = *settings;
        Self {
            address: Limit::new("address", address, capacity, clock.clone()),
            probes: Limit::new("address", address, capacity, clock.clone()),
            user: Limit::new("user", user, capacity, clock.clone()),
            tenant: Limit::new("tenant", tenant, capacity, clock),
        }
    }

    /// Counts a request of an address.
    ///
    /// # Errors
    /// 429 when it is one too many.
    pub(crate) fn admit_address(
        &self,
        address: IpAddr,
        is_probe: bool,
        standing: &mut Standing,
    ) -> Result<(), Problem> {
        let limit = if is_probe {
            &self.probes
        } else {
            &self.address
        };
        limit.admit(&AddressBlock::of(address), standing)
    }

    /// Counts a request of somebody who signed in. Who asked too much himself uses up nothing of
    /// his tenant's.
    ///
    /// # Errors
    /// 429 when it is one too many.
    pub(crate) fn admit_user(
        &self,
        tenant: TenantId,
        user: UserId,
        standing: &mut Standing,
    ) -> Result<(), Problem> {
        self.user.admit(&(tenant, user), standing)?;
        self.tenant.admit(&tenant, standing)
    }
}

/// Who counts as one client: an IPv4 address, or an IPv6 network, for a single subscriber has as
/// many addresses of that as he likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum AddressBlock {
    V4(Ipv4Addr),
    V6Network([u16; 4]),
}

impl AddressBlock {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6Network([a, b, c, d])
            }
        }
    }
}

/// How a request stands to each limit that it was counted by, for its answer's headers.
#[derive(Debug, Default)]
pub(crate) struct Standing(Vec<Usage>);

#[derive(Debug)]
struct Usage {
    policy: Arc<str>,
    name: &'static str,
    remaining: u32,
    /// Until everything may be used again.
    full_after: Duration,
}

impl Standing {
    /// The limit that the request was counted by last.
    pub(crate) fn last(&self) -> Option<&'static str> {
        self.0.last().map(|usage| usage.name)
    }

    /// The values of `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10):
    /// for each policy the quota `q` of a window of `w` seconds; what remains of it, `r`, and in
    /// how many seconds all of it is back, `t`.
    pub(crate) fn headers(&self) -> Option<(String, String)> {
        let (mut policies, mut limits) = (String::new(), String::new());
        for usage in &self.0 {
            if !policies.is_empty() {
                policies.push_str(", ");
                limits.push_str(", ");
            }
            policies.push_str(&usage.policy);
            let seconds = whole_seconds(usage.full_after);
            // Writing to a string can't fail.
            let _ = write!(
                limits,
                "\"{}\";r={};t={seconds}",
                usage.name, usage.remaining
            );
        }
        (!policies.is_empty()).then_some((policies, limits))
    }
}

/// Whose use is counted.
trait Key: Copy + Eq + Hash + Send + Sync + 'static {}

impl<K: Copy + Eq + Hash + Send + Sync + 'static> Key for K {}

type Limiter<K, C> = RateLimiter<K, Buckets<K>, C, StateInformationMiddleware>;

/// One policy.
struct Limit<K: Key, C: Clock> {
    name: &'static str,
    policy: Arc<str>,
    /// What one request costs: the time that earns it back.
    interval: Duration,
    burst: u32,
    limiter: Limiter<K, C>,
}

impl<K: Key, C: Clock> Limit<K, C> {
    fn new(name: &'static str, rate: Rate, capacity: u64, clock: C) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        let interval = quota.replenish_interval();
        let burst = rate.burst.get();
        let window = interval * burst;
        let policy = format!("\"{name}\";q={burst};w={}", whole_seconds(window));
        let buckets = Buckets(
            Cache::builder()
                .max_capacity(capacity)
                // By then it is full again, and as good as a new one.
                .time_to_idle(window + Duration::from_secs(1))
                .build(),
        );
        Self {
            name,
            policy: policy.into(),
            interval,
            burst,
            limiter: Limiter::new(quota, buckets, clock),
        }
    }

    fn admit(&self, key: &K, standing: &mut Standing) -> Result<(), Problem> {
        let outcome = self.limiter.check_key(key);
        let remaining = outcome
            .as_ref()
            .map_or(0, StateSnapshot::remaining_burst_capacity);
        standing.0.push(Usage {
            policy: Arc::clone(&self.policy),
            name: self.name,
            remaining,
            full_after: self.interval * self.burst.saturating_sub(remaining),
        });
        let Err(refused) = outcome else {
            return Ok(());
        };
        let wait = refused.wait_time_from(self.limiter.clock().now());
        let detail = format!(
            "This {} asked too often: `Retry-After` says when to try again.",
            self.name
        );
        Err(Problem::new(ErrorKind::RateLimited, detail)
            .retry_after(u32::try_from(whole_seconds(wait)).unwrap_or(u32::MAX)))
    }
}

/// Rounded up, and one at least: who waits so long is not too early.
fn whole_seconds(time: Duration) -> u64 {
    let part = u64::from(time.subsec_nanos() > 0);
    (time.as_secs() + part).max(1)
}

/// The buckets by key; bounded, unlike the map that comes with `governor`.
struct Buckets<K: Key>(Cache<K, Arc<InMemoryState>>);

impl<K: Key> StateStore for Buckets<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let bucket = self
            .0
            .get(key)
            .unwrap_or_else(|| self.0.get_with_by_ref(key, Arc::default));
        bucket.measure_and_replace(&NotKeyed::NonKey, decide)
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use kernel::Ambient;

    use super::*;

    fn rate(per_second: u32, burst: u32) -> Rate {
        Rate {
            per_second: per_second.try_into().unwrap(),
            burst: burst.try_into().unwrap(),
        }
    }

    fn limits(clock: &FakeRelativeClock) -> Limits<FakeRelativeClock> {
        let settings = LimitSettings {
            address: rate(1, 3),
            user: rate(1, 2),
            tenant: rate(1, 3),
            capacity: 1_000,
        };
        Limits::by(clock.clone(), &settings)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// How many of ten requests are let through.
    fn admitted(limits: &Limits<FakeRelativeClock>, address: &str) -> usize {
        let admit = || limits.admit_address(ip(address), false, &mut Standing::default());
        (0..10).filter(|_| admit().is_ok()).count()
    }

    #[test]
    fn an_address_may_use_its_burst_and_then_what_it_earns() {
        let clock = FakeRelativeClock::default();
        let limits = limits(&clock);
        assert_eq!(admitted(&limits, "203.0.113.9"), 3);
        assert_eq!(admitted(&limits, "203.0.113.9"), 0);
        assert_eq!(
            admitted(&limits, "203.0.113.10"),
            3,
            "another is not slowed"
        );
        clock.advance(Duration::from_secs(2));
        assert_eq!(admitted(&limits, "203.0.113.9"), 2);
    }

    #[test]
    fn an_ipv6_network_of_64_bits_is_one_client() {
        let clock = FakeRelativeClock::default();
        let limits = limits(&clock);
        assert_eq!(admitted(&limits, "2001:db8:0:1::1"), 3);
        assert_eq!(admitted(&limits, "2001:db8:0:1:ffff::2"), 0);
        assert_eq!(admitted(&limits, "2001:db8:0:2::1"), 3);
    }

    #[test]
    fn an_ipv4_address_is_one_however_it_is_written() {
        let clock = FakeRelativeClock::default();
        let limits = limits(&clock);
        assert_eq!(admitted(&limits, "203.0.113.9"), 3);
        assert_eq!(admitted(&limits, "::ffff:203.0.113.9"), 0);
        assert_eq!(admitted(&limits, "::ffff:203.0.113.10"), 3);
    }

    #[test]
    fn probes_and_requests_do_not_use_up_each_others_quota() {
        let clock = FakeRelativeClock::default();
        let limits = limits(&clock);
        let admit = |is_probe| {
            limits
                .admit_address(ip("203.0.113.9"), is_probe, &mut Standing::default())
                .is_ok()
        };
        assert_eq!((0..10).filter(|_| admit(false)).count(), 3);
        assert_eq!((0..10).filter(|_| admit(true)).count(), 3);
    }

    #[test]
    fn a_user_who_asks_too_much_uses_up_nothing_of_his_tenants() {
        let clock = FakeRelativeClock::default();
        let limits = limits(&clock);
        let ambient = Ambient::system();
        let tenant: TenantId = ambient.id();
        let (greedy, modest) = (ambient.id(), ambient.id());
        let admit = |user: UserId| {
            limits
                .admit_user(tenant, user, &mut Standing::default())
                .is_ok()
        };
        assert_eq!((0..10).filter(|_| admit(greedy)).count(), 2);
        assert!(admit(modest), "the tenant has one left");
        assert!(!admit(modest), "and now none");
        let elsewhere = limits.admit_user(ambient.id(), modest, &mut Standing::default());
        assert!(elsewhere.is_ok(), "another tenant is not slowed");
    }

    #[test]
    fn the_headers_tell_each_policy_and_how_the_request_stands_to_it() {
        let clock = FakeRelativeClock::default();
        let limits = limits(&clock);
        let ambient = Ambient::system();
        let mut standing = Standing::default();
        assert_eq!(standing.headers(), None);
        limits
            .admit_address(ip("203.0.113.9"), false, &mut standing)
            .unwrap();
        limits
            .admit_user(ambient.id(), ambient.id(), &mut standing)
            .unwrap();
        let (policy, limit) = standing.headers().unwrap();
        assert_eq!(
            policy,
            r#""address";q=3;w=3, "user";q=2;w=2, "tenant";q=3;w=3"#
        );
        assert_eq!(
            limit,
            r#""address";r=2;t=1, "user";r=1;t=1, "tenant";r=2;t=1"#
        );
    }

    #[test]
    fn who_waits_as_long_as_he_is_told_is_let_through() {
        let clock = FakeRelativeClock::default();
        let limits = limits(&clock);
        let admit =
            |standing: &mut Standing| limits.admit_address(ip("203.0.113.9"), false, standing);
        while admit(&mut Standing::default()).is_ok() {}
        let mut standing = Standing::default();
        let refused = admit(&mut standing).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::RateLimited);
        assert_eq!(standing.headers().unwrap().1, r#""address";r=0;t=3"#);
        clock.advance(Duration::from_secs(refused.retries_after().unwrap().into()));
        assert!(admit(&mut Standing::default()).is_ok());
    }

    #[test]
    fn no_number_of_addresses_takes_more_memory_than_the_capacity() {
        let clock = FakeRelativeClock::default();
        let limits = limits(&clock);
        for network in 0..20_000_u64 {
            let address = IpAddr::V6(u128::from(network).rotate_left(64).into());
            let _ = limits.admit_address(address, false, &mut Standing::default());
        }
        let Buckets(kept) = limits.address.limiter.into_state_store();
        kept.run_pending_tasks();
        assert!((1..=1_000).contains(&kept.entry_count()));
    }
}
