//! Where settings come from: a file, systemd credentials and the environment, in that order, the
//! later winning.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use config::builder::DefaultState;
use config::{Config, ConfigBuilder, ConfigError, ValueKind};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Problem, SettingsError};
use super::section::{Key, SectionDescription};
use super::value::Given;

/// The settings file that is read when it exists and no other is named.
pub const DEFAULT_FILE: &str = "/etc/hrms/hrms.toml";

/// Variable that names the settings file.
const FILE_VARIABLE: &str = "HRMS_CONFIG_FILE";
/// Variables that begin so belong to the test suite.
const TEST_VARIABLES: &str = "HRMS_TEST_";
/// Variable in which systemd names the folder of the service's credentials.
const CREDENTIALS_VARIABLE: &str = "CREDENTIALS_DIRECTORY";

/// Where [`Settings::load`](super::Settings::load) looks.
#[derive(Clone, Default)]
pub struct LoadFrom {
    /// The settings file that was asked for (`--config`); it must exist.
    pub config_file: Option<PathBuf>,
    /// The settings file to take when none was asked for and this one exists.
    pub default_file: Option<PathBuf>,
    /// Every variable of the environment; those that are none of ours are ignored.
    pub variables: Vec<(OsString, OsString)>,
}

impl LoadFrom {
    /// Takes the environment of this process, as it is now, and a file if `--config` names one.
    pub fn process(config_file: Option<PathBuf>) -> Self {
        Self {
            config_file,
            default_file: Some(PathBuf::from(DEFAULT_FILE)),
            variables: std::env::vars_os().collect(),
        }
    }

    /// Takes these variables as the whole environment, and no file unless they name one.
    pub fn environment<N, V>(variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let variables = variables.into_iter();
        Self {
            variables: variables
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            ..Self::default()
        }
    }

    fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_os_str())
    }

    fn file(&self) -> Option<PathBuf> {
        let asked_for = self.config_file.clone();
        asked_for
            .or_else(|| self.variable(FILE_VARIABLE).map(PathBuf::from))
            .or_else(|| self.default_file.clone().filter(|file| file.exists()))
    }
}

/// What was given and where it came from, by `section.key`.
pub(super) type Values = BTreeMap<String, (Given, String)>;

/// What was given, with where it came from, by `section.key`; and what was no setting at all.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) values: Values,
    pub(super) problems: Vec<Problem>,
}

/// Reads all sources. A file that is no TOML ends it: nothing could be said about the rest.
pub(super) fn collect(
    from: &LoadFrom,
    sections: &[SectionDescription],
) -> Result<Collected, SettingsError> {
    let mut collected = Collected::default();
    let mut layers = Config::builder();
    if let Some(file) = from.file() {
        collected.file(&file, sections)?;
        layers = layers.add_source(collected.layer());
    }
    if let Some(folder) = from.variable(CREDENTIALS_VARIABLE) {
        collected.credentials(Path::new(folder), sections);
        layers = layers.add_source(collected.layer());
    }
    collected.environment(&from.variables, sections);
    layers = layers.add_source(collected.layer());
    collected.values = merged(layers, sections)?;
    Ok(collected)
}

impl Collected {
    /// What one source gave, as a layer that lies over those before it.
    fn layer(&mut self) -> Layer {
        Layer(std::mem::take(&mut self.values))
    }

    fn file(&mut self, file: &Path, sections: &[SectionDescription]) -> Result<(), SettingsError> {
        let name = file.display().to_string();
        let failed = |problems| SettingsError { problems };
        let text = std::fs::read_to_string(file)
            .map_err(|error| failed(vec![Problem::unreadable(&name, error)]))?;
        let (table, errors) = DeTable::parse_recoverable(&text);
        if !errors.is_empty() {
            // The message alone: the error itself would print the line, which may hold a secret.
            let problem = |error: toml::de::Error| {
                let line = error.span().map_or(1, |span| line(&text, span.start));
                Problem::unreadable(format!("{name}, line {line}"), error.message())
            };
            return Err(failed(errors.into_iter().map(problem).collect()));
        }
        let origin = |start| format!("{name}, line {}", line(&text, start));
        self.table("", table.get_ref(), &origin, sections);
        Ok(())
    }

    fn table(
        &mut self,
        path: &str,
        table: &DeTable<'_>,
        origin: &impl Fn(usize) -> String,
        sections: &[SectionDescription],
    ) {
        for (name, value) in table {
            let path = [path, name.get_ref()].join(if path.is_empty() { "" } else { "." });
            let origin_here = origin(name.span().start);
            let is_section = sections.iter().any(|section| section.path == path);
            let key = keys(sections).find(|key| key.path == path);
            match (value.get_ref(), key) {
                (DeValue::Table(inner), None) if is_section => {
                    self.table(&path, inner, origin, sections);
                }
                (DeValue::Table(_), None) => {
                    let known = sections.iter().map(|section| section.path.as_str());
                    self.problems
                        .push(Problem::unknown(origin_here, "section", &path, known));
                }
                (value, Some(key)) => {
                    if let Some(given) = given(value) {
                        self.values.insert(path, (given, origin_here));
                    } else {
                        let table = Given::Text("{ … }".to_owned());
                        self.problems
                            .push(Problem::not_allowed(key, &table, origin_here));
                    }
                }
                (_, None) => {
                    let known = keys(sections).map(|key| key.path.as_str());
                    self.problems
                        .push(Problem::unknown(origin_here, "setting", &path, known));
                }
            }
        }
    }

