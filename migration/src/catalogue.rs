//! The catalogue check: whether PostgreSQL's own records say what the isolation of tenants needs.
//!
//! Migrations make tables through one helper and the installation makes the roles, but nothing
//! keeps a later hand from changing either. So the check reads the catalogue and trusts no code:
//! every table in a tenant schema, every right, every role.

use sqlx::{Connection as _, PgConnection};

use crate::{MigrationError, install};

/// A rule that the database breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{object}: {problem}; {remedy}")]
pub struct Finding {
    /// What breaks it: a table, a role, a function.
    pub object: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

/// Checks tables, rights and roles. A healthy database has no finding. For the migrator's login or
/// a superuser's.
pub async fn check(conn: &mut PgConnection) -> Result<Vec<Finding>, MigrationError> {
    if install::find(conn).await?.is_none() {
        return Err(MigrationError::NotInstalled);
    }
    let mut tx = conn.begin().await?;
    // The planner expects much of functions that return sets; compiling took 100 times as long as
    // running. And of a catalogue that just grew it expects nothing: looking every table up in a loop
    // over every table took 5.4 s in 500 new schemas, joining by hash takes 0.9 s in old and new ones,
    // as long as it is not shared among workers, which took 1.5 s.
    sqlx::raw_sql(
        "SET LOCAL jit = off; SET LOCAL enable_nestloop = off; \
         SET LOCAL max_parallel_workers_per_gather = 0",
    )
    .execute(&mut *tx)
    .await?;
    let mut findings = Vec::new();
    for rules in [
        include_str!("catalogue/tables.sql"),
        include_str!("catalogue/rights.sql"),
        include_str!("catalogue/roles.sql"),
    ] {
        let rows: Vec<(String, String, String)> = sqlx::query_as(rules).fetch_all(&mut *tx).await?;
        let finding = |(object, problem, remedy)| Finding {
            object,
            problem,
            remedy,
        };
        findings.extend(rows.into_iter().map(finding));
    }
    tx.rollback().await?;
    Ok(findings)
}
