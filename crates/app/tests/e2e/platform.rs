//! A platform as an operator makes it, in a database of the test's own.

use std::{path::PathBuf, sync::Arc, time::Duration};

use app::{
    operate::{
        self, Failure, Operator, PasswordFrom, Placement, PublicTenant, Silent, TenantReport,
        TenantRequest, TimeZone, UpOptions, UpReport,
    },
    settings::LoadFrom,
};
use sqlx::{AssertSqlSafe, PgConnection};
use tempfile::TempDir;
use testkit::{AppLogin, EmptyDatabase};

/// A database and a folder with credentials; at first both are empty.
pub(crate) struct Platform {
    database: EmptyDatabase,
    folder: TempDir,
}

impl Platform {
    /// Nothing yet.
    pub(crate) async fn empty() -> Self {
        Self {
            database: EmptyDatabase::create().await,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// One that is ready.
    pub(crate) async fn ready() -> Self {
        let platform = Self::empty().await;
        platform.up().await.unwrap();
        platform
    }

    pub(crate) async fn up(&self) -> Result<UpReport, Failure> {
        Box::pin(self.operator(&[]).up(up_options())).await
    }

    /// The operator, with these settings beside the database's address.
    pub(crate) fn operator(&self, settings: &[(&str, &str)]) -> Operator {
        let url = self.database.superuser_url();
        // Fifty at once open hundreds of connections, on two cores that do other things as well.
        let mut all = vec![
            ("HRMS_DATABASE__ADMIN_URL", url.as_str()),
            ("HRMS_DATABASE__CONNECT_TIMEOUT", "1m"),
        ];
        all.extend(settings);
        let from = LoadFrom::environment(all);
        let folder = Some(self.credentials());
        Operator::new(from, folder, operate::ambient(), Arc::new(Silent)).unwrap()
    }

    pub(crate) fn credentials(&self) -> PathBuf {
        self.folder.path().join("credentials")
    }

    /// A generated secret.
    pub(crate) fn secret(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.credentials().join(name)).unwrap();
        text.trim().to_owned()
    }

    /// One column of one row, as text.
    pub(crate) async fn ask(&self, sql: &str) -> String {
        ask(&mut self.database.superuser().await, sql).await
    }

    pub(crate) async fn change(&self, sql: &str) {
        change(&mut self.database.superuser().await, sql).await;
    }
}

impl AppLogin for Platform {
    fn app_url(&self) -> String {
        self.secret("database-url")
    }
}

pub(crate) fn up_options() -> UpOptions {
    UpOptions {
        public_tenant: PublicTenant {
            name: "Platform".parse().unwrap(),
            host: "localhost".parse().unwrap(),
            administrator: "admin@localhost.example".parse().unwrap(),
        },
        wait: Duration::from_secs(30),
        new_application_password: false,
    }
}

/// A tenant whose administrator is `boss@<slug>.example`, with a password that is drawn.
pub(crate) fn tenant(slug: &str, placement: Placement) -> TenantRequest {
    TenantRequest {
        slug: slug.parse().unwrap(),
        name: slug.parse().unwrap(),
        placement: Some(placement),
        locale: "en".parse().unwrap(),
        time_zone: TimeZone::utc(),
        administrator: format!("boss@{slug}.example").parse().unwrap(),
        password: PasswordFrom::Generated,
    }
}

/// How creating a tenant ended: its slug, or the error's code.
pub(crate) fn outcome(result: &Result<TenantReport, Failure>) -> &str {
    match result {
        Ok(created) => &created.slug,
        Err(failure) => failure.code(),
    }
}

/// One column of one row, as text.
pub(crate) async fn ask(connection: &mut PgConnection, sql: &str) -> String {
    let sql = AssertSqlSafe(format!("SELECT ({sql})::text"));
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

pub(crate) async fn change(connection: &mut PgConnection, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}
