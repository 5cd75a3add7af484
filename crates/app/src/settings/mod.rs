//! What an operator decides, read once at start and checked whole.
//!
//! A setting has a section, a key, a default where one makes sense, and rules about its values;
//! all of that is said once, in `sections.rs`, and `docs/operators/configuration.md` is written
//! from it. A value comes from, the later winning over the earlier:
//!
//! 1. the default;
//! 2. the settings file: `--config`, else `HRMS_CONFIG_FILE`, else [`DEFAULT_FILE`] if it exists;
//! 3. for secrets, a systemd credential: the file `section-key` in `$CREDENTIALS_DIRECTORY`;
//! 4. the environment: `HRMS_SECTION__KEY`, or for secrets `HRMS_SECTION__KEY_FILE`, which names a
//!    file that holds the value.
//!
//! # Invariants
//! - A key that does not exist is an error wherever it stands, and so is a variable that begins
//!   with `HRMS_`: a mistyped limit must not leave the default in force unnoticed.
//! - All that is wrong is reported at once ([`SettingsError`]), each with its section, its key,
//!   where it came from and what is allowed.
//! - A secret is a [`SecretString`](secrecy::SecretString), and neither an error, nor `Debug`, nor
//!   [`Settings::redacted`] shows it.
//! - The process's environment is read in one place, [`LoadFrom::process`]; everything else takes
//!   it as an argument.
//!
//! The layers are laid over each other by `config`. Files are read with `toml`, because the reader
//! of `config` stops at the first error and prints the line it stands in, secret or not.
//!
//! # Example
//! ```
//! use app::settings::{LoadFrom, Settings};
//!
//! let from = LoadFrom::environment([("HRMS_DATABASE__URL", "postgres://hrms@localhost/hrms")]);
//! let settings = Settings::load(&from)?;
//! assert_eq!(settings.database.pool_size, 10);
//! # Ok::<(), app::settings::SettingsError>(())
//! ```

mod error;
mod mail;
mod reader;
mod reference;
mod rules;
mod section;
mod sections;
mod sources;
mod value;

use std::collections::BTreeMap;
use std::fmt::Write;

pub use error::{Problem, SettingsError};
pub use mail::{MailLinks, NoMailLinks};
pub use reference::reference;
pub use sections::{
    Argon2Settings, AuditSettings, AuthSettings, BrokerSettings, DatabaseSettings, HealthSettings,
    HttpSettings, ImportSettings, LimitSettings, MailSettings, MetricsSettings,
    PrincipalCacheSettings, TenancySettings, WorkerSettings,
};
pub use sources::{DEFAULT_FILE, LoadFrom};
pub use telemetry::{LogSettings, TraceSettings};
pub use value::{CoreCount, DefaultPlacement, NotAnOrigin, WebOrigin};

use reader::Reader;
use section::{Section, SectionDescription};

/// Everything that can be configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How HTTP is served.
    pub http: HttpSettings,
    /// Imports of people and organisation.
    pub imports: ImportSettings,
    /// How much one client may ask for.
    pub limits: LimitSettings,
    /// How PostgreSQL is reached.
    pub database: DatabaseSettings,
    /// How tenants are found and placed.
    pub tenancy: TenancySettings,
    /// Passwords, tokens and sessions.
    pub auth: AuthSettings,
    /// What a worker does at a time.
    pub worker: WorkerSettings,
    /// RabbitMQ.
    pub broker: BrokerSettings,
    /// Mails.
    pub mail: MailSettings,
    /// The record of what was done.
    pub audit: AuditSettings,
    /// Health checks.
    pub health: HealthSettings,
    /// Logs.
    pub log: LogSettings,
    /// Metrics.
    pub metrics: MetricsSettings,
    /// Traces.
    pub traces: TraceSettings,
    /// Where each value came from, by `section.key`.
    origins: BTreeMap<String, String>,
}

