//! What can go wrong for an operator, and what to do next.

use std::{fmt::Write as _, io, path::PathBuf, time::Duration};

use auth::AuthError;
use database::StoreError;
use employees::{import::ImportSetError, service::ImportError};
use kernel::{DomainError as _, ErrorKind, JobId, Slug};
use migration::MigrationError;
use tenancy::{HostName, TenancyError};

use super::{AuditFailure, Check};
use crate::{
    components::HostSettingError,
    settings::{Problem, SettingsError},
};

/// Why a command did not do what it was asked for. Its text says what went wrong,
/// [`next`](Self::next) what to do about it, and neither holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The settings are wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A setting that only its user can check.
    #[error(transparent)]
    Hosts(#[from] HostSettingError),
    /// No login to migrate and provision with.
    #[error("database.admin_url is not set")]
    NoAdminUrl,
    /// The address of the database cannot be read.
    #[error("database.admin_url is not of the form postgres://user:password@host:port/database")]
    MalformedAdminUrl,
    /// A value on the command line is wrong.
    #[error("{option}: {reason}")]
    Argument {
        /// The option.
        option: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// PostgreSQL did not answer before the deadline.
    #[error("the database did not answer within {} s", .waited.as_secs())]
    NoDatabase {
        /// How long it was waited for.
        waited: Duration,
        /// The last answer, if there was any.
        #[source]
        source: Option<sqlx::Error>,
    },
    /// PostgreSQL answered, and refused.
    #[error("the database refused the operator's login")]
    Refused(#[source] sqlx::Error),
    /// Only a superuser can install.
    #[error(
        "the platform is not installed in this database, and the login `{login}` is no superuser"
    )]
    NotInstalled {
        /// As whom the operator logged in.
        login: String,
    },
    /// The application's login has a password that nobody here knows.
    #[error(
        "the application's login `{login}` has a password already, and {} does not hold it",
        .file.display()
    )]
    UnknownPassword {
        /// The login role.
        login: String,
        /// Where the password should be.
        file: PathBuf,
    },
    /// PostgreSQL refuses the application's login, though its password was just set.
    #[error("the server does not let the application's login `{login}` in")]
    LoginRefused {
        /// The login role.
        login: String,
    },
    /// The application's login does not work.
    #[error("the application cannot log in with database.url")]
    ApplicationLogin(#[source] StoreError),
    /// A file with a secret could not be read or written.
    #[error("{} cannot be read or written", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Something in the credentials folder is not to be trusted, or of no use.
    #[error("{} {problem}", .path.display())]
    Credential {
        /// A file, or the folder.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// Something about the audit.
    #[error(transparent)]
    Audit(#[from] AuditFailure),
    /// The settings were shown, and one that every program needs is not among them.
    #[error("{missing}")]
    Incomplete {
        /// Those in force, as a settings file, secrets as `***`.
        shown: String,
        /// Which one, and how it can be given.
        missing: Box<Problem>,
    },
    /// Installing or migrating failed.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// Some schemas could not be migrated; the others were.
    #[error("{} of {total} schemas could not be migrated: {}", .failed.len(), list(.failed))]
    Schemas {
        /// Which ones, and why not.
        failed: Vec<(String, MigrationError)>,
        /// How many there are.
        total: usize,
    },
    /// What is over could not be deleted of some tenants; it was of the others.
    #[error("{} of {total} tenants could not be purged: {}", .failed.len(), list(.failed))]
    Purge {
        /// Of which ones, and why not.
        failed: Vec<(String, Self)>,
        /// How many there are.
        total: usize,
    },
    /// A tenant could not be found or made.
    #[error(transparent)]
    Tenancy(#[from] TenancyError),
    /// The domain is registered to another tenant.
    #[error("the domain `{domain}` is registered to the tenant `{owner}`")]
    DomainElsewhere {
        /// The domain.
        domain: HostName,
        /// The other tenant's slug.
        owner: Slug,
    },
    /// There is no such tenant.
    #[error("there is no tenant `{0}`")]
    NoTenant(String),
    /// There is no such job.
    #[error("there is no job `{0}`")]
    NoJob(JobId),
    /// The job stands where this cannot be done.
    #[error("the job `{job}` is {state}")]
    Job {
        /// The job.
        job: JobId,
        /// Where it stands.
        state: &'static str,
    },
    /// Another job stands for it.
    #[error("the job `{0}` is to be there once, and another one with its key has yet to end")]
    JobReplaced(JobId),
    /// What was begun cannot be left half done.
    #[error("the job {0} makes a tenant, which cannot be taken back")]
    Irrevocable(JobId),
    /// The files of an import cannot be had.
    #[error(transparent)]
    Files(#[from] ImportSetError),
    /// Nothing was imported.
    #[error("{0}")]
    Import(Box<ImportError>),
    /// A key or a user could not be made.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The database failed in the middle.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something is not as it must be.
    #[error("the platform is not ready: {}", problems(.0))]
    Unhealthy(Vec<Check>),
}

const JOB_STATES: &str = "Tried again can be what is dead, parked, cancelled or waits after a \
                          failure; taken back, what was not done.";

impl Failure {
    /// What the operator can do about it.
    pub fn next(&self) -> String {
        match self {
            Self::Settings(_) | Self::Hosts(_) => {
                "Correct the settings; docs/operators/configuration.md says what \
                                  each may be."
                    .to_owned()
            }
            Self::Incomplete { .. } => "Give it, or name the folder in `--credentials-dir` into \
                                        which `hrms-bootstrap up` wrote it."
                .to_owned(),
            Self::NoAdminUrl => "Set HRMS_DATABASE__ADMIN_URL, or name a file that holds it in \
                                 HRMS_DATABASE__ADMIN_URL_FILE. The first `hrms-bootstrap up` \
                                 needs a superuser."
                .to_owned(),
            Self::MalformedAdminUrl => "Correct HRMS_DATABASE__ADMIN_URL.".to_owned(),
            Self::Argument { .. } => "Correct the command line; `--help` explains it.".to_owned(),
            Self::NoDatabase { .. } => "Start PostgreSQL, or correct the address in \
                                        database.admin_url; `--wait` waits longer."
                .to_owned(),
            Self::Refused(_) => "Check user, password and database in database.admin_url. The \
                                 database must exist: `createdb` makes one."
                .to_owned(),
            Self::NotInstalled { .. } => "Run `hrms-bootstrap up` once with a superuser's \
                                          HRMS_DATABASE__ADMIN_URL."
                .to_owned(),
            Self::UnknownPassword { file, .. } => format!(
                "Copy the file from where it was first written, or let `hrms-bootstrap up \
                 --new-application-password` write {} anew; programs that run with the old \
                 password must be restarted then.",
                file.display()
            ),
            Self::LoginRefused { .. } => "Let the role log in with a password (scram-sha-256) in \
                                          the server's pg_hba.conf."
                .to_owned(),
            Self::ApplicationLogin(_) => "Correct HRMS_DATABASE__URL, or leave it out and let \
                                          `hrms-bootstrap up --credentials-dir DIR` make the \
                                          login."
                .to_owned(),
            Self::File { .. } => "Check that the folder exists, and that you may read the file \
                                  and write in its folder."
                .to_owned(),
            Self::Audit(failure) => failure.next().to_owned(),
            Self::Credential { .. } => "Then run the same command again.".to_owned(),
            busy if busy.is_busy() => {
                "Wait until it has ended, or end it with `SELECT pg_terminate_backend(…)`: what it has \
                 not finished is undone. Then run the same command again."
                    .to_owned()
            }
            Self::Migration(_) | Self::Schemas { .. } => {
                "Nothing was changed in a schema that failed. Remove the cause and run the same \
                 command again."
                    .to_owned()
            }
            Self::Tenancy(TenancyError::SlugTaken(_)) => {
                "Choose another slug; `hrms-bootstrap tenant list` shows those in use. A creation \
                 that was cut off is completed by the same command with the same options."
                    .to_owned()
            }
            Self::Tenancy(TenancyError::NoDomain(_) | TenancyError::Reserved(_)) => {
                "Name a host of the company's own, for example people.acme.example. To one below \
                 http.base_domains its slug leads without being registered."
                    .to_owned()
            }
            Self::Tenancy(TenancyError::PublicTenant) => "To keep everybody out, stop the API.".to_owned(),
            Self::Tenancy(
                TenancyError::NotInService(_)
                | TenancyError::NotSuspended(_)
                | TenancyError::Unfinished,
            ) => {
                "Try again when it is over; `hrms-bootstrap tenant show SLUG` shows the status. A \
                 creation that was cut off is completed by `hrms-bootstrap tenant create`."
                    .to_owned()
            }
            Self::DomainElsewhere { domain, owner } => format!(
                "`hrms-bootstrap tenant domain remove {owner} {domain}` takes it from there, if \
                 that is meant."
            ),
            Self::NoTenant(_) => "`hrms-bootstrap tenant list` shows those there are.".to_owned(),
            Self::NoJob(_) => "`hrms-bootstrap jobs list` shows those there are; jobs that were \
                               done are deleted after a while."
                .to_owned(),
            Self::Job { .. } => JOB_STATES.to_owned(),
            Self::JobReplaced(_) => "That one does the same: `jobs cancel` takes this one back. To \
                                     have it tried all the same, wait until the other has ended."
                .to_owned(),
            Self::Irrevocable(_) => "Repair what keeps it from being done; `jobs retry` has it tried \
                                     again."
                .to_owned(),
            Self::Files(_) => "Name a folder with the files that docs/importing.md describes, or \
                               one of them."
                .to_owned(),
            Self::Import(error) if matches!(**error, ImportError::Invalid(_)) => {
                "Correct the files and import again; docs/importing.md describes them.".to_owned()
            }
            Self::Import(_)
            | Self::Auth(_)
            | Self::Purge { .. }
            | Self::Tenancy(_)
            | Self::Store(_) => "Remove the cause and run the same command again.".to_owned(),
            Self::Unhealthy(checks) => remedies(checks),
        }
    }

    /// Whether another program had the turn, and nothing else is wrong.
    fn is_busy(&self) -> bool {
        let is_busy = |error: &MigrationError| matches!(error, MigrationError::Busy { .. });
        match self {
            Self::Migration(error) => is_busy(error),
            Self::Schemas { failed, .. } => failed.iter().all(|(_, error)| is_busy(error)),
            Self::Tenancy(TenancyError::Schema(cause)) => {
                cause.downcast_ref::<MigrationError>().is_some_and(is_busy)
            }
            _ => false,
        }
    }

    /// The stable code for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Settings(_)
            | Self::Hosts(_)
            | Self::Incomplete { .. }
            | Self::NoAdminUrl
            | Self::MalformedAdminUrl => "settings",
            Self::Argument { .. } => "argument",
            Self::NoDatabase { .. } => "no_database",
            Self::Refused(_) | Self::LoginRefused { .. } | Self::ApplicationLogin(_) => {
                "login_refused"
            }
            Self::NotInstalled { .. } => "not_installed",
            Self::UnknownPassword { .. } => "unknown_password",
            Self::File { .. } | Self::Credential { .. } => "file",
            busy if busy.is_busy() => "busy",
            Self::Migration(_) | Self::Schemas { .. } => "migration",
            Self::Tenancy(error) => error.kind().as_str(),
            Self::DomainElsewhere { .. } => ErrorKind::Conflict.as_str(),
            Self::NoTenant(_) => ErrorKind::TenantNotFound.as_str(),
            Self::NoJob(_) => ErrorKind::NotFound.as_str(),
            Self::Audit(failure) => failure.code(),
            Self::Job { .. } | Self::JobReplaced(_) | Self::Irrevocable(_) => {
                ErrorKind::StateConflict.as_str()
            }
            Self::Files(_) => "files",
            Self::Import(error) => error.kind().as_str(),
            Self::Auth(error) => error.kind().as_str(),
            Self::Store(error) => error.kind().as_str(),
            Self::Purge { .. } => "purge",
            Self::Unhealthy(_) => "unhealthy",
        }
    }

    /// What the process exits with: 2 for a wrong command line or wrong settings, 3 for a database
    /// that did not answer, 4 for something that exists already or does not exist, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Settings(_)
            | Self::Hosts(_)
            | Self::NoAdminUrl
            | Self::MalformedAdminUrl
            | Self::Argument { .. } => 2,
            Self::NoDatabase { .. } => 3,
            Self::Tenancy(
                TenancyError::SlugTaken(_)
                | TenancyError::NoDomain(_)
                | TenancyError::Reserved(_)
                | TenancyError::PublicTenant
                | TenancyError::NotInService(_)
                | TenancyError::NotSuspended(_)
                | TenancyError::Unfinished,
            )
            | Self::DomainElsewhere { .. }
            | Self::NoTenant(_)
            | Self::NoJob(_)
            | Self::Job { .. }
            | Self::JobReplaced(_)
            | Self::Irrevocable(_)
            | Self::Files(_) => 4,
            Self::Import(error) if matches!(**error, ImportError::Invalid(_)) => 4,
            Self::Audit(failure) => failure.exit_code(),
            _ => 1,
        }
    }

    /// What is wrong in particular, a line each: the faults of an import, the findings of a diagnosis.
    pub fn details(&self) -> Vec<String> {
        if let Self::Unhealthy(checks) = self {
            let findings = checks.iter().flat_map(|check| &check.findings);
            return findings
                .map(|it| format!("{}: {}. {}", it.object, it.problem, it.remedy))
                .collect();
        }
        if let Self::Audit(failure) = self {
            return failure.details();
        }
        let Self::Import(error) = self else {
            return Vec::new();
        };
        let ImportError::Invalid(faults) = &**error else {
            return Vec::new();
        };
        let mut details: Vec<String> = faults.iter().map(ToString::to_string).collect();
        if faults.more() > 0 {
            details.push(format!("and {} more", faults.more()));
        }
        details
    }
}

fn list<E: std::error::Error>(failed: &[(String, E)]) -> String {
    let mut text = String::new();
    for (name, error) in failed {
        let separator = if text.is_empty() { "" } else { "; " };
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        // Writing to a string can't fail.
        let _ = write!(text, "{separator}{name} ({cause})");
    }
    text
}

fn problems(checks: &[Check]) -> String {
    let reasons = checks.iter().filter_map(Check::problem);
    reasons.collect::<Vec<_>>().join("; ")
}

fn remedies(checks: &[Check]) -> String {
    // What to do about findings stands behind each of them.
    let others = checks.iter().filter(|check| check.findings.is_empty());
    let mut remedies: Vec<&str> = others.filter_map(Check::remedy).collect();
    remedies.dedup();
    if remedies.is_empty() {
        return "Do what stands behind each finding, and look again.".to_owned();
    }
    remedies.join(" ")
}
