//! The TOML document of a mapping, and what must hold for it.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use rust_decimal::Decimal;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    Kind, Lookup, Mapping, MappingError, MappingOption, Origin, Rule, Section, template::Template,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(default)]
    options: BTreeMap<String, OptionEntry>,
    departments: Option<SectionEntry>,
    job_titles: Option<SectionEntry>,
    locations: Option<SectionEntry>,
    employees: Option<SectionEntry>,
    employment_history: Option<SectionEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OptionEntry {
    description: String,
    default: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionEntry {
    file: String,
    fields: BTreeMap<String, RuleEntry>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    column: Option<String>,
    template: Option<String>,
    lookup: Option<Lookup>,
    #[serde(default)]
    values: HashMap<String, String>,
    times: Option<i64>,
}

/// `"their_column"`, or a table with more to say.
struct RuleEntry(RuleTable);

/// By hand, because an untagged enum would answer every mistake with "did not match any variant".
impl<'de> Deserialize<'de> for RuleEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;

        impl<'de> Visitor<'de> for Form {
            type Value = RuleEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a column, or a table with `column` or `template`")
            }

            fn visit_str<E>(self, column: &str) -> Result<RuleEntry, E> {
                Ok(RuleEntry(RuleTable {
                    column: Some(column.to_owned()),
                    ..RuleTable::default()
                }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RuleEntry, A::Error> {
                RuleTable::deserialize(MapAccessDeserializer::new(map)).map(RuleEntry)
            }
        }

        deserializer.deserialize_any(Form)
    }
}

impl Document {
    pub(super) fn check(self) -> Result<Mapping, MappingError> {
        let options: BTreeMap<String, MappingOption> = self
            .options
            .into_iter()
            .map(|(name, entry)| {
                let option = MappingOption {
                    description: entry.description,
                    default: entry.default,
                };
                (name, option)
            })
            .collect();
        let entries = [
            (Kind::Departments, self.departments),
            (Kind::JobTitles, self.job_titles),
            (Kind::Locations, self.locations),
            (Kind::Employees, self.employees),
            (Kind::EmploymentHistory, self.employment_history),
        ];
        let sections = entries
            .into_iter()
            .filter_map(|(kind, entry)| entry.map(|entry| section(kind, entry, &options)))
            .collect::<Result<Vec<_>, _>>()?;
        if sections.is_empty() {
            return Err(MappingError::Empty);
        }
        Ok(Mapping { options, sections })
    }
}

fn section(
    kind: Kind,
    entry: SectionEntry,
    options: &BTreeMap<String, MappingOption>,
) -> Result<Section, MappingError> {
    file_name(&entry.file)?;
    let mut fields = BTreeMap::new();
    for (name, RuleEntry(table)) in entry.fields {
        let Some(column) = kind.column(&name) else {
            return Err(MappingError::UnknownField { kind, field: name });
        };
        if let Some(lookup) = &table.lookup {
            file_name(&lookup.file)?;
        }
        let rule = rule(table, options).map_err(|reason| MappingError::Rule {
            kind,
            field: name,
            reason,
        })?;
        fields.insert(column.name, rule);
    }
    let lacking = kind
        .columns()
        .iter()
        .find(|column| column.required && !fields.contains_key(column.name));
    match lacking {
        Some(column) => Err(MappingError::MissingField {
            kind,
            field: column.name,
        }),
        None => Ok(Section {
            kind,
            file: entry.file,
            fields,
        }),
    }
}

fn rule(table: RuleTable, options: &BTreeMap<String, MappingOption>) -> Result<Rule, String> {
    let origin = match (table.column, table.template) {
        (Some(column), None) => Origin::Column(column),
        (None, Some(text)) => {
            Origin::Template(Template::parse(&text, |name| options.contains_key(name))?)
        }
        _ => return Err("give it either `column` or `template`".to_owned()),
    };
    Ok(Rule {
        origin,
        lookup: table.lookup,
        values: table.values,
        times: table.times.map(Decimal::from),
    })
}

/// Files lie side by side: a mapping from somewhere else must not reach out of the folder.
fn file_name(name: &str) -> Result<(), MappingError> {
    let path = std::path::Path::new(name);
    let plain = path.file_name().is_some_and(|last| last == name) && !name.contains('\\');
    if plain {
        Ok(())
    } else {
        Err(MappingError::FileName(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPARTMENTS: &str = "[departments]\nfile = 'd.csv'\n[departments.fields]\n";

    fn refused(toml: &str) -> String {
        Mapping::parse(toml).unwrap_err().to_string()
    }

    #[test]
    fn a_mapping_names_its_options() {
        let toml = format!(
            "[options.currency]\ndescription = 'Of all pay'\ndefault = 'USD'\n\
             {DEPARTMENTS}code = 'id'\nname = {{ column = 'label' }}\n"
        );
        let mapping = Mapping::parse(&toml).unwrap();
        assert_eq!(
            mapping.options()["currency"].default.as_deref(),
            Some("USD")
        );
    }

    #[test]
    fn a_mistake_in_a_mapping_is_named() {
        assert!(refused("").contains("`employees`"));
        assert!(refused("[people]\nfile = 'p.csv'").contains("people"));
        assert!(refused(&format!("{DEPARTMENTS}code = 'id'\n")).contains("lacks `name`"));
        let unknown = refused(&format!("{DEPARTMENTS}colour = 'id'\n"));
        assert!(unknown.contains("`colour`") && unknown.contains("`parent_code`"));
        let misspelt = refused(&format!("{DEPARTMENTS}code = {{ colum = 'id' }}\n"));
        assert!(
            misspelt.contains("colum") && misspelt.contains("template"),
            "{misspelt}"
        );
        for rule in [
            "{}",
            "{ column = 'a', template = 'b' }",
            "{ template = '{a' }",
        ] {
            let message = refused(&format!("{DEPARTMENTS}code = {rule}\nname = 'n'\n"));
            assert!(message.contains("[departments.fields] `code`"), "{message}");
        }
    }

    #[test]
    fn a_mapping_cannot_reach_out_of_the_folder() {
        for name in ["", "/etc/passwd", "../x.csv", "a/b.csv", "..", "a\\b.csv"] {
            let toml =
                format!("[departments]\nfile = '{name}'\nfields = {{ code = 'c', name = 'n' }}");
            assert_eq!(
                Mapping::parse(&toml).unwrap_err(),
                MappingError::FileName(name.to_owned())
            );
        }
    }

    #[test]
    fn every_option_needs_a_value_and_no_other_is_taken() {
        let toml = format!(
            "[options.mail_domain]\ndescription = 'Of addresses'\n\
             [options.currency]\ndescription = 'Of pay'\ndefault = 'USD'\n\
             {DEPARTMENTS}code = 'id'\nname = 'n'\n"
        );
        let mapping = Mapping::parse(&toml).unwrap();
        let with = |pairs: &[(&str, &str)]| {
            let values = pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect();
            mapping.with_options(&values).map(|_| ())
        };
        assert_eq!(
            with(&[]),
            Err(MappingError::MissingOptions(vec!["mail_domain".to_owned()]))
        );
        assert_eq!(
            with(&[("mail_domain", "acme.example"), ("colour", "red")]),
            Err(MappingError::UnknownOptions(vec!["colour".to_owned()]))
        );
        assert_eq!(with(&[("mail_domain", "acme.example")]), Ok(()));
    }
}
