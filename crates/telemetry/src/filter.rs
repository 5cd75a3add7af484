//! What is logged: by severity, by crate, and the access log apart.

use std::fmt;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Target of the one event that answers a request (`tracing::info!(target: ACCESS_LOG, …)`).
///
/// Switched by [`crate::LogSettings::access_log`] alone. Switched off it costs one load of a
/// flag, because the answer is cached with the place in the code that writes it.
pub const ACCESS_LOG: &str = "access_log";

/// Crates of this workspace: the general level is theirs. Others are held at [`LIBRARIES`].
const HOUSE: [&str; 19] = [
    "access",
    "activity",
    "app",
    "audit",
    "auth",
    "database",
    "employees",
    "hrms_api",
    "hrms_bootstrap",
    "hrms_worker",
    "kernel",
    "mail",
    "messaging",
    "migration",
    "smtp_sink",
    "telemetry",
    "tenancy",
    "testkit",
    "web",
];

/// The most that a library may say unless it is named: beyond it they print headers and SQL.
const LIBRARIES: LevelFilter = LevelFilter::INFO;

/// Modules that call it an error when somebody sends what is no HTTP request: any stranger could
/// fill the log of errors, and nobody of the house could do anything about it. Silent unless named.
const ABOUT_STRANGERS: [&str; 2] = ["actix_http::h1::decoder", "actix_http::h1::dispatcher"];

/// Crates that print a password where they tell every frame they send: named or not, they say no
/// more than [`LevelFilter::DEBUG`].
const WITH_SECRETS: [&str; 1] = ["lapin"];

/// A general level, and other levels for some crates or modules: `info,employees=debug,sqlx=warn`.
///
/// Levels are `off`, `error`, `warn`, `info`, `debug` and `trace`. The general one comes first
/// and is that of the workspace's own crates; libraries follow it up to `info`, unless one is
/// named. What reads HTTP is silent unless it is named (`info,actix_http=error`), for it calls
/// every request that cannot be read an error. A name means the module and everything in it; the
/// longest that fits decides. What would print a password at `trace` stays at `debug`.
///
/// Not the `EnvFilter` of `tracing-subscriber`: that takes a mistyped level for the name of a
/// crate and falls silent, and looks up a table whenever a span is entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter {
    general: LevelFilter,
    modules: Vec<(String, LevelFilter)>,
}

/// A text that is no [`LogFilter`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogFilterError {
    /// Neither a level nor `module=level`.
    #[error("`{0}` is not a level: off, error, warn, info, debug or trace")]
    UnknownLevel(String),
    /// A second general level.
    #[error("`{0}` is a second general level: only the first entry goes without `module=`")]
    SecondGeneralLevel(String),
    /// Something else than a path of Rust names before the `=`.
    #[error("`{0}` is not the name of a crate or module, such as `employees` or `sqlx::query`")]
    NoModule(String),
}

impl LogFilter {
    /// Lets the access log through, or not, whatever else was said.
    pub(crate) fn with_access_log(mut self, on: bool) -> Self {
        let level = if on {
            LevelFilter::INFO
        } else {
            LevelFilter::OFF
        };
        self.modules.retain(|(module, _)| module != ACCESS_LOG);
        self.modules.push((ACCESS_LOG.to_owned(), level));
        self
    }

    fn level_of(&self, target: &str) -> LevelFilter {
        let named = self
            .modules
            .iter()
            .filter(|(module, _)| lies_in(target, module))
            .max_by_key(|(module, _)| module.len());
        let level = named.map_or_else(|| self.general_level_of(target), |(_, level)| *level);
        if WITH_SECRETS.iter().any(|module| lies_in(target, module)) {
            level.min(LevelFilter::DEBUG)
        } else {
            level
        }
    }

    fn general_level_of(&self, target: &str) -> LevelFilter {
        let is_in = |modules: &[&str]| modules.iter().any(|module| lies_in(target, module));
        if is_in(&HOUSE) {
            self.general
        } else if is_in(&ABOUT_STRANGERS) {
            LevelFilter::OFF
        } else {
            self.general.min(LIBRARIES)
        }
    }

    fn allows(&self, event: &Metadata<'_>) -> bool {
        *event.level() <= self.level_of(event.target())
    }
}

fn lies_in(target: &str, module: &str) -> bool {
    target
        .strip_prefix(module)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

impl<S: Subscriber> Layer<S> for LogFilter {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.allows(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.allows(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.modules
            .iter()
            .map(|(_, level)| *level)
            .chain([self.general])
            .max()
    }
}

impl FromStr for LogFilter {
    type Err = LogFilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut entries = text.split(',').map(str::trim);
        let general = level(entries.next().unwrap_or_default())?;
        let modules = entries.map(module_level).collect::<Result<_, _>>()?;
        Ok(Self { general, modules })
    }
}

fn module_level(entry: &str) -> Result<(String, LevelFilter), LogFilterError> {
    match entry.split_once('=') {
        Some((module, text)) if is_module(module) => Ok((module.to_owned(), level(text)?)),
        Some((module, _)) => Err(LogFilterError::NoModule(module.to_owned())),
        None => {
            level(entry)?;
            Err(LogFilterError::SecondGeneralLevel(entry.to_owned()))
        }
    }
}

fn is_module(text: &str) -> bool {
    text.split("::").all(|name| {
        !name.is_empty()
            && name
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || char == '_')
    })
}

