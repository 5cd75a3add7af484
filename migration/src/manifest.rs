//! The manifest: which migrations there are, in which order, and what they say.
//!
//! `migration/manifest.toml` lists every migration with the SHA-256 of its source file. Both are
//! compiled in and compared when a program starts and when the tests run, for a migration that was
//! deleted, edited, renamed, reordered or doubled leaves databases that nobody can tell apart.

use std::{collections::HashSet, fmt};

use serde::Deserialize;

use crate::{platform, tenant};

/// Which schemas a migration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The schema `platform`.
    Platform,
    /// Every schema that holds tenants.
    Tenant,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Platform => "platform",
            Self::Tenant => "tenant",
        })
    }
}

/// A migration's name and the SHA-256 of its source file, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The name of the migration: its file's, without the ending.
    pub name: String,
    /// The hash of its source file.
    pub sha256: String,
}

/// A list of migrations for each scope, in the order in which they are applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The migrations of the schema `platform`.
    #[serde(default)]
    pub platform: Vec<Entry>,
    /// The migrations of every tenant schema.
    #[serde(default)]
    pub tenant: Vec<Entry>,
}

/// How the compiled migrations differ from the manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// The manifest is not readable.
    #[error("manifest.toml is malformed: {0}")]
    Malformed(String),
    /// In the manifest, but not in the program.
    #[error("{0} migration `{1}` was deleted")]
    Deleted(Scope, String),
    /// In both, with different contents.
    #[error("{0} migration `{1}` was edited: write a new migration instead")]
    Edited(Scope, String),
    /// The same contents under another name.
    #[error("{0} migration `{1}` was renamed to `{2}`")]
    Renamed(Scope, String, String),
    /// Not where it was in the order.
    #[error("{0} migration `{1}` was reordered: `{2}` is expected in its place")]
    Reordered(Scope, String, String),
    /// Twice in the manifest or in the program.
    #[error("{0} migration `{1}` is there twice")]
    Doubled(Scope, String),
    /// Two migrations were written side by side: which one runs first is nobody's decision.
    #[error(
        "{0} migrations `{1}` and `{2}` are not numbered one after the other: give the later one a later number"
    )]
    Numbered(Scope, String, String),
    /// In the program, but not in the manifest.
    #[error(
        "{0} migration `{1}` is not in the manifest: run \
         `cargo run -p migration --example write_manifest`"
    )]
    Unlisted(Scope, String),
}

impl Manifest {
    /// The manifest that this program was compiled with.
    pub fn committed() -> Result<Self, Defect> {
        include_str!("../manifest.toml").parse()
    }

    /// What the compiled migrations say of themselves.
    pub fn of_sources() -> Self {
        Self {
            platform: platform::sources(),
            tenant: tenant::sources(),
        }
    }

    /// Compares this manifest with what the sources say of themselves.
    pub fn compare(&self, sources: &Self) -> Vec<Defect> {
        let mut defects = compare(Scope::Platform, &self.platform, &sources.platform);
        defects.extend(compare(Scope::Tenant, &self.tenant, &sources.tenant));
        defects
    }

    /// The migrations of a scope.
    pub fn scope(&self, scope: Scope) -> &[Entry] {
        match scope {
            Scope::Platform => &self.platform,
            Scope::Tenant => &self.tenant,
        }
    }
}

impl std::str::FromStr for Manifest {
    type Err = Defect;

    fn from_str(text: &str) -> Result<Self, Defect> {
        toml::from_str(text).map_err(|error| Defect::Malformed(error.message().to_owned()))
    }
}

/// The manifest as its file has it.
impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Every migration, in order, with the SHA-256 of its source file. Written by\n\
             # `cargo run -p migration --example write_manifest`; entries are only ever added."
        )?;
        for scope in [Scope::Platform, Scope::Tenant] {
            for Entry { name, sha256 } in self.scope(scope) {
                write!(
                    f,
                    "\n[[{scope}]]\nname = \"{name}\"\nsha256 = \"{sha256}\"\n"
                )?;
            }
        }
        Ok(())
    }
}

/// Compares the compiled migrations with the compiled manifest.
pub fn verify() -> Result<(), Vec<Defect>> {
    let committed = Manifest::committed().map_err(|defect| vec![defect])?;
    let defects = committed.compare(&Manifest::of_sources());
    if defects.is_empty() {
        Ok(())
    } else {
        Err(defects)
    }
}

