//! A database in which nothing is installed.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::PgConnection;

use crate::server::{Server, detached, run};

/// An empty database, for tests that install the platform themselves. It is dropped with the
/// value, and so are the roles of the installation: they belong to the cluster.
#[derive(Debug)]
pub struct EmptyDatabase {
    server: Server,
    name: String,
}

impl EmptyDatabase {
    /// Creates it.
    ///
    /// # Panics
    /// When the server does not answer: the test cannot run.
    #[expect(
        clippy::expect_used,
        reason = "the test cannot run without its database"
    )]
    pub async fn create() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let server = Server::of_environment();
        let name = format!("hrms_empty_{}_{number}", std::process::id());
        // A test with this process id that was killed may have left one behind.
        remove(&server, &name)
            .await
            .expect("an old database is dropped");
        let mut maintenance = server.maintenance().await.expect("the test server answers");
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        run(&mut maintenance, create)
            .await
            .expect("a database is created");
        Self { server, name }
    }

    /// The server it is on.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its URL for the superuser: what an operator installs with.
    pub fn superuser_url(&self) -> String {
        self.server.superuser_url(&self.name)
    }

    /// A superuser's connection, to arrange and to look behind the walls.
    ///
    /// # Panics
    /// When the server does not answer.
    #[expect(
        clippy::expect_used,
        reason = "the test cannot run without its database"
    )]
    pub async fn superuser(&self) -> PgConnection {
        let connecting = self.server.connect(&self.name);
        connecting.await.expect("the test server answers")
    }
}

impl EmptyDatabase {
    /// Copies it, and connects to the copy as a superuser. Nobody may be connected to it now.
    /// The copy is dropped with it.
    ///
    /// # Panics
    /// When the server does not answer, or somebody is connected.
    #[expect(
        clippy::expect_used,
        reason = "the test cannot run without its database"
    )]
    pub async fn copy(&self, suffix: &str) -> PgConnection {
        let mut maintenance = self.server.maintenance().await.expect("the server answers");
        let copy = format!("{}_{suffix}", self.name);
        let create = format!("CREATE DATABASE {copy} TEMPLATE {}", self.name);
        run(&mut maintenance, create)
            .await
            .expect("a database is copied");
        let connecting = self.server.connect(&copy);
        connecting.await.expect("the test server answers")
    }
}

impl Drop for EmptyDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        detached(async move { remove(&server, &name).await });
    }
}

/// Drops a database and its copies, if there are any, with the roles of what is installed in them.
async fn remove(server: &Server, name: &str) -> Result<(), sqlx::Error> {
    let mut maintenance = server.maintenance().await?;
    let databases: Vec<(sqlx::postgres::types::Oid, String)> = sqlx::query_as(
        "SELECT oid, datname::text FROM pg_database \
         WHERE datname = $1 OR starts_with(datname, $1 || '_')",
    )
    .bind(name)
    .fetch_all(&mut maintenance)
    .await?;
    let (ids, names): (Vec<_>, Vec<_>) = databases.into_iter().unzip();
    // Every role of an installation begins with its id, and some of them hold a right in it.
    let roles: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT role.rolname::text FROM pg_shdepend held \
         JOIN pg_roles holder ON holder.oid = held.refobjid \
             AND held.refclassid = 'pg_authid'::regclass AND held.dbid = ANY ($1) \
         JOIN pg_roles role ON starts_with( \
             role.rolname, substring(holder.rolname FROM '^hrms_[0-9a-f]{8}_'))",
    )
    .bind(ids)
    .fetch_all(&mut maintenance)
    .await?;
    for database in names {
        let drop = format!("DROP DATABASE {database} WITH (FORCE)");
        run(&mut maintenance, drop).await?;
    }
    for role in roles {
        run(&mut maintenance, format!("DROP ROLE {role}")).await?;
    }
    Ok(())
}
