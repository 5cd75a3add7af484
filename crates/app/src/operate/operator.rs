//! An operator's login and what can be reached with it.

use std::{fmt, fs, os::unix::fs::MetadataExt as _, path::PathBuf, sync::Arc};

use audit::{AuditKeys, AuditLog};
use auth::{Purge, Users};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use database::Database;
use kernel::{Ambient, Slug};
use messaging::Jobs;
use migration::Migrator;
use secrecy::SecretString;
use sqlx::{PgConnection, postgres::PgConnectOptions};
use telemetry::Origin;
use tenancy::{Administration, PostgresTenants, Provisioning, Registered, Registry};

use super::{
    AuditFailure, Credentials, Failure, Reporter,
    administrator::Password,
    install::DATABASE_URL,
    migrate,
    provision::{PATIENCE, Provisioner, connect_options},
    wait,
};
use crate::components::host_rules;
use crate::settings::{LoadFrom, Problem, Settings, SettingsError};

/// Does what an operator asks for.
pub struct Operator {
    pub(super) settings: Settings,
    pub(super) options: PgConnectOptions,
    pub(super) admin_url: SecretString,
    /// The application's login, if it was configured and not left to be made here.
    pub(super) configured_url: Option<SecretString>,
    pub(super) credentials: Option<Credentials>,
    pub(super) ambient: Ambient,
    pub(super) reporter: Arc<dyn Reporter>,
}

impl Operator {
    /// Reads the settings. Without `database.url`, the application's login is the one in the
    /// credentials folder, once there is one.
    ///
    /// # Errors
    /// [`Failure::Settings`], [`Failure::NoAdminUrl`], [`Failure::MalformedAdminUrl`].
    pub fn new(
        from: LoadFrom,
        credentials_folder: Option<PathBuf>,
        ambient: Ambient,
        reporter: Arc<dyn Reporter>,
    ) -> Result<Self, Failure> {
        let credentials =
            credentials_folder.map(|folder| Credentials::new(folder, ambient.clone()));
        let (settings, configured_url) = load(from)?;
        let admin_url = settings
            .database
            .admin_url
            .clone()
            .ok_or(Failure::NoAdminUrl)?;
        let options = connect_options(&settings, &admin_url, "hrms-bootstrap")?;
        Ok(Self {
            settings,
            options,
            admin_url,
            configured_url,
            credentials,
            ambient,
            reporter,
        })
    }

    /// The settings in force. Without `database.url`, it is the one in the credentials folder, once
    /// there is one.
    ///
    /// # Errors
    /// [`Failure::Settings`]; [`Failure::Incomplete`], which holds the others, when there is no
    /// `database.url` anywhere.
    pub fn config(
        from: &LoadFrom,
        credentials_folder: Option<PathBuf>,
    ) -> Result<Settings, Failure> {
        let error = match Settings::load(from) {
            Ok(settings) => return Ok(settings),
            Err(error) => error,
        };
        let Some(missing) = only_the_url(&error) else {
            return Err(error.into());
        };
        let credentials =
            credentials_folder.map(|folder| Credentials::new(folder, Ambient::system()));
        if let Some(credentials) = credentials
            && credentials.read(DATABASE_URL)?.is_some()
        {
            let kept = credentials.path(DATABASE_URL).into();
            let from = with(&format!("{URL}_FILE"), kept, from.clone());
            return Ok(Settings::load(&from)?);
        }
        let stand_in = format!("\nurl = \"***\"  # {URL}\n");
        let settings = load_without_url(from.clone())?;
        Err(Failure::Incomplete {
            shown: settings
                .redacted()
                .replace(&stand_in, "\n# url is missing\n"),
            missing: Box::new(missing.clone()),
        })
    }

    /// A connection of the operator's login, for what happens outside every scope.
    pub(super) async fn connection(&self) -> Result<PgConnection, Failure> {
        wait::connect(&self.options, PATIENCE).await
    }

    /// Opens the platform for an operator: it must be installed and migrated.
    pub(super) async fn open(&self) -> Result<Platform, Failure> {
        let options = self.options.clone();
        let (audit, origin) = (self.audit_log()?, origin());
        let opened = Provisioner::open(
            &self.settings,
            &self.admin_url,
            options,
            audit,
            &self.ambient,
            &origin,
        );
        let Provisioner {
            database,
            registry,
            provisioning,
            users,
        } = opened.await?;
        let administration = Administration::new(
            database.clone(),
            Arc::clone(&registry),
            Arc::new(PostgresTenants),
            host_rules(&self.settings)?,
            self.ambient.clone(),
            self.settings.tenancy.pool_capacity,
            self.settings.tenancy.default_placement.into(),
        );
        Ok(Platform {
            purge: Purge::start(database.clone(), self.ambient.clone()),
            database,
            registry,
            provisioning,
            administration,
            users,
            origin: origin.clone(),
        })
    }

