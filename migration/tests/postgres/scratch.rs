//! A database of a test's own.

use std::fmt::Write as _;

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
use testkit::{EmptyDatabase, Server};

/// An installed database. It lives as long as the [`EmptyDatabase`] that comes with it.
pub(crate) struct Scratch {
    pub(crate) installation: Installation,
    server: Server,
    name: String,
}

pub(crate) const PASSWORD: &str = "a-password-of-a-test";

impl Scratch {
    /// A database in which nothing is installed, and an id to install it with.
    pub(crate) async fn empty() -> (EmptyDatabase, String) {
        let clean = EmptyDatabase::create().await;
        let mut conn = clean.superuser().await;
        let id = one(&mut conn, "left(md5(gen_random_uuid()::text), 8)").await;
        (clean, id)
    }

    /// An installed database.
    pub(crate) async fn installed() -> (EmptyDatabase, Self) {
        let (clean, id) = Self::empty().await;
        let mut conn = clean.superuser().await;
        let installation = install::install(&mut conn, &id).await.unwrap();
        let scratch = Self {
            installation,
            server: clean.server().clone(),
            name: clean.name().to_owned(),
        };
        (clean, scratch)
    }

    /// An installed database with the platform and these tenant schemas migrated.
    pub(crate) async fn migrated(schemas: &[&str]) -> (EmptyDatabase, Self) {
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

    /// How a login role connects.
    pub(crate) async fn login(&self, login: Login) -> PgConnectOptions {
        let mut conn = self.superuser().await;
        install::set_login_password(&mut conn, &self.installation, login, PASSWORD)
            .await
            .unwrap();
        self.server
            .options(&self.name)
            .username(&self.installation.login(login))
            .password(PASSWORD)
    }

    /// A superuser's connection.
    pub(crate) async fn superuser(&self) -> PgConnection {
        self.server.connect(&self.name).await.unwrap()
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
