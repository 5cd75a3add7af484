//! The command line.

use std::{path::PathBuf, time::Duration};

use app::operate::{
    EmailAddress, HostName, ImportMode, JobId, JobState, Kind, Locale, Placement, Queue, Slug,
    SuspensionReason, TenantName, TimeZone, Uuid, instant,
};
use clap::{Args, Parser, Subcommand, ValueEnum};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  not done: the message says why and what to do next
  2  the command line or the settings are wrong
  3  the database did not answer in time
  4  what was asked for is taken, does not exist, or holds mistakes; nothing was changed
  5  done in part: rows of an import did not come in (`--mode independent`)

Settings come from the environment and a file, see docs/operators/configuration.md. The login that
commands work with is HRMS_DATABASE__ADMIN_URL (or HRMS_DATABASE__ADMIN_URL_FILE).";

/// Installs, migrates and looks after the platform.
///
/// Every command can be repeated, also after it was cut off, and run by several at once.
#[derive(Debug, Parser)]
#[command(name = "hrms-bootstrap", version, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Arguments {
    /// The settings file
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The folder in which generated secrets are kept, one a file, for their owner alone
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) credentials_dir: Option<PathBuf>,
    /// Print the result, or the error, as JSON on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring an empty, old or half-made database to a platform that can be used
    ///
    /// Waits for the database, installs roles and rights (the first time as a superuser), makes the
    /// application's login, migrates every schema, makes the signing key and the public tenant
    /// with its first administrator, and looks whether all is well.
    #[command(after_help = EXIT_CODES)]
    Up(Up),
    /// Migrate the platform and every schema, four at a time
    #[command(after_help = EXIT_CODES)]
    Migrate,
    /// Make the public tenant and the first platform administrator, unless they exist
    #[command(after_help = EXIT_CODES)]
    EnsurePublicTenant(PublicTenant),
    /// Create, list and show tenants, suspend and resume them, and register their domains
    #[command(subcommand)]
    Tenant(Tenant),
    /// Import an organisation from CSV files into a tenant: all of it, or nothing
    ///
    /// Every bad row is named with its file, line, column and reason; see docs/importing.md. With
    /// `--mode independent`, the rows that are good come in.
    #[command(after_help = EXIT_CODES)]
    Import(Import),
    /// Create two sample companies with people, `acme` (a schema of its own) and `globex` (pooled)
    ///
    /// For each an administrator, an HR manager and an employee can sign in; their passwords are
    /// drawn and kept in the credentials folder as `SLUG-ROLE-password`. What exists stays.
    #[command(after_help = EXIT_CODES)]
    Demo,
    /// Look after what is done later: see it, try it again, take it back, let it wait
    #[command(subcommand)]
    Jobs(Jobs),
    /// Delete what is over and of no use any more
    #[command(subcommand)]
    Purge(Purge),
    /// Prove the record of what was done, and keep parts of it from being moved away
    #[command(subcommand)]
    Audit(Audit),
    /// Print the settings in force, secrets as ***
    #[command(after_help = EXIT_CODES)]
    Config,
    /// Look whether the platform is as it must be, and say what to do if not
    ///
    /// Exits with 1 if something is not.
    #[command(after_help = EXIT_CODES)]
    Diagnose(Diagnose),
    /// Look whether every schema is what the migrations of this program make
    ///
    /// Manifest, applied in each schema, order, changes by hand since. Exits with 1 if not.
    #[command(after_help = EXIT_CODES)]
    ValidateMigrations,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// How long to wait for the database: 500ms, 60s, 5m
    #[arg(long, default_value = "60s", value_parser = duration, value_name = "TIME")]
    pub(crate) wait: Duration,
    /// Give the application's login a new password, even if it has one
    ///
    /// Programs that run with the old one must be restarted.
    #[arg(long, requires = "credentials_dir")]
    pub(crate) new_application_password: bool,
    #[command(flatten)]
    pub(crate) public_tenant: PublicTenant,
}