    /// The application's login: as configured, or as it was made here.
    pub(super) fn application_url(&self) -> Result<Option<SecretString>, Failure> {
        match (&self.configured_url, &self.credentials) {
            (Some(url), _) => Ok(Some(url.clone())),
            (None, Some(credentials)) => credentials.read(DATABASE_URL),
            (None, None) => Ok(None),
        }
    }

    /// What records, with the key that was configured, or that was made here.
    fn audit_log(&self) -> Result<Option<AuditLog>, Failure> {
        let key = match (&self.settings.audit.key, &self.credentials) {
            (Some(key), _) => Some(key.clone()),
            (None, Some(credentials)) => credentials.read(AUDIT_KEY)?,
            (None, None) => None,
        };
        let keys = key.map(|key| AuditKeys::read(&key)).transpose();
        let keys = keys.map_err(AuditFailure::Key)?;
        Ok(keys.map(|keys| AuditLog::new(keys, self.ambient.clone())))
    }

    /// Makes sure that there is a key of the audit.
    pub(super) fn ensure_audit_key(&self) -> Result<(), Failure> {
        match (&self.settings.audit.key, &self.credentials) {
            (Some(_), _) => Ok(()),
            (None, Some(credentials)) => {
                credentials.keep(AUDIT_KEY, || draw_key(&self.ambient))?;
                Ok(())
            }
            (None, None) => Err(Failure::Argument {
                option: "--credentials-dir",
                reason: "a key of the audit must be drawn, and there is no folder to keep it in; \
                         or set HRMS_AUDIT__KEY"
                    .to_owned(),
            }),
        }
    }

    /// A password that is drawn when it is first needed, and kept under this name.
    pub(super) fn kept_password(&self, name: impl Into<String>) -> Password {
        match &self.credentials {
            Some(credentials) => Password::Kept(credentials.clone(), name.into()),
            None => Password::Nowhere,
        }
    }

    pub(super) async fn migrator(&self) -> Result<Migrator, Failure> {
        Ok(Migrator::connect(self.options.clone(), migrate::AT_ONCE).await?)
    }
}

/// On whose behalf a command is done: the user of the machine who runs it.
fn origin() -> Origin {
    let user = fs::metadata("/proc/self").map_or_else(|_| "unknown".to_owned(), |it| user_of(&it));
    Origin {
        operator: Some(user),
        ..Origin::default()
    }
}

fn user_of(process: &fs::Metadata) -> String {
    let number = process.uid().to_string();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("uid {number}"))
}

/// The file with the key of the audit.
const AUDIT_KEY: &str = "audit-key";

pub(super) fn draw_key(ambient: &Ambient) -> SecretString {
    STANDARD.encode(ambient.bytes::<32>()).into()
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operator")
    }
}

/// The installed platform, with an operator's rights.
pub(super) struct Platform {
    pub(super) database: Database,
    pub(super) registry: Arc<Registry>,
    pub(super) provisioning: Arc<Provisioning>,
    pub(super) administration: Administration,
    pub(super) users: Users,
    pub(super) purge: Purge,
    /// On whose behalf all of it is done.
    pub(super) origin: Origin,
}

impl Platform {
    /// The tenant with this slug.
    pub(super) async fn tenant(&self, slug: &Slug) -> Result<Registered, Failure> {
        let found = self.registry.by_slug(slug).await?;
        found.ok_or_else(|| Failure::NoTenant(slug.to_string()))
    }

    /// The jobs of all tenants and of the platform.
    pub(super) fn jobs(&self) -> Jobs {
        Jobs::new(self.database.clone(), self.registry.platform().clone())
            .initiated_by(self.origin.clone())
    }
}

/// Loads the settings of a command that can do without the application's login.
fn load(from: LoadFrom) -> Result<(Settings, Option<SecretString>), Failure> {
    match Settings::load(&from) {
        Ok(settings) => {
            let url = settings.database.url.clone();
            Ok((settings, Some(url)))
        }
        Err(error) if only_the_url(&error).is_some() => Ok((load_without_url(from)?, None)),
        Err(error) => Err(error.into()),
    }
}

/// Loads the others when this one is missing: it is required of every other program, and nothing is
/// done with what stands in for it here.
fn load_without_url(from: LoadFrom) -> Result<Settings, Failure> {
    let unused = "postgres://unset@localhost/unset".into();
    Ok(Settings::load(&with(URL, unused, from))?)
}

/// The variable of the application's login.
const URL: &str = "HRMS_DATABASE__URL";

/// What is wrong, when it is only that the application's login is missing.
fn only_the_url(error: &SettingsError) -> Option<&Problem> {
    match error.problems() {
        [problem @ Problem::Missing { section, key, .. }]
            if section == "database" && key == "url" =>
        {
            Some(problem)
        }
        _ => None,
    }
}

fn with(variable: &str, value: std::ffi::OsString, mut from: LoadFrom) -> LoadFrom {
    from.variables.push((variable.into(), value));
    from
}
