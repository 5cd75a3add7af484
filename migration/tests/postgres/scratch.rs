//! A database of a test's own.

use std::{fmt::Write as _, str::FromStr as _};

use migration::{
    Migrator,
    install::{self, Installation, Login},
};
use sea_orm::{
    ConnectionTrait as _, DatabaseTransaction, SqlxPostgresConnector, TransactionTrait as _,
};
use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgRow},
};

/// An installed database, dropped with its clones and its roles when the test is over.
pub(crate) struct Scratch {
    pub(crate) installation: Installation,
    name: String,
}

pub(crate) const PASSWORD: &str = "a-password-of-a-test";

impl Scratch {
    /// A database in which nothing is installed, and an id to install it with.
    pub(crate) async fn empty() -> (Clean, String) {
        let mut conn = PgConnection::connect_with(&superuser()).await.unwrap();
        let id: String = sqlx::query_scalar("SELECT left(md5(gen_random_uuid()::text), 8)")
            .fetch_one(&mut conn)
            .await
            .unwrap();
        let name = format!("hrms_migration_{id}");
        run(
            &mut conn,
            &format!("CREATE DATABASE {name} TEMPLATE template0"),
        )
        .await
        .unwrap();
        (
            Clean {
                name,
                id: id.clone(),
            },
            id,
        )
    }

    /// An installed database.
    pub(crate) async fn installed() -> (Clean, Self) {
        let (clean, id) = Self::empty().await;
        let mut conn = clean.superuser().await;
        let installation = install::install(&mut conn, &id).await.unwrap();
        let scratch = Self {
            installation,
            name: clean.name.clone(),
        };
        (clean, scratch)
    }

    /// An installed database with the platform and these tenant schemas migrated.
    pub(crate) async fn migrated(schemas: &[&str]) -> (Clean, Self) {
        let (clean, scratch) = Self::installed().await;
        let migrator = scratch.migrator().await;
        migrator.migrate_platform().await.unwrap();
        for schema in schemas {
            migrator.migrate_schema(schema).await.unwrap();
        }
        (clean, scratch)
    }

    /// The migrations, run by the migrator's login, as an operator does.
    pub(crate) async fn migrator(&self) -> Migrator {
        Migrator::connect(self.login(Login::Migrator).await, 4)
            .await
            .unwrap()
    }

    /// A connection of a login role.
    pub(crate) async fn connect(&self, login: Login) -> PgConnection {
        PgConnection::connect_with(&self.login(login).await)
            .await
            .unwrap()
    }

    async fn login(&self, login: Login) -> PgConnectOptions {
        let options = superuser().database(&self.name);
        let mut conn = PgConnection::connect_with(&options).await.unwrap();
        install::set_login_password(&mut conn, &self.installation, login, PASSWORD)
            .await
            .unwrap();
        options
            .username(&self.installation.login(login))
            .password(PASSWORD)
    }

    /// A superuser's connection.
    pub(crate) async fn superuser(&self) -> PgConnection {
        PgConnection::connect_with(&superuser().database(&self.name))
            .await
            .unwrap()
    }

    /// Runs one statement in a transaction of the application that takes this schema's role, and
    /// this tenant's rows if there is a tenant; commits.
    pub(crate) async fn run_as(
        &self,
        schema: &str,
        tenant: Option<&str>,
        sql: &str,
    ) -> Result<Vec<PgRow>, String> {
        let mut conn = self.connect(Login::App).await;
        let role = self.installation.schema_role(schema);
        let mut open =
            format!("BEGIN; SET LOCAL ROLE {role}; SET LOCAL search_path TO {schema}, extensions;");
        if let Some(tenant) = tenant {
            let _ = write!(open, "SET LOCAL app.tenant = '{tenant}';");
        }
        run(&mut conn, &open).await?;
        let rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .fetch_all(&mut conn)
            .await
            .map_err(|error| error.to_string())?;
        run(&mut conn, "COMMIT").await?;
        Ok(rows)
    }
}

impl Scratch {
    /// A transaction as a migration of this schema finds it.
    #[expect(
        clippy::disallowed_methods,
        reason = "a migration's transaction has no tenant"
    )]
    pub(crate) async fn migration_of(&self, schema: &str) -> DatabaseTransaction {
        let pool = PgPool::connect_with(self.login(Login::Migrator).await)
            .await
            .unwrap();
        let db = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
        let tx = db.begin().await.unwrap();
        let owner = self.installation.owner();
        let enter =
            format!("SET LOCAL ROLE {owner}; SET LOCAL search_path TO {schema}, extensions");
        tx.execute_unprepared(&enter).await.unwrap();
        tx
    }
}

/// Drops the test's databases and roles, whether it passed or not.
pub(crate) struct Clean {
    name: String,
    id: String,
}

impl Clean {
    pub(crate) async fn superuser(&self) -> PgConnection {
        PgConnection::connect_with(&superuser().database(&self.name))
            .await
            .unwrap()
    }

    /// Clones the database.
    pub(crate) async fn clone_as(&self, suffix: &str) -> PgConnection {
        let clone = format!("{}_{suffix}", self.name);
        let mut conn = PgConnection::connect_with(&superuser()).await.unwrap();
        let create = format!("CREATE DATABASE {clone} TEMPLATE {}", self.name);
        run(&mut conn, &create).await.unwrap();
        PgConnection::connect_with(&superuser().database(&clone))
            .await
            .unwrap()
    }

    async fn clean(&self) -> Result<(), String> {
        let mut conn = PgConnection::connect_with(&superuser())
            .await
            .map_err(|error| error.to_string())?;
        let list = |sql: String| async move {
            let mut conn = PgConnection::connect_with(&superuser()).await?;
            sqlx::query_scalar::<_, String>(AssertSqlSafe(sql))
                .fetch_all(&mut conn)
                .await
        };
        let (name, id) = (&self.name, &self.id);
        let databases = list(format!(
            "SELECT datname::text FROM pg_database WHERE starts_with(datname, '{name}')"
        ));
        for database in databases.await.map_err(|error| error.to_string())? {
            run(&mut conn, &format!("DROP DATABASE {database} WITH (FORCE)")).await?;
        }
        let roles = list(format!(
            "SELECT rolname::text FROM pg_roles WHERE starts_with(rolname, 'hrms_{id}_')"
        ));
        for role in roles.await.map_err(|error| error.to_string())? {
            run(&mut conn, &format!("DROP ROLE {role}")).await?;
        }
        Ok(())
    }
}

impl Drop for Clean {
    fn drop(&mut self) {
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

/// Runs a batch.
pub(crate) async fn run(conn: &mut PgConnection, sql: &str) -> Result<(), String> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(conn)
        .await
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// One column of one row.
pub(crate) async fn one(conn: &mut PgConnection, sql: &str) -> String {
    sqlx::query_scalar::<_, String>(AssertSqlSafe(format!("SELECT ({sql})::text")))
        .fetch_one(conn)
        .await
        .unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests take their server from the environment"
)]
fn superuser() -> PgConnectOptions {
    let url = std::env::var("HRMS_TEST_DATABASE_URL")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    PgConnectOptions::from_str(&url).unwrap()
}