fn compare(scope: Scope, listed: &[Entry], sources: &[Entry]) -> Vec<Defect> {
    let mut defects: Vec<Defect> = doubles(listed)
        .into_iter()
        .chain(doubles(sources))
        .map(|name| Defect::Doubled(scope, name))
        .collect();
    defects.dedup();
    let named = |entries: &[Entry], name: &str| entries.iter().any(|entry| entry.name == name);
    let mut renamed = HashSet::new();
    for entry in listed {
        if let Some(source) = sources.iter().find(|source| source.name == entry.name) {
            if source.sha256 != entry.sha256 {
                defects.push(Defect::Edited(scope, entry.name.clone()));
            }
        } else if let Some(source) = sources
            .iter()
            .find(|source| source.sha256 == entry.sha256 && !named(listed, &source.name))
        {
            renamed.insert(source.name.as_str());
            let (from, to) = (entry.name.clone(), source.name.clone());
            defects.push(Defect::Renamed(scope, from, to));
        } else {
            defects.push(Defect::Deleted(scope, entry.name.clone()));
        }
    }
    for source in sources {
        if !named(listed, &source.name) && !renamed.contains(source.name.as_str()) {
            defects.push(Defect::Unlisted(scope, source.name.clone()));
        }
    }
    let order = |entries: &[Entry], others: &[Entry]| -> Vec<String> {
        let mut seen = HashSet::new();
        let common = entries.iter().filter(|entry| named(others, &entry.name));
        common
            .map(|entry| entry.name.clone())
            .filter(|name| seen.insert(name.clone()))
            .collect()
    };
    let (expected, found) = (order(listed, sources), order(sources, listed));
    if let Some((expected, found)) = expected.into_iter().zip(found).find(|(a, b)| a != b) {
        defects.push(Defect::Reordered(scope, found, expected));
    }
    for (one, next) in sources.iter().zip(sources.iter().skip(1)) {
        let (before, after) = (number(&one.name), number(&next.name));
        let is_new = !named(listed, &next.name);
        if one.name != next.name && (before == after || (is_new && before > after)) {
            let (one, next) = (one.name.clone(), next.name.clone());
            defects.push(Defect::Numbered(scope, one, next));
        }
    }
    // A new migration runs after those that databases already have.
    let last_listed = sources
        .iter()
        .rposition(|source| named(listed, &source.name));
    let between = sources.iter().take(last_listed.unwrap_or(0));
    for source in between.filter(|source| !named(listed, &source.name)) {
        if let Some(expected) = listed
            .last()
            .filter(|_| !renamed.contains(source.name.as_str()))
        {
            let (found, expected) = (source.name.clone(), expected.name.clone());
            defects.push(Defect::Reordered(scope, found, expected));
        }
    }
    defects
}

/// The day and the number of `m20261126_000001_idempotency`.
fn number(name: &str) -> Vec<&str> {
    name.splitn(3, '_').take(2).collect()
}

/// The names that occur twice, and those whose contents another one has too.
fn doubles(entries: &[Entry]) -> Vec<String> {
    let (mut names, mut hashes) = (HashSet::new(), HashSet::new());
    entries
        .iter()
        .filter(|entry| !names.insert(&entry.name) | !hashes.insert(&entry.sha256))
        .map(|entry| entry.name.clone())
        .collect()
}

