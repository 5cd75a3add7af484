//! Running the migrations: one transaction a schema, all or nothing.

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, RuntimeErr, SqlxPostgresConnector,
    Statement, TransactionTrait as _,
};
use sea_orm_migration::MigratorTrait as _;
use sqlx::{
    Connection as _, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    types::Uuid,
};

use crate::{
    MigrationError,
    fit::{self, Applied, Misfit, PLATFORM},
    manifest::{self, Entry, Manifest, Scope},
    platform::Platform,
    roles::{Roles, run},
    tenant::Tenant,
    turn::{self, TurnError},
};

/// What migrates a database: a few connections of a login that is a member of the owner (the
/// migrator), or of a superuser.
///
/// Any number of programs may migrate at once: each schema has an advisory lock, for which a program
/// waits as long as the `lock_timeout` of its connections says. A program that is killed leaves the
/// schema as it was, and the next run does the whole.
pub struct Migrator {
    #[expect(
        clippy::disallowed_types,
        reason = "the migrations' own connection: they run outside every tenant and scope"
    )]
    db: sea_orm::DatabaseConnection,
}

/// How far a schema is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaStatus {
    /// The schema's name.
    pub schema: String,
    /// How many of its migrations have been applied.
    pub applied: usize,
    /// What keeps it from fitting this program; empty when it does.
    pub misfits: Vec<Misfit>,
}

impl SchemaStatus {
    /// The migrations that the schema lacks although it has later ones: they would run in another
    /// order than elsewhere.
    pub fn left_out(&self) -> Vec<&str> {
        let sources = Manifest::of_sources();
        let entries = sources.scope(fit::scope_of(&self.schema));
        let missing = |entry: &&Entry| {
            self.misfits.iter().find_map(|it| match it {
                Misfit::Missing { name, .. } if *name == entry.name => Some(name.as_str()),
                _ => None,
            })
        };
        let last = entries.iter().rposition(|entry| missing(&entry).is_none());
        let before = entries.get(..last.unwrap_or(0)).unwrap_or_default();
        before.iter().filter_map(|entry| missing(&entry)).collect()
    }
}

impl Migrator {
    /// Connects with at most `connections` connections, which is how many schemas can be migrated
    /// at the same time. Refuses to, if the compiled migrations are not those of the manifest.
    pub async fn connect(
        options: PgConnectOptions,
        connections: u32,
    ) -> Result<Self, MigrationError> {
        manifest::verify().map_err(MigrationError::Manifest)?;
        // The pool would try to connect again and again, and then tell of a time-out.
        PgConnection::connect_with(&options).await?.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        Ok(Self {
            db: SqlxPostgresConnector::from_sqlx_postgres_pool(pool),
        })
    }

    /// Migrates the schema `platform` and names what was applied.
    pub async fn migrate_platform(&self) -> Result<Vec<String>, MigrationError> {
        self.migrate(PLATFORM).await
    }

    /// Migrates a tenant schema and names what was applied. A schema that does not exist yet is
    /// made, with its role, in the same transaction.
    pub async fn migrate_schema(&self, schema: &str) -> Result<Vec<String>, MigrationError> {
        tenant_schema(schema)?;
        self.migrate(schema).await
    }

    /// The migrations that a schema has yet to see, in order. A schema that does not exist yet has
    /// seen none.
    pub async fn pending(&self, schema: &str) -> Result<Vec<String>, MigrationError> {
        if schema != PLATFORM {
            tenant_schema(schema)?;
        }
        let applied = applied(&self.db, Some(schema)).await?;
        pending(schema, &applied)
    }

    /// How far every schema is: `platform`, every one that was ever migrated, and every one where
    /// the registry says that tenants live.
    pub async fn status(&self) -> Result<Vec<SchemaStatus>, MigrationError> {
        let applied = applied(&self.db, None).await?;
        let homes = self.homes().await.map_err(of(PLATFORM))?;
        let misfits = fit::misfits(&homes, &applied);
        let mut schemas: Vec<&String> = applied
            .iter()
            .map(|row| &row.schema_name)
            .chain(&homes)
            .collect();
        schemas.sort_unstable();
        schemas.dedup();
        let platform = PLATFORM.to_owned();
        schemas.retain(|schema| **schema != platform);
        schemas.insert(0, &platform);
        let status = |schema: &String| SchemaStatus {
            schema: schema.clone(),
            applied: applied
                .iter()
                .filter(|row| row.schema_name == *schema)
                .count(),
            misfits: misfits
                .iter()
                .filter(|it| it.schema() == schema)
                .cloned()
                .collect(),
        };
        Ok(schemas.into_iter().map(status).collect())
    }

