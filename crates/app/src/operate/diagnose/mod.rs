//! `diagnose`: whether the platform is as it must be, and what to do if not.

mod host;
mod parts;
mod schemas;

use database::{Database, DatabaseSettings, Login};
use migration::{
    install,
    manifest::{self, Manifest, Scope},
};
use serde::Serialize;
use sqlx::PgConnection;

use super::{Failure, Operator};

/// What the platform must be fit for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// To be started.
    Startup,
    /// To run on: what goes wrong with time is looked for too. Takes seconds with hundreds of schemas.
    Running,
}

/// How one thing is that the platform needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// Whether it is as it must be.
    pub ok: bool,
    /// What was seen, when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// What is wrong one by one, where it can be several things; the first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// One of several things that are wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is: `schema t_acme`.
    pub object: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

/// So many findings of a check are told: who finds more has one cause to look for.
const TOLD: usize = 20;

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            ok: true,
            detail: Some(detail.into()),
            problem: None,
            remedy: None,
            findings: Vec::new(),
        }
    }

    fn failed(name: &'static str, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            name,
            ok: false,
            detail: None,
            problem: Some(problem.into()),
            remedy: Some(remedy.into()),
            findings: Vec::new(),
        }
    }

    /// Fails if anything was found.
    fn of_findings(
        name: &'static str,
        mut findings: Vec<Finding>,
        detail: impl Into<String>,
    ) -> Self {
        let Some(first) = findings.first() else {
            return Self::ok(name, detail);
        };
        let problem = format!(
            "{}: {} ({} in all)",
            first.object,
            first.problem,
            findings.len()
        );
        let mut check = Self::failed(name, problem, first.remedy.clone());
        findings.truncate(TOLD);
        check.findings = findings;
        check
    }

    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    pub(super) fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }
}

/// How everything is that the platform needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// Whether all of it is as it must be.
    pub ok: bool,
    /// Each thing, in the order in which they build on each other.
    pub checks: Vec<Check>,
}

impl Diagnosis {
    fn of(checks: Vec<Check>) -> Self {
        Self {
            ok: checks.iter().all(|check| check.ok),
            checks,
        }
    }

    /// Itself, if all is well.
    ///
    /// # Errors
    /// [`Failure::Unhealthy`].
    pub fn healthy(self) -> Result<Self, Failure> {
        if self.ok {
            return Ok(self);
        }
        let failed = self.checks.into_iter().filter(|check| !check.ok);
        Err(Failure::Unhealthy(failed.collect()))
    }
}

const UP: &str = "Run `hrms-bootstrap up`.";

impl Operator {
    /// Looks whether the database answers and tells our time; is installed, migrated and walled as it
    /// must be, as the registry says; whether the application may log in, and whether there are a
    /// public tenant and keys. To run on, every schema must also be as a freshly migrated one, nothing
    /// may lie about that belongs to nobody, and the disk must not be full. Changes nothing.
    ///
    /// # Errors
    /// Only when looking itself fails in an unforeseen way: what is wrong with the platform is
    /// part of the diagnosis.
    pub async fn diagnose(&self, phase: Phase) -> Result<Diagnosis, Failure> {
        let mut connection = match self.connection().await {
            Ok(connection) => connection,
            Err(failure) => {
                let failed = Check::failed("database", failure.to_string(), failure.next());
                return Ok(Diagnosis::of(vec![failed]));
            }
        };
        let mut checks = vec![
            host::database(&mut connection).await?,
            host::clock(&mut connection, &self.ambient).await?,
        ];
        let Some(installation) = install::find(&mut connection).await? else {
            let problem = "the platform is not installed in this database";
            checks.push(Check::failed("installation", problem, UP));
            return Ok(Diagnosis::of(checks));
        };
        checks.push(Check::ok("installation", installation.id()));
        let migrator = self.migrator().await?;
        let status = migrator.status().await?;
        checks.push(schemas::migrations("migrations", &status));
        // Without its own schema nothing can be asked of the platform.
        if status.iter().all(schemas::is_whole_or_a_tenants) {
            checks.push(schemas::catalogue(&mut connection).await?);
            let platform = self.open().await?;
            checks.push(schemas::registry(&mut connection, &platform.registry).await?);
            if phase == Phase::Running {
                checks.push(schemas::drift(&migrator, &status).await?);
                checks.push(schemas::orphans(&mut connection).await?);
                checks.push(host::disk(&mut connection).await?);
                checks.push(parts::jobs(&platform).await?);
                checks.push(parts::audit(&platform, &self.ambient).await?);
                checks.push(parts::mail(&self.settings.mail, &self.ambient).await);
            }
            checks.extend(self.application_login_checks().await?);
            checks.push(parts::public_tenant(&platform).await?);
            checks.push(parts::signing_key(&platform, &self.ambient).await?);
            checks.push(parts::cursor_key(&platform).await?);
        }
        migrator.close().await?;
        Ok(Diagnosis::of(checks))
    }

