//! `diagnose`: whether the platform can be started, and what to do if not.

use database::{Database, DatabaseSettings, Login};
use kernel::{Slug, TenantStatus};
use migration::{catalogue, install};
use sea_orm::FromQueryResult;
use serde::Serialize;

use super::{Failure, Operator, operator::Platform};

/// How one thing is that the platform needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// Whether it is as it must be.
    pub ok: bool,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Check {
    fn ok(name: &'static str) -> Self {
        Self {
            name,
            ok: true,
            problem: None,
            remedy: None,
        }
    }

    fn failed(name: &'static str, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            name,
            ok: false,
            problem: Some(problem.into()),
            remedy: Some(remedy.into()),
        }
    }

    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    pub(super) fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }
}

/// How everything is that the platform needs to start.
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

const DATABASE: &str = "database";
const INSTALLATION: &str = "installation";
const MIGRATIONS: &str = "migrations";
const CATALOGUE: &str = "catalogue";
const APPLICATION_LOGIN: &str = "application_login";
const PUBLIC_TENANT: &str = "public_tenant";
const SIGNING_KEY: &str = "signing_key";
const UP: &str = "Run `hrms-bootstrap up`.";

impl Operator {
    /// Looks whether the database answers and is installed, migrated and walled as it must be,
    /// whether the application may log in, and whether there are a public tenant and a key to sign
    /// tokens with. Changes nothing.
    ///
    /// # Errors
    /// Only when looking itself fails in an unforeseen way: what is wrong with the platform is
    /// part of the diagnosis.
    pub async fn diagnose(&self) -> Result<Diagnosis, Failure> {
        let mut connection = match self.connection().await {
            Ok(connection) => connection,
            Err(failure) => {
                let failed = Check::failed(DATABASE, failure.to_string(), failure.next());
                return Ok(Diagnosis::of(vec![failed]));
            }
        };
        let mut checks = vec![Check::ok(DATABASE)];
        if install::find(&mut connection).await?.is_none() {
            let problem = "the platform is not installed in this database";
            checks.push(Check::failed(INSTALLATION, problem, UP));
            return Ok(Diagnosis::of(checks));
        }
        checks.push(Check::ok(INSTALLATION));
        let migrations = self.migrations().await?;
        let is_migrated = migrations.ok;
        checks.push(migrations);
        if is_migrated {
            checks.push(catalogue_check(&mut connection).await?);
            checks.push(self.application_login_check().await?);
            let platform = self.open().await?;
            checks.push(public_tenant(&platform).await?);
            checks.push(signing_key(&platform).await?);
        }
        Ok(Diagnosis::of(checks))
    }

    async fn migrations(&self) -> Result<Check, Failure> {
        let misfits = self.migrator().await?.misfits().await?;
        Ok(match misfits.first() {
            None => Check::ok(MIGRATIONS),
            Some(first) => {
                let problem = format!("{first} ({} in all)", misfits.len());
                let remedy = "Run `hrms-bootstrap up`; if a migration is unknown or was another \
                              one, run the version of the platform that fits the database.";
                Check::failed(MIGRATIONS, problem, remedy)
            }
        })
    }

    async fn application_login_check(&self) -> Result<Check, Failure> {
        let Some(url) = self.application_url()? else {
            let problem = "the application's login is not known";
            let remedy = "Set HRMS_DATABASE__URL, or name the folder that `hrms-bootstrap up` \
                          wrote with `--credentials-dir`.";
            return Ok(Check::failed(APPLICATION_LOGIN, problem, remedy));
        };
        let settings = DatabaseSettings {
            pool_size: 1,
            ..DatabaseSettings::new(url)
        };
        Ok(
            match Database::connect(settings, Login::Application).await {
                Ok((database, _authority)) => {
                    database.close().await;
                    Check::ok(APPLICATION_LOGIN)
                }
                Err(error) => {
                    let failure = Failure::ApplicationLogin(error);
                    let problem = match std::error::Error::source(&failure) {
                        Some(cause) => format!("{failure}: {cause}"),
                        None => failure.to_string(),
                    };
                    Check::failed(APPLICATION_LOGIN, problem, failure.next())
                }
            },
        )
    }
}

async fn catalogue_check(connection: &mut sqlx::PgConnection) -> Result<Check, Failure> {
    let findings = catalogue::check(connection).await?;
    Ok(match findings.first() {
        None => Check::ok(CATALOGUE),
        Some(first) => {
            let problem = format!(
                "{}: {} ({} findings in all)",
                first.object,
                first.problem,
                findings.len()
            );
            Check::failed(CATALOGUE, problem, &first.remedy)
        }
    })
}

async fn public_tenant(platform: &Platform) -> Result<Check, Failure> {
    let found = platform.registry.by_slug(&Slug::public()).await?;
    Ok(match found.map(|found| found.tenant.status) {
        Some(TenantStatus::Active) => Check::ok(PUBLIC_TENANT),
        Some(status) => {
            let problem = format!("the public tenant is {}", status.as_str());
            Check::failed(
                PUBLIC_TENANT,
                problem,
                "Run `hrms-bootstrap ensure-public-tenant`.",
            )
        }
        None => Check::failed(
            PUBLIC_TENANT,
            "there is no public tenant",
            "Run `hrms-bootstrap ensure-public-tenant`.",
        ),
    })
}

#[derive(FromQueryResult)]
struct Keys {
    active: bool,
}

async fn signing_key(platform: &Platform) -> Result<Check, Failure> {
    let tx = platform
        .database
        .begin_platform_read(platform.registry.platform())
        .await?;
    let keys: Option<Keys> = tx
        .row(
            "SELECT EXISTS (SELECT FROM signing_keys WHERE state = 'active') AS active",
            [],
        )
        .await?;
    tx.commit().await?;
    Ok(if keys.is_some_and(|keys| keys.active) {
        Check::ok(SIGNING_KEY)
    } else {
        Check::failed(SIGNING_KEY, "there is no key to sign tokens with", UP)
    })
}