/// The SHA-256 of a source file, in hexadecimal.
pub(crate) fn sha256(source: &[u8]) -> String {
    use std::fmt::Write as _;

    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, source);
    digest
        .as_ref()
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing into a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(tenant: &[(&str, &str)]) -> Manifest {
        let entry = |&(name, sha256): &(&str, &str)| Entry {
            name: name.to_owned(),
            sha256: sha256.to_owned(),
        };
        Manifest {
            platform: Vec::new(),
            tenant: tenant.iter().map(entry).collect(),
        }
    }

    fn defects(listed: &[(&str, &str)], sources: &[(&str, &str)]) -> Vec<Defect> {
        manifest(listed).compare(&manifest(sources))
    }

    const LISTED: [(&str, &str); 3] = [("m1_one", "aa"), ("m2_two", "bb"), ("m3_three", "cc")];

    #[test]
    fn the_committed_manifest_is_that_of_the_sources() {
        assert_eq!(verify(), Ok(()));
    }

    #[test]
    fn every_file_of_a_migration_is_listed_in_code() {
        for (folder, entries) in [
            ("platform", platform::sources()),
            ("tenant", tenant::sources()),
        ] {
            let path = format!("{}/src/{folder}", env!("CARGO_MANIFEST_DIR"));
            let mut files: Vec<String> = std::fs::read_dir(path)
                .unwrap()
                .map(|file| {
                    file.unwrap()
                        .path()
                        .file_stem()
                        .unwrap()
                        .to_string_lossy()
                        .into()
                })
                .collect();
            files.sort_unstable();
            let listed: Vec<String> = entries.into_iter().map(|entry| entry.name).collect();
            assert_eq!(files, listed);
        }
    }

    #[test]
    fn the_manifest_reads_back_as_it_is_written() {
        let sources = Manifest::of_sources();
        assert_eq!(sources.to_string().parse(), Ok(sources));
    }

    #[test]
    fn the_same_list_has_no_defect() {
        assert_eq!(defects(&LISTED, &LISTED), []);
    }

    #[test]
    fn a_deleted_migration_is_named() {
        let found = defects(&LISTED, &[LISTED[0], LISTED[2]]);
        assert_eq!(found, [Defect::Deleted(Scope::Tenant, "m2_two".to_owned())]);
    }

    #[test]
    fn an_edited_migration_is_named() {
        let found = defects(&LISTED, &[LISTED[0], ("m2_two", "b2"), LISTED[2]]);
        assert_eq!(found, [Defect::Edited(Scope::Tenant, "m2_two".to_owned())]);
    }

    #[test]
    fn a_renamed_migration_is_named() {
        let found = defects(&LISTED, &[LISTED[0], ("m2_zwei", "bb"), LISTED[2]]);
        let (from, to) = ("m2_two".to_owned(), "m2_zwei".to_owned());
        assert_eq!(found, [Defect::Renamed(Scope::Tenant, from, to)]);
    }

    #[test]
    fn a_reordered_migration_is_named() {
        let found = defects(&LISTED, &[LISTED[0], LISTED[2], LISTED[1]]);
        let (found_name, expected) = ("m3_three".to_owned(), "m2_two".to_owned());
        assert_eq!(
            found,
            [Defect::Reordered(Scope::Tenant, found_name, expected)]
        );
    }

    #[test]
    fn a_doubled_migration_is_named() {
        let twice = [LISTED[0], LISTED[1], LISTED[1], LISTED[2]];
        let expected = [Defect::Doubled(Scope::Tenant, "m2_two".to_owned())];
        assert_eq!(defects(&twice, &LISTED), expected);
        assert_eq!(defects(&LISTED, &twice), expected);
        let copied = defects(
            &LISTED,
            &[LISTED[0], LISTED[1], LISTED[2], ("m4_copy", "aa")],
        );
        assert!(copied.contains(&Defect::Doubled(Scope::Tenant, "m4_copy".to_owned())));
    }

    #[test]
    fn a_new_migration_is_named_until_it_is_listed() {
        let new = ("m4_four", "dd");
        let found = defects(&LISTED, &[LISTED[0], LISTED[1], LISTED[2], new]);
        assert_eq!(
            found,
            [Defect::Unlisted(Scope::Tenant, "m4_four".to_owned())]
        );
    }

    #[test]
    fn a_new_migration_in_front_of_old_ones_is_named() {
        let found = defects(
            &LISTED,
            &[LISTED[0], ("m1_half", "dd"), LISTED[1], LISTED[2]],
        );
        let (found_name, expected) = ("m1_half".to_owned(), "m3_three".to_owned());
        assert!(found.contains(&Defect::Reordered(Scope::Tenant, found_name, expected)));
    }

    #[test]
    fn migrations_that_were_written_side_by_side_are_named() {
        let listed = [("m20261126_000001_a", "aa"), ("m20261126_000002_b", "bb")];
        let numbered = |sources: &[(&str, &str)]| {
            let found = defects(sources, sources).into_iter();
            let found = found.chain(defects(&listed, sources));
            found
                .filter(|it| matches!(it, Defect::Numbered(..)))
                .count()
        };
        let [a, b] = listed;
        assert_eq!(numbered(&[a, b, ("m20261126_000003_c", "cc")]), 0);
        // Also when the manifest lists it already.
        assert_eq!(numbered(&[a, b, ("m20261126_000002_c", "cc")]), 2);
        assert_eq!(numbered(&[a, b, ("m20261125_000009_c", "cc")]), 1);
    }

    #[test]
    fn a_malformed_manifest_is_a_defect() {
        let read = "[[tenant]]\nname = 1".parse::<Manifest>();
        assert!(matches!(read, Err(Defect::Malformed(_))));
    }
}
