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

impl Drop for EmptyDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        detached(async move { remove(&server, &name).await });
    }
}

/// Drops a database, if there is one of this name, with the roles of what is installed in it.
async fn remove(server: &Server, name: &str) -> Result<(), sqlx::Error> {
    let mut maintenance = server.maintenance().await?;
    let is_there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(name)
            .fetch_one(&mut maintenance)
            .await?;
    if !is_there {
        return Ok(());
    }
    // The owner of the schema `platform` carries the installation's id in its name.
    let roles: Vec<String> = sqlx::query_scalar(
        "SELECT rolname::text FROM pg_roles WHERE starts_with(rolname, ( \
             SELECT substring(pg_get_userbyid(nspowner) FROM '^hrms_[0-9a-f]{8}_') \
             FROM pg_namespace WHERE nspname = 'platform'))",
    )
    .fetch_all(&mut server.connect(name).await?)
    .await?;
    run(
        &mut maintenance,
        format!("DROP DATABASE {name} WITH (FORCE)"),
    )
    .await?;
    if !roles.is_empty() {
        let drop = format!("DROP ROLE {}", roles.join(", "));
        run(&mut maintenance, drop).await?;
    }
    Ok(())
}
