//! Queues and states, by the words that are stored.

use std::{fmt, str::FromStr};

/// A word that names nothing here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is none of {known}")]
pub struct UnknownWord {
    word: String,
    known: String,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word, as it is stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                let known = Self::ALL.iter().find(|it| it.as_str() == word);
                known.copied().ok_or_else(|| UnknownWord {
                    word: word.to_owned(),
                    known: [$($word,)+].join(", "),
                })
            }
        }
    };
}

words! {
    /// Which line a job stands in. Each has workers of its own, so that the one does not wait for
    /// the other.
    Queue {
        /// Somebody waits for it: mails that let somebody in.
        Critical = "critical",
        /// What has no other place.
        Default = "default",
        /// Long work that nobody waits for: imports, nightly clean-ups.
        Bulk = "bulk",
        /// Making tenants, which needs rights of its own: one worker does nothing else.
        Provisioning = "provisioning",
    }
}

words! {
    /// Where a job stands.
    JobState {
        /// It waits for its turn.
        Ready = "ready",
        /// A worker does it, under a lease.
        Running = "running",
        /// It failed and waits to be tried again.
        Retry = "retry",
        /// It was done, and so were its effects.
        Done = "done",
        /// It failed for good: somebody must look at it.
        Dead = "dead",
        /// It waits for its tenant to be served again, or for an operator.
        Parked = "parked",
        /// Somebody took it back.
        Cancelled = "cancelled",
    }
}

impl JobState {
    /// Whether nothing more happens by itself.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Dead | Self::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_as_it_is_written_and_no_other_is() {
        for queue in Queue::ALL {
            assert_eq!(queue.as_str().parse(), Ok(*queue));
        }
        for state in JobState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        let error = "Bulk".parse::<Queue>().unwrap_err().to_string();
        assert_eq!(
            error,
            "`Bulk` is none of critical, default, bulk, provisioning"
        );
    }
}
