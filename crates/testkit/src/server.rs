//! The PostgreSQL server that tests run on.

use std::str::FromStr as _;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, postgres::PgConnectOptions};

/// The server, as a superuser sees it.
#[derive(Clone, Debug)]
pub struct Server(PgConnectOptions);

impl Server {
    /// The server of `HRMS_TEST_DATABASE_URL`. There is no default: tests create and drop
    /// databases and roles, and may do so only on a server that somebody named for it.
    ///
    /// # Panics
    /// When the variable is unset or no URL: no test can run.
    #[expect(
        clippy::disallowed_methods,
        reason = "tests take their server from the environment"
    )]
    #[expect(clippy::expect_used, reason = "no test can run without a server")]
    pub fn of_environment() -> Self {
        let url = std::env::var("HRMS_TEST_DATABASE_URL").expect(
            "HRMS_TEST_DATABASE_URL names the server to test on: run `./just test`, or start one \
             with `./just services` and `source .local/services.env`",
        );
        Self(PgConnectOptions::from_str(&url).expect("HRMS_TEST_DATABASE_URL is a PostgreSQL URL"))
    }

    /// The URL of one of its databases for the superuser.
    pub fn superuser_url(&self, database: &str) -> String {
        use sqlx::ConnectOptions as _;
        self.options(database).to_url_lossy().to_string()
    }

    /// How to connect to one of its databases as a superuser.
    pub fn options(&self, database: &str) -> PgConnectOptions {
        self.0.clone().database(database)
    }

    /// The URL of one of its databases for a login.
    pub fn url(&self, login: &str, password: &str, database: &str) -> String {
        let (host, port) = (self.0.get_host(), self.0.get_port());
        match self.0.get_socket() {
            Some(socket) => {
                let socket = socket.display();
                format!("postgres://{login}:{password}@localhost:{port}/{database}?host={socket}")
            }
            None => format!("postgres://{login}:{password}@{host}:{port}/{database}"),
        }
    }

    /// Connects to one of its databases as a superuser.
    pub async fn connect(&self, database: &str) -> Result<PgConnection, sqlx::Error> {
        PgConnection::connect_with(&self.options(database)).await
    }

    /// Connects to the database that every server has.
    pub async fn maintenance(&self) -> Result<PgConnection, sqlx::Error> {
        self.connect("postgres").await
    }
}

/// Runs a batch of SQL that tests composed themselves.
pub(crate) async fn run(connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .map(|_done| ())
}

/// Does what a value that is dropped leaves to be done. A runtime cannot be entered twice, so it
/// has a thread and a runtime of its own; a failure is told, for it must not hide the test's.
pub(crate) fn detached<Work>(work: Work)
where
    Work: Future<Output = Result<(), sqlx::Error>> + Send + 'static,
{
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(work)
    });
    if let Ok(Err(error)) = thread.join() {
        eprintln!("a test's database was not dropped: {error}");
    }
}
