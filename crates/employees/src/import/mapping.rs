//! From another system's files to ours.
//!
//! A mapping is a TOML document that says, for each kind, which file holds it and where each of our
//! columns comes from. `docs/importing.md` describes it; `deploy/mappings/oracle_hr.toml` is one.

mod apply;
mod document;
mod template;

pub(super) use apply::Columns;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rust_decimal::Decimal;

use self::{document::Document, template::Template};
use super::Kind;

/// A mapping whose options have no values yet.
#[derive(Clone, Debug)]
pub struct Mapping {
    options: BTreeMap<String, MappingOption>,
    sections: Vec<Section>,
}

/// Something that the person who imports decides: the domain of e-mail addresses, a currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingOption {
    /// What it decides.
    pub description: String,
    /// Its value when nobody decides; without one, somebody has to.
    pub default: Option<String>,
}

/// Why a mapping cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// The document is no TOML, or not of the form of a mapping.
    #[error("the mapping cannot be read: {0}")]
    Syntax(String),
    /// The document maps no kind.
    #[error("the mapping has no section: it needs at least one of {}", kinds())]
    Empty,
    /// A section names a column that its kind does not have.
    #[error("[{kind}.fields] has `{field}`, which is none of {}", columns(*kind))]
    UnknownField {
        /// The section.
        kind: Kind,
        /// What it names.
        field: String,
    },
    /// A section says nothing about a column that its kind needs.
    #[error("[{kind}.fields] lacks `{field}`")]
    MissingField {
        /// The section.
        kind: Kind,
        /// What it lacks.
        field: &'static str,
    },
    /// A rule contradicts itself.
    #[error("[{kind}.fields] `{field}`: {reason}")]
    Rule {
        /// The section.
        kind: Kind,
        /// The column.
        field: String,
        /// What is wrong with its rule.
        reason: String,
    },
    /// A file is named by a path; files are looked for in one folder.
    #[error("`{0}` is not the name of a file: no folders, please")]
    FileName(String),
    /// Values were given for options that the mapping does not have.
    #[error("the mapping has no option {}", list(.0))]
    UnknownOptions(Vec<String>),
    /// Options have no value.
    #[error("the mapping needs a value for {}", list(.0))]
    MissingOptions(Vec<String>),
}

fn list<T: AsRef<str>>(names: &[T]) -> String {
    let quoted: Vec<String> = names
        .iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    quoted.join(", ")
}

fn kinds() -> String {
    list(&Kind::ALL.map(Kind::as_str))
}

fn columns(kind: Kind) -> String {
    let names: Vec<&str> = kind.columns().iter().map(|column| column.name).collect();
    list(&names)
}

impl Mapping {
    /// Reads a mapping.
    pub fn parse(toml: &str) -> Result<Self, MappingError> {
        let document: Document =
            toml::from_str(toml).map_err(|error| MappingError::Syntax(error.to_string()))?;
        document.check()
    }

    /// What the person who imports decides.
    pub fn options(&self) -> &BTreeMap<String, MappingOption> {
        &self.options
    }

    /// Decides: values for the options, by name.
    ///
    /// # Errors
    /// [`MappingError::UnknownOptions`], [`MappingError::MissingOptions`].
    pub fn with_options(
        &self,
        values: &BTreeMap<String, String>,
    ) -> Result<ReadyMapping, MappingError> {
        let unknown: Vec<String> = values
            .keys()
            .filter(|name| !self.options.contains_key(*name))
            .cloned()
            .collect();
        if !unknown.is_empty() {
            return Err(MappingError::UnknownOptions(unknown));
        }
        let mut decided = HashMap::new();
        let mut missing = Vec::new();
        for (name, option) in &self.options {
            match values.get(name).or(option.default.as_ref()) {
                Some(value) => _ = decided.insert(name.clone(), value.clone()),
                None => missing.push(name.clone()),
            }
        }
        if !missing.is_empty() {
            return Err(MappingError::MissingOptions(missing));
        }
        Ok(ReadyMapping {
            options: decided,
            sections: self.sections.clone(),
        })
    }
}

/// A mapping whose options have values.
#[derive(Clone, Debug)]
pub struct ReadyMapping {
    options: HashMap<String, String>,
    sections: Vec<Section>,
}

impl ReadyMapping {
    /// The files it reads, those it only looks something up in among them.
    pub(super) fn files(&self) -> BTreeSet<&str> {
        let own = self.sections.iter().map(|section| section.file.as_str());
        let lookups = self
            .sections
            .iter()
            .flat_map(|section| section.fields.values())
            .filter_map(|rule| rule.lookup.as_ref())
            .map(|lookup| lookup.file.as_str());
        own.chain(lookups).collect()
    }
}

/// Where the rows of one kind come from.
#[derive(Clone, Debug)]
struct Section {
    kind: Kind,
    file: String,
    fields: BTreeMap<&'static str, Rule>,
}

/// Where one of our columns comes from. The steps are taken in the order of the fields.
#[derive(Clone, Debug)]
struct Rule {
    origin: Origin,
    lookup: Option<Lookup>,
    values: HashMap<String, String>,
    times: Option<Decimal>,
}

#[derive(Clone, Debug)]
enum Origin {
    Column(String),
    Template(Template),
}

/// Replaces a key by what another file says about it.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Lookup {
    file: String,
    key: String,
    value: String,
}
