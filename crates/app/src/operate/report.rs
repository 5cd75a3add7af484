//! What a command says while it works, and what it has done.

use std::{ops::AddAssign, path::PathBuf};

use employees::service::Imported;
use serde::Serialize;
use tenancy::{HostName, Tenant};

use super::Diagnosis;

/// Hears how a command gets on. None of it is a result.
pub trait Reporter: Send + Sync {
    /// A step is done.
    fn say(&self, text: &str);
    /// A long step is so far.
    fn progress(&self, what: &str, done: usize, total: usize);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Reporter for Silent {
    fn say(&self, _text: &str) {}
    fn progress(&self, _what: &str, _done: usize, _total: usize) {}
}

/// What `up` made sure of.
#[derive(Debug, Serialize)]
pub struct UpReport {
    /// The installation's id, part of its roles' names.
    pub installation: String,
    /// How many schemas were migrated, `platform` included.
    pub migrated: usize,
    /// Where the URL of the application's login lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url_file: Option<PathBuf>,
    /// Where the password of the platform's first administrator lies, if it was generated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub administrator_password_file: Option<PathBuf>,
    /// How the platform is now.
    pub diagnosis: Diagnosis,
}

/// What `migrate` did.
#[derive(Debug, Serialize)]
pub struct MigrationReport {
    /// How many schemas were migrated, `platform` included.
    pub migrated: usize,
}

/// What `purge` deleted.
#[derive(Debug, Serialize)]
pub struct PurgeReport<P> {
    /// Of how many tenants.
    pub tenants: usize,
    /// How much.
    #[serde(flatten)]
    pub purged: P,
}

/// Answers to requests with an `Idempotency-Key` that were deleted.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct PurgedAnswers {
    /// How many.
    pub answers: u64,
}

impl AddAssign for PurgedAnswers {
    fn add_assign(&mut self, more: Self) {
        self.answers += more.answers;
    }
}

/// A tenant, for an operator.
#[derive(Debug, Serialize)]
pub struct TenantReport {
    /// Identifies it.
    pub id: String,
    /// Its short name.
    pub slug: String,
    /// Its name as people write it.
    pub name: String,
    /// `dedicated` or `pooled`.
    pub placement: &'static str,
    /// Where its tables are.
    pub schema: String,
    /// What it is going through.
    pub status: &'static str,
    /// The language of its mails and pages.
    pub locale: String,
    /// Its time zone.
    pub time_zone: String,
    /// When it was created (RFC 3339).
    pub created_at: String,
    /// Since when it is suspended (RFC 3339), if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended_at: Option<String>,
    /// Why it is suspended, if that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspension_reason: Option<String>,
    /// Its registered hosts; not in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
    /// Where its administrator's password lies, when it was just generated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub administrator_password_file: Option<PathBuf>,
}

impl TenantReport {
    pub(super) fn of(tenant: &Tenant) -> Self {
        let rfc_3339 = time::format_description::well_known::Rfc3339;
        let suspension = tenant.suspension.as_ref();
        Self {
            id: tenant.id.to_string(),
            slug: tenant.slug.to_string(),
            name: tenant.name.clone(),
            placement: tenant.placement.as_str(),
            schema: tenant.schema.to_string(),
            status: tenant.status.as_str(),
            locale: tenant.locale.to_string(),
            time_zone: tenant.time_zone.to_string(),
            // Only a year beyond 9999 has no such form.
            created_at: tenant.created_at.format(&rfc_3339).unwrap_or_default(),
            suspended_at: suspension.map(|it| it.since.format(&rfc_3339).unwrap_or_default()),
            suspension_reason: suspension.and_then(|it| it.reason.clone()),
            hosts: None,
            administrator_password_file: None,
        }
    }

    pub(super) fn with_hosts(mut self, hosts: &[HostName]) -> Self {
        self.hosts = Some(hosts.iter().map(HostName::to_string).collect());
        self
    }
}

/// What `demo` made sure of.
#[derive(Debug, Serialize)]
pub struct DemoReport {
    /// The sample companies.
    pub tenants: Vec<DemoTenant>,
}

/// A sample company.
#[derive(Debug, Serialize)]
pub struct DemoTenant {
    /// Its short name.
    pub slug: &'static str,
    /// How much came in just now; absent when it has people already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported: Option<ImportedReport>,
    /// Who can sign in.
    pub users: Vec<DemoUser>,
}

/// Somebody who can sign in to a sample company.
#[derive(Debug, Serialize)]
pub struct DemoUser {
    /// By which he signs in.
    pub email: String,
    /// His role.
    pub role: &'static str,
    /// Where his password lies.
    pub password_file: PathBuf,
}

/// How much came in.
#[derive(Debug, Serialize)]
pub struct ImportedReport {
    /// Departments.
    pub departments: usize,
    /// Job titles.
    pub job_titles: usize,
    /// Locations.
    pub locations: usize,
    /// People, each with his present employment.
    pub employees: usize,
    /// Earlier employments.
    pub past_employments: usize,
    /// Records of pay.
    pub compensations: usize,
    /// Whether nothing was stored.
    pub dry_run: bool,
    /// Rows that came in.
    pub created: usize,
    /// Rows that did not.
    pub failed: usize,
    /// What is wrong with them, a line each.
    pub errors: Vec<String>,
}

impl ImportedReport {
    pub(super) fn of(imported: &Imported, dry_run: bool) -> Self {
        let Imported { report, faults } = imported;
        let mut errors: Vec<String> = faults.iter().map(ToString::to_string).collect();
        if faults.more() > 0 {
            errors.push(format!("and {} more", faults.more()));
        }
        Self {
            dry_run,
            created: report.rows(),
            failed: faults.rows(),
            errors,
            departments: report.departments,
            job_titles: report.job_titles,
            locations: report.locations,
            employees: report.employees,
            past_employments: report.past_employments,
            compensations: report.compensations,
        }
    }
}
