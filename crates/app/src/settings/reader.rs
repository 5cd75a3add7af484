//! Turns what was given into values and notes everything that is wrong with it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::error::Problem;
use super::section::{Key, SectionDescription};
use super::sources::Collected;
use super::value::{Given, Setting};

/// What was given, by `section.key`, and what was found wrong with it so far.
pub(super) struct Reader {
    keys: BTreeMap<String, Key>,
    given: BTreeMap<String, (Given, String)>,
    pub(super) problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn over(collected: Collected, sections: &[SectionDescription]) -> Self {
        let keys = sections.iter().flat_map(|section| &section.keys);
        Self {
            keys: keys.map(|key| (key.path.clone(), key.clone())).collect(),
            given: collected.values,
            problems: collected.problems,
        }
    }

    /// The value of the setting at `path`; `None`, and a problem, when it has none.
    pub(super) fn read<T: Setting>(&mut self, path: &str) -> Option<T> {
        let key = self.keys.get(path)?;
        let default = key
            .default
            .map(|text| (Given::Text(text.to_owned()), "default".to_owned()));
        let Some((given, origin)) = self.given.get(path).cloned().or(default) else {
            if let Some(nothing) = T::absent() {
                return Some(nothing);
            }
            self.problems.push(Problem::missing(key));
            return None;
        };
        let value = T::parse(&given).filter(|value| in_range(value, key));
        if value.is_none() {
            self.problems
                .push(Problem::not_allowed(key, &given, origin));
        }
        value
    }

    /// Where each given value came from, by path.
    pub(super) fn origins(&self) -> BTreeMap<String, String> {
        self.given
            .iter()
            .map(|(path, (_, origin))| (path.clone(), origin.clone()))
            .collect()
    }
}

fn in_range<T: Setting>(value: &T, key: &Key) -> bool {
    let Some((low, high)) = key.range else {
        return true;
    };
    let bound = |text: &str| T::parse(&Given::Text(text.to_owned()));
    let order = |text| bound(text).and_then(|bound| value.compare(&bound));
    matches!(order(low), Some(Ordering::Greater | Ordering::Equal))
        && matches!(order(high), Some(Ordering::Less | Ordering::Equal))
}