    fn credentials(&mut self, folder: &Path, sections: &[SectionDescription]) {
        let secrets: Vec<_> = keys(sections).filter(|key| key.secret).collect();
        for key in &secrets {
            let name = key.credential();
            let origin = format!("systemd credential {name}");
            match std::fs::read_to_string(folder.join(&name)) {
                Ok(secret) => self.secret(key, &secret, origin),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => self.problems.push(Problem::unreadable(origin, error)),
            }
        }
        // A service may be given credentials that are not ours; one that begins like a section is.
        let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for name in names.filter_map(|entry| entry.file_name().into_string().ok()) {
            let ours = sections.iter().any(|section| {
                name.strip_prefix(&section.path)
                    .is_some_and(|rest| rest.starts_with('-'))
            });
            let known: Vec<_> = secrets.iter().map(|key| key.credential()).collect();
            if ours && !known.contains(&name) {
                let known = known.iter().map(String::as_str);
                let origin = folder.display().to_string();
                self.problems
                    .push(Problem::unknown(origin, "credential", &name, known));
            }
        }
    }

    fn environment(&mut self, variables: &[(OsString, OsString)], sections: &[SectionDescription]) {
        let known: BTreeMap<String, &Key> =
            keys(sections).map(|key| (key.variable(), key)).collect();
        for (name, value) in variables {
            let name = name.to_string_lossy();
            let secret_file = name.strip_suffix("_FILE").and_then(|variable| {
                known
                    .get(variable)
                    .filter(|key| key.secret)
                    .map(|key| (variable, *key))
            });
            match (known.get(name.as_ref()), secret_file) {
                (Some(key), _) => match value.to_str() {
                    Some(text) => {
                        let given = (Given::Text(text.to_owned()), name.into_owned());
                        self.values.insert(key.path.clone(), given);
                    }
                    None => self
                        .problems
                        .push(Problem::unreadable(name, "it is not UTF-8")),
                },
                (None, Some((variable, _))) if is_set(variables, variable) => {
                    self.problems.push(Problem::GivenTwice {
                        variable: variable.to_owned(),
                    });
                }
                (None, Some((_, key))) => self.secret_file(key, &name, Path::new(value)),
                (None, None) if is_no_setting(&name) => {}
                (None, None) => {
                    let known = known.keys().map(String::as_str);
                    let problem = Problem::unknown("environment", "variable", &name, known);
                    self.problems.push(problem);
                }
            }
        }
    }

    fn secret_file(&mut self, key: &Key, variable: &str, file: &Path) {
        let origin = format!("{} ({variable})", file.display());
        match std::fs::read_to_string(file) {
            Ok(secret) => self.secret(key, &secret, origin),
            Err(error) => self.problems.push(Problem::unreadable(origin, error)),
        }
    }

    /// Editors and `echo` end a file with a line feed that belongs to no secret.
    fn secret(&mut self, key: &Key, text: &str, origin: String) {
        let given = Given::Text(text.trim_end_matches(['\r', '\n']).to_owned());
        self.values.insert(key.path.clone(), (given, origin));
    }
}

/// Lays the sources over each other, the later winning.
fn merged(
    layers: ConfigBuilder<DefaultState>,
    sections: &[SectionDescription],
) -> Result<Values, SettingsError> {
    let failed = |error| SettingsError {
        problems: vec![Problem::unreadable("settings", error)],
    };
    let config = layers.build().map_err(failed)?;
    let mut values = Values::new();
    for key in keys(sections) {
        let Some(value) = at(&config.cache, &key.path) else {
            continue;
        };
        let origin = value.origin().unwrap_or_default().to_owned();
        let given = match &value.kind {
            ValueKind::Array(values) => {
                let texts = values.iter().cloned().map(config::Value::into_string);
                Given::List(texts.collect::<Result<_, _>>().map_err(failed)?)
            }
            _ => Given::Text(value.clone().into_string().map_err(failed)?),
        };
        values.insert(key.path.clone(), (given, origin));
    }
    Ok(values)
}

/// The value at a path. `Config::get` would lose where it came from.
fn at<'config>(root: &'config config::Value, path: &str) -> Option<&'config config::Value> {
    path.split('.')
        .try_fold(root, |value, name| match &value.kind {
            ValueKind::Table(table) => table.get(name),
            _ => None,
        })
}

/// What one source gave, as `config` takes it.
#[derive(Clone)]
struct Layer(Values);

impl config::Source for Layer {
    fn clone_into_box(&self) -> Box<dyn config::Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<config::Map<String, config::Value>, ConfigError> {
        let value = |(given, origin): &(Given, String)| match given {
            Given::Text(text) => config::Value::new(Some(origin), text.as_str()),
            Given::List(texts) => config::Value::new(Some(origin), texts.clone()),
        };
        Ok(self
            .0
            .iter()
            .map(|(path, given)| (path.clone(), value(given)))
            .collect())
    }
}

/// Secrets do not print.
impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Layer")
    }
}

fn is_set(variables: &[(OsString, OsString)], name: &str) -> bool {
    variables.iter().any(|(known, _)| known == name)
}

/// Foreign variables, and the few of ours that set nothing.
fn is_no_setting(name: &str) -> bool {
    !name.starts_with("HRMS_") || name == FILE_VARIABLE || name.starts_with(TEST_VARIABLES)
}

fn keys(sections: &[SectionDescription]) -> impl Iterator<Item = &Key> {
    sections.iter().flat_map(|section| &section.keys)
}

fn given(value: &DeValue<'_>) -> Option<Given> {
    match value {
        DeValue::Array(values) => {
            let texts = values
                .iter()
                .map(|value: &Spanned<_>| scalar(value.get_ref()));
            texts.collect::<Option<_>>().map(Given::List)
        }
        scalar_value => scalar(scalar_value).map(Given::Text),
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(|it| it.to_string()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Datetime(instant) => Some(instant.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

/// Line, from 1, of a place in a text.
fn line(text: &str, offset: usize) -> usize {
    1 + text
        .bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
}
