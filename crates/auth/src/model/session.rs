//! Sessions.

use std::{fmt, time::Duration};

use kernel::{SessionId, UserId};
use time::OffsetDateTime;

/// One sign-in of a user, from login to logout. Its refresh tokens follow one another; at most one
/// of them is unused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The session.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When it was begun or refreshed last.
    pub last_used_at: OffsetDateTime,
    /// When it ends unless it is refreshed.
    pub expires_at: OffsetDateTime,
    /// When it ends however often it is refreshed.
    pub absolute_expires_at: OffsetDateTime,
    /// When it ended, if it did.
    pub ended_at: Option<OffsetDateTime>,
    /// When the user proved who he is.
    pub auth_time: OffsetDateTime,
    /// How he proved it.
    pub methods: AuthMethods,
}

/// How long sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLifetime {
    /// Unused.
    pub idle: Duration,
    /// However often they are refreshed.
    pub absolute: Duration,
}

impl Session {
    /// Begins a session of somebody who proved just now who he is.
    pub fn begin(
        id: SessionId,
        user_id: UserId,
        methods: AuthMethods,
        lifetime: SessionLifetime,
        now: OffsetDateTime,
    ) -> Self {
        let absolute_expires_at = now + lifetime.absolute;
        Self {
            id,
            user_id,
            created_at: now,
            last_used_at: now,
            expires_at: absolute_expires_at.min(now + lifetime.idle),
            absolute_expires_at,
            ended_at: None,
            auth_time: now,
            methods,
        }
    }

    /// Whether it can be used.
    pub fn is_open(&self, now: OffsetDateTime) -> bool {
        self.ended_at.is_none() && now < self.expires_at && now < self.absolute_expires_at
    }

    /// Lives on from now, within its absolute limit.
    pub fn prolong(&mut self, lifetime: SessionLifetime, now: OffsetDateTime) {
        self.last_used_at = now;
        self.expires_at = self.absolute_expires_at.min(now + lifetime.idle);
    }
}

/// How a user proved who he is: authentication method references (RFC 8176), separated by spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthMethods(String);

impl AuthMethods {
    /// With his password.
    pub fn password() -> Self {
        Self("pwd".to_owned())
    }

    /// Reads what was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The methods, separated by spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The methods, one by one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split_whitespace()
    }
}

impl fmt::Display for AuthMethods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-23 09:00 UTC);
    const DAY: Duration = Duration::from_hours(24);
    const LIFETIME: SessionLifetime = SessionLifetime {
        idle: Duration::from_hours(7 * 24),
        absolute: Duration::from_hours(30 * 24),
    };

    fn begun() -> Session {
        let (id, user) = (Uuid::from_u128(1).into(), Uuid::from_u128(2).into());
        Session::begin(id, user, AuthMethods::password(), LIFETIME, NOW)
    }

    #[test]
    fn a_session_ends_after_seven_days_without_use() {
        let session = begun();
        assert!(session.is_open(NOW + 7 * DAY - Duration::from_secs(1)));
        assert!(!session.is_open(NOW + 7 * DAY));
    }

    #[test]
    fn a_session_ends_after_thirty_days_however_often_it_is_used() {
        let mut session = begun();
        for day in 1..30 {
            assert!(session.is_open(NOW + day * DAY));
            session.prolong(LIFETIME, NOW + day * DAY);
        }
        assert!(session.is_open(NOW + 30 * DAY - Duration::from_secs(1)));
        assert!(!session.is_open(NOW + 30 * DAY));
    }

    #[test]
    fn a_session_that_ended_stays_ended() {
        let mut session = begun();
        session.ended_at = Some(NOW);
        session.prolong(LIFETIME, NOW + DAY);
        assert!(!session.is_open(NOW + DAY));
    }

    proptest! {
        #[test]
        fn use_never_carries_a_session_beyond_its_absolute_end(
            uses in prop::collection::vec(0_u32..60, 0..20),
            asked in 0_u32..90,
        ) {
            let mut session = begun();
            let mut uses = uses;
            uses.sort_unstable();
            for day in uses {
                let now = NOW + day * DAY;
                if session.is_open(now) {
                    session.prolong(LIFETIME, now);
                }
            }
            prop_assert!(session.expires_at <= session.absolute_expires_at);
            prop_assert!(asked < 30 || !session.is_open(NOW + asked * DAY));
        }
    }
}