    /// What keeps the database from fitting this program; empty when it fits.
    pub async fn misfits(&self) -> Result<Vec<Misfit>, MigrationError> {
        let applied = applied(&self.db, None).await?;
        let homes = self.homes().await.map_err(of(PLATFORM))?;
        Ok(fit::misfits(&homes, &applied))
    }

    /// Drops a tenant schema with everything in it, its role, and the record of its migrations.
    /// The role stays as long as a clone of this database uses it.
    pub async fn drop_schema(&self, schema: &str) -> Result<(), MigrationError> {
        tenant_schema(schema)?;
        let tx = self.begin(schema).await?;
        let dropped = async {
            drop_in(&tx, schema).await?;
            tx.commit().await
        };
        dropped.await.map_err(of(schema))
    }

    /// Drops the schema that was made for a tenant, as [`Self::drop_schema`] does, together with the
    /// tenant's row in the registry: one transaction, and only while that row is still being
    /// created. `false` when it is not; then nothing was touched.
    pub async fn drop_unfinished(
        &self,
        schema: &str,
        tenant: Uuid,
    ) -> Result<bool, MigrationError> {
        tenant_schema(schema)?;
        let tx = self.begin(schema).await?;
        let dropped = drop_with_row(tx, schema, tenant);
        dropped.await.map_err(of(schema))
    }

    /// Closes the connections.
    pub async fn close(self) -> Result<(), MigrationError> {
        self.db.close().await.map_err(of(PLATFORM))
    }

    async fn migrate(&self, schema: &str) -> Result<Vec<String>, MigrationError> {
        let tx = self.begin(schema).await?;
        let applied = applied(&tx, Some(schema)).await?;
        let pending = pending(schema, &applied)?;
        if pending.is_empty() {
            tx.rollback().await.map_err(of(schema))?;
            return Ok(pending);
        }
        let migrated = async {
            let roles = Roles::read(&tx, Some(schema)).await?;
            enter(&tx, schema, &roles).await?;
            match fit::scope_of(schema) {
                Scope::Platform => Platform::up(&tx, None).await?,
                Scope::Tenant => Tenant::up(&tx, None).await?,
            }
            // The table that the ORM keeps for itself belongs into a dump like any other.
            run(
                &tx,
                &format!("GRANT SELECT ON seaql_migrations TO {}", roles.backup),
            )
            .await?;
            record(&tx, schema, &pending).await?;
            tx.commit().await
        };
        migrated.await.map_err(of(schema))?;
        Ok(pending)
    }

    /// The schemas where the registry says that tenants live; none before there is a registry.
    async fn homes(&self) -> Result<Vec<String>, DbErr> {
        let registry = Statement::from_string(
            DbBackend::Postgres,
            "SELECT to_regclass('platform.tenants') IS NOT NULL \
             AND to_regclass('platform.pools') IS NOT NULL AS there",
        );
        let there = match self.db.query_one_raw(registry).await? {
            Some(row) => row.try_get("", "there")?,
            None => false,
        };
        if !there {
            return Ok(Vec::new());
        }
        let homes = Statement::from_string(DbBackend::Postgres, fit::HOMES);
        let rows = self.db.query_all_raw(homes).await?;
        rows.iter()
            .map(|row| row.try_get("", "schema_name"))
            .collect()
    }

    /// Opens the transaction of a schema and waits for the schema's turn.
    pub(crate) async fn begin(&self, schema: &str) -> Result<DatabaseTransaction, MigrationError> {
        match self.opened(schema).await {
            Ok(tx) => Ok(tx),
            Err(TurnError::Busy(error)) => Err(error),
            Err(TurnError::Other(error)) => Err(of(schema)(error)),
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a migration's transaction belongs to no tenant; errors drop it, which rolls back"
    )]
    async fn opened(&self, schema: &str) -> Result<DatabaseTransaction, TurnError> {
        let tx = self.db.begin().await?;
        turn::take_in(&tx, &format!("hrms migrate {schema}")).await?;
        run(
            &tx,
            "SET LOCAL client_min_messages = warning; SET LOCAL lock_timeout = '10s'",
        )
        .await?;
        Ok(tx)
    }
}

/// Drops a schema and the registry's row of its tenant, as long as that is being created.
async fn drop_with_row(tx: DatabaseTransaction, schema: &str, tenant: Uuid) -> Result<bool, DbErr> {
    drop_in(&tx, schema).await?;
    // Last, for whoever puts the tenant into service waits for it.
    let row = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "DELETE FROM platform.tenants WHERE id = $1 AND schema_name = $2 AND status = 'creating'",
        [tenant.into(), schema.into()],
    );
    if tx.execute_raw(row).await?.rows_affected() == 0 {
        tx.rollback().await?;
        return Ok(false);
    }
    tx.commit().await?;
    Ok(true)
}