    /// Looks whether the migrations are those of the manifest, and the schemas what these make: none
    /// lacks one or has another, all were migrated in the same order, and nothing was changed by hand
    /// since. Changes nothing.
    ///
    /// # Errors
    /// Only when looking itself fails in an unforeseen way.
    pub async fn validate_migrations(&self) -> Result<Diagnosis, Failure> {
        if let Err(defects) = manifest::verify() {
            let findings = defects.iter().map(|defect| Finding {
                object: "manifest".to_owned(),
                problem: defect.to_string(),
                remedy:
                    "Put the migrations back as they were released; a change is a new migration."
                        .to_owned(),
            });
            let check = Check::of_findings("manifest", findings.collect(), "");
            return Ok(Diagnosis::of(vec![check]));
        }
        let compiled = Manifest::of_sources();
        let counted = |scope| compiled.scope(scope).len();
        let detail = format!(
            "{} of the platform, {} of a tenant",
            counted(Scope::Platform),
            counted(Scope::Tenant)
        );
        let mut checks = vec![Check::ok("manifest", detail)];
        if let Err(failure) = self.connection().await {
            checks.push(Check::failed(
                "database",
                failure.to_string(),
                failure.next(),
            ));
            return Ok(Diagnosis::of(checks));
        }
        let migrator = self.migrator().await?;
        let status = migrator.status().await?;
        checks.push(schemas::migrations("applied", &status));
        checks.push(schemas::order(&status));
        checks.push(schemas::drift(&migrator, &status).await?);
        migrator.close().await?;
        Ok(Diagnosis::of(checks))
    }

    /// Whether the application can log in, and finds nothing that it does not ask for by name.
    async fn application_login_checks(&self) -> Result<Vec<Check>, Failure> {
        const NAME: &str = "application_login";
        let Some(url) = self.application_url()? else {
            let problem = "the application's login is not known";
            let remedy = "Set HRMS_DATABASE__URL, or name the folder that `hrms-bootstrap up` \
                          wrote with `--credentials-dir`.";
            return Ok(vec![Check::failed(NAME, problem, remedy)]);
        };
        let search_path = host::search_path(&url).await;
        let settings = DatabaseSettings {
            pool_size: 1,
            ..DatabaseSettings::new(url)
        };
        match Database::connect(settings, Login::Application).await {
            Ok((database, _authority)) => {
                database.close().await;
                let mut checks = vec![Check::ok(NAME, "logs in, with no right of its own")];
                checks.extend(search_path);
                Ok(checks)
            }
            Err(error) => {
                let failure = Failure::ApplicationLogin(error);
                let problem = match std::error::Error::source(&failure) {
                    Some(cause) => format!("{failure}: {cause}"),
                    None => failure.to_string(),
                };
                Ok(vec![Check::failed(NAME, problem, failure.next())])
            }
        }
    }
}

/// Asks one row, as the operator's login.
async fn ask<Row>(connection: &mut PgConnection, sql: &'static str) -> Result<Row, Failure>
where
    Row: for<'row> sqlx::FromRow<'row, sqlx::postgres::PgRow> + Send + Unpin,
{
    let row = sqlx::query_as(sql).fetch_one(connection).await;
    Ok(row.map_err(migration::MigrationError::from)?)
}

/// Asks for what is wrong: object, problem and remedy.
async fn find(connection: &mut PgConnection, sql: &'static str) -> Result<Vec<Finding>, Failure> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(sql)
        .fetch_all(connection)
        .await
        .map_err(migration::MigrationError::from)?;
    let finding = |(object, problem, remedy)| Finding {
        object,
        problem,
        remedy,
    };
    Ok(rows.into_iter().map(finding).collect())
}
