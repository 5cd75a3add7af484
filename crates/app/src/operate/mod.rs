//! What `hrms-bootstrap`'s commands do. The binary parses its arguments, calls one method of
//! [`Operator`] and prints the report.
//!
//! # Invariants
//! - Every command can be repeated, also after it was killed anywhere, and run by several at once.
//! - What is generated is written to a file of its owner's alone, before it is used, and never
//!   printed or logged.
//! - A command that did not do what it was asked for fails, and says what to do next
//!   ([`Failure::next`]).

mod administrator;
mod audit;
mod audit_failure;
mod credentials;
mod demo;
mod diagnose;
mod failure;
mod import;
mod install;
mod jobs;
mod migrate;
mod operator;
mod provision;
mod purge;
mod report;
mod tenants;
mod up;
mod wait;

use kernel::Ambient;
use telemetry::{Guard, LogFormat, LogSettings, TraceSettings};

use crate::settings::Settings;

pub use ::audit::Verified;
pub use audit::{HoldOn, HoldReport, VerifyRequest};
pub use audit_failure::AuditFailure;
pub use auth::Purged;
pub use credentials::Credentials;
pub use diagnose::{Check, Diagnosis, Finding, Phase};
pub use employees::{
    import::{ImportMode, Kind},
    service::ImportOptions,
};
pub use failure::Failure;
pub use import::ImportRequest;
pub use jobs::{JobQuestion, JobReport, PurgedJobs, QueueReport};
pub use kernel::{EmailAddress, JobId, Placement, Slug, TimeZone};
pub use messaging::{JobState, Queue};
pub use operator::Operator;
pub(crate) use provision::{HashedAdministrators, HashedPasswords, Provisioner, connect_options};
pub use report::{
    DemoReport, DemoTenant, DemoUser, ImportedReport, MigrationReport, PurgeReport, PurgedAnswers,
    Reporter, Silent, TenantReport, UpReport,
};
pub use tenancy::{HostName, Locale, SuspensionReason, TenantName};
pub use tenants::{PasswordFrom, TenantRequest};
pub use up::{PublicTenant, UpOptions};

pub use time::OffsetDateTime;
pub use uuid::Uuid;

/// Reads an instant as RFC 3339 writes it.
///
/// # Errors
/// What is wrong, for whoever wrote it.
pub fn instant(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
        .map_err(|_wrong| format!("`{text}` is not an instant such as 2026-11-27T21:00:00Z"))
}

/// The wall clock and the system's randomness.
pub fn ambient() -> Ambient {
    Ambient::system()
}

/// Logs warnings, readable, for a command whose reporter tells everything else. The log ends when
/// the guard is dropped; `None` when the process logs already.
pub fn log_warnings() -> Option<Guard> {
    let settings = LogSettings {
        format: LogFormat::Pretty,
        level: "warn".parse().ok()?,
        access_log: false,
    };
    telemetry::init("hrms-bootstrap", &settings, &TraceSettings::default()).ok()
}

/// The settings in force as JSON, secrets as `***`.
pub fn config_json(settings: &Settings) -> serde_json::Value {
    shown_as_json(&settings.redacted())
}

/// A settings file as JSON.
pub fn shown_as_json(file: &str) -> serde_json::Value {
    let table: Option<toml::Table> = file.parse().ok();
    serde_json::to_value(table).unwrap_or_default()
}