/// Drops a schema, the record of its migrations, and its role.
async fn drop_in(tx: &DatabaseTransaction, schema: &str) -> Result<(), DbErr> {
    run(tx, &format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).await?;
    let forget = "DELETE FROM platform.schema_migrations WHERE schema_name = $1";
    tx.execute_raw(call(forget, schema)).await?;
    tx.execute_raw(call("SELECT platform.drop_schema_role($1::name)", schema))
        .await?;
    Ok(())
}

/// What has been applied, to one schema or to all.
async fn applied<C: ConnectionTrait>(
    conn: &C,
    schema: Option<&str>,
) -> Result<Vec<Applied>, MigrationError> {
    const UNDEFINED_TABLE: &str = "42P01";
    fit::read(conn, schema).await.map_err(|error| match &error {
        DbErr::Query(RuntimeErr::SqlxError(source))
            if source
                .as_database_error()
                .is_some_and(|it| it.code().as_deref() == Some(UNDEFINED_TABLE)) =>
        {
            MigrationError::NotInstalled
        }
        _ => of(schema.unwrap_or(PLATFORM))(error),
    })
}

/// What of this program's migrations is missing in a schema; an error if it has others.
fn pending(schema: &str, applied: &[Applied]) -> Result<Vec<String>, MigrationError> {
    let sources = Manifest::of_sources();
    let (missing, wrong): (Vec<_>, Vec<_>) =
        fit::differences(schema, sources.scope(fit::scope_of(schema)), applied)
            .into_iter()
            .partition(|misfit| matches!(misfit, Misfit::Missing { .. }));
    if !wrong.is_empty() {
        return Err(MigrationError::Misfit(wrong));
    }
    let name = |misfit| match misfit {
        Misfit::Missing { name, .. }
        | Misfit::Unknown { name, .. }
        | Misfit::Altered { name, .. } => name,
    };
    Ok(missing.into_iter().map(name).collect())
}

/// Takes the owner's role, with the schema in front of everything else. A tenant schema is made, with
/// its role; the function for that is the login's to call, not the owner's. The role of the public
/// tenant is there before the schema `platform` is migrated, which gives it rights.
pub(crate) async fn enter(
    tx: &DatabaseTransaction,
    schema: &str,
    roles: &Roles,
) -> Result<(), DbErr> {
    let Roles {
        owner,
        schema: role,
        backup,
    } = roles;
    let make = match fit::scope_of(schema) {
        Scope::Platform => {
            tx.execute_raw(call(
                "SELECT platform.create_schema_role($1::name)",
                "public",
            ))
            .await?;
            String::new()
        }
        Scope::Tenant => {
            tx.execute_raw(call("SELECT platform.create_schema_role($1::name)", schema))
                .await?;
            format!(
                "CREATE SCHEMA IF NOT EXISTS {schema}; \
                 GRANT USAGE ON SCHEMA {schema} TO {role}, {backup};"
            )
        }
    };
    let enter =
        format!("SET LOCAL ROLE {owner}; {make} SET LOCAL search_path TO {schema}, extensions");
    run(tx, &enter).await
}

/// Records the migrations that were applied, in their own transaction.
async fn record(tx: &DatabaseTransaction, schema: &str, names: &[String]) -> Result<(), DbErr> {
    let sources = Manifest::of_sources();
    for entry in sources.scope(fit::scope_of(schema)) {
        if names.contains(&entry.name) {
            let insert = Statement::from_sql_and_values(
                DbBackend::Postgres,
                "INSERT INTO platform.schema_migrations (schema_name, name, sha256) \
                 VALUES ($1, $2, $3)",
                [
                    schema.into(),
                    entry.name.clone().into(),
                    entry.sha256.clone().into(),
                ],
            );
            tx.execute_raw(insert).await?;
        }
    }
    Ok(())
}

/// A statement whose one parameter is a schema's name.
fn call(sql: &str, schema: &str) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, [schema.into()])
}

/// Accepts the names that `platform.create_schema_role` accepts: safe to write into SQL.
fn tenant_schema(schema: &str) -> Result<(), MigrationError> {
    let safe = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let dedicated = schema
        .strip_prefix("t_")
        .is_some_and(|rest| (1..=40).contains(&rest.len()) && rest.bytes().all(safe));
    let pool = schema
        .strip_prefix("pool_")
        .is_some_and(|number| number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit()));
    if dedicated || pool || schema == "public" {
        Ok(())
    } else {
        Err(MigrationError::SchemaName(schema.to_owned()))
    }
}

pub(crate) fn of(schema: &str) -> impl FnOnce(DbErr) -> MigrationError {
    move |source| MigrationError::Migration {
        schema: schema.to_owned(),
        source,
    }
}
