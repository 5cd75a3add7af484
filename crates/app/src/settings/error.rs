//! Everything that is wrong with the settings, in words for the operator.

use std::fmt;

use super::section::Key;
use super::value::Given;

/// Why the settings could not be loaded: everything that is wrong with them, not the first.
#[derive(Debug)]
pub struct SettingsError {
    pub(super) problems: Vec<Problem>,
}

impl SettingsError {
    /// What is wrong; never empty.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl std::error::Error for SettingsError {}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings are wrong:")?;
        self.problems
            .iter()
            .try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

/// One thing that is wrong. No variant holds the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A value that its setting does not take.
    #[error("[{section}] {key}: {given} from {origin} is not allowed; allowed is {allowed}")]
    NotAllowed {
        /// `auth.argon2`.
        section: String,
        /// `memory_kib`.
        key: String,
        /// The value, or "the secret".
        given: String,
        /// Where the value came from.
        origin: String,
        /// What would be right.
        allowed: String,
    },
    /// A value that does not go with another one.
    #[error("[{section}] {key} from {origin}: {rule}")]
    Rule {
        /// `auth`.
        section: String,
        /// `refresh_ttl`.
        key: String,
        /// Where the value came from.
        origin: String,
        /// What must hold.
        rule: &'static str,
    },
    /// A setting that has no default and was not given.
    #[error("[{section}] {key} is missing; give it as {ways}")]
    Missing {
        /// `database`.
        section: String,
        /// `url`.
        key: String,
        /// How it can be given.
        ways: String,
    },
    /// Something that is no setting: a key, a section, a variable or a credential.
    #[error("{origin}: there is no {what} `{name}`; the nearest is `{nearest}`")]
    Unknown {
        /// Where it stands.
        origin: String,
        /// "setting", "section", "variable" or "credential".
        what: &'static str,
        /// As it was written.
        name: String,
        /// What was probably meant.
        nearest: String,
    },
    /// The same secret in two variables.
    #[error("{variable} and {variable}_FILE are both set; one of them must go")]
    GivenTwice {
        /// The first of them.
        variable: String,
    },
    /// A file, or a variable, that is no readable text.
    #[error("{origin} can't be read: {reason}")]
    Unreadable {
        /// Which one.
        origin: String,
        /// Why not.
        reason: String,
    },
}

impl Problem {
    pub(super) fn not_allowed(key: &Key, given: &Given, origin: String) -> Self {
        let (section, name) = split(&key.path);
        let given = if key.secret {
            "the secret".to_owned()
        } else {
            given.to_string()
        };
        Self::NotAllowed {
            section,
            key: name,
            given,
            origin,
            allowed: key.allowed.clone(),
        }
    }

    pub(super) fn rule(path: &str, origin: &str, rule: &'static str) -> Self {
        let (section, key) = split(path);
        Self::Rule {
            section,
            key,
            origin: origin.to_owned(),
            rule,
        }
    }

    pub(super) fn missing(key: &Key) -> Self {
        let (section, name) = split(&key.path);
        let variable = key.variable();
        let ways = if key.secret {
            format!(
                "{variable}, as a file that {variable}_FILE names, or as the systemd credential {}",
                key.credential()
            )
        } else {
            format!("{variable} or in the settings file")
        };
        Self::Missing {
            section,
            key: name,
            ways,
        }
    }

    pub(super) fn unknown<'a>(
        origin: impl Into<String>,
        what: &'static str,
        name: &str,
        known: impl Iterator<Item = &'a str>,
    ) -> Self {
        let nearness = |known: &str| strsim::normalized_damerau_levenshtein(name, known);
        let nearest = known
            .max_by(|a, b| nearness(a).total_cmp(&nearness(b)))
            .unwrap_or_default();
        Self::Unknown {
            origin: origin.into(),
            what,
            name: name.to_owned(),
            nearest: nearest.to_owned(),
        }
    }

    pub(super) fn unreadable(origin: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self::Unreadable {
            origin: origin.into(),
            reason: reason.to_string(),
        }
    }
}

fn split(path: &str) -> (String, String) {
    let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
    (section.to_owned(), key.to_owned())
}
