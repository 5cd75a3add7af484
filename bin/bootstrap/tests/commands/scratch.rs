//! A database of a test's own, in which nothing is installed yet.

use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use tempfile::TempDir;
use testkit::EmptyDatabase;

/// An empty database and a folder for credentials; both are gone with the value, and so are the
/// installation's roles.
pub(crate) struct Scratch {
    database: EmptyDatabase,
    folder: TempDir,
}

/// What a command left.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) json: Value,
    pub(crate) told: String,
}

impl Scratch {
    pub(crate) async fn empty() -> Self {
        Self {
            database: EmptyDatabase::create().await,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A database in which the platform is ready.
    pub(crate) async fn ready() -> Self {
        let scratch = Self::empty().await;
        assert_eq!(scratch.run(&["up"]).code, 0);
        scratch
    }

    /// The program with these arguments, on this database and folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hrms-bootstrap"));
        command
            .env_clear()
            .env("HRMS_DATABASE__ADMIN_URL", self.database.superuser_url())
            .args(arguments)
            .arg("--json")
            .arg("--credentials-dir")
            .arg(self.credentials())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs the same command so many times at once.
    pub(crate) fn run_at_once(&self, times: usize, arguments: &[&str]) -> Vec<Done> {
        let running: Vec<_> = (0..times)
            .map(|_| self.command(arguments).spawn().unwrap())
            .collect();
        running
            .into_iter()
            .map(|it| it.wait_with_output().unwrap().into())
            .collect()
    }

    pub(crate) fn credentials(&self) -> PathBuf {
        self.folder.path().join("credentials")
    }

    pub(crate) fn secret(&self, name: &str) -> String {
        std::fs::read_to_string(self.credentials().join(name)).unwrap()
    }

    /// One column of one row, as text.
    pub(crate) async fn ask(&self, sql: &str) -> String {
        one(&mut self.superuser().await, sql).await
    }

    pub(crate) async fn change(&self, sql: &str) {
        run(&mut self.superuser().await, sql).await;
    }

    pub(crate) async fn superuser(&self) -> PgConnection {
        self.database.superuser().await
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            json: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            told: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Done {
    /// The code of its error.
    pub(crate) fn error(&self) -> &str {
        self.json
            .pointer("/error/code")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

async fn run(connection: &mut PgConnection, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

async fn one(connection: &mut PgConnection, sql: &str) -> String {
    let sql = AssertSqlSafe(format!("SELECT ({sql})::text"));
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

/// What creates a tenant.
pub(crate) fn create<'a>(slug: &'a str, name: &'a str) -> Vec<&'a str> {
    vec![
        "tenant",
        "create",
        "--slug",
        slug,
        "--name",
        name,
        "--admin-email",
        "a@alpha.example",
    ]
}