#[derive(Debug, Args)]
pub(crate) struct PublicTenant {
    /// The name of the public tenant
    #[arg(long, default_value = "Platform", value_name = "NAME")]
    pub(crate) public_name: TenantName,
    /// The host that leads to the public tenant
    #[arg(long, default_value = "localhost", value_name = "HOST")]
    pub(crate) public_host: HostName,
    /// The e-mail address of the first platform administrator
    ///
    /// The password is drawn and kept in the credentials folder as
    /// `public-administrator-password`. An administrator who exists is left alone.
    #[arg(long, default_value = "admin@localhost", value_name = "ADDRESS")]
    pub(crate) administrator: EmailAddress,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tenant {
    /// Create a tenant with its first administrator: all of it, or nothing
    ///
    /// A creation that was cut off is completed by the same command.
    #[command(after_help = EXIT_CODES)]
    Create(TenantCreate),
    /// List the tenants
    #[command(after_help = EXIT_CODES)]
    List,
    /// Show a tenant
    #[command(after_help = EXIT_CODES)]
    Show {
        /// Its slug
        #[arg(value_parser = Slug::existing)]
        slug: Slug,
    },
    /// Suspend a tenant: within a second nobody can sign in or do anything in it
    ///
    /// Its data stays. A tenant that is suspended stays so, for the reason it was suspended for; the
    /// public tenant cannot be.
    #[command(after_help = EXIT_CODES)]
    Suspend {
        /// Its slug
        #[arg(value_parser = Slug::existing)]
        slug: Slug,
        /// Why, for those who run the platform
        #[arg(long, value_name = "TEXT")]
        reason: Option<SuspensionReason>,
    },
    /// Let a suspended tenant in again
    #[command(after_help = EXIT_CODES)]
    Resume {
        /// Its slug
        #[arg(value_parser = Slug::existing)]
        slug: Slug,
    },
    /// Register a host of a tenant's own, or take one from it
    #[command(subcommand)]
    Domain(Domain),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Domain {
    /// Register a host to a tenant: requests to it are the tenant's
    ///
    /// Refused are the platform's own hosts and all below http.base_domains, where slugs decide: give
    /// this command the settings that the API has.
    #[command(after_help = EXIT_CODES)]
    Add {
        /// The tenant's slug
        #[arg(value_parser = Slug::existing)]
        slug: Slug,
        /// The host, without port: people.acme.example
        #[arg(value_parser = HostName::written)]
        domain: HostName,
    },
    /// Take a host from a tenant
    #[command(after_help = EXIT_CODES)]
    Remove {
        /// The tenant's slug
        #[arg(value_parser = Slug::existing)]
        slug: Slug,
        /// The host
        #[arg(value_parser = HostName::written)]
        domain: HostName,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TenantCreate {
    /// Its short name, as in its subdomain; it never changes
    #[arg(long)]
    pub(crate) slug: Slug,
    /// Its name as people write it
    #[arg(long)]
    pub(crate) name: TenantName,
    /// `dedicated`: a schema of its own; `pooled`: one that it shares [default: as configured]
    #[arg(long)]
    pub(crate) placement: Option<Placement>,
    /// The language of its mails and pages
    #[arg(long, default_value = "en")]
    pub(crate) locale: Locale,
    /// Its time zone
    #[arg(long, default_value = "UTC", value_name = "IANA NAME")]
    pub(crate) time_zone: TimeZone,
    /// The e-mail address of its first administrator
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) admin_email: EmailAddress,
    /// A file that holds the administrator's password [default: one is drawn and kept in the
    /// credentials folder as `SLUG-administrator-password`]
    #[arg(long, value_name = "FILE")]
    #[arg(required_unless_present = "credentials_dir")]
    pub(crate) password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The slug of the tenant
    #[arg(long, value_parser = Slug::existing, value_name = "SLUG")]
    pub(crate) tenant: Slug,
    /// How to read another system's files
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: Option<PathBuf>,
    /// A value that the mapping leaves to you; may be repeated
    #[arg(long = "set", value_parser = assignment, value_name = "NAME=VALUE", requires = "mapping")]
    pub(crate) options: Vec<(String, String)>,
    /// What the rows of a single file are, when its name does not say it
    #[arg(long)]
    pub(crate) kind: Option<Kind>,
    /// What a single file calls our column; without a column, the heading is not read; may be
    /// repeated
    #[arg(
        long = "map",
        value_name = "HEADING:COLUMN",
        conflicts_with = "mapping"
    )]
    pub(crate) columns: Vec<String>,
    /// `atomic`: one bad row, and none comes in; `independent`: the good ones do
    #[arg(long, default_value_t, value_name = "MODE")]
    pub(crate) mode: ImportMode,
    /// Store nothing and draw no number; say what would come in, and what is wrong
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A folder with files, or one file
    #[arg(value_name = "DIR|FILE")]
    pub(crate) source: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Jobs {
    /// List jobs, the newest first
    #[command(after_help = EXIT_CODES)]
    List(JobList),
    /// Show a job
    ///
    /// What it is about is its tenant's business, and is not shown.
    #[command(after_help = EXIT_CODES)]
    Show {
        /// Its id
        job: JobId,
    },
    /// Let a job that is dead, parked, cancelled or waits after a failure be tried from the beginning
    #[command(after_help = EXIT_CODES)]
    Retry {
        /// Its id
        job: JobId,
    },
    /// Take a job back; what is being done of it is undone
    #[command(after_help = EXIT_CODES)]
    Cancel {
        /// Its id
        job: JobId,
    },
    /// Let the jobs of a queue wait; what is being done is done to its end
    #[command(after_help = EXIT_CODES)]
    Pause {
        /// critical, default, bulk or provisioning
        queue: Queue,
    },
    /// Let the jobs of a paused queue go on
    #[command(after_help = EXIT_CODES)]
    Resume {
        /// critical, default, bulk or provisioning
        queue: Queue,
    },
    /// Delete jobs that were done or cancelled
    ///
    /// A worker does so by itself, after worker.keep_done. Dead jobs stay.
    #[command(after_help = EXIT_CODES)]
    Purge {
        /// How long ago they must have ended: 60s, 90m
        #[arg(long, value_parser = duration, value_name = "TIME")]
        older_than: Duration,
    },
}

#[derive(Debug, Args)]
pub(crate) struct JobList {
    /// Of this tenant alone
    #[arg(long, value_parser = Slug::existing, value_name = "SLUG")]
    pub(crate) tenant: Option<Slug>,
    /// The platform's own alone
    #[arg(long, conflicts_with = "tenant")]
    pub(crate) platform: bool,
    /// ready, running, retry, done, dead, parked or cancelled
    #[arg(long)]
    pub(crate) state: Option<JobState>,
    /// Of this kind alone: tenants.clear_away
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Older than this one: to go on after the last line
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<JobId>,
    /// So many at most
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Purge {
    /// Delete sessions that ended or ran out a day ago or earlier, with their refresh tokens
    ///
    /// In short transactions, beside an API that serves: run it once a day.
    #[command(after_help = EXIT_CODES)]
    Sessions {
        /// Of this tenant alone
        #[arg(long, value_parser = Slug::existing, value_name = "SLUG")]
        tenant: Option<Slug>,
    },
    /// Delete the answers kept for requests with an `Idempotency-Key`, when they are out of date
    ///
    /// They hold what was answered, people's data included. In short transactions, beside an API
    /// that serves: run it once a day.
    #[command(after_help = EXIT_CODES)]
    Answers {
        /// Of this tenant alone
        #[arg(long, value_parser = Slug::existing, value_name = "SLUG")]
        tenant: Option<Slug>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Compare every event with what was signed, and name each that is missing, changed, moved or added
    ///
    /// Needs to read the database, the files with the seals, and the public key. Exits with 1 if
    /// anything was found.
    #[command(after_help = EXIT_CODES)]
    Verify(AuditVerify),
    /// Keep events from being moved into archives, however old they are
    #[command(subcommand)]
    Hold(Hold),
}

#[derive(Debug, Args)]
pub(crate) struct AuditVerify {
    /// The audit of this tenant alone
    #[arg(long, value_parser = Slug::existing, value_name = "SLUG")]
    pub(crate) tenant: Option<Slug>,
    /// Not what was sealed before: 2026-11-27T00:00:00Z
    #[arg(long, value_parser = instant, value_name = "RFC 3339")]
    pub(crate) from: Option<app::operate::OffsetDateTime>,
    /// Not what was sealed later
    #[arg(long, value_parser = instant, value_name = "RFC 3339")]
    pub(crate) to: Option<app::operate::OffsetDateTime>,
    /// The folder with the seals, the copy off the host for choice [default: audit.seals]
    #[arg(long, value_name = "DIR")]
    pub(crate) seals: Option<PathBuf>,
    /// The folder with the archives [default: audit.archives]
    #[arg(long, value_name = "DIR")]
    pub(crate) archives: Option<PathBuf>,
    /// A file with the public halves of the keys [default: audit.public_key, or `audit-public-key` in
    /// the credentials folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Hold {
    /// Place a hold
    #[command(after_help = EXIT_CODES)]
    Add {
        #[command(flatten)]
        whose: Whose,
        /// What concerns this person or thing alone [default: everything]
        #[arg(long, value_name = "ID")]
        target: Option<Uuid>,
        /// Why, without saying anything about a person
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// List the holds there are and were, the oldest first
    #[command(after_help = EXIT_CODES)]
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Release a hold
    #[command(after_help = EXIT_CODES)]
    Release {
        #[command(flatten)]
        whose: Whose,
        /// Its id
        hold: Uuid,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Whose {
    /// A tenant's audit
    #[arg(long, value_parser = Slug::existing, value_name = "SLUG")]
    pub(crate) tenant: Option<Slug>,
    /// The platform's own
    #[arg(long)]
    pub(crate) platform: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Diagnose {
    /// What the platform must be ready for
    #[arg(long, value_enum, default_value_t = Phase::Startup)]
    pub(crate) phase: Phase,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Phase {
    /// Starting the API
    Startup,
    /// Running on: also drift of each schema, what belongs to nobody, the disk
    Running,
}

/// Reads a time such as `500ms`, `60s` or `5m`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a time such as 500ms, 60s or 5m");
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_too_large| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return Err(wrong()),
    };
    number
        .checked_mul(millis)
        .map(Duration::from_millis)
        .ok_or_else(wrong)
}

/// Reads `name=value`.
fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not of the form NAME=VALUE")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_time_is_a_number_with_a_unit() {
        assert_eq!(duration("60s"), Ok(Duration::from_mins(1)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("5m"), Ok(Duration::from_mins(5)));
        for bad in [
            "",
            "s",
            "60",
            "-1s",
            "1.5s",
            "1h",
            "99999999999999999999s",
            "ä",
        ] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
