//! Names of people and things.

use std::{collections::BTreeSet, fmt, str::FromStr};

use kernel::normalised_key;

use super::text::{TextError, line};

/// A name of one line: at most 100 characters, blanks at the ends and runs of blanks removed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name(String);

impl Name {
    /// The name as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as it is shown, owned.
    pub fn into_string(self) -> String {
        self.0
    }

    /// What storage holds was parsed before it was stored.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// The form by which names are searched and sorted.
    pub fn key(&self) -> String {
        normalised_key(&self.0)
    }
}

impl FromStr for Name {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        line(text, 100).map(Self)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name may be a person's: `Debug` output, which may reach a log, does not show it.
impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name(…)")
    }
}

/// What a person is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PersonName {
    /// The given name or names.
    pub first: Name,
    /// The family name.
    pub last: Name,
}

/// What parts the words of a name, beside blanks: Müller-Lund, O’Neil.
const WORD_BREAKS: [char; 5] = [' ', '-', '.', '\'', '\u{2019}'];

impl PersonName {
    /// What somebody is found by who is searched by a word inside his name: in the form of
    /// [`Name::key`], each word that does not begin the given or the family name, from where it
    /// begins to the next blank. "Jan van der Berg-Lund" has `der`, `berg-lund` and `lund`.
    pub fn inner_words(&self) -> BTreeSet<String> {
        let keys = [self.first.key(), self.last.key()];
        let inner = keys.iter().flat_map(|key| {
            key.match_indices(WORD_BREAKS).filter_map(|(at, parting)| {
                let rest = key.get(at + parting.len()..)?;
                rest.split(' ').next()
            })
        });
        inner
            .filter(|word| !word.is_empty() && !word.starts_with(WORD_BREAKS))
            .map(str::to_owned)
            .collect()
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_do_not_make_another_name() {
        let name: Name = "  Mary  Ann ".parse().unwrap();
        assert_eq!(name.as_str(), "Mary Ann");
        assert_eq!(name.key(), "mary ann");
    }

    #[test]
    fn what_is_no_name_is_refused_with_a_reason() {
        let parse = |text: &str| text.parse::<Name>().unwrap_err();
        assert_eq!(parse("  "), TextError::Empty);
        assert_eq!(parse(&"x".repeat(101)), TextError::TooLong(100));
        assert_eq!(parse("a\nb"), TextError::Unprintable);
        assert_eq!(parse("a\u{202E}b"), TextError::Unprintable);
    }

    #[test]
    fn a_name_has_the_words_inside_it() {
        let inner = |first: &str, last: &str| {
            let name = PersonName {
                first: first.parse().unwrap(),
                last: last.parse().unwrap(),
            };
            Vec::from_iter(name.inner_words())
        };
        assert!(inner("Neena", "Yang").is_empty());
        let found = inner("Jan", "van der Berg-Lund");
        assert_eq!(found, ["berg-lund", "der", "lund"]);
        assert_eq!(inner("Mary Ann", "O\u{2019}Neil"), ["ann", "neil"]);
        assert_eq!(inner("J. R.", "Smith - Jones"), ["jones", "r."]);
    }

    #[test]
    fn a_name_does_not_reach_a_log() {
        let name = PersonName {
            first: "Neena".parse().unwrap(),
            last: "Yang".parse().unwrap(),
        };
        assert_eq!(name.to_string(), "Neena Yang");
        assert!(!format!("{name:?}").contains("Yang"));
    }
}