impl Settings {
    /// Reads and checks every setting.
    pub fn load(from: &LoadFrom) -> Result<Self, SettingsError> {
        let sections = Self::describe();
        let mut reader = Reader::over(sources::collect(from, &sections)?, &sections);
        let settings = Self::read(&mut reader);
        let mut problems = reader.problems;
        match settings {
            Some(settings) if problems.is_empty() => {
                problems = rules::broken(&settings);
                if problems.is_empty() {
                    Ok(settings)
                } else {
                    Err(SettingsError { problems })
                }
            }
            _ => Err(SettingsError { problems }),
        }
    }

    /// The settings in force as a settings file, each with where it came from, secrets as `***`.
    pub fn redacted(&self) -> String {
        let shown = self.show();
        let mut file = String::new();
        for section in Self::describe() {
            // Writing to a string can't fail.
            let _ = writeln!(file, "[{}]", section.path);
            for key in section.keys {
                let _ = match shown.get(&key.path).and_then(Option::as_ref) {
                    Some(value) => {
                        writeln!(file, "{} = {value}  # {}", key.name, self.origin(&key.path))
                    }
                    None => writeln!(file, "# {} is not set", key.name),
                };
            }
            file.push('\n');
        }
        file
    }

    /// Where the value of `section.key` came from.
    fn origin(&self, path: &str) -> &str {
        self.origins.get(path).map_or("default", String::as_str)
    }

    fn describe() -> Vec<SectionDescription> {
        [
            HttpSettings::describe("http"),
            ImportSettings::describe("imports"),
            LimitSettings::describe("limits"),
            DatabaseSettings::describe("database"),
            TenancySettings::describe("tenancy"),
            AuthSettings::describe("auth"),
            WorkerSettings::describe("worker"),
            BrokerSettings::describe("broker"),
            MailSettings::describe("mail"),
            AuditSettings::describe("audit"),
            HealthSettings::describe("health"),
            LogSettings::describe("log"),
            MetricsSettings::describe("metrics"),
            TraceSettings::describe("traces"),
        ]
        .concat()
    }

    fn read(reader: &mut Reader) -> Option<Self> {
        // All are read before the first `?`, so that no problem hides another.
        let http = HttpSettings::read("http", reader);
        let imports = ImportSettings::read("imports", reader);
        let limits = LimitSettings::read("limits", reader);
        let database = DatabaseSettings::read("database", reader);
        let tenancy = TenancySettings::read("tenancy", reader);
        let auth = AuthSettings::read("auth", reader);
        let worker = WorkerSettings::read("worker", reader);
        let broker = BrokerSettings::read("broker", reader);
        let mail = MailSettings::read("mail", reader);
        let audit = AuditSettings::read("audit", reader);
        let health = HealthSettings::read("health", reader);
        let log = LogSettings::read("log", reader);
        let metrics = MetricsSettings::read("metrics", reader);
        let traces = TraceSettings::read("traces", reader);
        Some(Self {
            http: http?,
            imports: imports?,
            limits: limits?,
            database: database?,
            tenancy: tenancy?,
            auth: auth?,
            worker: worker?,
            broker: broker?,
            mail: mail?,
            audit: audit?,
            health: health?,
            log: log?,
            metrics: metrics?,
            traces: traces?,
            origins: reader.origins(),
        })
    }

    fn show(&self) -> BTreeMap<String, Option<toml::Value>> {
        let mut shown = BTreeMap::new();
        self.http.show("http", &mut shown);
        self.imports.show("imports", &mut shown);
        self.limits.show("limits", &mut shown);
        self.database.show("database", &mut shown);
        self.tenancy.show("tenancy", &mut shown);
        self.auth.show("auth", &mut shown);
        self.worker.show("worker", &mut shown);
        self.broker.show("broker", &mut shown);
        self.mail.show("mail", &mut shown);
        self.audit.show("audit", &mut shown);
        self.health.show("health", &mut shown);
        self.log.show("log", &mut shown);
        self.metrics.show("metrics", &mut shown);
        self.traces.show("traces", &mut shown);
        shown
    }
}

#[cfg(test)]
mod tests;
