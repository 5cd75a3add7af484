//! Closed sets of words: `full_time`, `part_time`, …

/// A text that is none of the words of a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {0}")]
pub struct WordError(pub(super) &'static str);

/// Declares an enum whose variants are words on the wire and in storage.
macro_rules! words {
    (
        $(#[$doc:meta])* $name:ident: $list:literal;
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every word of the set.
            pub const ALL: &[Self] = &[$(Self::$variant),+];
            /// The words of the set.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word on the wire and in storage.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::model::WordError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::model::word::WordError($list)),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(super) use words;

#[cfg(test)]
mod tests {
    use crate::model::{EmploymentStatus, EmploymentType, PayPeriod};

    #[test]
    fn a_word_reads_back_as_it_was_written() {
        for word in EmploymentType::ALL {
            assert_eq!(word.as_str().parse(), Ok(*word));
        }
        for word in PayPeriod::ALL {
            assert_eq!(word.as_str().parse(), Ok(*word));
        }
        for word in EmploymentStatus::ALL {
            assert_eq!(word.as_str().parse(), Ok(*word));
        }
    }

    #[test]
    fn another_word_is_refused_with_the_list() {
        let error = "freelance".parse::<EmploymentType>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "must be one of full_time, part_time, contract, intern"
        );
    }
}