fn level(text: &str) -> Result<LevelFilter, LogFilterError> {
    match text {
        "off" => Ok(LevelFilter::OFF),
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        other => Err(LogFilterError::UnknownLevel(other.to_owned())),
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.general)?;
        self.modules
            .iter()
            .try_for_each(|(module, level)| write!(f, ",{module}={level}"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn filter(text: &str) -> LogFilter {
        text.parse().unwrap()
    }

    #[test]
    fn the_general_level_is_that_of_the_house() {
        assert_eq!(
            filter("debug").level_of("employees::service::hire"),
            LevelFilter::DEBUG
        );
    }

    #[test]
    fn libraries_say_no_more_than_info_unless_named() {
        assert_eq!(filter("trace").level_of("sqlx::query"), LevelFilter::INFO);
        assert_eq!(filter("warn").level_of("sqlx::query"), LevelFilter::WARN);
        assert_eq!(
            filter("warn,sqlx=debug").level_of("sqlx::query"),
            LevelFilter::DEBUG
        );
    }

    #[test]
    fn what_would_print_a_password_does_not_even_when_it_is_asked_to() {
        let frames = "lapin::io_loop";
        let asked = filter("info,lapin::io_loop=trace");
        assert_eq!(asked.level_of(frames), LevelFilter::DEBUG);
        assert_eq!(filter("info,lapin=off").level_of(frames), LevelFilter::OFF);
        assert_eq!(filter("trace").level_of(frames), LevelFilter::INFO);
    }

    #[test]
    fn what_strangers_send_is_no_error_unless_it_is_asked_for() {
        let reads_requests = "actix_http::h1::dispatcher";
        assert_eq!(filter("trace").level_of(reads_requests), LevelFilter::OFF);
        assert_eq!(
            filter("info,actix_http=error").level_of(reads_requests),
            LevelFilter::ERROR
        );
        assert_eq!(
            filter("info").level_of("actix_http::service"),
            LevelFilter::INFO
        );
    }

    #[test]
    fn the_longest_name_that_fits_decides() {
        let filter = filter("info,employees=warn,employees::postgres=trace");
        assert_eq!(
            filter.level_of("employees::postgres::employee"),
            LevelFilter::TRACE
        );
        assert_eq!(filter.level_of("employees::service"), LevelFilter::WARN);
    }

    #[test]
    fn a_name_is_a_module_and_not_the_beginning_of_one() {
        assert_eq!(
            filter("debug").level_of("webpki::verify"),
            LevelFilter::INFO
        );
    }

    #[test]
    fn the_access_log_follows_its_own_switch() {
        let loud = filter("error,access_log=off").with_access_log(true);
        let silent = filter("trace").with_access_log(false);
        assert_eq!(loud.level_of(ACCESS_LOG), LevelFilter::INFO);
        assert_eq!(silent.level_of(ACCESS_LOG), LevelFilter::OFF);
    }

    #[test]
    fn a_mistyped_level_is_an_error_and_no_silence() {
        assert_eq!(
            "inof".parse::<LogFilter>().unwrap_err().to_string(),
            "`inof` is not a level: off, error, warn, info, debug or trace"
        );
        assert!(matches!(
            "info,web=lots".parse::<LogFilter>(),
            Err(LogFilterError::UnknownLevel(_))
        ));
        assert!(matches!(
            "info,debug".parse::<LogFilter>(),
            Err(LogFilterError::SecondGeneralLevel(_))
        ));
        assert!(matches!(
            "info,we b=info".parse::<LogFilter>(),
            Err(LogFilterError::NoModule(_))
        ));
    }

    #[test]
    fn a_filter_is_written_as_it_is_read() {
        assert_eq!(filter("info, sqlx=warn").to_string(), "info,sqlx=warn");
    }

    #[test]
    fn every_crate_of_the_workspace_belongs_to_the_house() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let members = ["crates", "bin"].into_iter().flat_map(|folder| {
            let entries = std::fs::read_dir(root.join(folder))
                .unwrap()
                .map(Result::unwrap);
            entries.filter(|entry| entry.path().join("Cargo.toml").exists())
        });
        let names = members.map(|entry| {
            let manifest = std::fs::read_to_string(entry.path().join("Cargo.toml")).unwrap();
            let name = manifest
                .lines()
                .find_map(|line| line.strip_prefix("name = \""))
                .unwrap();
            name.trim_end_matches('"').replace('-', "_")
        });
        let strangers: Vec<_> = names
            .filter(|name| !HOUSE.contains(&name.as_str()))
            .collect();
        assert!(strangers.is_empty(), "add to HOUSE: {strangers:?}");
    }
}
