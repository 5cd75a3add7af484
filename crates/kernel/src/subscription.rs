//! Whether a tenant may work, as far as its subscription goes.

use time::OffsetDateTime;

/// What billing says of a tenant's subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subscription {
    /// It runs.
    #[default]
    Active,
    /// It ended, and the tenant works on until then.
    Grace {
        /// When the grace period ends.
        until: OffsetDateTime,
    },
    /// It ended, and so did any grace.
    Expired,
}

/// What a subscription is worth at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The tenant works.
    Good,
    /// The tenant works until then.
    InGrace(OffsetDateTime),
    /// The tenant does not work.
    Over,
}

/// Two words that make no subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a subscription is `active`, `grace` until an instant, or `expired`")]
pub struct SubscriptionError;

impl Subscription {
    /// Reads what was stored.
    ///
    /// # Errors
    /// [`SubscriptionError`] for an unknown word, and when there is an instant without grace or grace
    /// without an instant.
    pub fn stored(
        state: &str,
        grace_until: Option<OffsetDateTime>,
    ) -> Result<Self, SubscriptionError> {
        match (state, grace_until) {
            ("active", None) => Ok(Self::Active),
            ("grace", Some(until)) => Ok(Self::Grace { until }),
            ("expired", None) => Ok(Self::Expired),
            _ => Err(SubscriptionError),
        }
    }

    /// The word for the registry and the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Grace { .. } => "grace",
            Self::Expired => "expired",
        }
    }

    /// When the grace period ends, or ended.
    pub fn grace_until(self) -> Option<OffsetDateTime> {
        match self {
            Self::Grace { until } => Some(until),
            Self::Active | Self::Expired => None,
        }
    }

    /// What it is worth now. Grace ends by the clock: nobody has to write anything then.
    ///
    /// ```
    /// use kernel::{Standing, Subscription};
    /// use time::{Duration, OffsetDateTime};
    ///
    /// let until = OffsetDateTime::UNIX_EPOCH;
    /// let grace = Subscription::Grace { until };
    /// assert_eq!(grace.at(until - Duration::SECOND), Standing::InGrace(until));
    /// assert_eq!(grace.at(until), Standing::Over);
    /// ```
    pub fn at(self, now: OffsetDateTime) -> Standing {
        match self {
            Self::Active => Standing::Good,
            Self::Grace { until } if now < until => Standing::InGrace(until),
            Self::Grace { .. } | Self::Expired => Standing::Over,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_reads_back_and_nothing_else_does() {
        let until = OffsetDateTime::UNIX_EPOCH;
        for subscription in [
            Subscription::Active,
            Subscription::Grace { until },
            Subscription::Expired,
        ] {
            let (state, grace_until) = (subscription.as_str(), subscription.grace_until());
            assert_eq!(Subscription::stored(state, grace_until), Ok(subscription));
        }
        for (state, grace_until) in [
            ("active", Some(until)),
            ("grace", None),
            ("expired", Some(until)),
            ("trial", None),
            ("", None),
        ] {
            assert!(Subscription::stored(state, grace_until).is_err(), "{state}");
        }
    }
}
