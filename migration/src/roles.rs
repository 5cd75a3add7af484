//! The roles that a schema concerns, and batches of statements.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult, Statement};

/// The roles that a schema concerns.
#[derive(Debug, FromQueryResult)]
pub(crate) struct Roles {
    /// The owner of every schema.
    pub(crate) owner: String,
    /// The role of this schema.
    pub(crate) schema: String,
    /// The role that reads everything.
    pub(crate) backup: String,
}

impl Roles {
    /// Reads the names for a schema, or for the one that is being migrated.
    pub(crate) async fn read<C: ConnectionTrait>(
        conn: &C,
        schema: Option<&str>,
    ) -> Result<Self, DbErr> {
        let roles = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT platform.schema_role('owner')::text AS owner, \
             platform.schema_role(coalesce($1::name, current_schema()))::text AS schema, \
             platform.schema_role('backup')::text AS backup",
            [schema.into()],
        );
        Self::find_by_statement(roles)
            .one(conn)
            .await?
            .ok_or_else(|| DbErr::RecordNotFound("roles of the schema".to_owned()))
    }
}

/// Runs a batch of statements in one round trip.
#[expect(
    clippy::disallowed_methods,
    reason = "data definition takes no parameters, and a migration is many statements"
)]
pub(crate) async fn run<C: ConnectionTrait>(conn: &C, sql: &str) -> Result<(), DbErr> {
    conn.execute_unprepared(sql).await.map(|_| ())
}
