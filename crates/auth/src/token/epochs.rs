//! The claim `ver`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The claim `ver`: the `auth_epoch` of the tenant and the one of the user, as they were when the
/// token was issued, written `3.14`. Raising either makes every older token stale at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epochs {
    /// The tenant's.
    pub tenant: i64,
    /// The user's.
    pub user: i64,
}

/// A text is not of the form `3.14`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not two epochs of the form `3.14`")]
pub struct NoEpochs;

impl fmt::Display for Epochs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.tenant, self.user)
    }
}

impl FromStr for Epochs {
    type Err = NoEpochs;

    fn from_str(text: &str) -> Result<Self, NoEpochs> {
        let (tenant, user) = text.split_once('.').ok_or(NoEpochs)?;
        Ok(Self {
            tenant: epoch(tenant)?,
            user: epoch(user)?,
        })
    }
}

/// Digits alone, the way `Display` writes them: no sign, no leading zero.
fn epoch(text: &str) -> Result<i64, NoEpochs> {
    let canonical =
        text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    match text.parse() {
        Ok(epoch) if canonical => Ok(epoch),
        _ => Err(NoEpochs),
    }
}

impl Serialize for Epochs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Epochs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn epochs_survive_their_text(tenant in 0_i64.., user in 0_i64..) {
            let epochs = Epochs { tenant, user };
            prop_assert_eq!(epochs.to_string().parse(), Ok(epochs));
        }

        #[test]
        fn epochs_are_written_in_one_way_only(text in "[0-9.+-]{0,8}") {
            if let Ok(epochs) = text.parse::<Epochs>() {
                prop_assert_eq!(epochs.to_string(), text);
            }
        }
    }

    #[test]
    fn what_is_no_pair_of_epochs_is_refused() {
        for text in [
            "",
            ".",
            "1",
            "1.",
            ".1",
            "1.2.3",
            "-1.2",
            "+1.2",
            "01.2",
            "1. 2",
            "9223372036854775808.1",
        ] {
            assert_eq!(text.parse::<Epochs>(), Err(NoEpochs), "{text}");
        }
    }
}
