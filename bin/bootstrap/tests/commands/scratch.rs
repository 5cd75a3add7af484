//! A database of a test's own, in which nothing is installed yet.

use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;
use testkit::Server;

/// An empty database and a folder for credentials; both are gone with the value, and so are the
/// installation's roles.
pub(crate) struct Scratch {
    server: Server,
    name: String,
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
        let server = Server::of_environment();
        let mut maintenance = server.maintenance().await.unwrap();
        let id: String = one(
            &mut maintenance,
            "SELECT left(md5(gen_random_uuid()::text), 12)",
        )
        .await;
        let name = format!("hrms_scratch_{id}");
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        run(&mut maintenance, &create).await;
        let folder = tempfile::tempdir().unwrap();
        Self {
            server,
            name,
            folder,
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
            .env("HRMS_DATABASE__ADMIN_URL", self.url())
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

    fn url(&self) -> String {
        self.server.superuser_url(&self.name)
    }

    pub(crate) async fn superuser(&self) -> PgConnection {
        self.server.connect(&self.name).await.unwrap()
    }

    async fn clean(&self) -> Result<(), sqlx::Error> {
        let mut connection = self.server.connect(&self.name).await?;
        let roles: Vec<String> = sqlx::query_scalar(
            "SELECT rolname::text FROM pg_roles WHERE starts_with(rolname, ( \
                 SELECT replace(pg_get_userbyid(nspowner), 'owner', '') FROM pg_namespace \
                 WHERE nspname = 'platform'))",
        )
        .fetch_all(&mut connection)
        .await?;
        connection.close().await?;
        let mut maintenance = self.server.maintenance().await?;
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        sqlx::raw_sql(AssertSqlSafe(drop))
            .execute(&mut maintenance)
            .await?;
        for role in roles {
            let drop = AssertSqlSafe(format!("DROP ROLE {role}"));
            sqlx::raw_sql(drop).execute(&mut maintenance).await?;
        }
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A runtime cannot be entered twice: the cleaning has a thread of its own.
        std::thread::scope(|threads| {
            let clean = || {
                let runtime = tokio::runtime::Runtime::new().unwrap();
                runtime.block_on(self.clean())
            };
            match threads.spawn(clean).join() {
                Ok(Ok(())) => {}
                left => eprintln!("{} and its roles were not dropped: {left:?}", self.name),
            }
        });
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
